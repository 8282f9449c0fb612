"""Who has led or written in each documentation, and not only who wrote each part last."""

import sqlalchemy as sa
from alembic import op

from shared.database.insert_only import insert_only

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documentation_author",
        sa.Column("documentation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("documentation_id", "user_id", name=op.f("pk_documentation_author")),
    )
    # All that is known of what was written before: who was last at each part, who leads, who has signed.
    op.execute(
        "INSERT INTO documentation_author (documentation_id, user_id, instance_id) "
        "SELECT documentation_id, note_by, instance_id FROM roster_entry WHERE note_by IS NOT NULL "
        "UNION SELECT documentation_id, attendance_by, instance_id FROM roster_entry "
        "WHERE attendance_by IS NOT NULL "
        "UNION SELECT documentation_id, note_by, instance_id FROM group_session "
        "WHERE documentation_id IS NOT NULL AND note_by IS NOT NULL "
        "UNION SELECT s.documentation_id, l.user_id, s.instance_id FROM session_leader l "
        "JOIN group_session s ON s.id = l.session_id WHERE s.documentation_id IS NOT NULL "
        "UNION SELECT documentation_id, user_id, instance_id FROM signature "
        "WHERE meaning IN ('author', 'co-author')"
    )
    for statement in insert_only("documentation_author", dialect=op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("documentation_author")
