"""Attendance records and chart notes, several sheets in one file, and answers that are given once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Column("kind", sa.String(length=20), nullable=False, server_default="sign_in_sheet")
    op.add_column("print_job", kind)
    op.add_column("print_job", sa.Column("documentation_id", sa.Uuid(), nullable=True))
    op.add_column("print_job", sa.Column("patient_id", sa.Uuid(), nullable=True))
    op.add_column("print_job", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("print_job", sa.Column("warnings", sa.JSON(), nullable=True))
    op.add_column("print_job", sa.Column("content_sha256", sa.String(length=64), nullable=True))
    op.create_index("ix_print_job_content", "print_job", ["instance_id", "content_sha256"])
    op.create_index("ix_print_job_documentation_id", "print_job", ["documentation_id"])
    op.create_table(
        "documented_session",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("annotations", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("record", sa.JSON(), nullable=True),
        sa.Column("retracted", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_documented_session")),
    )
    op.create_index("ix_documented_session_session_id", "documented_session", ["session_id"])
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
    raise NotImplementedError("The audit trail is a record: no migration drops it. Restore a backup instead.")
