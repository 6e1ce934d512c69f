"""lasting: figures beside incidents, and what rules count for longer than the log is read back.

Revision: 0008
Before it: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "checkpoints",
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("states", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("figures", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("incidents") as table:
        table.alter_column("figures", server_default=None)  # of rows that were there before it only


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("incidents") as table:
        table.drop_column("figures")
    op.drop_table("checkpoints")
