"""A small billing server that takes charges by webhook: what a receiver has to do, in one file.

`python -m services.billing_bridge.connectors.webhook.receiver --secret-file F --keep-in K [--port N]`
prints the address for charges. It listens on this machine alone, and shows what it took to anyone
there (`GET /charges`, `GET /counts`): it is for demonstrations and tests.
"""

import argparse
import hashlib
import os
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.identifiers import new_id


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A charge or a reversal that was accepted, under its idempotency key."""

    key: str
    receipt_id: str
    sha256: str
    charge: dict[str, Any]


@dataclass(kw_only=True)
class Book:
    """Every accepted charge, one JSON line each, on disk before it is acknowledged."""

    path: Path
    taken: dict[str, Taken] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what was accepted before a restart; a line that a crash cut off was never acknowledged."""
        self.path.touch(mode=0o600)
        whole, _, _ = self.path.read_bytes().rpartition(b"\n")
        os.truncate(self.path, len(whole) + 1 if whole else 0)
        for line in whole.splitlines():
            one = Taken(**orjson.loads(line))
            self.taken[one.key] = one

    def take(self, key: str, sha256: str, charge: dict[str, Any]) -> Taken:
        """Write a charge down for good and give its receipt."""
        one = Taken(key=key, receipt_id=str(new_id()), sha256=sha256, charge=charge)
        with self.path.open("ab") as file:
            file.write(orjson.dumps(one) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.taken[key] = one
        return one


def new_receiver(*, secret: str, book: Book) -> Starlette:
    """Build the server's application."""
    webhook, seen = Webhook(secret), Counter[str]()

    def answered(key: str, status: int, kind: str, content: dict[str, Any]) -> Response:
        seen[kind] += 1
        answer = _json(content, status)
        # What it answers: so the connection can be kept (`echoes_key`).
        answer.headers["webhook-id"] = key
        return answer

    async def take(request: Request) -> Response:
        body, key = await request.body(), request.headers.get("webhook-id", "")
        try:
            message = webhook.verify(body, dict(request.headers))
        # The library answers some malformed signatures with its own error and some with ValueError.
        except (WebhookVerificationError, ValueError):
            return answered(key, 401, "refused", {"code": "bad_signature"})
        if request.headers.get("idempotency-key", key) != key:
            return answered(key, 400, "refused", {"code": "two_different_keys"})
        sha256 = hashlib.sha256(body).hexdigest()
        known = book.taken.get(key)
        if known is None and f"{key}-reversal" in book.taken:
            # Its reversal overtook it: taking it now would bill what is void.
            return answered(key, 422, "conflicts", {"code": "already_reversed"})
        if known is None:
            one = book.take(key, sha256, message["data"])
            return answered(key, 201, "accepted", {"receipt_id": one.receipt_id})
        if known.sha256 != sha256:
            return answered(key, 422, "conflicts", {"code": "key_reused_with_another_body"})
        return answered(key, 200, "duplicates", {"receipt_id": known.receipt_id, "duplicate": True})

    async def charges(_request: Request) -> Response:
        return _json(list(book.taken.values()))

    async def counts(_request: Request) -> Response:
        since_start = {kind: seen[kind] for kind in ("duplicates", "conflicts", "refused")}
        reversals = sum(one.charge.get("kind") == "reversal" for one in book.taken.values())
        counted = {"accepted": len(book.taken) - reversals, "reversed": reversals}
        return _json({**counted, **since_start})

    return Starlette(
        routes=[
            Route("/charges", take, methods=["POST"]),
            Route("/charges", charges, methods=["GET"]),
            Route("/counts", counts, methods=["GET"]),
        ]
    )


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def main(arguments: list[str]) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--secret-file", type=Path, required=True, help="holds the shared secret, whsec_...")
    parser.add_argument("--keep-in", type=Path, required=True, help="the file of accepted charges")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    given = parser.parse_args(arguments)
    application = new_receiver(secret=given.secret_file.read_text().strip(), book=Book(path=given.keep_in))
    with socket.create_server(("127.0.0.1", given.port)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/charges", flush=True)  # noqa: T201 - the one output
        uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False)).run([listening])


if __name__ == "__main__":
    main(sys.argv[1:])
