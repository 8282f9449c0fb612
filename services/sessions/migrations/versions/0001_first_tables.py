"""Create directory, templates, sessions, signatures and ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.database.insert_only import insert_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSERT_ONLY = ("audit_entry", "event", "signature")


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_instance_id_at", "audit_entry", ["instance_id", "at"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_table(
        "instance",
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("use_group_sessions", sa.Boolean(), nullable=False),
        sa.Column("view_individual_group_sessions", sa.Boolean(), nullable=False),
        sa.Column("show_attendance_in_chart", sa.Boolean(), nullable=False),
        sa.Column("show_preferred_name", sa.Boolean(), nullable=False),
        sa.Column("integrated_billing", sa.String(length=40), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_instance")),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
    )
    op.create_index("ix_location_instance_id_name", "location", ["instance_id", "name"], unique=False)

    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("mrn", sa.String(length=64), nullable=False),
        sa.Column("first_name", sa.String(length=200), nullable=False),
        sa.Column("middle_name", sa.String(length=200), nullable=True),
        sa.Column("last_name", sa.String(length=200), nullable=False),
        sa.Column("preferred_name", sa.String(length=200), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("admitted_on", sa.Date(), nullable=True),
        sa.Column("discharged_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("instance_id", "mrn", name=op.f("uq_patient_instance_id_mrn")),
    )
    op.create_index(
        "ix_patient_instance_id_name",
        "patient",
        ["instance_id", "last_name", "first_name", "id"],
        unique=False,
    )

    op.create_table(
        "staff_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("npi", sa.String(length=10), nullable=True),
        sa.Column("first_name", sa.String(length=200), nullable=False),
        sa.Column("last_name", sa.String(length=200), nullable=False),
        sa.Column("credentials", sa.String(length=100), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
    )
    op.create_index(
        "ix_staff_member_instance_id_name",
        "staff_member",
        ["instance_id", "last_name", "first_name", "id"],
        unique=False,
    )
    op.create_index("ix_staff_member_instance_id_npi", "staff_member", ["instance_id", "npi"], unique=False)

    op.create_table(
        "account",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_account_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_ring_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("receipted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_delivery_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("event_id", "consumer", name=op.f("uq_delivery_event_id_consumer")),
    )
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["next_ring_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "group_session_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("recurrence", sa.String(length=500), nullable=True),
        sa.Column(
            "leader_ids",
            JSON_VALUE,
            nullable=False,
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("notes_required", sa.Boolean(), nullable=False),
        sa.Column(
            "billing",
            JSON_VALUE,
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_group_session_template_location_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_session_template")),
    )
    op.create_index(
        "ix_group_session_template_instance_id_location_id",
        "group_session_template",
        ["instance_id", "location_id"],
        unique=False,
    )

    op.create_table(
        "schedule_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_schedule_template_location_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_template")),
    )
    op.create_table(
        "staff_access",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column(
            "roles",
            JSON_VALUE,
            nullable=False,
        ),
        sa.Column(
            "features",
            JSON_VALUE,
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_staff_access_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staff_access")),
    )
    op.create_table(
        "group_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("documentation_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_group_session_location_id")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["group_session_template.id"], name=op.f("fk_group_session_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_session")),
        sa.UniqueConstraint("template_id", "held_on", name=op.f("uq_group_session_template_id_held_on")),
    )
    op.create_index(
        "ix_group_session_instance_id_location_id_held_on",
        "group_session",
        ["instance_id", "location_id", "held_on"],
        unique=False,
    )

    op.create_table(
        "schedule_assignment",
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_schedule_assignment_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule_template.id"], name=op.f("fk_schedule_assignment_schedule_id")
        ),
        sa.PrimaryKeyConstraint(
            "schedule_id", "patient_id", "starts_on", name=op.f("pk_schedule_assignment")
        ),
    )
    op.create_index("ix_schedule_assignment_patient_id", "schedule_assignment", ["patient_id"], unique=False)

    op.create_table(
        "schedule_occurrence",
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule_template.id"], name=op.f("fk_schedule_occurrence_schedule_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["group_session_template.id"], name=op.f("fk_schedule_occurrence_template_id")
        ),
        sa.PrimaryKeyConstraint("schedule_id", "template_id", "weekday", name=op.f("pk_schedule_occurrence")),
    )
    op.create_table(
        "roster_entry",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("attendance", sa.String(length=10), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("individual_note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_roster_entry_patient_id")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["group_session.id"], name=op.f("fk_roster_entry_session_id")
        ),
        sa.PrimaryKeyConstraint("documentation_id", "patient_id", name=op.f("pk_roster_entry")),
    )
    op.create_table(
        "session_leader",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["group_session.id"], name=op.f("fk_session_leader_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_session_leader_user_id")),
        sa.PrimaryKeyConstraint("session_id", "user_id", name=op.f("pk_session_leader")),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("printed_name", sa.String(length=401), nullable=False),
        sa.Column("credentials", sa.String(length=100), nullable=True),
        sa.Column("meaning", sa.String(length=20), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["group_session.id"], name=op.f("fk_signature_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff_member.id"], name=op.f("fk_signature_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint(
            "documentation_id", "user_id", name=op.f("uq_signature_documentation_id_user_id")
        ),
    )
    op.create_index("ix_signature_session_id", "signature", ["session_id"], unique=False)
    for table in INSERT_ONLY:
        for statement in insert_only(table, dialect=op.get_context().dialect.name):
            op.execute(statement)
