"""Takes deliveries from the queue `charts`: `python -m services.charts.worker`."""

from services.charts.consumers import HANDLERS
from services.charts.models import audit_entry, inbox
from services.charts.settings import ChartsSettings
from shared.messaging.consuming import Consuming
from shared.messaging.worker import in_trail, serve_deliveries
from shared.observability.logs import configure_logging
from shared.runtime import OneLoop, new_broker, open_database, run_worker
from shared.settings import read_all_settings

CONSUMER = "charts"


def main() -> None:
    """Apply deliveries until told to stop."""
    settings, own = read_all_settings(ChartsSettings)
    configure_logging(service="charts.worker", level=settings.log_level)
    database = open_database(own.database_url.get_secret_value(), settings=settings)
    broker = new_broker(settings, name="charts.worker", queues=(CONSUMER,))
    consuming = Consuming(consumer=CONSUMER, database=database, inbox=inbox, handlers=HANDLERS)
    run = OneLoop()
    refused = in_trail(database, audit_entry)
    serve_deliveries(
        broker.application, run, consuming=consuming, keys=settings.keys, broker=broker, refused=refused
    )
    run_worker(broker.application, settings=settings)
    run(database.engine.dispose())


if __name__ == "__main__":
    main()
