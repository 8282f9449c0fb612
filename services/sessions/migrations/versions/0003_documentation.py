"""Documentation: versions of parts, annotations, discarded documentations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.sessions.documentation.frozen import frozen_triggers
from shared.database.insert_only import insert_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _part("group_session", "note")
    _part("roster_entry", "note")
    _part("roster_entry", "attendance")
    op.add_column("roster_entry", sa.Column("arrived_at", MOMENT, nullable=True))
    op.add_column("roster_entry", sa.Column("left_at", MOMENT, nullable=True))
    op.add_column("roster_entry", sa.Column("absence_reason", sa.String(length=200), nullable=True))
    op.add_column("roster_entry", sa.Column("problems", JSON_VALUE, nullable=True))
    op.add_column("signature", sa.Column("acknowledged", JSON_VALUE, nullable=True))
    _frozen()
    _discarded()
    _annotation()
    _attention()
    dialect = op.get_context().dialect.name
    for table in ("frozen_documentation", "discarded_documentation", "annotation", "attention_told"):
        for statement in insert_only(table, dialect=dialect):
            op.execute(statement)
    for statement in frozen_triggers(dialect=dialect):
        op.execute(statement)


def _part(table: str, name: str) -> None:
    version = sa.Column(f"{name}_version", sa.Integer(), nullable=False, server_default="1")
    op.add_column(table, version)
    op.add_column(table, sa.Column(f"{name}_by", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column(f"{name}_at", MOMENT, nullable=True))


def _frozen() -> None:
    op.create_table(
        "frozen_documentation",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("frozen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_frozen_documentation")),
    )
    op.execute(
        "INSERT INTO frozen_documentation (documentation_id, instance_id, frozen_at) "
        "SELECT documentation_id, instance_id, min(signed_at) FROM signature "
        "GROUP BY documentation_id, instance_id"
    )


def _discarded() -> None:
    op.create_table(
        "discarded_documentation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("discarded_at", MOMENT, nullable=False),
        sa.Column("discarded_by", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("distributed", sa.Boolean(), nullable=False),
        sa.Column("content", JSON_VALUE, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["group_session.id"], name=op.f("fk_discarded_documentation_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discarded_documentation")),
    )
    op.create_index("ix_discarded_documentation_session_id", "discarded_documentation", ["session_id"])


def _annotation() -> None:
    op.create_table(
        "annotation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("signature_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("printed_name", sa.String(length=401), nullable=False),
        sa.Column("credentials", sa.String(length=100), nullable=True),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_annotation_patient_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_annotation_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
    )
    op.create_index("ix_annotation_documentation_id", "annotation", ["documentation_id"])


def _attention() -> None:
    op.create_table(
        "attention_told",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("waiting", sa.String(length=20), nullable=False),
        sa.Column("told_for", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["group_session.id"], name=op.f("fk_attention_told_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "waiting", "told_for", name=op.f("pk_attention_told")),
    )
