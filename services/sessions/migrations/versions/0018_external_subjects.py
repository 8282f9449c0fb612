"""Users by the names that another issuer has for them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_member", sa.Column("external_issuer", sa.String(length=200), nullable=True))
    op.add_column("staff_member", sa.Column("external_subject", sa.String(length=255), nullable=True))
    op.create_index(
        "uq_staff_member_external_subject",
        "staff_member",
        ["instance_id", "external_issuer", "external_subject"],
        unique=True,
    )
    op.create_index("ix_staff_member_external_subject", "staff_member", ["external_subject"])


def downgrade() -> None:
    op.drop_index("ix_staff_member_external_subject", "staff_member")
    op.drop_index("uq_staff_member_external_subject", "staff_member")
    op.drop_column("staff_member", "external_subject")
    op.drop_column("staff_member", "external_issuer")
