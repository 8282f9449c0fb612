"""Notes, and what is said of them later, sealed by the data keys of their instances."""

import sqlalchemy as sa

from shared.database.sealing_rows import seal_columns

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    seal_columns("chart_note", {"content": sa.Text(), "group_title": sa.Text()})
    seal_columns("chart_note_annotation", {"content": sa.Text()})
    seal_columns("chart_note_retraction", {"content": sa.Text()}, row={"documentation_id": sa.Uuid()})


def downgrade() -> None:
    raise NotImplementedError("What is sealed by data keys opens by nothing else. Restore a backup instead.")
