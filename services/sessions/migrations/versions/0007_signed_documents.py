"""Documents as they were signed, and which event told of them."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TOLD_OF = {
    "postgresql": "CAST(CAST(body AS json) -> 'data' ->> 'documentation_id' AS uuid)",
    "sqlite": "replace(json_extract(body, '$.data.documentation_id'), '-', '')",
}


def upgrade() -> None:
    op.create_table(
        "signed_document",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_signed_document")),
    )
    op.create_table(
        "distributed_documentation",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_distributed_documentation_event_id")
        ),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_distributed_documentation")),
    )
    dialect = op.get_context().dialect.name
    op.execute(
        "INSERT INTO distributed_documentation (documentation_id, instance_id, event_id) "  # noqa: S608 - ours
        f"SELECT {TOLD_OF[dialect]}, instance_id, id FROM event WHERE type IN "
        "('opencircle.group_session.completed.v1', 'opencircle.group_session.reviewed.v1')"
    )
    for table in ("signed_document", "distributed_documentation"):
        for statement in insert_only(table, dialect=dialect):
            op.execute(statement)
