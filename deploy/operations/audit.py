"""`opencircle audit`: proves the audit trails of a deployment, and anchors them."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.embedded.errors import OperatorError
from deploy.operations.showing import AsJson, explained, print_json
from deploy.operations.where import DataDir, Where, tables_of, where_is
from shared.audit.anchoring import open_anchoring
from shared.audit.anchors import BadAnchorError, BadAnchorKeyError, Head, read_anchors, read_public_key
from shared.audit.linking import Linker
from shared.audit.settings import AnchorSettings
from shared.audit.verifying import Proof, verify
from shared.clock import now_utc

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class CannotAnchorError(OperatorError):
    """Nothing says where to anchor: set OPENCIRCLE_ANCHOR_KEY and _FILE or _BUCKET_URL."""


@cli.callback()
def main() -> None:
    """Prove that no entry of an audit trail was changed or taken out, and anchor the trails.

    Example: opencircle audit verify --from-anchor anchors.jsonl --public-key anchor.pub.pem
    """


@cli.command("verify")
def verify_command(
    data_dir: DataDir = None,
    from_anchor: Annotated[
        Path | None, typer.Option(help="Anchors: a file of lines, or a folder of such files.", exists=True)
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Proves the anchors, PEM; else the key in the settings.", exists=True)
    ] = None,
    grace_seconds: Annotated[int, typer.Option(min=0, help="An older entry must have its link.")] = 120,
    *,
    as_json: AsJson = False,
) -> None:
    """Recompute every chain; end with 1 and name the first row of a trail that does not hold."""
    with explained(BadAnchorError, BadAnchorKeyError):
        where = where_is(data_dir)
        heads = _heads(where, from_anchor, public_key)
        proofs = asyncio.run(_verify(where, heads, timedelta(seconds=grace_seconds)))
    if as_json:
        print_json(_as_json(proofs))
    else:
        typer.echo(_in_words(proofs))
    raise typer.Exit(any(proof.finding for proof in proofs.values()))


@cli.command("anchor")
def anchor_command(data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Sign the heads of all chains now and keep them where the settings say."""
    with explained(OSError):
        count = asyncio.run(_anchor(where_is(data_dir)))
    if as_json:
        print_json({"anchored": count})
    else:
        typer.echo(f"{count} heads anchored")


def _heads(where: Where, anchors: Path | None, public_key: Path | None) -> Mapping[str, Sequence[Head]]:
    """Give the anchored heads by service."""
    heads: dict[str, list[Head]] = defaultdict(list)
    if anchors is None:
        return heads
    if public_key is not None:
        pem = public_key.read_text()
    else:
        key = where.read(AnchorSettings).key
        if key is None:
            raise CannotAnchorError
        pem = key.get_secret_value()
    files = sorted(anchors.rglob("*.jsonl")) if anchors.is_dir() else [anchors]
    for head in read_anchors(b"".join(file.read_bytes() for file in files), read_public_key(pem)):
        heads[head.service].append(head)
    return heads


async def _verify(where: Where, heads: Mapping[str, Sequence[Head]], grace: timedelta) -> Mapping[str, Proof]:
    async with where.databases() as databases:
        return {
            service: await verify(
                database,
                tables_of(service).tables["audit_entry"],
                linked_before=now_utc() - grace,
                anchored=heads.get(service, ()),
            )
            for service, database in databases.items()
        }


async def _anchor(where: Where) -> int:
    settings = where.read(AnchorSettings)
    count = 0
    async with where.databases() as databases:
        for service, database in databases.items():
            trail = tables_of(service).tables["audit_entry"]
            anchoring = open_anchoring(settings, service=service, database=database, trail=trail)
            if anchoring is None:
                raise CannotAnchorError
            await Linker(database=database, trail=trail).link_new()
            count += await anchoring.anchor(at=now_utc())
    return count


def _in_words(proofs: Mapping[str, Proof]) -> str:
    return "\n".join(f"{service:<16}{_proof_in_words(proof)}" for service, proof in proofs.items())


def _proof_in_words(proof: Proof) -> str:
    found = proof.finding
    if found is None:
        return f"holds: {proof.links} entries of {proof.instances} instances"
    named = {"instance": found.instance_id, "link": found.sequence, "entry": found.entry_id, "at": found.at}
    places = ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)
    return f"DOES NOT HOLD ({found.fault}): {places}"


def _as_json(proofs: Mapping[str, Proof]) -> dict[str, Any]:
    return {service: _proof_as_json(proof) for service, proof in proofs.items()}


def _proof_as_json(proof: Proof) -> dict[str, Any]:
    found = proof.finding
    finding = found and {
        "fault": found.fault.value,
        "instance_id": str(found.instance_id),
        "sequence": found.sequence,
        "entry_id": found.entry_id and str(found.entry_id),
        "at": found.at and found.at.isoformat(),
    }
    return {"links": proof.links, "instances": proof.instances, "finding": finding}
