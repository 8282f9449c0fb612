"""The tables of the printing service. It consumes requests and publishes its own queue of renders."""

from typing import Final

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, Uuid

from shared.database.audit import audit_table
from shared.database.columns import UtcDateTime, new_metadata
from shared.messaging.tables import inbox_tables, ledger_tables
from shared.web.staff_access import staff_access_table

SERVICE: Final = "printing"
RENDERER: Final = "printing.render"
"""The consumer that renders: printing hears of its own jobs, so that a lost render is rung for again."""

metadata = new_metadata()

inbox = inbox_tables(metadata)
ledger = ledger_tables(metadata)
staff_access = staff_access_table(metadata)
audit_entry = audit_table(metadata)

print_job = Table(
    "print_job",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("status", String(10), nullable=False),
    Column("sheet", JSON, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("status_since", UtcDateTime, nullable=False),
    Column("reason", Text),
    Column("storage_key", String(120)),
    Column("byte_size", Integer),
    Column("sha256", String(64)),
    Column("pages", Integer),
    Index("ix_print_job_status", "instance_id", "status"),
)
