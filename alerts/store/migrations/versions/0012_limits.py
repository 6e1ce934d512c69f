"""limits: since when a case stands as it does, and when somebody must hear of it.

Revision: 0012
Before it: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENTS = ("state_since", "alarmed_at", "next_at")


def upgrade() -> None:
    """Apply it. Open cases get the time of their last change, and no tiers: those would all be late."""
    for name in _MOMENTS:
        op.add_column("incidents", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("overdue", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("tiers_reached", "tiers_due"):
        op.add_column("incidents", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("incidents") as table:
        for name in ("overdue", "tiers_reached", "tiers_due"):
            table.alter_column(name, server_default=None)  # of rows that were there before it only
    op.create_index("ix_incidents_next", "incidents", ["next_at"])
    op.create_index("ix_incidents_state", "incidents", ["state", "ended_at"])
    op.execute("UPDATE incidents SET state_since = updated_at")


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_incidents_state", "incidents")
    op.drop_index("ix_incidents_next", "incidents")
    for name in (*_MOMENTS, "overdue", "tiers_reached", "tiers_due"):
        op.drop_column("incidents", name)
