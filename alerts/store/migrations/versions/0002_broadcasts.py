"""broadcasts: how often it was said at an incident's place, and since when people must look.

Revision: 0002
Before it: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("spoken", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("spoken_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("incidents") as table:
        table.alter_column("spoken", server_default=None)  # of rows that were there before it only


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("incidents") as table:
        table.drop_column("escalated_at")
        table.drop_column("spoken_at")
        table.drop_column("spoken")
