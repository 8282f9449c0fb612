"""What happened to a delivery: failures, parking, and what people decided."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_step_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_step")),
    )
    op.create_index("ix_delivery_step_delivery_id", "delivery_step", ["delivery_id"])
    for statement in insert_only("delivery_step", dialect=op.get_context().dialect.name):
        op.execute(statement)
