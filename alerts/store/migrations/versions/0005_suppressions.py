"""suppressions: what people said is to be held back, and why nobody heard of an incident.

Revision: 0005
Before it: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WORDS = {"muted": 32, "muted_by": 36, "silent": 32}
_NAMES = {"camera": 64, "point": 64, "place": 64, "zone": 64, "receiver": 64, "label": 64}


def upgrade() -> None:
    """Apply it."""
    with op.batch_alter_table("incidents") as table:
        for name, length in _WORDS.items():
            table.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        table.add_column(sa.Column("silent_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("incidents") as table:
        for name in _WORDS:
            table.alter_column(name, server_default=None)  # of rows that were there before it only
    op.create_table(
        "suppressions",
        sa.Column("id", sa.String(length=36), primary_key=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in _NAMES.items()),
        sa.Column("xyxyn", sa.JSON(), nullable=True),
        sa.Column("heads", sa.Integer(), nullable=True),
        sa.Column("hours", sa.JSON(), nullable=True),
        sa.Column("task_after_s", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=64), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("last_held_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_suppressions_revision", "suppressions", ["revision"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_suppressions_revision", "suppressions")
    op.drop_table("suppressions")
    with op.batch_alter_table("incidents") as table:
        table.drop_column("silent_at")
        for name in reversed(_WORDS):
            table.drop_column(name)
