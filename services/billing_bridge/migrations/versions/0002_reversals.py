"""Retractions, reversals and what a charge replaces."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("charge", sa.Column("replaces", sa.Uuid(), nullable=True))
    for name in ("retracted", "reversing"):
        column = sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
        op.add_column("charge_status", column)
    kind = sa.Column("kind", sa.String(length=10), server_default="charge", nullable=False)
    op.add_column("push_attempt", kind)
    op.create_table(
        "retraction",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retracted_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("documentation_id", name=op.f("pk_retraction")),
    )
    for statement in insert_only("retraction", dialect=op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Charges are records: no migration drops them. Restore a backup instead.")
