"""A police platform that believes nothing it cannot verify. See docs/protocols/webhook.md.

``python -m deploy.simulators.police --port 8902 --secret-file secret``
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import simplejpeg
from aiohttp import web
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.payload import Notice, NoticeClip, NoticePicture
from deploy.simulators.films import check_film
from deploy.simulators.server import Fault, Say, Simulator, serve_for_ever, to_stdout


@dataclass(frozen=True, slots=True)
class Received:
    """A notice that was taken, with its ``webhook-id`` and the bytes it came in."""

    id: str
    notice: Notice
    body: bytes


_WITHDRAWN = frozenset({"false_alarm", "permitted"})


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class PoliceReceiver(Simulator):
    """A receiver of notices: verifies the signature with the reference library, and everything it says.

    ``received`` holds each id once, ``repeats`` the ids that came again, ``altered`` those whose body was
    another then, ``refused`` why others were not taken. ``secrets`` are all it accepts; a message needs to
    be signed with one of them. Where ``answers`` is set, a URL and a key, it lets the sender know at once
    that it has a ``live`` or ``task`` one.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        name: str = "police",
        host: str = "127.0.0.1",
        port: int = 0,
        path: str = "/alerts",
        delay_s: float = 0,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self.name = name
        self.received: list[Received] = []
        self.repeats: list[str] = []
        self.altered: list[str] = []
        self.answers: tuple[str, str] | None = None
        self.refused: list[str] = []
        self._verifiers = [Webhook(secret) for secret in secrets]
        self._path, self._delay_s = path, delay_s
        self._bodies: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where notices are to be posted."""
        return f"{super().url}{self._path}"

    async def let_know(self, receipts_url: str, key: str, number: str, step: str, **said: str) -> int:
        """Post to ``receipts_url`` what becomes of an incident, signed with ``key``; return the status.

        ``said`` may hold ``by``, ``note``, and ``message_id`` where it is said again.
        """
        now = datetime.now(UTC)
        message_id = said.pop("message_id", "") or str(uuid4())
        body = json.dumps({"number": number, "step": step, "at": now.isoformat(), **said}, ensure_ascii=False)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(key).sign(message_id, now, body),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(receipts_url, data=body.encode(), headers=headers) as answer,
        ):
            self.say(f"[{self.name}] {step} {number[:8]}: {answer.status}")
            return answer.status

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        return [web.post(self._path, self.faulty(self._post))]

    async def _post(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self._delay_s)
        body = await request.read()
        try:
            notice = self._checked(request, body)
        except _RefusedError as refusal:
            self.refused.append(str(refusal))
            self.say(f"[{self.name}] REFUSED ({refusal.status}): {refusal}")
            return web.json_response({"detail": str(refusal)}, status=refusal.status)
        message_id = request.headers["webhook-id"]
        if message_id in self._bodies:
            self.altered += [message_id] if self._bodies[message_id] != body else []
            self.repeats.append(message_id)
            self.say(f"[{self.name}] again: {message_id}")
            return web.json_response({"outcome": "known"})
        self._bodies[message_id] = body
        self._versions[notice.number] = notice.version
        self.received.append(Received(message_id, notice, body))
        self.say(f"[{self.name}] {_line(notice)}")
        if self.answers is not None and notice.mode in ("live", "task"):
            step = "withdrawn_confirmed" if notice.change in _WITHDRAWN else "received"
            await self.let_know(*self.answers, notice.number, step, by=self.name)
        return web.json_response({"outcome": "taken"})

    def _checked(self, request: web.Request, body: bytes) -> Notice:
        self._verify(request, body)
        message_id = request.headers["webhook-id"]
        if request.content_type == "application/cloudevents+json":
            body = _data_of(body, message_id)
        elif request.content_type != "application/json":
            raise _RefusedError(415, f"what is of type {request.content_type} is not read")
        try:
            notice = Notice.model_validate_json(body)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            raise _RefusedError(400, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
        if notice.mode == "live" and (notice.confirmed_by is None or notice.confirmed_at is None):
            raise _RefusedError(422, "live, but no person has confirmed it")
        for i, picture in enumerate(notice.pictures):
            _check_picture(i, picture)
        if notice.clip is not None:
            _check_clip(notice.clip)
        newest = self._versions.get(notice.number, -1)
        if message_id not in self._bodies and notice.version <= newest:
            raise _RefusedError(409, f"version {notice.version} after version {newest}")
        return notice

    def _verify(self, request: web.Request, body: bytes) -> None:
        problem = "no secret"
        for verifier in self._verifiers:
            try:
                verifier.verify(body, dict(request.headers), json_parse=False)
            except (WebhookVerificationError, ValueError) as error:  # ValueError: a header or body in pieces
                problem = str(error)
            else:
                return
        raise _RefusedError(401, f"signature: {problem}")


def _data_of(body: bytes, message_id: str) -> bytes:
    """Return the data of a CloudEvent, which must be about the message ``message_id``."""
    try:
        event = json.loads(body)
    except ValueError as error:
        raise _RefusedError(400, "no JSON") from error
    about = {"specversion": "1.0", "id": message_id, "type": "lianfang.incident.v1"}
    if not isinstance(event, dict) or any(event.get(key) != value for key, value in about.items()):
        raise _RefusedError(400, f"no CloudEvent with {about}")
    if not str(event.get("source", "")).startswith("urn:lianfang:"):
        raise _RefusedError(400, "a CloudEvent without its source")
    return json.dumps(event.get("data")).encode()


def _check_picture(index: int, picture: NoticePicture) -> None:
    if bool(picture.url) == bool(picture.data_base64) or bool(picture.url) != bool(picture.expires_at):
        raise _RefusedError(400, f"picture {index} is neither in the message nor behind a link that expires")
    if picture.url:
        return
    try:
        jpeg = base64.b64decode(picture.data_base64, validate=True)
    except binascii.Error as error:
        raise _RefusedError(400, f"picture {index} is no base64") from error
    if hashlib.sha256(jpeg).hexdigest() != picture.sha256:
        raise _RefusedError(400, f"picture {index} is not what its sha256 says")
    try:
        simplejpeg.decode_jpeg(jpeg)
    except ValueError as error:
        raise _RefusedError(400, f"picture {index} is no JPEG: {error}") from error


def _check_clip(clip: NoticeClip) -> None:
    if clip.state == "missing":
        if not clip.missing or clip.url or clip.data_base64:
            raise _RefusedError(400, "a clip that is missing, and nobody says why, or here it is")
        return
    if clip.begins_at is None or clip.ends_at is None or not clip.sha256 or not clip.path:
        raise _RefusedError(400, "a clip without its times, its sha256 or where it is")
    if (clip.url and clip.data_base64) or bool(clip.url) != bool(clip.expires_at):
        raise _RefusedError(400, "a clip in two places, or behind a link that does not expire")
    if clip.data_base64:
        try:
            lasts = (clip.ends_at - clip.begins_at).total_seconds()
            check_film(clip.data_base64, clip.size_bytes, lasts, clip.sha256)
        except ValueError as error:
            raise _RefusedError(400, f"the clip: {error}") from error


def _line(notice: Notice) -> str:
    kinds = ", ".join(picture.kind for picture in notice.pictures)
    pictures = kinds or f"no picture ({notice.pictures_missing or 'none was sent'})"
    where = f"{notice.place.point_name} {notice.place.zone_name}".strip()
    return (
        f"{notice.mode.upper()} {notice.number[:8]} v{notice.version} {notice.change}: {notice.title}, "
        f"{where}, {notice.people} there; {pictures}"
    )


def main() -> None:
    """Run the receiver until interrupted."""
    parser = argparse.ArgumentParser(description="A police platform that verifies what it gets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8902)
    parser.add_argument("--name", default="police")
    parser.add_argument(
        "--secret-file",
        type=Path,
        action="append",
        required=True,
        help="file with a whsec_ key; may be repeated",
    )
    parser.add_argument(
        "--receipts", metavar="URL", help="say here what becomes of incidents, signed with the first key"
    )
    options = parser.parse_args()
    secrets = [file.read_text(encoding="utf-8").strip() for file in options.secret_file]
    simulator = PoliceReceiver(secrets, name=options.name, host=options.host, port=options.port)
    if options.receipts is not None:
        simulator.answers = options.receipts, secrets[0]
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(simulator))


if __name__ == "__main__":
    main()
