"""Rings for print jobs that wait for a renderer: `python -m services.printing.relay`."""

from services.printing.models import SERVICE, ledger
from services.printing.settings import PrintingSettings
from shared.observability.logs import configure_logging
from shared.runtime import run_relay
from shared.settings import read_all_settings


def main() -> None:
    """Relay until told to stop."""
    settings, own = read_all_settings(PrintingSettings)
    configure_logging(service="printing.relay", level=settings.log_level)
    run_relay(service=SERVICE, url=own.url, ledger=ledger, settings=settings)


if __name__ == "__main__":
    main()
