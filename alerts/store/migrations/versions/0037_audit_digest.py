"""audit.digest: each entry carries a digest of itself and of the one before it.

Revision: 0037
Before it: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it. Older entries have none, for an entry is never changed: the chain begins behind them."""
    op.add_column("audit", sa.Column("digest", sa.String(64)))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("audit", "digest")
