"""said: what was said lately is found by its time, whoever said it.

Revision: 0015
Before it: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index("ix_outbox_kind", "outbox", ["kind", "captured_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_outbox_kind", "outbox")
