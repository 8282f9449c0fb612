"""Data keys of the instances, and what is printed sealed by them."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import kept_data_keys
from shared.database.sealing_rows import seal_columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_key",
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.Column("used_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "version", name=op.f("pk_data_key")),
    )
    for statement in kept_data_keys(dialect=op.get_context().dialect.name):
        op.execute(statement)
    seal_columns("event", {"body": sa.Text()})
    seal_columns("print_job", {"sheet": sa.JSON()})
    seal_columns(
        "documented_session",
        {"record": sa.JSON(), "retracted": sa.JSON()},
        row={"documentation_id": sa.Uuid()},
    )


def downgrade() -> None:
    raise NotImplementedError("What is sealed by data keys opens by nothing else. Restore a backup instead.")
