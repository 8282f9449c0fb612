"""Scheduling: moved and cancelled occurrences, enrolments, waiting lists."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "care_team_member",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("primary_therapist", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_care_team_member_patient_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_care_team_member_user_id")),
        sa.PrimaryKeyConstraint("patient_id", "user_id", name=op.f("pk_care_team_member")),
    )
    op.create_index("ix_care_team_member_user_id", "care_team_member", ["user_id"], unique=False)
