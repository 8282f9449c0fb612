"""Any receiver of HL7 2.5.1 charges; `profile.toml` says what is written where."""

from pathlib import Path
from typing import Final

from services.billing_bridge.connector import ConnectorKind
from services.billing_bridge.hl7.connector import kind_by

KIND: Final[ConnectorKind] = kind_by(Path(__file__).parent / "profile.toml")
