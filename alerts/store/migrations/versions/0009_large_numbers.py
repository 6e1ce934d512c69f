"""large numbers: changes, deliveries and offsets may pass 2³¹, on databases whose integers end there.

Revision: 0009
Before it: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NUMBERED = ("changes", "outbox")
_COLUMNS = (
    *((table, "seq") for table in _NUMBERED),
    ("speakers", "seq"),
    ("offsets", "next_offset"),
    ("dead_records", "offset"),
)


def upgrade() -> None:
    """Apply it."""
    _alter(sa.Integer(), sa.BigInteger(), "bigint")


def downgrade() -> None:
    """Undo it."""
    _alter(sa.BigInteger(), sa.Integer(), "integer")


def _alter(before: sa.types.TypeEngine[int], after: sa.types.TypeEngine[int], sequence: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return  # its integers have 64 bits
    for table, column in _COLUMNS:
        op.alter_column(table, column, existing_type=before, type_=after)
    for table in _NUMBERED:
        op.execute(f"ALTER SEQUENCE {table}_seq_seq AS {sequence}")
