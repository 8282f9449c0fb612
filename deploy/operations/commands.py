"""All commands of `opencircle`: one table, a line each. A module is loaded when its command is run."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where a command is: the typer application `cli` of a module, or one command of it."""

    module: str
    command: str | None = None
    """None: the whole application is the command."""


COMMANDS: Final[Mapping[str, Found]] = {
    "up": Found(module="deploy.embedded.cli", command="up"),
    "demo": Found(module="deploy.embedded.cli", command="demo"),
    "doctor": Found(module="deploy.operations.doctor"),
    "charges": Found(module="services.billing_bridge.operator"),
    "import": Found(module="deploy.operations.importing"),
    "deliveries": Found(module="deploy.operations.deliveries"),
    "audit": Found(module="deploy.operations.audit"),
    "disclosures": Found(module="deploy.operations.disclosing"),
    "backup": Found(module="deploy.operations.backup", command="backup"),
    "verify-backup": Found(module="deploy.operations.backup", command="verify"),
    "restore": Found(module="deploy.operations.backup", command="restore"),
    "reconcile": Found(module="deploy.operations.backup", command="reconcile"),
    "keys": Found(module="deploy.operations.keys"),
    "data-keys": Found(module="deploy.operations.data_keys"),
    "unlock": Found(module="deploy.operations.unlocking"),
    "size": Found(module="deploy.operations.sizing"),
}


class Commands(TyperGroup):
    """The group of the table's commands, in its order."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's own signature
        """Name all commands."""
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load one command; None where there is none of that name."""
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: Any = typer.main.get_command(import_module(found.module).cli)
        chosen = command.get_command(ctx, found.command) if found.command else command
        chosen.name = cmd_name
        return chosen


cli = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Exit status: 0 done, 1 refused or something is broken, 2 wrong use, 3 a reconciliation with "
    "differences, 78 a setting is wrong. With --json a command prints one JSON value, for programs.",
)


@cli.callback()
def main() -> None:
    """Run OpenCircle and look after it.

    \b
    Examples:
      ./opencircle up                    serve on this machine
      ./opencircle doctor                what is wrong, and how it is mended
      ./opencircle import export/        take in a FHIR R4 bulk export
      ./opencircle charges worklist      charges that wait for a person
      ./opencircle deliveries list       what no consumer could apply
      ./opencircle backup /srv/backups/monday
    """  # noqa: D301 - `\b` is typer's own mark: keep these lines as they are
    # Whatever is written holds health data or keys: it is for this user alone.
    os.umask(0o077)
