"""dispositions: plates that the police look for, and when.

Revision: 0020
Before it: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "dispositions",
        sa.Column("revision", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("receiver", sa.String(64), nullable=False),
        sa.Column("number", sa.String(33), nullable=False),
        sa.Column("word", sa.String(16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plate", sa.String(16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("tollgates", sa.JSON(), nullable=False),
        sa.Column("begin_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
    )
    op.create_index("ix_dispositions_number", "dispositions", ["receiver", "number", "revision"])
    op.create_index("ix_dispositions_end", "dispositions", ["end_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_dispositions_end", "dispositions")
    op.drop_index("ix_dispositions_number", "dispositions")
    op.drop_table("dispositions")
