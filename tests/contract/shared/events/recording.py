"""What each version wrote, for ever: `python -m tests.contract.shared.events.recording` adds this version.

Run once at a release. What was recorded is never changed: old events stand in ledgers and in queues.
"""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Final

from shared.events.schemas.__main__ import FOLDER as SCHEMAS
from shared.messaging.messages import Receipt, Receipts, Verdict
from shared.testing.records import a_parcel, a_session_record, enveloped
from tests.contract.shared.events.test_schemas import EXAMPLES

FOLDER: Final = Path(__file__).with_name("recorded")
ROOT: Final = Path(__file__).parents[4]


def record() -> None:
    """Write an event of each type, its schema, and a message of each kind."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    folder = FOLDER / version
    folder.mkdir(parents=True)
    for event_type, facts in EXAMPLES.items():
        event = enveloped(facts, event_type=event_type).model_dump(mode="json")
        (folder / f"{event_type}.json").write_text(json.dumps(event, indent=1) + "\n")
        shutil.copy(SCHEMAS / f"{event_type}.json", folder / f"{event_type}.schema.json")
    parcel = a_parcel([enveloped(a_session_record(present=1, absent=0))])
    ids = [one.delivery_id for one in parcel.deliveries]
    receipts = Receipts(receipts=tuple(Receipt(delivery_id=one, verdict=Verdict.APPLIED) for one in ids))
    for name, message in (("parcel", parcel), ("receipts", receipts)):
        (folder / f"{name}.message.json").write_text(message.model_dump_json(indent=1) + "\n")


if __name__ == "__main__":
    record()
