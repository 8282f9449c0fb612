"""Accounts of other systems."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "service_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scopes", JSON_VALUE, nullable=False),
        sa.Column("public_key", JSON_VALUE, nullable=True),
        sa.Column("external_issuer", sa.String(length=200), nullable=True),
        sa.Column("external_subject", sa.String(length=255), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_account")),
    )
    op.create_index("ix_service_account_instance_id", "service_account", ["instance_id"])
    op.create_table(
        "client_assertion",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_client_assertion")),
    )
    op.create_index("ix_client_assertion_expires_at", "client_assertion", ["expires_at"])


def downgrade() -> None:
    op.drop_table("client_assertion")
    op.drop_table("service_account")
