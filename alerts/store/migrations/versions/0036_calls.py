"""calls: what a person says through speakers, at no incident.

Revision: 0036
Before it: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "calls",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("speakers", sa.JSON(), nullable=False),
        sa.Column("target", sa.String(80), nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("stopped_by", sa.String(64), nullable=False),
    )
    op.create_index("ix_calls_at", "calls", ["at"])
    with op.batch_alter_table("outbox", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("incident_id", existing_type=sa.String(36), nullable=True)
        table.add_column(sa.Column("call_id", sa.String(36), nullable=True))
        table.create_foreign_key("fk_outbox_call", "calls", ["call_id"], ["id"])
        table.create_index("ix_outbox_call_id", ["call_id"])


def downgrade() -> None:
    """Undo it; what was said at no incident is forgotten."""
    op.execute("DELETE FROM outbox WHERE incident_id IS NULL")
    with op.batch_alter_table("outbox", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_index("ix_outbox_call_id")
        table.drop_constraint("fk_outbox_call", type_="foreignkey")
        table.drop_column("call_id")
        table.alter_column("incident_id", existing_type=sa.String(36), nullable=False)
    op.drop_index("ix_calls_at", "calls")
    op.drop_table("calls")
