"""Front ends that people log in from, and their codes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "front_end",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("redirect_uris", JSON_VALUE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_front_end")),
    )
    op.create_index("ix_front_end_instance_id", "front_end", ["instance_id"])
    op.create_table(
        "authorization_code",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("front_end_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.String(length=500), nullable=False),
        sa.Column("challenge", sa.String(length=43), nullable=False),
        sa.Column("nonce", sa.String(length=200), nullable=True),
        sa.Column("openid", sa.Boolean(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_in_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["front_end_id"], ["front_end.id"], name=op.f("fk_authorization_code_front_end_id_front_end")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["staff_member.id"], name=op.f("fk_authorization_code_user_id_staff_member")
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_authorization_code")),
    )
    op.create_index("ix_authorization_code_expires_at", "authorization_code", ["expires_at"])
    op.add_column("log_in", sa.Column("front_end_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("log_in", "front_end_id")
    op.drop_table("authorization_code")
    op.drop_table("front_end")
