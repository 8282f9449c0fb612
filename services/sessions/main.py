"""The HTTP API of the sessions service."""

from collections.abc import Sequence
from datetime import timedelta

import httpx2
from fastapi import FastAPI
from starlette.routing import BaseRoute

from services.sessions.configuration.endpoints import router as configuration_router
from services.sessions.deliveries.endpoints import router as deliveries_router
from services.sessions.directory.endpoints import IMPORT_PATH
from services.sessions.directory.endpoints import router as directory_router
from services.sessions.directory.issuer import open_issuer
from services.sessions.directory.known_patients import KnownPatients
from services.sessions.directory.models import STAFF_ACCESS, STAFF_MEMBER
from services.sessions.directory.patient_endpoints import router as patient_router
from services.sessions.directory.place_endpoints import router as place_router
from services.sessions.directory.staff_endpoints import router as staff_router
from services.sessions.documentation.annotation_endpoints import router as annotation_router
from services.sessions.documentation.assurance import Assurance
from services.sessions.documentation.billing_preview import BillingBridge, NoPreviews, Previews, new_client
from services.sessions.documentation.check_endpoints import router as check_router
from services.sessions.documentation.endpoints import router as documentation_router
from services.sessions.documentation.history_endpoints import router as history_router
from services.sessions.documentation.people_endpoints import router as people_router
from services.sessions.documentation.sheet_endpoints import router as sheet_router
from services.sessions.documentation.worklist_endpoints import router as worklist_router
from services.sessions.emergency.endpoints import router as emergency_router
from services.sessions.logging_in.by_code.authorizing_endpoints import AUTHORIZATION_PATH
from services.sessions.logging_in.by_code.authorizing_endpoints import router as authorizing_router
from services.sessions.logging_in.by_code.discovery import METADATA_PATHS
from services.sessions.logging_in.by_code.discovery import router as discovery_router
from services.sessions.logging_in.by_code.endpoints import router as front_end_router
from services.sessions.logging_in.domain import Limits
from services.sessions.logging_in.endpoints import KEYS_PATH
from services.sessions.logging_in.endpoints import router as log_in_router
from services.sessions.logging_in.oauth_endpoints import REVOCATION_PATH, TOKEN_PATH
from services.sessions.logging_in.oauth_endpoints import router as oauth_router
from services.sessions.metadata import IDEMPOTENCY, LEDGER, SERVICE, TRAIL
from services.sessions.scheduling.calendar_endpoints import CALENDARS_PATH, feeds_router
from services.sessions.scheduling.endpoints import router as scheduling_router
from services.sessions.scheduling.planning import Planner
from services.sessions.service_accounts.endpoints import router as account_router
from services.sessions.settings import SessionsSettings
from services.sessions.stream.endpoints import router as stream_router
from services.sessions.stream.following import Streams
from services.sessions.stream.numbering import Lookout
from services.sessions.templates.endpoints import router as templates_router
from shared.audit.keeping import keeping_chain
from shared.audit.settings import AnchorSettings
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.messaging.measuring import measure_ledger
from shared.runtime import open_database, serve_http
from shared.settings import Settings, read_all_settings, read_settings
from shared.web.application import Background, new_application, routes_of
from shared.web.idempotency import Idempotency
from shared.web.kept_bodies import MEGABYTE, KeptBodies
from shared.web.refusals import audit_refusals

ROUTES = routes_of(
    configuration_router,
    directory_router,
    place_router,
    staff_router,
    patient_router,
    templates_router,
    scheduling_router,
    feeds_router,
    documentation_router,
    history_router,
    people_router,
    worklist_router,
    stream_router,
    annotation_router,
    check_router,
    sheet_router,
    deliveries_router,
    emergency_router,
    account_router,
)
ISSUER_ROUTES = routes_of(log_in_router, oauth_router, authorizing_router, front_end_router, discovery_router)
ISSUER_PATHS = (
    "/v1/token",
    KEYS_PATH,
    TOKEN_PATH,
    REVOCATION_PATH,
    AUTHORIZATION_PATH,
    *METADATA_PATHS,
)


def create_application() -> FastAPI:
    """Build the application from the environment."""
    settings, own = read_all_settings(SessionsSettings)
    database = open_database(own.database_url.get_secret_value(), settings=settings, rings=SERVICE)
    client = new_client(str(own.billing_url)) if own.billing_url else None
    chain = keeping_chain(read_settings(AnchorSettings), service=SERVICE, database=database, trail=TRAIL)
    return build_application(
        settings, own, database=database, clock=now_utc, billing=client, background=(chain,)
    )


def build_application(
    settings: Settings,
    own: SessionsSettings,
    *,
    database: Database,
    clock: Clock,
    billing: httpx2.AsyncClient | None = None,
    background: Sequence[Background] = (),
) -> FastAPI:
    """Build the application on a database, a time of day and a client that reaches the billing bridge."""
    routes: tuple[BaseRoute, ...] = ROUTES
    previews: Previews = BillingBridge(client=billing, keys=settings.keys) if billing else NoPreviews()
    state: dict[str, object] = {
        "clock": clock,
        "plan": Planner(horizon_days=own.horizon_days),
        "previews": previews,
        "bodies": KeptBodies(bytes_at_most=own.kept_bodies_megabytes * MEGABYTE),
        "known_patients": KnownPatients(),
        "assurance": Assurance(
            context_classes=own.signing_acr_values, methods=frozenset(own.signing_amr_values)
        ),
        "emergency_minutes": own.emergency_minutes,
        "streams": Streams(database=database, clock=clock, lookout=Lookout(database=database, clock=clock)),
    }
    if own.issuer_key is not None:
        state["issuer"] = open_issuer(own.issuer_key, name=settings.issuer, audience=settings.audience)
        state["log_in_limits"] = Limits(
            idle=timedelta(minutes=own.idle_minutes), absolute=timedelta(hours=own.log_in_hours)
        )
        routes = (*ROUTES, *ISSUER_ROUTES)
    application = new_application(
        title="OpenCircle sessions",
        routes=routes,
        database=database,
        settings=settings,
        user_id=STAFF_MEMBER.c.id,
        state=state,
        open_paths=(CALENDARS_PATH, *(ISSUER_PATHS if "issuer" in state else ())),
        unlimited_paths=(IMPORT_PATH,),
        before_metrics=lambda: measure_ledger(database, LEDGER, service=SERVICE),
        idempotency=Idempotency(
            database=database,
            table=IDEMPOTENCY,
            access=STAFF_ACCESS,
            trail=TRAIL,
            keys=settings.keys,
            clock=clock,
        ),
        background=background,
        closes=(billing.aclose,) if billing else (),
    )
    audit_refusals(application, database=database, trail=TRAIL, clock=clock)
    return application


if __name__ == "__main__":
    serve_http(create_application, service=SERVICE)
