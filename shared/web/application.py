"""Builds a service's HTTP application: routes in, middleware around them, health and metrics beside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Column
from starlette.routing import BaseRoute

from shared.database.transactions import Database
from shared.settings import Settings, Subjects
from shared.web.cursors import SealedCursors
from shared.web.description import describe
from shared.web.idempotency import Idempotency
from shared.web.identity import OwnIds, TokenVerifier, Whose
from shared.web.middleware import Identified, Limited, Observed
from shared.web.problems import answer_with_problems
from shared.web.queries import refuse_unknown_queries
from shared.web.readiness import Readiness
from shared.web.replaying import Idempotent
from shared.web.signing_keys import signing_keys
from shared.web.subjects import ExternalSubjects

OPEN_PATHS: Final = ("/healthz", "/readyz", "/metrics", "/openapi.json")

Refresh = Callable[[], Awaitable[None]]

Background = Callable[[], Coroutine[Any, Any, None]]
"""Runs beside the requests until it is cancelled."""


async def _nothing_to_measure() -> None:
    pass


def new_application(
    *,
    title: str,
    routes: Sequence[BaseRoute],
    database: Database,
    settings: Settings,
    user_id: Column[UUID],
    state: dict[str, Any] | None = None,
    open_paths: Collection[str] = (),
    unlimited_paths: Collection[str] = (),
    before_metrics: Refresh = _nothing_to_measure,
    idempotency: Idempotency | None = None,
    closes: Sequence[Refresh] = (),
    background: Sequence[Background] = (),
) -> FastAPI:
    """Build the application of what `routes_of` gives.

    `state` is what endpoints find on `request.app.state`, `database` included.
    `user_id` is the column by whose table users are found that the issuer has its own names for. What
    `closes` is called when it ends.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beside = [asyncio.create_task(run()) for run in background]
        yield
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        for close in closes:
            await close()
        await database.engine.dispose()

    application = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        routes=[*routes, *routes_of(_operations(database, before_metrics))],
    )
    common = {"database": database, "settings": settings, "before_metrics": before_metrics}
    for name, value in (common | (state or {})).items():
        setattr(application.state, name, value)
    answer_with_problems(application)
    describe(application, takes_keys=idempotency is not None)
    verifier = TokenVerifier(
        issuer=settings.issuer,
        audience=settings.audience,
        keys=signing_keys(settings.token_keys),
        whose=_whose(settings, database, user_id),
    )
    # The last one added is the outermost.
    application.add_middleware(SealedCursors, keys=settings.keys)
    if idempotency is not None:
        application.add_middleware(Idempotent, idempotency=idempotency, unkept=unlimited_paths)
    application.add_middleware(Limited, unlimited=unlimited_paths)
    application.add_middleware(Identified, verifier=verifier, open_paths=(*OPEN_PATHS, *open_paths))
    application.add_middleware(Observed)
    return application


def routes_of(*routers: APIRouter) -> tuple[BaseRoute, ...]:
    """Give the routes of `routers`, for one or many applications.

    What endpoints depend on is resolved once for each time that their router is included, with the first
    request there. It takes a tenth of a second for a service: applications of one process share it.
    """
    together = APIRouter(dependencies=[Depends(refuse_unknown_queries)])
    for router in routers:
        together.include_router(router)
    return tuple(together.routes)


def _whose(settings: Settings, database: Database, user_id: Column[UUID]) -> Whose:
    claims = {"subject_claim": settings.subject_claim, "instance_claim": settings.instance_claim}
    if settings.subjects is Subjects.OWN:
        return OwnIds(**claims)
    return ExternalSubjects(database=database, user_id=user_id, **claims)


def _operations(database: Database, before_metrics: Refresh) -> APIRouter:
    router, readiness = APIRouter(include_in_schema=False), Readiness(database=database)

    @router.get("/healthz")
    async def alive() -> Response:
        return Response("ok\n", media_type="text/plain")

    @router.get("/readyz")
    async def ready() -> Response:
        if lacking := await readiness.lacking():
            return Response(f"{lacking}\n", status_code=503, media_type="text/plain")
        return Response("ready\n", media_type="text/plain")

    @router.get("/metrics")
    async def metrics() -> Response:
        await before_metrics()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
