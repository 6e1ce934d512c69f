"""exports: incidents that people take out, and who approved it.

Revision: 0034
Before it: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    at = sa.DateTime(timezone=True)
    op.create_table(
        "exports",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident_id", sa.String(36), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", at, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ends_at", at, nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_at", at),
        sa.Column("decided_why", sa.Text(), nullable=False),
        sa.Column("fetched_at", at),
    )
    op.create_index("ix_exports_incident_id", "exports", ["incident_id"])
    op.create_index("ix_exports_state", "exports", ["state", "ends_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_exports_state", "exports")
    op.drop_index("ix_exports_incident_id", "exports")
    op.drop_table("exports")
