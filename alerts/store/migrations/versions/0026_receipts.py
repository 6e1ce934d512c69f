"""receipts: what receivers let us know about incidents.

Revision: 0026
Before it: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    at = sa.DateTime(timezone=True)
    op.create_table(
        "receipts",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("receiver", sa.String(64), nullable=False),
        sa.Column("incident_id", sa.String(36), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("said_at", at, nullable=False),
        sa.Column("taken_at", at, nullable=False),
    )
    op.create_index("ix_receipts_incident_id", "receipts", ["incident_id"])
    op.create_index("ix_receipts_receiver", "receipts", ["receiver", "taken_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_receipts_receiver", "receipts")
    op.drop_index("ix_receipts_incident_id", "receipts")
    op.drop_table("receipts")
