"""camera_states: what is wrong with what a camera shows, and the details of why it is offline.

Revision: 0027
Before it: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("camera_states", sa.Column("detail", sa.Text(), nullable=False, server_default=""))
    op.add_column("camera_states", sa.Column("faults", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("camera_states") as table:
        table.alter_column("detail", server_default=None)
        table.alter_column("faults", server_default=None)


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("camera_states") as table:
        table.drop_column("faults")
        table.drop_column("detail")
