"""Data keys of the instances, by which fields will be sealed."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import kept_data_keys

revision = "0007"
down_revision = "0006"
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


def downgrade() -> None:
    raise NotImplementedError("What is sealed by data keys opens by nothing else. Restore a backup instead.")
