"""unsure: how many attempts at a delivery may have reached its receiver.

Revision: 0024
Before it: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("outbox", sa.Column("unsure", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE outbox SET unsure = attempts")  # whatever was tried before may have been taken
    with op.batch_alter_table("outbox") as table:
        table.alter_column("unsure", server_default=None)  # of rows that were there before it only


def downgrade() -> None:
    """Undo it."""
    op.drop_column("outbox", "unsure")
