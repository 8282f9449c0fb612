"""Messages of several charges are found by their name: what is unknown is looked up whole."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_push_attempt_message",
        "push_attempt",
        ["message_id"],
        postgresql_where=sa.text("message_id <> charge_id"),
        sqlite_where=sa.text("message_id <> charge_id"),
    )


def downgrade() -> None:
    op.drop_index("ix_push_attempt_message", "push_attempt")
