"""The API of the charts service: `python -m services.charts.main`."""

from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI

from services.charts.endpoints import router as charts_router
from services.charts.fhir.endpoints import METADATA_PATH
from services.charts.fhir.endpoints import router as fhir_router
from services.charts.filed_endpoints import filed_router
from services.charts.models import audit_entry, idempotency_key, staff_access
from services.charts.settings import ChartsSettings
from services.charts.tabs.endpoints import router as tabs_router
from shared.audit.keeping import keeping_chain
from shared.audit.settings import AnchorSettings
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.events.filing import FILED_PATH
from shared.runtime import open_database, serve_http
from shared.settings import Settings, read_all_settings, read_settings
from shared.web.application import Background, new_application, routes_of
from shared.web.idempotency import Idempotency
from shared.web.refusals import audit_refusals
from shared.web.sealed import NotSealedProblem

ROUTES: Final = routes_of(tabs_router, charts_router, fhir_router, filed_router)


def create_application() -> FastAPI:
    """Build the application from the environment's settings."""
    settings, own = read_all_settings(ChartsSettings)
    database = open_database(own.database_url.get_secret_value(), settings=settings)
    chain = keeping_chain(
        read_settings(AnchorSettings), service="charts", database=database, trail=audit_entry
    )
    return build_application(
        settings, database=database, clock=now_utc, background=(chain,), public_url=own.public_url
    )


def build_application(
    settings: Settings,
    *,
    database: Database,
    clock: Clock,
    background: Sequence[Background] = (),
    public_url: str | None = None,
) -> FastAPI:
    """Build the application on a database and a time of day."""
    application = new_application(
        title="OpenCircle charts",
        routes=ROUTES,
        database=database,
        settings=settings,
        user_id=staff_access.c.user_id,
        state={"clock": clock, "public_url": public_url},
        # Of the second, whoever asks there has no token: the seal of the body is the proof.
        open_paths=(METADATA_PATH, FILED_PATH),
        idempotency=Idempotency(
            database=database,
            table=idempotency_key,
            access=staff_access,
            trail=audit_entry,
            keys=settings.keys,
            clock=clock,
        ),
        background=background,
    )
    # All others are written down where access is given.
    kinds = (NotSealedProblem,)
    audit_refusals(application, database=database, trail=audit_entry, clock=clock, kinds=kinds)
    return application


if __name__ == "__main__":
    serve_http(create_application, service="charts")
