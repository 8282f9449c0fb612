"""The tables that all subjects of this service share: ledger, audit trail, first answers."""

from typing import Final

from shared.database.audit import audit_table
from shared.database.columns import new_metadata
from shared.database.fields import data_key_table
from shared.messaging.tables import ledger_tables
from shared.web.idempotency import idempotency_table

SERVICE: Final = "sessions"

metadata = new_metadata()
LEDGER: Final = ledger_tables(metadata)
TRAIL: Final = audit_table(metadata)
IDEMPOTENCY: Final = idempotency_table(metadata)
DATA_KEY: Final = data_key_table(metadata)
