"""Patients' names for claims, and the notice that accompanies what is disclosed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


def upgrade() -> None:
    op.add_column("charge", sa.Column("patient_family", sa.Text(), nullable=True))
    op.add_column("charge", sa.Column("patient_given", sa.Text(), nullable=True))
    op.add_column("charge", sa.Column("patient_middle", sa.Text(), nullable=True))
    op.add_column("charge", sa.Column("patient_born", sa.Date(), nullable=True))
    op.add_column("charge_status", sa.Column("notice", sa.Text(), nullable=True))
    op.add_column("connection", sa.Column("notice", sa.Text(), server_default=NOTICE, nullable=False))


def downgrade() -> None:
    raise NotImplementedError("Charges are records: no migration drops them. Restore a backup instead.")
