"""The tables of the printing service. It consumes requests and publishes its own queue of renders."""

from typing import Final

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, Uuid

from shared.database.audit import audit_table
from shared.database.columns import UtcDateTime, new_metadata
from shared.database.fields import data_key_table
from shared.messaging.tables import inbox_tables, ledger_tables
from shared.web.idempotency import idempotency_table
from shared.web.staff_access import staff_access_table

SERVICE: Final = "printing"
RENDERER: Final = "printing.render"
"""The consumer that renders: printing hears of its own jobs, so that a lost render is rung for again."""

metadata = new_metadata()

inbox = inbox_tables(metadata)
data_key = data_key_table(metadata)
ledger = ledger_tables(metadata)
staff_access = staff_access_table(metadata)
audit_entry = audit_table(metadata)
idempotency = idempotency_table(metadata)

print_job = Table(
    "print_job",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("kind", String(20), nullable=False, server_default="sign_in_sheet"),
    Column("session_id", Uuid, nullable=False),  # of several sheets the first one's
    Column("documentation_id", Uuid),
    Column("patient_id", Uuid),
    Column("status", String(10), nullable=False),
    Column("sheet", Text, nullable=False),  # sealed JSON
    # One more each time that the documentation has changed since: older renders of it are not taken.
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("status_since", UtcDateTime, nullable=False),
    Column("reason", Text),
    Column("warnings", JSON),
    Column("content_sha256", String(64)),
    Column("storage_key", String(120)),
    Column("byte_size", Integer),
    Column("sha256", String(64)),
    Column("pages", Integer),
    Index("ix_print_job_status", "instance_id", "status"),
    Index("ix_print_job_content", "instance_id", "content_sha256"),
    Index("ix_print_job_documentation_id", "documentation_id"),
)

# What attendance records and chart notes are printed from. The newest version of a record wins; a
# retraction may come before the record that it voids.
documented_session = Table(
    "documented_session",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("annotations", Integer, nullable=False, server_default="0"),  # how many the record has
    Column("record", Text),  # sealed JSON
    Column("retracted", Text),  # sealed JSON
    Index("ix_documented_session_session_id", "session_id"),
)
