"""Worklists: what is open, by start."""

from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_group_session_instance_id_status_starts_at",
        "group_session",
        ["instance_id", "status", "starts_at"],
    )
