"""Settings, certificates and abilities of connections, and which charges go out as one message."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("push_attempt", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.add_column("connection", sa.Column("sealed_certificate", sa.Text(), nullable=True))
    settings = sa.Column("settings", sa.JSON(), server_default="{}", nullable=False)
    op.add_column("connection", settings)
    looks_up = sa.Column("looks_up", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("connection", looks_up)


def downgrade() -> None:
    raise NotImplementedError("Charges are records: no migration drops them. Restore a backup instead.")
