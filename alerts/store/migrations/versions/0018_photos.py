"""photos: pictures that people took of a case.

Revision: 0018
Before it: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "photos",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident_id", sa.String(36), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file", sa.String(128), nullable=False),
    )
    op.create_index("ix_photos_incident_id", "photos", ["incident_id"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_photos_incident_id", "photos")
    op.drop_table("photos")
