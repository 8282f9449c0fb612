"""Parked deliveries are found by an index: they are counted at each look at the metrics."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

PARKED = sa.text("state = 'parked'")


def upgrade() -> None:
    op.create_index(
        "ix_delivery_parked", "delivery", ["consumer"], postgresql_where=PARKED, sqlite_where=PARKED
    )
