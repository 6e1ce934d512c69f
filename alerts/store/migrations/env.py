"""Alembic's entry: migrations run on the connection that the store gives."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from alerts.store.schema import Base
from alerts.store.types import Text, UTCDateTime


def _render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write a migration in SQLAlchemy's own types: it must still run when our classes have changed."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Text):
        return "sa.Text()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
