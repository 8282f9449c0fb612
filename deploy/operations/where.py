"""Where a deployment is: its settings and databases, for command lines that work beside its processes."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import MetaData

from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import DEFAULT_FOLDER, SERVICES, DataFolder
from shared.database.engine import create_engine
from shared.database.field_keys import FieldKeys
from shared.database.migrations import url_of
from shared.database.transactions import Database
from shared.messaging.tables import Ledger
from shared.settings import SECRETS_FOLDER, FieldSettings, Settings, SettingsT, read_settings

PREFIX: Final = "OPENCIRCLE_"
POOL_SIZE: Final = 2

DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="OPENCIRCLE_DATA_DIR",
        help="The folder of an embedded deployment; else the environment's settings say where all is.",
    ),
]
"""The option that every command takes; `where_is` understands it."""


class NoDeploymentError(OperatorError):
    """There is no deployment here: give --data-dir, or the settings OPENCIRCLE_..._DATABASE_URL."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """A deployment as its own processes see it: by the environment, or by an embedded folder."""

    folder: DataFolder | None = None
    """None: the environment says everything, as in a container."""

    def read(self, kind: type[SettingsT]) -> SettingsT:
        """Read settings as a process of the deployment does; a wrong one ends this process (78)."""
        with self._environment():
            return read_settings(kind)

    @property
    def settings(self) -> Settings:
        """What all processes share: broker, message keys, issuer."""
        return self.read(Settings)

    @property
    def services(self) -> tuple[str, ...]:
        """Those whose database is known here: all four when embedded, in a container perhaps fewer."""
        return SERVICES if self.folder else tuple(one for one in SERVICES if _is_told(one))

    def url(self, service: str) -> str:
        """Give the URL of a service's database, with its password: not to be shown."""
        with self._environment():
            return url_of(service)

    @asynccontextmanager
    async def databases(self, *services: str) -> AsyncIterator[Mapping[str, Database]]:
        """Open the databases of `services`, or of all that are known here, during the block.

        Nobody is woken by what is written: the relays find it at their next sweep, a second later.
        """
        async with AsyncExitStack() as stack:
            databases, master_keys = {}, self.read(FieldSettings).master_keys
            for service in services or self.services:
                engine = create_engine(self.url(service), pool_size=POOL_SIZE)
                stack.push_async_callback(engine.dispose)
                # A memory of keys for each: the same instance has other data keys in each service.
                keys = FieldKeys(master_keys=master_keys)
                databases[service] = Database(engine=engine, field_keys=keys)
            yield databases

    @contextmanager
    def _environment(self) -> Iterator[None]:
        if self.folder is None:
            yield
            return
        told = self.folder.told()  # first: a file of it may be missing
        kept = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith(PREFIX)}
        os.environ.update(told)
        try:
            yield
        finally:
            for name in told:
                os.environ.pop(name, None)
            os.environ.update(kept)


def where_is(data_dir: Path | None) -> Where:
    """Find the deployment: in the folder given, by the environment, or in the usual folder.

    Raises `NoDeploymentError`.
    """
    if data_dir is None and any(_is_told(service) for service in SERVICES):
        return Where()
    folder = DataFolder(root=data_dir or DEFAULT_FOLDER)
    if not folder.is_laid_out():
        raise NoDeploymentError
    return Where(folder=folder)


def tables_of(service: str) -> MetaData:
    """Give the tables of a service: `audit_entry` in each, `event`, `delivery` and `inbox` in some."""
    metadata: MetaData = import_module(f"services.{service}.models").metadata
    return metadata


def ledger_of(service: str) -> Ledger:
    """Give the ledger of a service that publishes."""
    tables = tables_of(service).tables
    return Ledger(event=tables["event"], delivery=tables["delivery"], step=tables["delivery_step"])


def _is_told(service: str) -> bool:
    name = f"{PREFIX}{service.partition('_')[0].upper()}_DATABASE_URL"
    return name in os.environ or (SECRETS_FOLDER / name.lower()).exists()
