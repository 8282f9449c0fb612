"""The tabs of charts, and the first answers to POSTs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ONE_OF_ITS_KIND = sa.text("kind = 'group_sessions'")

# Whoever had the feature switched on before this migration has its tab after it (TAB-1).
TABS_OF_THOSE_SWITCHED_ON = """
INSERT INTO chart_tab (id, instance_id, name, kind, enabled, position, location_ids, version)
SELECT instance_id, instance_id, 'Group Sessions', 'group_sessions', true, 0, '[]', 1
FROM instance_settings WHERE use_group_sessions
"""


def upgrade() -> None:
    op.create_table(
        "chart_tab",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("location_ids", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chart_tab")),
    )
    op.create_index("ix_chart_tab_instance_id", "chart_tab", ["instance_id", "position"])
    op.create_index(
        "uq_chart_tab_group_sessions",
        "chart_tab",
        ["instance_id"],
        unique=True,
        postgresql_where=ONE_OF_ITS_KIND,
        sqlite_where=ONE_OF_ITS_KIND,
    )
    op.execute(TABS_OF_THOSE_SWITCHED_ON)
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])


def downgrade() -> None:
    raise NotImplementedError("Forward only: restore a backup instead.")
