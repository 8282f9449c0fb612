"""Queues sheets, and takes the receipts of their renders: `python -m services.printing.worker`."""

from services.printing.consumers import HANDLERS
from services.printing.models import SERVICE, audit_entry, inbox, ledger
from services.printing.settings import PrintingSettings
from shared.messaging.consuming import Consuming
from shared.messaging.messages import receipts_queue
from shared.messaging.worker import in_trail, serve_deliveries, serve_receipts
from shared.observability.logs import configure_logging
from shared.runtime import OneLoop, new_broker, open_database, run_worker
from shared.settings import read_all_settings

CONSUMER = "printing"


def main() -> None:
    """Apply deliveries and receipts until told to stop."""
    settings, own = read_all_settings(PrintingSettings)
    configure_logging(service="printing.worker", level=settings.log_level)
    database = open_database(own.url, settings=settings, rings=SERVICE)
    broker = new_broker(settings, name="printing.worker", queues=(CONSUMER, receipts_queue(SERVICE)))
    consuming = Consuming(
        consumer=CONSUMER, database=database, inbox=inbox, handlers=HANDLERS, rings_after_apply=True
    )
    run = OneLoop()
    refused = in_trail(database, audit_entry)
    serve_deliveries(
        broker.application, run, consuming=consuming, keys=settings.keys, broker=broker, refused=refused
    )
    serve_receipts(
        broker.application, run, database=database, ledger=ledger, keys=settings.keys, refused=refused
    )
    run_worker(broker.application, settings=settings)
    run(database.engine.dispose())


if __name__ == "__main__":
    main()
