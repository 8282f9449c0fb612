"""The trace of the request that a charge comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("charge", sa.Column("traceparent", sa.String(length=55), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Charges are records: no migration drops them. Restore a backup instead.")
