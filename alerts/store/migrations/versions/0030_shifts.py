"""incidents: whom a case has called; quiets, sound_tests, handovers: what people on watch agree on.

Revision: 0030
Before it: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply it."""
    op.add_column("incidents", sa.Column("rung_at", _AT))
    op.add_column("incidents", sa.Column("rings", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("incidents") as table:
        table.alter_column("rings", server_default=None)
    op.create_table(
        "quiets",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("until", _AT, nullable=False),
        sa.Column("lifted_at", _AT),
        sa.Column("lifted_by", sa.String(64), nullable=False),
    )
    op.create_index("ix_quiets_until", "quiets", ["until"])
    op.create_table(
        "sound_tests",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("heard", sa.Boolean(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sound_tests_session", "sound_tests", ["session", "at"])
    op.create_table(
        "handovers",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("giver", sa.String(64), nullable=False),
        sa.Column("taker", sa.String(64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("standing", sa.JSON(), nullable=False),
        sa.Column("since", sa.JSON(), nullable=False),
        sa.Column("offered_at", _AT, nullable=False),
        sa.Column("ended_at", _AT),
        sa.Column("ended_by", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
    )
    op.create_index("ix_handovers_offered", "handovers", ["offered_at"])


def downgrade() -> None:
    """Undo it."""
    for name in ("handovers", "sound_tests", "quiets"):
        op.drop_table(name)
    with op.batch_alter_table("incidents") as table:
        table.drop_column("rings")
        table.drop_column("rung_at")
