"""What is SFTP's own: keys, passwords, and what the names on the server tell after a cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from services.billing_bridge.connector import NothingSentError, OutcomeUnknownError
from services.billing_bridge.connectors.sftp.connector import SftpConnector
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Verdict
from services.billing_bridge.outside import Outside
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.drops import (
    CUT_TOTALS,
    CUT_WRITING,
    REFUSE,
    SftpSide,
    a_login,
    sftp_side,
)
from tests.integration.services.billing_bridge.connectors.speakers import ACCEPT, HANG_UP

Charges = list[Charge]
WHOLE = ["csv", "totals.json"]


@pytest_asyncio.fixture
async def side() -> AsyncIterator[SftpSide]:
    async with sftp_side() as one:
        yield one


@pytest.fixture
def connector(outside: Outside) -> SftpConnector:
    return SftpConnector(outside)


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize(
    ("act", "found"),
    [
        (CUT_WRITING, Verdict.NOT_TAKEN),
        (HANG_UP, Verdict.NOT_TAKEN),
        (CUT_TOTALS, Verdict.NOT_TAKEN),
        (ACCEPT, Verdict.ACCEPTED),
    ],
)
async def test_after_a_cut_the_names_there_tell_how_far_it_came(
    connector: SftpConnector, charges: Charges, side: SftpSide, act: str, found: Verdict
) -> None:
    side.script = [act]
    with contextlib.suppress(NothingSentError, OutcomeUnknownError):
        await connector.push(charges, side.destination)
    if act == CUT_TOTALS and side.names == WHOLE:
        # The deed may have been done before its answer was lost, or not: both are told apart.
        found = Verdict.ACCEPTED
    outcome = await connector.look_up(charges, side.destination, reversing=False)
    assert outcome.verdict is found
    assert (await connector.push(charges, side.destination)).verdict is Verdict.ACCEPTED
    assert side.names == WHOLE


async def test_a_server_whose_key_is_not_the_pinned_one_is_sent_nothing(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    with pytest.raises(NothingSentError, match="HostKeyNotVerifiable"):
        await connector.push(charges, replace(side.destination, settings=a_login()))
    assert side.names == []


async def test_a_wrong_password_is_no_unknown_outcome(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    with pytest.raises(NothingSentError, match="PermissionDenied"):
        await connector.push(charges, replace(side.destination, secret="another"))


async def test_a_refusal_of_the_server_leaves_nothing_unknown(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    side.script = [REFUSE]
    with pytest.raises(NothingSentError, match="PermissionDenied"):
        await connector.push(charges, side.destination)


async def test_a_key_opens_the_door_as_well(
    connector: SftpConnector, charges: Charges, tmp_path: Path
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "authorized").write_bytes(key.export_public_key())
    async with sftp_side(authorized_client_keys=str(tmp_path / "authorized")) as side:
        destination = replace(side.destination, secret=key.export_private_key().decode())
        assert (await connector.push(charges, destination)).verdict is Verdict.ACCEPTED


async def test_a_server_that_says_nothing_is_given_up(
    connector: SftpConnector, charges: Charges, side: SftpSide, outside: Outside
) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await asyncio.sleep(60)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(NothingSentError):
            await connector.push(charges, replace(side.destination, url=f"sftp://127.0.0.1:{port}/inbound"))
    finally:
        server.close()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"settings": {"user": "clinic"}}, "#/settings/host_keys"),
        ({"settings": {"user": "clinic", "host_keys": ["nonsense"]}}, "#/settings/host_keys/0"),
        ({"secret": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "#/secret"),
        ({"url": "https://billing.example/inbound"}, "#/url"),
    ],
)
async def test_what_can_not_be_used_is_told_where_it_stands(
    billing: Billing, side: SftpSide, changes: dict[str, Any], pointer: str
) -> None:
    there = side.destination
    await billing.connect(there.url, system="sftp", secret=there.secret, settings=there.settings)
    content = {"url": there.url, "secret": there.secret, "settings": there.settings} | changes
    answer = await billing.ask("/connections/sftp", method="PUT", content=content)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
