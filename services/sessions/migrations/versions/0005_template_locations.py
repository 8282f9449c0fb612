"""Templates: several locations, occurrences changed at one of them, versions to write over."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("group_session_template", "schedule_template", "assignment"):
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    _locations()
    _changed_occurrences()
    _assignments()


def _locations() -> None:
    op.create_table(
        "template_location",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["group_session_template.id"], name=op.f("fk_template_location_template_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_template_location_location_id")
        ),
        sa.PrimaryKeyConstraint("template_id", "location_id", name=op.f("pk_template_location")),
    )
    op.create_index("ix_template_location_location_id", "template_location", ["location_id"], unique=False)
    op.execute(
        "INSERT INTO template_location (template_id, location_id, instance_id, position) "
        "SELECT id, location_id, instance_id, 0 FROM group_session_template"
    )


def _changed_occurrences() -> None:
    op.create_table(
        "changed_occurrence",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("moved_to", sa.Date(), nullable=True),
        sa.Column("starts_at", sa.Time(), nullable=True),
        sa.ForeignKeyConstraint(
            ["template_id"], ["group_session_template.id"], name=op.f("fk_changed_occurrence_template_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_changed_occurrence_location_id")
        ),
        sa.PrimaryKeyConstraint("template_id", "location_id", "on", name=op.f("pk_changed_occurrence")),
    )
    op.execute(
        'INSERT INTO changed_occurrence (template_id, location_id, "on", instance_id, moved_to, starts_at) '
        'SELECT one.template_id, made.location_id, one."on", one.instance_id, one.moved_to, one.starts_at '
        "FROM occurrence_change AS one JOIN group_session_template AS made ON made.id = one.template_id"
    )
    # Every row of it has just been copied.
    op.execute("-- squawk-ignore ban-drop-table\nDROP TABLE occurrence_change")


def _assignments() -> None:
    unique = "uq_assignment_template_id_patient_id_starts_on"
    if op.get_context().dialect.name == "sqlite":
        with op.batch_alter_table("assignment") as table:
            table.add_column(sa.Column("location_id", sa.Uuid(), nullable=True))
            table.drop_constraint(unique, type_="unique")
    else:
        op.add_column("assignment", sa.Column("location_id", sa.Uuid(), nullable=True))
        # The index below, with the location in it, takes its place.
        op.execute(f"-- squawk-ignore ban-drop-constraint\nALTER TABLE assignment DROP CONSTRAINT {unique}")
    op.execute(
        "UPDATE assignment SET location_id = (SELECT location_id FROM group_session_template AS template "
        "WHERE template.id = assignment.template_id) WHERE template_id IS NOT NULL"
    )
    op.create_index(
        "uq_assignment_template_at_location",
        "assignment",
        ["template_id", "location_id", "patient_id", "starts_on"],
        unique=True,
    )
