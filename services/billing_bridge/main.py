"""The API of the billing bridge: `python -m services.billing_bridge.main`."""

from fastapi import FastAPI

from services.billing_bridge.filed_notes import ChartsService, NoCharts
from services.billing_bridge.measuring import measure_charges
from services.billing_bridge.models import audit_entry, idempotency_key, staff_access
from services.billing_bridge.routers import ROUTES
from services.billing_bridge.settings import BillingSettings
from shared.audit.keeping import keeping_chain
from shared.audit.settings import AnchorSettings
from shared.clock import now_utc
from shared.events.preview import PREVIEW_PATH
from shared.runtime import open_database, serve_http
from shared.settings import read_all_settings, read_settings
from shared.web.application import new_application
from shared.web.idempotency import Idempotency
from shared.web.refusals import audit_refusals


def create_application() -> FastAPI:
    """Build the application from the environment's settings."""
    settings, own = read_all_settings(BillingSettings)
    database = open_database(own.database_url.get_secret_value(), settings=settings, rings="billing_bridge")
    application = new_application(
        title="OpenCircle billing bridge",
        routes=ROUTES,
        database=database,
        settings=settings,
        user_id=staff_access.c.user_id,
        state={
            "clock": now_utc,
            "connection_keys": own.keys,
            "filed_notes": ChartsService(url=str(own.charts_url), keys=settings.keys)
            if own.charts_url
            else NoCharts(),
        },
        before_metrics=lambda: measure_charges(database),
        # Whoever asks there has no token: the seal of the body is the proof.
        open_paths=(PREVIEW_PATH,),
        idempotency=Idempotency(
            database=database,
            table=idempotency_key,
            access=staff_access,
            trail=audit_entry,
            keys=settings.keys,
            clock=now_utc,
        ),
        background=(
            keeping_chain(
                read_settings(AnchorSettings), service="billing_bridge", database=database, trail=audit_entry
            ),
        ),
    )
    audit_refusals(application, database=database, trail=audit_entry, clock=now_utc)
    return application


if __name__ == "__main__":
    serve_http(create_application, service="billing_bridge")
