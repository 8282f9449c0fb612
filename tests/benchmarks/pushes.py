"""What pushing costs with its attempt rows: ours beside the bare HTTP client sending the same bytes."""

import asyncio
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import orjson
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from services.billing_bridge.connector import Connector, Destination
from services.billing_bridge.connectors.webhook.body import body_of
from services.billing_bridge.connectors.webhook.connector import WebhookConnector
from services.billing_bridge.connectors.webhook.secrets import new_secret
from services.billing_bridge.connectors.webhook.signatures import signed_headers
from services.billing_bridge.domain import Charge, charges_for
from services.billing_bridge.models import connection
from services.billing_bridge.networks import Networks
from services.billing_bridge.outcomes import Outcome
from services.billing_bridge.outside import KEPT_SECONDS, Outside, open_outside, tls_of
from services.billing_bridge.posting import USER_AGENT
from services.billing_bridge.pushing import SECRET_PURPOSE, Pusher
from services.billing_bridge.repository import add_new_charges
from shared.clock import now_utc
from shared.database.bulk import insert_new
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.messaging.bells import SweepOnly
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.notices import NOTICE
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, TUESDAY, a_session_record
from tests.benchmarks.rows import Row
from tests.integration.services.billing_bridge.connectors.certificates import Authority
from tests.support.servers import PostgresServer

PAIRS = 5
PUSHES = 1000
CONNECTIONS = 10
KEYS = KeyRing.parse(new_key_ring())
SECRET = new_secret()
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


class Counting:
    """The real connector, which says when everything was sent."""

    def __init__(self, connector: Connector, stop: asyncio.Event, *, expected: int) -> None:
        self._connector, self._stop, self._left = connector, stop, expected

    async def push(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        outcome = await self._connector.push(charges, destination)
        self._left -= 1
        if self._left == 0:
            self._stop.set()
        return outcome

    async def reverse(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        return await self._connector.reverse(charges, destination)


def run() -> list[Row]:
    """Measure both in alternating pairs, after a warm-up, on a PostgreSQL and a receiver of their own."""
    with tempfile.TemporaryDirectory(prefix="opencircle-bench-") as name, a_migrated_database() as url:
        authority = Authority(Path(name))
        with a_receiver(Path(name)) as address:
            return uvloop.run(measure(url, address, authority.pem))


async def measure(url: str, address: str, trusted_ca: str) -> list[Row]:
    database = database_on(create_engine(url))
    await connect(database, address, trusted_ca)
    networks = Networks.parse("", embedded=True)
    async with (
        open_outside(networks=networks, clock=now_utc, embedded=True, connections=CONNECTIONS) as outside,
        httpx2.AsyncClient(
            verify=tls_of(trusted_ca, None),
            trust_env=False,
            headers={"user-agent": USER_AGENT},
            limits=httpx2.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=KEPT_SECONDS,
            ),
        ) as client,
    ):

        async def ours() -> float:
            await add(database, charges())
            return await rate(lambda: push_all(database, outside))

        async def peer() -> float:
            requests = signed(charges())
            return await rate(lambda: post_all(client, address, requests))

        # Before the clock counts: lines are opened, statements prepared, and both send the same.
        del client.headers["accept"], client.headers["connection"]
        mine, theirs = [(await run(), await received(client, address))[1] for run in (ours, peer)]
        assert mine == theirs
        pairs = [(await ours(), await peer()) for _ in range(PAIRS)]
    await database.engine.dispose()
    ratios = [mine / bare for mine, bare in pairs]
    return [
        Row(
            name=f"pushes over {CONNECTIONS} connections, TLS, attempt rows / bare client",
            unit="1/s",
            ours=statistics.median(mine for mine, _ in pairs),
            peer=statistics.median(bare for _, bare in pairs),
            ratio=statistics.median(ratios),
            reach=0.5,
        )
    ]


async def rate(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    await work()
    return PUSHES / (time.perf_counter() - begun)


def charges() -> list[Charge]:
    sessions = (a_session_record(present=25, absent=0) for _ in range(PUSHES // 25))
    return [charge for session in sessions for charge in charges_for(session)]


async def add(database: Database, made: Sequence[Charge]) -> None:
    async with database.writing_for([CLINIC]) as db:
        await add_new_charges(db, [(CLINIC, TUESDAY, charge) for charge in made])


async def connect(database: Database, address: str, trusted_ca: str) -> None:
    row = {
        "instance_id": CLINIC,
        "system": "webhook",
        "url": address,
        "sealed_secret": KEYS.seal(SECRET, purpose=SECRET_PURPOSE),
        "settings": {"echoes_key": True, "trusted_ca": trusted_ca},
        "deduplicates": True,
        "active": True,
        "destination_id": new_id(),
        "changed_at": TUESDAY,
        "changed_by": new_id(),
    }
    async with database.writing_for_all() as db:
        await insert_new(db, connection, [row])


async def push_all(database: Database, outside: Outside) -> None:
    """From rows that are due to rows that are accepted."""
    stop = asyncio.Event()
    connector = Counting(WebhookConnector(outside), stop, expected=PUSHES)
    pusher = Pusher(
        database=database,
        connectors={"webhook": connector},
        keys=KEYS,
        units={},
        concurrent_pushes=CONNECTIONS,
    )
    await pusher.run(SweepOnly(), stop)


def signed(made: Sequence[Charge]) -> Iterator[tuple[bytes, dict[str, str]]]:
    # Signed before the clock runs: the peer only sends.
    bodies = [(body_of(charge, notice=NOTICE), str(charge.charge_id)) for charge in made]
    return iter(
        [
            (body, {**signed_headers(body, key=key, secret=SECRET, at=now_utc()), "traceparent": TRACE})
            for body, key in bodies
        ]
    )


async def post_all(
    client: httpx2.AsyncClient, address: str, requests: Iterator[tuple[bytes, dict[str, str]]]
) -> None:
    async def post() -> None:
        for body, headers in requests:
            (await client.post(address, content=body, headers=headers)).raise_for_status()

    await asyncio.gather(*(post() for _ in range(CONNECTIONS)))


async def received(client: httpx2.AsyncClient, address: str) -> dict[str, int]:
    """Ask the receiver how many bytes of which part of requests it had, and let it count anew."""
    counted: dict[str, int] = (await client.get(address)).json()
    return counted


COUNTED: Counter[str] = Counter()


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes everything at once: what is measured is the sender."""
    if scope["type"] != "http":
        return
    if scope["method"] == "GET":
        await said(send, 200, orjson.dumps(COUNTED), [])
        COUNTED.clear()
        return
    more = True
    while more:
        message = await receive()
        COUNTED["body"] += len(message["body"])
        more = message.get("more_body", False)
    COUNTED["pushes"] += 1
    COUNTED["headers"] += sum(len(name) + len(value) for name, value in scope["headers"])
    (key,) = (value for name, value in scope["headers"] if name == b"webhook-id")
    await said(send, 201, b'{"receipt_id": "R-7"}', [(b"webhook-id", key)])


async def said(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def a_receiver(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.pushes", str(folder / "server.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@contextmanager
def a_migrated_database() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="opencircle-bench-"))
    server = PostgresServer(directory=folder)
    server.start()
    try:
        url = server.create_database("billing")
        asyncio.run(migrate(url))
        yield url
    finally:
        server.stop()
        shutil.rmtree(folder)


async def migrate(url: str) -> None:
    engine = create_engine(url)
    await upgrade(engine, "billing_bridge")
    await engine.dispose()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"https://127.0.0.1:{listening.getsockname()[1]}/charges", flush=True)
        config = uvicorn.Config(
            answer, log_config=None, access_log=False, lifespan="off", ssl_certfile=sys.argv[1]
        )
        uvicorn.Server(config).run([listening])
