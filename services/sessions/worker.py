"""Takes receipts for the deliveries of the sessions service."""

from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.settings import SessionsSettings
from shared.messaging.messages import receipts_queue
from shared.messaging.worker import in_trail, serve_receipts
from shared.observability.logs import configure_logging
from shared.runtime import OneLoop, new_broker, open_database, run_worker
from shared.settings import read_all_settings


def main() -> None:
    """Serve until told to stop."""
    settings, own = read_all_settings(SessionsSettings)
    configure_logging(service=f"{SERVICE}.worker", level=settings.log_level)
    broker = new_broker(settings, name=f"{SERVICE}.worker", queues=(receipts_queue(SERVICE),))
    database = open_database(own.database_url.get_secret_value(), settings=settings)
    refused = in_trail(database, TRAIL)
    serve_receipts(
        broker.application, OneLoop(), database=database, ledger=LEDGER, keys=settings.keys, refused=refused
    )
    run_worker(broker.application, settings=settings)


if __name__ == "__main__":
    main()
