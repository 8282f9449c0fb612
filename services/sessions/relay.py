"""Rings the broker for what the sessions service has published."""

from services.sessions.metadata import LEDGER, SERVICE
from services.sessions.settings import SessionsSettings
from shared.observability.logs import configure_logging
from shared.runtime import run_relay
from shared.settings import read_all_settings


def main() -> None:
    """Serve until told to stop."""
    settings, own = read_all_settings(SessionsSettings)
    configure_logging(service=f"{SERVICE}.relay", level=settings.log_level)
    run_relay(service=SERVICE, url=own.database_url.get_secret_value(), ledger=LEDGER, settings=settings)


if __name__ == "__main__":
    main()
