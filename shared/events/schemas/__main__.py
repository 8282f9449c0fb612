"""Write the committed JSON Schemas of all event types, or `--check` that they are the code's own."""

import json
import sys
from pathlib import Path

from shared.events.catalogue import EVENT_TYPES
from shared.events.envelope import envelope_of

FOLDER = Path(__file__).parent


def schema_of(event_type: str) -> str:
    """Give the JSON Schema (2020-12) of the whole envelope of one event type."""
    model = envelope_of(EVENT_TYPES[event_type])
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    schema["properties"]["type"] = {"const": event_type}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(*, check: bool) -> int:
    """Write or compare every file; the exit status is 1 when one differs or is left over."""
    wanted = {FOLDER / f"{event_type}.json": schema_of(event_type) for event_type in EVENT_TYPES}
    if not check:
        for path, text in wanted.items():
            path.write_text(text)
        return 0
    found = {path: path.read_text() for path in FOLDER.glob("*.json")}
    differing = [path.name for path in {*wanted, *found} if wanted.get(path) != found.get(path)]
    for name in sorted(differing):
        print(f"{name} is not what the code says: run `python -m shared.events.schemas`")  # noqa: T201
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
