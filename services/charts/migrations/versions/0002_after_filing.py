"""Annotations, notes entered in error, the group of a note, and what instances have chosen."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSERT_ONLY = ("chart_note_annotation", "chart_note_retraction")


def upgrade() -> None:
    op.add_column("chart_note", sa.Column("template_id", sa.Uuid(), nullable=True))
    op.create_table(
        "chart_note_annotation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("annotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chart_note_annotation")),
    )
    op.create_index("ix_chart_note_annotation_note", "chart_note_annotation", ["note_id", "annotated_at"])
    op.create_table(
        "chart_note_retraction",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retracted_by", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_chart_note_retraction")),
    )
    op.create_table(
        "instance_settings",
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("use_group_sessions", sa.Boolean(), nullable=False),
        sa.Column("view_individual_group_sessions", sa.Boolean(), nullable=False),
        sa.Column("show_attendance_in_chart", sa.Boolean(), nullable=False),
        sa.Column("show_preferred_name", sa.Boolean(), nullable=False),
        sa.Column("integrated_billing", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_instance_settings")),
    )
    for table in INSERT_ONLY:
        for statement in insert_only(table, dialect=op.get_context().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Chart notes are records: no migration drops them. Restore a backup instead.")
