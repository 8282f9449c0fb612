"""The API of the charts service: `python -m services.charts.main`."""

from fastapi import FastAPI

from services.charts.endpoints import router
from services.charts.filed_endpoints import filed_router
from services.charts.settings import ChartsSettings
from shared.clock import now_utc
from shared.events.filing import FILED_PATH
from shared.runtime import open_database, serve_http
from shared.settings import Settings, read_settings
from shared.web.application import new_application


def create_application() -> FastAPI:
    """Build the application from the environment's settings."""
    settings, own = read_settings(Settings), read_settings(ChartsSettings)
    return new_application(
        title="OpenCircle charts",
        routers=[router, filed_router],
        database=open_database(own.database_url.get_secret_value(), settings=settings),
        settings=settings,
        state={"clock": now_utc},
        # Whoever asks there has no token: the seal of the body is the proof.
        open_paths=(FILED_PATH,),
    )


if __name__ == "__main__":
    serve_http(create_application, service="charts")
