"""uptime: when cameras gave pictures, when platforms were reached, and their clocks.

Revision: 0023
Before it: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it. What is known of the cameras now is where their history begins."""
    op.create_table(
        "camera_changes",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("condition", sa.String(16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_camera_changes_camera", "camera_changes", ["camera", "since"])
    op.execute(
        "INSERT INTO camera_changes (camera, condition, since) "
        "SELECT camera, condition, since FROM camera_states"
    )
    op.create_table(
        "platform_links",
        sa.Column("receiver", sa.String(64), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "platform_clocks",
        sa.Column("receiver", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("offset_s", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("platform_clocks")
    op.drop_table("platform_links")
    op.drop_index("ix_camera_changes_camera", "camera_changes")
    op.drop_table("camera_changes")
