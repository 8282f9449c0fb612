"""Logging in: log-ins that last, and failures that are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_log_in_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_in")),
    )
    op.create_index("ix_log_in_user_id", "log_in", ["user_id"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("log_in_id", sa.Uuid(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["log_in_id"], ["log_in.id"], name=op.f("fk_refresh_token_log_in_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_refresh_token")),
    )
    op.create_index("ix_refresh_token_log_in_id", "refresh_token", ["log_in_id"], unique=False)
    op.create_table(
        "failed_log_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_log_in")),
    )
    op.create_index("ix_failed_log_in_last_at", "failed_log_in", ["last_at"], unique=False)


def downgrade() -> None:
    op.drop_table("failed_log_in")
    op.drop_table("refresh_token")
    op.drop_table("log_in")
