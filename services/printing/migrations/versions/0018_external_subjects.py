"""Users by the names that another issuer has for them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_access", sa.Column("scopes", sa.JSON(), nullable=True))
    op.add_column("staff_access", sa.Column("external_issuer", sa.String(length=200), nullable=True))
    op.add_column("staff_access", sa.Column("external_subject", sa.String(length=255), nullable=True))
    op.create_index("ix_staff_access_external_subject", "staff_access", ["external_subject"])


def downgrade() -> None:
    op.drop_index("ix_staff_access_external_subject", "staff_access")
    op.drop_column("staff_access", "external_subject")
    op.drop_column("staff_access", "external_issuer")
    op.drop_column("staff_access", "scopes")
