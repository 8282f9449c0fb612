"""Sheets: the paper of a location, and what was asked for ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("location", sa.Column("paper", sa.String(length=6), nullable=True))
    op.create_table(
        "prepared_sheet",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("facts_sha256", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["group_session.id"], name=op.f("fk_prepared_sheet_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_prepared_sheet")),
    )


def downgrade() -> None:
    op.drop_table("prepared_sheet")
    with op.batch_alter_table("location") as table:
        table.drop_column("paper")
