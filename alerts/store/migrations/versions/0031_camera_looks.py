"""camera_changes: why, and what was wrong; camera_looks: who looked at pictures of the community's cameras.

Revision: 0031
Before it: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    added = (("reason", sa.Text()), ("detail", sa.Text()), ("faults", sa.String(200)))
    for name, kind in added:
        op.add_column("camera_changes", sa.Column(name, kind, nullable=False, server_default=""))
    with op.batch_alter_table("camera_changes", table_kwargs={"sqlite_autoincrement": True}) as table:
        for name, _ in added:
            table.alter_column(name, server_default=None)
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "camera_looks",
        sa.Column("seq", number, primary_key=True, autoincrement=True),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(100), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_camera_looks_camera", "camera_looks", ["camera", "seq"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_camera_looks_camera", "camera_looks")
    op.drop_table("camera_looks")
    for name in ("reason", "detail", "faults"):
        with op.batch_alter_table("camera_changes", table_kwargs={"sqlite_autoincrement": True}) as table:
            table.drop_column(name)
