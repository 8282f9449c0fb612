"""The API of the printing service: `python -m services.printing.main`."""

from fastapi import FastAPI

from services.printing.endpoints import router
from services.printing.measuring import measure_printing
from services.printing.models import SERVICE, audit_entry, idempotency, staff_access
from services.printing.settings import PrintingSettings
from services.printing.storage import open_storage
from shared.audit.keeping import keeping_chain
from shared.audit.settings import AnchorSettings
from shared.clock import now_utc
from shared.runtime import open_database, serve_http
from shared.settings import read_all_settings, read_settings
from shared.web.application import new_application, routes_of
from shared.web.idempotency import Idempotency
from shared.web.refusals import audit_refusals


def create_application() -> FastAPI:
    """Build the application from the environment."""
    settings, own = read_all_settings(PrintingSettings)
    database = open_database(own.url, settings=settings, rings=SERVICE)
    application = new_application(
        title="OpenCircle printing",
        routes=routes_of(router),
        database=database,
        settings=settings,
        user_id=staff_access.c.user_id,
        state={"clock": now_utc, "storage": open_storage(own)},
        before_metrics=lambda: measure_printing(database),
        idempotency=Idempotency(
            database=database,
            table=idempotency,
            access=staff_access,
            trail=audit_entry,
            keys=settings.keys,
            clock=now_utc,
        ),
        background=(
            keeping_chain(
                read_settings(AnchorSettings), service=SERVICE, database=database, trail=audit_entry
            ),
        ),
    )
    audit_refusals(application, database=database, trail=audit_entry, clock=now_utc)
    return application


if __name__ == "__main__":
    serve_http(create_application, service=SERVICE)
