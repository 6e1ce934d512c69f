"""speakers: how each is, who has the word, what is more urgent, what is to be broken off.

Revision: 0007
Before it: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "speakers",
        sa.Column("receiver", sa.String(64), primary_key=True),
        sa.Column("health", sa.String(16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.String(64), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
    )
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("stop", sa.String(16), nullable=False, server_default=""))
    with op.batch_alter_table("outbox") as table:
        # Of rows that were there before it only.
        table.alter_column("priority", server_default=None)
        table.alter_column("stop", server_default=None)
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("hushed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("incidents") as table:
        table.drop_column("hushed_at")
    with op.batch_alter_table("outbox") as table:
        table.drop_column("stop")
        table.drop_column("priority")
    op.drop_table("speakers")
