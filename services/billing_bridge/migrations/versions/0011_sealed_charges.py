"""What tells who is charged for what, and what is said of it, sealed by the data keys of the instances."""

import sqlalchemy as sa
from alembic import op

from shared.database.sealing_rows import seal_columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OF_A_CHARGE = {"charge_id": sa.Uuid()}
NUMBERED = {"charge_id": sa.Uuid(), "number": sa.Integer()}


def upgrade() -> None:
    op.add_column("charge_status", sa.Column("reason_blind", sa.String(length=64), nullable=True))
    text = ("mrn", "description", "revenue_code", "patient_family", "patient_given", "patient_middle")
    columns: dict[str, sa.types.TypeEngine[object]] = dict.fromkeys(text, sa.Text())
    seal_columns("charge", columns | {"modifiers": sa.JSON(), "patient_born": sa.Date()}, row=OF_A_CHARGE)
    seal_columns("charge_status", {"reason": sa.Text()}, row=OF_A_CHARGE, blind={"reason": "reason_blind"})
    seal_columns("charge_history", {"reason": sa.Text()}, row=NUMBERED)
    seal_columns("push_result", {"reason": sa.Text(), "answer": sa.Text()}, row=NUMBERED)


def downgrade() -> None:
    raise NotImplementedError("What is sealed by data keys opens by nothing else. Restore a backup instead.")
