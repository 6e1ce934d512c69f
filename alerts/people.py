"""Who may log in beside those of the configuration: added, changed and locked by administrators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from alerts.settings import Settings
from alerts.store import Store, people
from alerts.store.people import PersonRow
from lianfang.clock import Clock
from lianfang.config.api import Role
from lianfang.errors import LianfangError

_Edit = Callable[[Session, PersonRow], None]


class NotPossible(LianfangError):  # noqa: N818 - reads as the fact it states
    """It cannot be done; ``code`` is for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Person:
    """What an administrator says of somebody: name, role, and the cells of the grid in which they work."""

    name: str
    role: Role
    cells: Sequence[str] = ()


class PeopleBook:
    """The people of the store. LookupError for who is not there, NotPossible for what may not be."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store, self._settings, self._clock = store, settings, clock

    def add(self, person_id: str, person: Person, password_hash: str, by: str) -> PersonRow:
        """Let somebody in, with a password that they must change."""
        file = self._settings.file
        if person_id in file.api.operators or person_id in file.grid_cells:
            raise NotPossible("taken", f"{person_id} stands in the configuration")
        self._check(person)
        with self._store.write() as session:
            if session.get(PersonRow, person_id) is not None:
                raise NotPossible("taken", f"there is a {person_id} already")
            row = PersonRow(
                id=person_id,
                revision=people.next_revision(session),
                name=person.name,
                role=person.role,
                cells=list(person.cells),
                password_hash=password_hash,
                must_change=True,
                created_at=self._clock.now(),
                created_by=by,
            )
            session.add(row)
        self._settings.look()
        return row

    def change(self, person_id: str, person: Person, by: str) -> PersonRow:
        """Give somebody another name, role, or cells; nobody takes their own role away."""
        self._check(person)

        def edit(session: Session, row: PersonRow) -> None:
            if person.role != row.role:
                self._keep(session, row, by)
            row.name, row.role, row.cells = person.name, person.role, list(person.cells)

        return self._edit(person_id, edit)

    def lock(self, person_id: str, by: str) -> PersonRow:
        """Let somebody in no more: their sessions end at once."""

        def edit(session: Session, row: PersonRow) -> None:
            self._keep(session, row, by)
            row.locked_at = self._clock.now()

        return self._edit(person_id, edit)

    def unlock(self, person_id: str) -> PersonRow:
        """Let somebody in again."""

        def edit(_session: Session, row: PersonRow) -> None:
            row.locked_at = None

        return self._edit(person_id, edit)

    def set_password(self, person_id: str, password_hash: str, *, own: bool) -> PersonRow:
        """Give somebody another password: their sessions end. They must change what is not their ``own``."""

        def edit(_session: Session, row: PersonRow) -> None:
            row.password_hash, row.must_change = password_hash, not own

        return self._edit(person_id, edit)

    def _edit(self, person_id: str, edit: _Edit) -> PersonRow:
        with self._store.write() as session:
            row = session.get(PersonRow, person_id)
            if row is None:
                raise LookupError(f"nobody is called {person_id} in the store")
            edit(session, row)
            row.revision = people.next_revision(session)
        self._settings.look()
        return row

    def _check(self, person: Person) -> None:
        unknown = sorted(set(person.cells) - self._settings.file.grid_cells.keys())
        if unknown:
            raise NotPossible("unknown_cell", f"no cell {', '.join(unknown)}")

    def _keep(self, session: Session, row: PersonRow, by: str) -> None:
        """Refuse to lose the last who may manage people, and that somebody does it to themselves."""
        if row.id == by:
            raise NotPossible("yourself", "another administrator must do this to you")
        others = set(people.administrators(session)) - {row.id}
        if row.role == "administrator" and not others and not self._settings.file.api.administrators:
            raise NotPossible("last_administrator", f"{row.id} is the last administrator")
