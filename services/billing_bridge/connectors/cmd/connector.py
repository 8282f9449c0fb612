"""CollaborateMD: HL7 by the profile beside this file. It makes a claim of every message (BILL-5)."""

from pathlib import Path
from typing import Final

from services.billing_bridge.connector import ConnectorKind
from services.billing_bridge.hl7.connector import kind_by

KIND: Final[ConnectorKind] = kind_by(Path(__file__).parent / "profile.toml", may_deduplicate=False)
