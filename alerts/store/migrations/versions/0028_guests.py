"""guests: cameras that others connect, their invitations, and who looked when.

Revision: 0028
Before it: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    at = sa.DateTime(timezone=True)
    op.create_table(
        "guest_invitations",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("near", sa.String(64), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.Column("expires_at", at, nullable=False),
        sa.Column("push_digest", sa.String(64), nullable=False),
        sa.Column("guest_id", sa.String(64), nullable=False),
        sa.Column("ended_at", at),
    )
    op.create_table(
        "guests",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("invitation_id", sa.String(36), sa.ForeignKey("guest_invitations.id"), nullable=False),
        sa.Column("owner_digest", sa.String(64), nullable=False, unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_since", at, nullable=False),
        sa.Column("allowed", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("push_digest", sa.String(64), nullable=False),
        sa.Column("consented_at", at, nullable=False),
        sa.Column("consent", sa.JSON(), nullable=False),
        sa.Column("ended_by", sa.String(64), nullable=False),
        sa.Column("ended_why", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON()),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "guest_looks",
        sa.Column("seq", number, primary_key=True, autoincrement=True),
        sa.Column("guest_id", sa.String(64), sa.ForeignKey("guests.id"), nullable=False),
        sa.Column("at", at, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(100), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("captured_at", at),
        sa.Column("reason", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_guest_looks_guest", "guest_looks", ["guest_id", "seq"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_guest_looks_guest", "guest_looks")
    op.drop_table("guest_looks")
    op.drop_table("guests")
    op.drop_table("guest_invitations")
