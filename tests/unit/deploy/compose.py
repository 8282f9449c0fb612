"""What `docker-compose.yml` says, as the tests of this folder ask it."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic_settings import BaseSettings

from deploy.embedded.gateway import PREFIXES
from deploy.embedded.parts import parts_of
from shared.audit.settings import AnchorSettings
from shared.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[3]
FILE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: Final[dict[str, dict[str, Any]]] = FILE["services"]
MIGRATIONS: Final = "shared.database.migrations"
GATEWAY: Final = "deploy.embedded.gateway"

MODULES: Final = {
    name: container["command"][0]
    for name, container in CONTAINERS.items()
    if container["image"].startswith("opencircle:") and container["command"][0] != MIGRATIONS
}
"""Which composition root each container of ours runs."""

MIGRATING: Final = {
    container["command"][2]: name
    for name, container in CONTAINERS.items()
    if container.get("command", [""])[0] == MIGRATIONS
}
"""Which container migrates the database of each service."""

APIS: Final = [name for name, module in MODULES.items() if module.endswith(".main")]
LOOPS: Final = [name for name in MODULES if name not in APIS]


def service_of(container: str) -> str:
    return str(MODULES[container]).split(".")[1]


def embedded_modules() -> set[str]:
    """The modules of the one-machine deployment, its gateway split into the APIs behind it."""
    parts = parts_of(data=Path(), sockets=Path(), port=1)
    modules = {part.module for part in parts if part.module} - {GATEWAY}
    return modules | {create.__module__ for _, create in PREFIXES}


def settings_of(service: str) -> list[type[BaseSettings]]:
    """The settings classes that a process of `service` reads."""
    module = import_module(f"services.{service}.settings")
    own = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind.__module__ == module.__name__
    ]
    return [Settings, *own, AnchorSettings]


def names_of(kind: type[BaseSettings], *, required: bool = False) -> set[str]:
    """The variables that a settings class reads, or those that it can't do without."""
    prefix = str(kind.model_config["env_prefix"])
    fields = kind.model_fields.items()
    return {f"{prefix}{name}".upper() for name, field in fields if field.is_required() or not required}


def environment_of(container: str) -> set[str]:
    """The variables of a container that are no secrets."""
    example = (ROOT / "deploy/compose/opencircle.env.example").read_text().splitlines()
    written = {line.partition("=")[0] for line in example if line and not line.startswith("#")}
    return set(CONTAINERS[container]["environment"]) | written


def secrets_of(container: str) -> set[str]:
    """The settings that a container finds as files."""
    return {name.upper() for name in CONTAINERS[container]["secrets"]}


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))
