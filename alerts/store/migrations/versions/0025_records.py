"""records: which alert service is telling a subscriber of cameras and tollgates, until when.

Revision: 0025
Before it: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("subscriptions", sa.Column("telling_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("subscriptions", "telling_until")
