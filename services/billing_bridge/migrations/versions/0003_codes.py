"""The catalogue of codes, which sessions were heard of, and idempotency keys."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("charge", sa.Column("code_id", sa.Uuid(), nullable=True))
    op.add_column("charge", sa.Column("code_version", sa.Integer(), nullable=True))
    op.create_table(
        "billing_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("mode", sa.String(length=10), nullable=True),
        sa.Column("place_of_service", sa.String(length=2), nullable=True),
        sa.Column("modifiers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("units", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("minimum_minutes", sa.Integer(), nullable=True),
        sa.Column("maximum_units", sa.Integer(), nullable=True),
        sa.Column("smallest_group", sa.Integer(), nullable=True),
        sa.Column("largest_group", sa.Integer(), nullable=True),
        sa.Column("bands", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_code")),
        sa.UniqueConstraint(
            "instance_id",
            "kind",
            "code",
            "effective_on",
            name=op.f("uq_billing_code_instance_id_kind_code_effective_on"),
        ),
    )
    op.create_table(
        "billing_code_version",
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("code_id", "version", name=op.f("pk_billing_code_version")),
    )
    op.create_table(
        "documented_session",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("present", sa.JSON(), nullable=False),
        sa.Column("billed_as", sa.String(length=10), nullable=False),
        sa.Column("charges", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_documented_session")),
    )
    day = ["instance_id", "held_on", "documentation_id"]
    op.create_index("ix_documented_session_day", "documented_session", day)
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
    for table in ("billing_code_version", "documented_session"):
        for statement in insert_only(table, dialect=op.get_context().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Charges are records: no migration drops them. Restore a backup instead.")
