"""life: states by what must happen next, confirmation as a fact beside them, and an assignee.

Revision: 0011
Before it: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("incidents", sa.Column("assignee", sa.String(length=64), nullable=True))
    op.execute("UPDATE incidents SET state = 'escalated' WHERE state = 'open' AND escalated_at IS NOT NULL")
    op.execute("UPDATE incidents SET state = 'new' WHERE state = 'open'")
    op.execute("UPDATE incidents SET state = 'acknowledged' WHERE state = 'confirmed'")


def downgrade() -> None:
    """Undo it. What the older states cannot say becomes the nearest that asks no less of people."""
    op.execute("UPDATE incidents SET state = 'acknowledged' WHERE state IN ('dispatched', 'handled')")
    op.execute(
        "UPDATE incidents SET state = 'confirmed' WHERE state = 'acknowledged' AND confirmed_at IS NOT NULL"
    )
    op.execute("UPDATE incidents SET state = 'closed' WHERE state IN ('permitted', 'cleared')")
    op.execute("UPDATE incidents SET state = 'open' WHERE state IN ('new', 'broadcasting', 'escalated')")
    op.drop_column("incidents", "assignee")
