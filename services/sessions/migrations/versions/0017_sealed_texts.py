"""Clinical texts, and what tells who a patient is, sealed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.sessions.documentation.frozen import frozen_triggers
from shared.database.sealing_rows import seal_columns, without_triggers

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    if on_postgresql:
        # Days become texts, and this trigger would keep a column that it looks at from changing its type.
        op.execute("SET LOCAL datestyle = 'ISO'")
        op.execute("DROP TRIGGER group_note_is_frozen ON group_session")
    _told("group_session", "has_topic", of="topic")
    _told("roster_entry", "has_note", of="individual_note")
    seal_columns("group_session", {"topic": sa.String(length=200), "description": sa.Text()})
    if on_postgresql:
        op.execute(frozen_triggers(dialect="postgresql")[-1])
    seal_columns(
        "roster_entry",
        {"absence_reason": sa.String(length=200), "individual_note": sa.Text(), "problems": JSON_VALUE},
        row={"documentation_id": sa.Uuid(), "patient_id": sa.Uuid()},
    )
    seal_columns("annotation", {"text": sa.Text()})
    seal_columns("signed_document", {"document": sa.Text()}, row={"sha256": sa.String(length=64)})
    seal_columns("discarded_documentation", {"reason": sa.Text(), "content": JSON_VALUE})
    seal_columns("emergency_access", {"reason": sa.Text()})
    _patients()
    # Digests of whole sheets, names and all. Those that start soon are asked for once more.
    op.execute("DELETE FROM prepared_sheet")


def _told(table: str, column: str, *, of: str) -> None:
    """Add what SQL asks of a text that it can't read any more."""
    op.add_column(table, sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))
    fill = f"UPDATE {table} SET {column} = (trim(coalesce({of}, '')) <> '')"  # noqa: S608 - names written here
    if op.get_context().as_sql:
        op.execute(fill)
        return
    with without_triggers(op.get_bind(), table):
        op.execute(fill)


def _patients() -> None:
    with op.batch_alter_table("patient") as batch:
        batch.drop_index("ix_patient_instance_id_name")
        batch.drop_constraint(op.f("uq_patient_instance_id_mrn"), type_="unique")
        batch.add_column(sa.Column("mrn_blind", sa.String(length=64), nullable=True))
    names = ("first_name", "middle_name", "last_name", "preferred_name")
    seal_columns(
        "patient",
        {"mrn": sa.String(length=64), "birth_date": sa.Date()}
        | {name: sa.String(length=200) for name in names},
        blind={"mrn": "mrn_blind"},
    )
    with op.batch_alter_table("patient") as batch:
        batch.alter_column("mrn_blind", existing_type=sa.String(length=64), nullable=False)
        batch.create_unique_constraint(op.f("uq_patient_instance_id_mrn_blind"), ["instance_id", "mrn_blind"])


def downgrade() -> None:
    raise NotImplementedError("What is sealed by data keys opens by nothing else. Restore a backup instead.")
