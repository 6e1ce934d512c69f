"""camera_states: what is known of a camera's clock.

Revision: 0029
Before it: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("camera_states", sa.Column("clocks", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("camera_states") as table:
        table.alter_column("clocks", server_default=None)


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("camera_states") as table:
        table.drop_column("clocks")
