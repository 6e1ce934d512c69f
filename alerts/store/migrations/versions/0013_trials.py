"""trials: why one was signed off, and with what figure.

Revision: 0013
Before it: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("suppressions", sa.Column("figure", sa.JSON(), nullable=True))
    with op.batch_alter_table("suppressions") as table:
        table.add_column(sa.Column("lifted_why", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("suppressions") as table:
        table.alter_column("lifted_why", server_default=None)  # of rows that were there before it only


def downgrade() -> None:
    """Undo it; trials are unknown before it."""
    op.execute("DELETE FROM suppressions WHERE kind = 'trial'")
    op.drop_column("suppressions", "lifted_why")
    op.drop_column("suppressions", "figure")
