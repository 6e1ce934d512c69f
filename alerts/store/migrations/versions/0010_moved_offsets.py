"""moved offsets: when a partition was last read, so that each service sees whether all of them are.

Revision: 0010
Before it: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    with op.batch_alter_table("offsets") as table:
        table.add_column(sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("offsets") as table:
        table.drop_column("moved_at")
