"""walk_tests, audibility_tests: whether people are seen, and whether speakers are heard, on the spot.

Revision: 0035
Before it: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    at = sa.DateTime(timezone=True)
    op.create_table(
        "walk_tests",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("point", sa.String(64), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double()),
        sa.Column("light", sa.String(16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("started_at", at, nullable=False),
        sa.Column("until", at, nullable=False),
        sa.Column("ended_at", at),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("seen_at", at),
        sa.Column("last_seen_at", at),
        sa.Column("height_px", sa.Integer()),
        sa.Column("heights_px", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("alert_at", at),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("held", sa.String(32), nullable=False),
    )
    op.create_index("ix_walk_tests_zone", "walk_tests", ["camera", "zone", "started_at"])
    op.create_table(
        "audibility_tests",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("speaker", sa.String(64), nullable=False),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        sa.Column("heard", sa.String(16), nullable=False),
        sa.Column("volume_pct", sa.Integer()),
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", at, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audibility_tests_speaker", "audibility_tests", ["speaker", "at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_audibility_tests_speaker", "audibility_tests")
    op.drop_table("audibility_tests")
    op.drop_index("ix_walk_tests_zone", "walk_tests")
    op.drop_table("walk_tests")
