"""Takes deliveries from the queue `billing_bridge`: `python -m services.billing_bridge.worker`."""

from services.billing_bridge.consumers import HANDLERS
from services.billing_bridge.models import audit_entry, inbox
from services.billing_bridge.settings import BillingSettings
from shared.messaging.consuming import Consuming
from shared.messaging.worker import in_trail, serve_deliveries
from shared.observability.logs import configure_logging
from shared.runtime import OneLoop, new_broker, open_database, run_worker
from shared.settings import read_all_settings

CONSUMER = "billing_bridge"


def main() -> None:
    """Make charges until told to stop; each commit wakes the pusher."""
    settings, own = read_all_settings(BillingSettings)
    configure_logging(service="billing_bridge.worker", level=settings.log_level)
    database = open_database(own.database_url.get_secret_value(), settings=settings, rings=CONSUMER)
    broker = new_broker(settings, name="billing_bridge.worker", queues=(CONSUMER,))
    consuming = Consuming(
        consumer=CONSUMER, database=database, inbox=inbox, handlers=HANDLERS, rings_after_apply=True
    )
    run = OneLoop()
    refused = in_trail(database, audit_entry)
    serve_deliveries(
        broker.application, run, consuming=consuming, keys=settings.keys, broker=broker, refused=refused
    )
    run_worker(broker.application, settings=settings)
    run(database.engine.dispose())


if __name__ == "__main__":
    main()
