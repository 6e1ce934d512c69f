"""late: incidents that became known too late, until they are told together.

Revision: 0016
Before it: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("incidents", sa.Column("late_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_incidents_late", "incidents", ["late_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_incidents_late", "incidents")
    op.drop_column("incidents", "late_at")
