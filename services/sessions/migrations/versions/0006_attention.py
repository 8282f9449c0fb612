"""Worklists: what is open, by start. The live stream: changes and their numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_index(
        "ix_group_session_instance_id_status_starts_at",
        "group_session",
        ["instance_id", "status", "starts_at"],
    )
    op.create_table(
        "session_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("waiting", sa.String(length=20), nullable=True),
        sa.Column("user_ids", JSON_VALUE, nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("numbered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_change")),
        sa.UniqueConstraint("instance_id", "position", name=op.f("uq_session_change_instance_id_position")),
    )
    op.create_index(
        "ix_session_change_unnumbered",
        "session_change",
        ["instance_id", "id"],
        postgresql_where=sa.text("position IS NULL"),
        sqlite_where=sa.text("position IS NULL"),
    )
    op.create_index(
        "ix_session_change_instance_id_numbered_at", "session_change", ["instance_id", "numbered_at"]
    )
    op.create_table(
        "stream_counter",
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_stream_counter")),
    )
