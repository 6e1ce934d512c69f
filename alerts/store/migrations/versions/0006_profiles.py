"""profiles: who put which one in force, and until when.

Revision: 0006
Before it: 0005
"""

import sqlalchemy as sa
from alembic import op

from alerts.store.types import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "profile_switches",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(64), nullable=False),
    )
    op.create_index("ix_switches_until", "profile_switches", ["until"])


def downgrade() -> None:
    """Undo it."""
    op.drop_table("profile_switches")
