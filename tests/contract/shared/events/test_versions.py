"""A rolling upgrade has writers and readers of two versions at once: each reads what the other writes."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from shared.events.catalogue import parse
from shared.messaging.messages import Message, Parcel, Receipts
from tests.contract.shared.events.recording import FOLDER
from tests.contract.shared.events.test_schemas import EXAMPLES, _body

MESSAGES: dict[str, type[Message]] = {"parcel": Parcel, "receipts": Receipts}


def recorded(pattern: str) -> list[Path]:
    return sorted(FOLDER.glob(f"*/opencircle.{pattern}"))


def named(paths: Iterable[Path]) -> list[str]:
    return [f"{path.parent.name} {path.stem}" for path in paths]


SCHEMAS = recorded("*.schema.json")
EVENTS = [path for path in recorded("*.json") if path not in SCHEMAS]
SENT = sorted(FOLDER.glob("*/*.message.json"))


def test_every_type_was_recorded() -> None:
    assert {path.stem for path in EVENTS} == EXAMPLES.keys()


@pytest.mark.parametrize("path", EVENTS, ids=named(EVENTS))
def test_what_an_older_version_published_is_read_whole(path: Path) -> None:
    read = json.loads(parse(path.read_text(), path.stem).model_dump_json())
    assert holds(read, json.loads(path.read_text()))


@pytest.mark.parametrize("path", SCHEMAS, ids=named(SCHEMAS))
def test_what_is_published_now_is_what_an_older_version_was_promised(path: Path) -> None:
    validator = Draft202012Validator(
        json.loads(path.read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(_body(path.name.removesuffix(".schema.json")))


@pytest.mark.parametrize("path", SENT, ids=named(SENT))
def test_a_message_of_an_older_version_is_opened(path: Path) -> None:
    message = MESSAGES[path.name.partition(".")[0]].model_validate_json(path.read_text())
    assert holds(json.loads(message.model_dump_json()), json.loads(path.read_text()))


@pytest.mark.parametrize("path", SENT, ids=named(SENT))
def test_an_older_version_opens_a_message_with_more_in_it(path: Path) -> None:
    newer = json.loads(path.read_text()) | {"added_later": 1}
    kind = MESSAGES[path.name.partition(".")[0]]
    assert kind.model_validate(newer) == kind.model_validate_json(path.read_text())


def holds(read: object, written: object) -> bool:
    """Whether all that was written is there: a newer reader may know of more."""
    if isinstance(written, dict) and isinstance(read, dict):
        return all(name in read and holds(read[name], value) for name, value in written.items())
    if isinstance(written, list) and isinstance(read, list) and len(read) == len(written):
        # Roles and features are sets, which have no order.
        pairs = zip(*(sorted(one, key=str) for one in (read, written)), strict=True)
        return all(holds(one, other) for one, other in pairs)
    return read == written
