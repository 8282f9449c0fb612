"""The pace of connections, how their lines stand, and the feed of changed charges."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pacing = sa.Column("pacing", sa.JSON(), server_default="{}", nullable=False)
    op.add_column("connection", pacing)
    op.add_column("connection", sa.Column("rhythm", sa.Text(), nullable=True))
    failures = sa.Column("failures", sa.Integer(), server_default="0", nullable=False)
    op.add_column("connection", failures)
    op.add_column("connection", sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connection", sa.Column("free_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("charge_status", sa.Column("feed_number", sa.BigInteger(), nullable=True))
    op.create_table(
        "charge_feed",
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_charge_feed")),
    )
    op.create_index("ix_charge_status_feed", "charge_status", ["instance_id", "feed_number"])
    op.create_index(
        "ix_charge_status_waiting",
        "charge_status",
        ["instance_id", "system", "next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("Charges are records: no migration drops them. Restore a backup instead.")
