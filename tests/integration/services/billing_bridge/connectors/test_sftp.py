"""The SFTP connector against asyncssh's own server, which does what a test tells it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncssh
import pytest
import pytest_asyncio
from sqlalchemy import select

from services.billing_bridge.connector import Destination, NothingSentError, OutcomeUnknownError
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.connectors.sftp.connector import SftpConnector
from services.billing_bridge.domain import Charge
from services.billing_bridge.models import charge_status
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.outside import Outside
from shared.testing.records import a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing

PASSWORD: Final = "a-password-of-the-clinic"
Charges = list[Charge]


class Door(asyncssh.SSHServer):
    """Lets the clinic in by its password."""

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("clinic", PASSWORD)


@dataclass
class SftpSide:
    """A billing system's server: `folder` is what it shows."""

    folder: Path
    host_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    breaks_at: str = ""
    """The deed at which it breaks the line: `write`, `rename of .csv` or `rename of .json`."""
    refuses: bool = False
    port: int = 0
    connections: int = 0

    def destination(self, **changes: Any) -> Destination:
        public = self.host_key.export_public_key().decode().strip()
        facts: dict[str, Any] = {
            "url": f"sftp://127.0.0.1:{self.port}/inbound",
            "secret": PASSWORD,
            "settings": {"user": "clinic", "host_keys": [public]},
        }
        return Destination(**facts | changes)

    @property
    def files(self) -> list[str]:
        return sorted(one.suffix for one in (self.folder / "inbound").glob("[!.]*"))

    def serving(self, channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        side = self

        class Serving(asyncssh.SFTPServer):
            def write(self, file_obj: object, offset: int, data: bytes) -> Any:
                side.meets("write", channel)
                return super().write(file_obj, offset, data)

            def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
                if side.refuses and pflags & asyncssh.FXF_WRITE:
                    raise asyncssh.SFTPPermissionDenied("no")
                return super().open(path, pflags, attrs)

            def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
                side.meets(f"rename of {Path(newpath.decode()).suffix}", channel)
                return super().posix_rename(oldpath, newpath)

        return Serving(channel, chroot=str(self.folder).encode())

    def meets(self, deed: str, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        if deed == self.breaks_at:
            self.breaks_at = ""
            channel.get_connection().abort()


@contextlib.asynccontextmanager
async def sftp_side(folder: Path, **more: Any) -> AsyncIterator[SftpSide]:
    side = SftpSide(folder=folder)
    (folder / "inbound").mkdir(parents=True)

    def door() -> Door:
        side.connections += 1
        return Door()

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=door,
        server_host_keys=[side.host_key],
        sftp_factory=side.serving,
        config=None,
        **more,
    )
    side.port = server.get_port()
    try:
        yield side
    finally:
        server.close()
        await server.wait_closed()


@pytest_asyncio.fixture
async def side(tmp_path: Path) -> AsyncIterator[SftpSide]:
    async with sftp_side(tmp_path / "server") as one:
        yield one


@pytest.fixture
def connector(outside: Outside) -> SftpConnector:
    return SftpConnector(outside)


async def looked_up(connector: SftpConnector, charges: Charges, side: SftpSide) -> Outcome:
    return await connector.look_up(charges, side.destination(), reversing=False)


@pytest.mark.rule("BILL-4")
async def test_a_batch_appears_whole_with_its_totals_and_no_trace_of_the_writing(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    outcome = await connector.push(charges, side.destination())
    assert outcome.verdict is Verdict.ACCEPTED
    assert sorted(one.name.partition(".")[2] for one in (side.folder / "inbound").iterdir()) == [
        "csv",
        "totals.json",
    ]
    assert str(charges[0].charge_id) in next((side.folder / "inbound").glob("*.csv")).read_text()


@pytest.mark.rule("BILL-6")
async def test_a_reversal_is_a_file_of_its_own(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    await connector.push(charges, side.destination())
    await connector.reverse(charges, side.destination())
    assert side.files == [".csv", ".csv", ".json", ".json"]


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize(
    ("breaks_at", "found"),
    [
        ("write", Verdict.NOT_TAKEN),
        ("rename of .csv", Verdict.NOT_TAKEN),
        ("rename of .json", Verdict.NOT_TAKEN),
        ("", Verdict.ACCEPTED),
    ],
)
async def test_after_a_cut_the_names_there_tell_how_far_it_came(
    connector: SftpConnector, charges: Charges, side: SftpSide, breaks_at: str, found: Verdict
) -> None:
    side.breaks_at = breaks_at
    with contextlib.suppress(NothingSentError, OutcomeUnknownError):
        await connector.push(charges, side.destination())
    if breaks_at == "rename of .json":
        # The deed may have been done before its answer was lost, or not: both are told apart.
        found = Verdict.ACCEPTED if side.files == [".csv", ".json"] else found
    assert (await looked_up(connector, charges, side)).verdict is found
    assert (await connector.push(charges, side.destination())).verdict is Verdict.ACCEPTED
    assert side.files == [".csv", ".json"]


@pytest.mark.rule("BILL-5")
async def test_a_file_that_is_gone_may_have_been_fetched(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    await connector.push(charges, side.destination())
    for one in (side.folder / "inbound").iterdir():
        one.unlink()
    assert (await looked_up(connector, charges, side)).verdict is Verdict.UNKNOWN


@pytest.mark.rule("BILL-5")
async def test_the_same_charges_again_change_nothing(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    await connector.push(charges, side.destination())
    before = {one.name: one.stat().st_mtime_ns for one in (side.folder / "inbound").iterdir()}
    await connector.push(charges, side.destination())
    assert {one.name: one.stat().st_mtime_ns for one in (side.folder / "inbound").iterdir()} == before


async def test_a_server_whose_key_is_not_the_pinned_one_is_sent_nothing(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    destination = side.destination(settings={"user": "clinic", "host_keys": [other]})
    with pytest.raises(NothingSentError, match="HostKeyNotVerifiable"):
        await connector.push(charges, destination)
    assert side.files == []


async def test_a_wrong_password_is_no_unknown_outcome(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    with pytest.raises(NothingSentError, match="PermissionDenied"):
        await connector.push(charges, side.destination(secret="another"))


async def test_a_refusal_of_the_server_leaves_nothing_unknown(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    side.refuses = True
    with pytest.raises(NothingSentError, match="PermissionDenied"):
        await connector.push(charges, side.destination())


async def test_a_key_opens_the_door_as_well(
    connector: SftpConnector, charges: Charges, tmp_path: Path
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "authorized").write_bytes(key.export_public_key())
    async with sftp_side(tmp_path / "server", authorized_client_keys=str(tmp_path / "authorized")) as side:
        destination = side.destination(secret=key.export_private_key().decode())
        assert (await connector.push(charges, destination)).verdict is Verdict.ACCEPTED


async def test_where_nobody_listens_nothing_was_sent(
    connector: SftpConnector, charges: Charges, side: SftpSide
) -> None:
    with pytest.raises(NothingSentError):
        await connector.push(charges, side.destination(url="sftp://127.0.0.1:9/inbound"))


async def test_an_address_of_our_own_network_is_not_connected_to(
    connector: SftpConnector, charges: Charges, side: SftpSide, outside: Outside
) -> None:
    outside.networks = type(outside.networks).parse("", embedded=False)
    with pytest.raises(NothingSentError, match="not public"):
        await connector.push(charges, side.destination())
    assert side.connections == 0


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
            await connector.push(charges, side.destination(url=f"sftp://127.0.0.1:{port}/inbound"))
    finally:
        server.close()


async def test_no_secret_and_no_patient_is_in_a_text_of_ours(
    connector: SftpConnector, charges: Charges, side: SftpSide, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = await connector.push(charges, side.destination())
    texts = f"{side.destination()!r} {outcome!r} {caplog.text}"
    assert [text for text in (PASSWORD, *charges[0].identifiers) if text in texts] == []


@pytest.mark.rule("BILL-4")
async def test_all_that_is_due_goes_there_from_the_rows(billing: Billing, side: SftpSide) -> None:
    there = side.destination()
    await billing.connect(there.url, system="sftp", secret=there.secret, settings=there.settings)
    await billing.hear(*(a_session_record(billing=webhook_billing(system="sftp")) for _ in range(2)))
    await billing.push()
    rows = await billing.rows(select(charge_status.c.status))
    assert {row.status for row in rows} == {"accepted"}
    assert side.files == [".csv", ".json"]


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
    there = side.destination()
    await billing.connect(there.url, system="sftp", secret=there.secret, settings=there.settings)
    content = {"url": there.url, "secret": there.secret, "settings": there.settings} | changes
    answer = await billing.ask("/connections/sftp", method="PUT", content=content)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_it_is_one_of_the_connectors() -> None:
    assert CONNECTORS["sftp"].open is SftpConnector
