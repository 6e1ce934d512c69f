"""Who shares which camera: invited, connected, paused, withdrawn. The store has it, versions follow."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from alerts.editing import Editor, shared
from alerts.guests import consent, withdrawal
from alerts.guests.offer import Offer
from alerts.guests.problems import NotPossible
from alerts.guests.pushing import may_read, name_of
from alerts.guests.servers import Question, cut
from alerts.settings import Settings
from alerts.store import Store, guests, versions
from alerts.store.guests import GuestRow, InvitationRow
from alerts.store.store import QUIET
from lianfang.clock import Clock
from lianfang.config.faults import Document
from lianfang.config.guests import PREFIX, Guest, Guests
from lianfang.config.joining import unjoinable
from lianfang.errors import ConfigError, TransientError
from lianfang.ids import identify
from lianfang.sealing import Seal

_log = structlog.get_logger()
_LET_GO, _LONG_AGO = timedelta(seconds=10), timedelta(days=2)
_LATE = timedelta(minutes=15)  # longer than any bus keeps frames
_TRIES = 3  # somebody else changes the settings at the same time


class GuestBook:
    """Keeps the cameras of guests. Thread-safe."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        folder: Path,
        forget: Callable[[str], object] = lambda _camera: None,
    ) -> None:
        """``folder`` is that of the evidence; ``forget`` deletes what the bus keeps of a camera's frames."""
        self._store, self._settings, self._clock = store, settings, clock
        self._editor = Editor(store, settings, clock)
        self._folder, self._forget = folder, forget
        self._lock = threading.Lock()

    @property
    def asked(self) -> Guests:
        """What the configuration says of guests; NotPossible where nobody can be one."""
        guests_asked = self._settings.file.guests
        if guests_asked is None:
            raise NotPossible("no_guests", "the configuration has no `guests`")
        return guests_asked

    @property
    def seal(self) -> Seal:
        """What credentials are sealed with; the keys are read anew, so that they may change."""
        try:
            return Seal(self.asked.secrets)
        except LookupError as error:
            raise NotPossible("no_key", f"guests.key: {error.args[0]}") from error

    def invite(self, author: str, name: str, near: str) -> tuple[InvitationRow, str]:
        """Return an invitation and what stands in its link, which nobody can read again."""
        token, digest = guests.new_secret()
        now = self._clock.now()
        self._fits(name, near)
        row = InvitationRow(
            id=identify("invitation", digest),
            digest=digest,
            name=name,
            near=near,
            author=author,
            created_at=now,
            expires_at=now + timedelta(hours=self.asked.invitation_hours),
        )
        with self._store.write() as session:
            session.add(row)
        _log.info("guest_invited", invitation=row.id, author=author)
        return row, token

    def revoke(self, invitation_id: str, by: str) -> None:
        """Make an invitation worthless; LookupError where there is none."""
        with self._store.write() as session:
            row = session.get(InvitationRow, invitation_id, with_for_update=True)
            if row is None:
                raise LookupError(f"no invitation {invitation_id}")
            if row.ended_at is None:
                row.ended_at, row.push_digest = self._clock.now(), ""
        _log.info("invitation_revoked", invitation=invitation_id, by=by)

    def push(self, invitation_id: str) -> tuple[str, str]:
        """Return where to push to, and a new key for it. NotPossible; LookupError where it is over."""
        server = self.asked.media_server
        if server is None:
            raise NotPossible("no_push", "there is no media server to push to")
        key, digest = guests.new_secret()
        with self._store.write() as session:
            row = session.get(InvitationRow, invitation_id, with_for_update=True)
            if row is None or row.ended_at is not None:
                raise LookupError(f"no invitation {invitation_id}")
            row.push_digest = digest
        return server.push, key

    def lets_in(self, asked: Question) -> bool:
        """Say whether a stream may be pushed, or taken, now."""
        with self._store.read() as session:
            digest = guests.pushing(session, name_of(""), asked.stream, self._clock.now())
        if digest is None or name_of(digest) != asked.stream:
            return False
        if asked.wants == "publish":
            return secrets.compare_digest(guests.digest(asked.key), digest)
        return may_read(self.asked, asked.stream, asked.key)

    def join(self, token: str, offer: Offer, community: str) -> tuple[GuestRow, str]:
        """Take a camera; return it and what stands in its owner's link.

        NotPossible where the invitation is not good any more; ConfigError where something is not allowed.
        """
        guest_id = PREFIX + secrets.token_hex(5)
        owner_token, owner_digest = guests.new_secret()
        with self._store.write() as session:
            invitation = self._good(session, token)
            guest = self._tried(guest_id, offer, invitation)
            if len(guests.shared(session)) >= self.asked.at_most:
                raise NotPossible("full", f"there are {self.asked.at_most} cameras of guests already")
            now = self._clock.now()
            row = GuestRow(
                id=guest_id,
                invitation_id=invitation.id,
                owner_digest=owner_digest,
                state="active",
                state_since=now,
                allowed=guest.model_dump(mode="json", exclude={"paused"}),
                sealed=self.seal.close(offer.source),
                how=offer.how,
                push_digest=invitation.push_digest if offer.how == "pushed" else "",
                consented_at=now,
                consent=consent.given(offer.language, community, offer.owner),
            )
            session.add(row)
            invitation.guest_id, invitation.ended_at, invitation.push_digest = guest_id, now, ""
        _log.info("guest_joined", camera_id=guest_id, how=offer.how)
        self.reconcile(guest_id, "connected by its owner")
        return row, owner_token

    def pause(self, guest_id: str, *, paused: bool, by: str, why: str = "") -> None:
        """Share no pictures for now, or again; LookupError where there is no such camera any more."""
        with self._store.write() as session:
            row = self._shared(session, guest_id)
            state = "paused" if paused else "active"
            if row.state != state:
                row.state, row.state_since = state, self._clock.now()
                row.ended_by, row.ended_why = (by, why) if paused else ("", "")
            stream = row.push_digest if paused else ""
        _log.info("guest_paused" if paused else "guest_resumed", camera_id=guest_id, by=by)
        self.reconcile(by, "paused" if paused else "shared again")
        self._cut(stream)

    def withdraw(self, guest_id: str, by: str, why: str) -> None:
        """End it for good: read no more, forget how, delete what need not be kept. LookupError."""
        with self._store.write() as session:
            row, now = self._shared(session, guest_id), self._clock.now()
            stream = row.push_digest
            row.state, row.state_since, row.sealed, row.push_digest = "withdrawn", now, "", ""
            row.ended_by, row.ended_why = by, why
            report, files = withdrawal.purge(session, row, now)
            row.report = report.plain(now)
            withdrawal.delete(self._folder, files)  # before it is committed: rather lost than left over
        self._forget(guest_id)
        _log.info("guest_withdrawn", camera_id=guest_id, by=by)
        self.reconcile(by, "withdrawn")
        self._cut(stream)

    def renew(self, guest_id: str, by: str) -> str:
        """Return what stands in a new link of the owner; the old one is worthless. LookupError."""
        token, digest = guests.new_secret()
        with self._store.write() as session:
            row = session.get(GuestRow, guest_id, with_for_update=True)
            if row is None:
                raise LookupError(f"no camera {guest_id}")
            row.owner_digest = digest
        _log.info("owner_link_renewed", camera_id=guest_id, by=by)
        return token

    def forget_unshared(self) -> None:
        """Delete the frames that the bus may still have of cameras that are not shared now."""
        now = self._clock.now()
        with self._store.read() as session:
            rows = guests.rows(session)
        for row in rows:
            if row.state != "active" and _LET_GO < now - row.state_since < _LONG_AGO:
                self._forget(row.id)

    def purge_later(self, *, fresh: bool = False) -> None:
        """Delete of cameras that were withdrawn what has not to be kept any more.

        With ``fresh`` only of those that were withdrawn just now, of which something may have come late.
        """
        now = self._clock.now()
        with self._store.read() as session:
            gone = [row for row in guests.rows(session) if row.state == "withdrawn"]
        due = [row.id for row in gone if (now - row.state_since < _LATE if fresh else row.report)]
        if not due:
            return
        with self._store.write() as session:
            for guest_id in due:
                row = session.get_one(GuestRow, guest_id, with_for_update=True)
                report, files = withdrawal.purge(session, row, now)
                withdrawal.delete(self._folder, files)
                before = withdrawal.Report.of(row.report)
                if report.kept != before.kept or files:
                    row.report = before.followed_by(report).plain(now)
            session.info[QUIET] = not session.dirty

    def reconcile(self, author: str, reason: str) -> bool:
        """Make the settings what the owners want; return whether they are. It is tried again later."""
        with self._lock:
            for _ in range(_TRIES):
                try:
                    wanted = self._wanted()
                    if self._editor.newest()[1].guests != wanted:
                        self._editor.change(shared(wanted), author, reason)
                except versions.Outdated:
                    continue
                except ConfigError as error:
                    _log.error("guests_do_not_fit", problems=str(error))
                    return False
                return True
        return False

    def _cut(self, push_digest: str) -> None:
        """Cut a stream at the media server; where that fails, ingest takes it no more all the same."""
        server = self.asked.media_server
        if server is None or not push_digest:
            return
        try:
            asyncio.run(cut(server, name_of(push_digest)))
        except TransientError as error:
            _log.warning("stream_not_cut", stream=name_of(push_digest), reason=str(error))

    def _wanted(self) -> Mapping[str, Guest]:
        """Return what all owners share, of each as much as fits the file now."""
        file = self._settings.file
        if file.guests is None:
            return {}
        with self._store.read() as session:
            rows = guests.shared(session)
        found = {}
        for row in rows:
            rules = tuple(rule for rule in row.allowed["rules"] if rule in file.guests.rules)
            near = row.allowed["near"] if row.allowed["near"] in file.points else None
            guest = Guest.model_validate(
                {**row.allowed, "rules": rules, "near": near, "paused": row.state == "paused"}
            )
            if problems := list(unjoinable(Document(Path("guests")), file, {row.id: guest})):
                _log.error("guest_does_not_fit", camera_id=row.id, problems=str(ConfigError(problems)))
            else:
                found[row.id] = guest
        return found

    def _good(self, session: Session, token: str) -> InvitationRow:
        found = guests.invitation(session, token, self._clock.now())
        row = found and session.get(InvitationRow, found.id, with_for_update=True, populate_existing=True)
        if row is None or row.ended_at is not None:
            raise NotPossible("no_invitation", "this invitation was used, revoked, or is over")
        return row

    def _shared(self, session: Session, guest_id: str) -> GuestRow:
        row = session.get(GuestRow, guest_id, with_for_update=True)
        if row is None or row.state == "withdrawn":
            raise LookupError(f"no camera {guest_id}")
        return row

    def _tried(self, guest_id: str, offer: Offer, invitation: InvitationRow) -> Guest:
        """Return what an owner allows, which must fit into what is in force; ConfigError."""
        guest = offer.guest(invitation.name, invitation.near)
        _, changes = self._editor.newest()
        self._settings.books.tried(shared({**changes.guests, guest_id: guest})(changes))
        return guest

    def _fits(self, name: str, near: str) -> None:
        guest = Offer.plain(name, near)
        problems = list(unjoinable(Document(Path("invitation")), self._settings.file, {f"{PREFIX}x": guest}))
        if problems:
            raise ConfigError(problems)
