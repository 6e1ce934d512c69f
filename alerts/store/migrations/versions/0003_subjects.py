"""subjects: whom an incident is about where the place is not enough, and whether a person must look first.

Revision: 0003
Before it: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("subject", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("review", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("incidents") as table:
        # Of rows that were there before it only.
        table.alter_column("subject", server_default=None)
        table.alter_column("review", server_default=None)


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("incidents") as table:
        table.drop_column("review")
        table.drop_column("subject")
