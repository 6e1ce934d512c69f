"""again: since when a delivery is owed that a person wanted to be sent again.

Revision: 0017
Before it: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("outbox", sa.Column("owed_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("outbox", "owed_since")
