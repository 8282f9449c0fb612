"""`opencircle keys`: the key rings of an embedded deployment, by their ids; a key itself is never shown."""

from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from sqlalchemy import select

from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import DataFolder
from deploy.embedded.private_files import replace_private
from deploy.operations.showing import AsJson, explained, run, show
from deploy.operations.where import DataDir, NoDeploymentError, Where, tables_of, where_is
from shared.database.rotating import wrapped_by
from shared.messaging.sealing import KeyRing, new_key_ring

AFTER: Final = "Takes effect at the next start of the deployment."
THEN_REWRAP: Final = f"{AFTER} After it: opencircle data-keys rewrap."

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Ring(StrEnum):
    """Which keys."""

    MESSAGE = "message"
    CONNECTION = "connection"
    FIELD = "field"


class KeyInUseError(OperatorError):
    """Billing connections are still sealed with this key: write them anew first (PUT, with their secrets)."""


class WrapsDataKeysError(OperatorError):
    """Data keys are still wrapped by this key: restart after `keys add field`, then `data-keys rewrap`."""


class NoSuchKeyError(OperatorError):
    """There is no such key, or it is the first, which seals: add another one before."""


Whose = Annotated[
    Ring,
    typer.Argument(help="message: what the broker holds; connection: billing secrets; field: the databases."),
]


@cli.callback()
def main() -> None:
    """Look after keys: list, add and remove them in a data folder, or make one for other places.

    Example: opencircle keys add message, restart, and an hour later opencircle keys remove message k1.
    """


@cli.command("list")
def list_keys(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the ids of all keys; of each ring the first seals, and all open."""
    with explained():
        folder = _folder(data_dir)
    rows = [
        {"ring": ring.value, "id": key_id, "seals": number == 0}
        for ring in Ring
        for number, key_id in enumerate(KeyRing.parse(_file(folder, ring).read_text()).keys)
    ]
    show(rows, as_json=as_json, nothing="There is no key.")


@cli.command()
def add(ring: Whose, *, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Put a new key in front: it seals from the next start on, and the older ones still open."""
    with explained():
        file = _file(_folder(data_dir), ring)
    text = file.read_text().strip()
    key_id = _next_id(text)
    replace_private(file, f"{new_key_ring(key_id)},{text}")
    note = THEN_REWRAP if ring is Ring.FIELD else AFTER
    show([{"ring": ring.value, "added": key_id, "note": note}], as_json=as_json, nothing="")


@cli.command()
def remove(ring: Whose, key_id: str, *, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take an old key out, once nothing that it sealed is still needed; refused while it is seen to be."""
    with explained():
        where = where_is(data_dir)
        file = _file(_folder(data_dir), ring)
    parts = file.read_text().strip().split(",")
    kept = [part for part in parts if part.partition(":")[0].strip() != key_id]
    if len(kept) == len(parts) or kept[0] != parts[0]:
        with explained():
            raise NoSuchKeyError(key_id)
    if ring in _REQUIRES:
        run(_REQUIRES[ring](where, key_id))
    replace_private(file, ",".join(kept))
    show([{"ring": ring.value, "removed": key_id, "note": AFTER}], as_json=as_json, nothing="")


@cli.command()
def new(key_id: Annotated[str, typer.Argument(help="Its id in the ring, such as k2.")] = "k1") -> None:
    """Print a new key, as a secret's file or setting wants it: keep it from histories and screens."""
    typer.echo(new_key_ring(key_id))


def _folder(data_dir: Path | None) -> DataFolder:
    folder = where_is(data_dir).folder
    if folder is None:
        raise NoDeploymentError("The environment's key rings are where its secrets are kept.")
    return folder


def _file(folder: DataFolder, ring: Ring) -> Path:
    return folder.root / f"{ring.value}.keys"


def _next_id(text: str) -> str:
    taken = KeyRing.parse(text).keys
    return next(f"k{number}" for number in range(1, len(taken) + 2) if f"k{number}" not in taken)


async def _require_no_connection(where: Where, key_id: str) -> None:
    connection = tables_of("billing_bridge").tables["connection"]
    async with (
        where.databases("billing_bridge") as databases,
        databases["billing_bridge"].reading_for_all() as db,
    ):
        sealed = (await db.execute(select(connection.c.sealed_secret, connection.c.sealed_certificate))).all()
    if any((text or "").startswith(f"{key_id}.") for row in sealed for text in row):
        raise KeyInUseError(key_id)


async def _require_no_data_key(where: Where, key_id: str) -> None:
    async with where.databases() as databases:
        for database in databases.values():
            if (await wrapped_by(database))[key_id]:
                raise WrapsDataKeysError(key_id)


_REQUIRES: Final[Mapping[Ring, Callable[[Where, str], Coroutine[Any, Any, None]]]] = {
    Ring.CONNECTION: _require_no_connection,
    Ring.FIELD: _require_no_data_key,
}
"""What is seen to need a key of each ring; what messages need, nobody can see."""
