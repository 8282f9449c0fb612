"""What HL7 costs over one MLLP connection: our connector beside the bare client sending the same bytes."""

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvloop
from hl7.mllp import open_hl7_connection

from services.billing_bridge.connector import Connector, Destination
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.domain import Charge, charges_for
from services.billing_bridge.hl7.connector import Hl7Settings
from services.billing_bridge.hl7.messages import message_of
from services.billing_bridge.networks import Networks
from services.billing_bridge.outside import open_outside
from shared.clock import now_utc
from shared.testing.records import a_session_record
from tests.benchmarks.rows import Row

PAIRS = 5
MESSAGES = 1000
UNDER_WAY = 10


def run() -> list[Row]:
    """Measure both in alternating pairs, after a warm-up, on a listener of their own."""
    with a_listener() as address:
        return uvloop.run(measure(address))


async def measure(address: str) -> list[Row]:
    charges = [
        one for _ in range(MESSAGES // 25) for one in charges_for(a_session_record(present=25, absent=0))
    ]
    networks = Networks.parse("", embedded=True)
    async with open_outside(networks=networks, clock=now_utc, embedded=True) as outside:
        connector = CONNECTORS["hl7"].open(outside)
        await ours(connector, address, charges), await peer(address, charges)
        pairs = [
            (await ours(connector, address, charges), await peer(address, charges)) for _ in range(PAIRS)
        ]
    return [
        Row(
            name="HL7 messages over one MLLP connection, written and read / bare client, same bytes",
            unit="1/s",
            ours=statistics.median(mine for mine, _ in pairs),
            peer=statistics.median(bare for _, bare in pairs),
            ratio=statistics.median(mine / bare for mine, bare in pairs),
            reach=0.5,
        )
    ]


async def ours(connector: Connector, address: str, charges: Sequence[Charge]) -> float:
    """From charges to outcomes, ten under way as the pusher has them: the line takes them one by one."""
    destination, left = Destination(url=address, secret=""), iter(charges)

    async def push() -> None:
        for charge in left:
            await connector.push([charge], destination)

    begun = time.perf_counter()
    await asyncio.gather(*(push() for _ in range(UNDER_WAY)))
    return len(charges) / (time.perf_counter() - begun)


async def peer(address: str, charges: Sequence[Charge]) -> float:
    """The `hl7` library's own client; the messages are written before the clock runs."""
    settings = CONNECTORS["hl7"].settings
    assert issubclass(settings, Hl7Settings)
    messages = [message_of([one], settings.base, reversing=False, at=now_utc()).content for one in charges]
    parts = urlsplit(address)
    reader, writer = await open_hl7_connection(parts.hostname, parts.port)
    begun = time.perf_counter()
    for message in messages:
        writer.writeblock(message)
        await writer.drain()
        await reader.readblock()
    rate = len(messages) / (time.perf_counter() - begun)
    writer.close()
    await writer.wait_closed()
    return rate


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept everything at once: what is measured is the sender."""
    while True:
        try:
            message = await reader.readuntil(b"\x1c\r")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        name = message.split(b"|", 10)[9]
        writer.write(b"\x0bMSH|^~\\&|B|B|O|O|20260310||ACK|1|P|2.5.1\rMSA|AA|" + name + b"\r\x1c\r")


async def serve(listening: socket.socket) -> None:
    server = await asyncio.start_server(answer, sock=listening)
    await server.serve_forever()


@contextmanager
def a_listener() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.hl7_messages"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as open_socket:
        print(f"mllp://127.0.0.1:{open_socket.getsockname()[1]}", flush=True)
        uvloop.run(serve(open_socket))
