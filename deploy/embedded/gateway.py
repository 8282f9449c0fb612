"""All four services behind one port, by the beginning of the path."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.billing_bridge.main import create_application as create_billing_bridge
from services.charts.main import create_application as create_charts
from services.printing.main import create_application as create_printing
from services.sessions.main import create_application as create_sessions
from shared.runtime import serve_http

PREFIXES: Final = (
    ("/v1/charts", create_charts),
    ("/v1/billing", create_billing_bridge),
    ("/v1/printing", create_printing),
    ("", create_sessions),
)


class ByPrefix:
    """Hands a request to the first service whose prefix the path has."""

    def __init__(self, services: tuple[tuple[str, ASGIApp], ...]) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        service = next(one for prefix, one in self._services if scope["path"].startswith(prefix))
        await service(scope, receive, send)


def create_gateway() -> Starlette:
    """Build the four applications and the door before them."""
    services = tuple((prefix, create()) for prefix, create in PREFIXES)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for _prefix, service in services:
                await stack.enter_async_context(service.router.lifespan_context(service))
            yield

    async def metrics(_: Request) -> Response:
        for _prefix, service in services:
            await service.state.before_metrics()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    gateway = Starlette(routes=[Route("/metrics", metrics)], lifespan=lifespan)
    gateway.router.default = ByPrefix(services)
    return gateway


if __name__ == "__main__":
    serve_http(create_gateway, service="api")
