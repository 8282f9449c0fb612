"""What the notes of a documentation are searched by, and why a chart was read."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chart_documentation",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leader_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_chart_documentation")),
    )
    op.create_index(
        "ix_chart_documentation_session", "chart_documentation", ["instance_id", "session_id", "version"]
    )
    op.add_column("audit_entry", sa.Column("purpose", sa.String(length=16), nullable=True))
    for statement in insert_only("chart_documentation", dialect=op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Chart notes are records: no migration drops them. Restore a backup instead.")
