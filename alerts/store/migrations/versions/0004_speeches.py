"""speeches: what a speaker has said lately is found at once.

Revision: 0004
Before it: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index("ix_outbox_said", "outbox", ["receiver", "captured_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_outbox_said", "outbox")
