"""A bucket on this machine. It takes a request only when AWS's own code finds its signature right."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.servers import LOOPBACK

ACCESS_KEY_ID: Final = "AKIAEXAMPLE"
SECRET_ACCESS_KEY: Final = "a made-up secret"
REGION: Final = "eu-central-1"
AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/.+, SignedHeaders=(\S+), Signature=([0-9a-f]{64})"
)


@dataclass(kw_only=True)
class StandInBucket:
    """What is in the bucket, and how it answers."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    unavailable: bool = False
    refused: int = 0


@contextmanager
def stand_in_bucket() -> Iterator[StandInBucket]:
    """Serve a bucket on a free port."""
    bucket = StandInBucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    bucket.url = f"http://{LOOPBACK}:{server.server_port}/sheets"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    bucket: StandInBucket

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_welcome(content):
            self.bucket.objects[self.path] = content
            self._answer(200)

    def do_GET(self) -> None:
        if self._is_welcome(b""):
            content = self.bucket.objects.get(self.path)
            self._answer(404 if content is None else 200, content or b"")

    def do_DELETE(self) -> None:
        if self._is_welcome(b""):
            self.bucket.objects.pop(self.path, None)
            self._answer(204)

    def _is_welcome(self, content: bytes) -> bool:
        if self.bucket.unavailable:
            self._answer(503)
            return False
        is_whole = sha256(content).hexdigest() == self.headers["x-amz-content-sha256"]
        right = is_whole and self._signature_is_right()
        if not right:
            self.bucket.refused += 1
            self._answer(403)
        return right

    def _signature_is_right(self) -> bool:
        stated = AUTHORIZATION.fullmatch(self.headers["Authorization"] or "")
        if stated is None or stated[1] != ACCESS_KEY_ID:
            return False
        headers = {name: self.headers[name] for name in stated[2].split(";")}
        request = AWSRequest(method=self.command, url=f"http://{headers['host']}{self.path}", headers=headers)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = S3SigV4Auth(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), "s3", REGION)
        to_sign = auth.string_to_sign(request, auth.canonical_request(request))
        return bool(auth.signature(to_sign, request) == stated[3])

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""
