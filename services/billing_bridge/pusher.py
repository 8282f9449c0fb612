"""Pushes charges to their billing systems: `python -m services.billing_bridge.pusher`."""

import uvloop

from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.networks import Networks
from services.billing_bridge.outside import open_connectors, open_outside
from services.billing_bridge.pushing import Pusher
from services.billing_bridge.settings import BillingSettings
from shared.clock import now_utc
from shared.messaging.alive import sign_of_life
from shared.observability.logs import configure_logging
from shared.runtime import observe_loop, open_database, stopped_by_signal, wake_of
from shared.settings import Environment, Settings, read_all_settings


async def serve(settings: Settings, own: BillingSettings) -> None:
    """Push until told to stop."""
    url = own.database_url.get_secret_value()
    database = open_database(url, settings=settings)
    embedded = settings.environment is Environment.EMBEDDED
    async with open_outside(
        networks=Networks.parse(own.allowed_networks, embedded=embedded),
        clock=now_utc,
        embedded=embedded,
        connections=own.concurrent_pushes,
        folder=own.batch_folder,
    ) as outside:
        pusher = Pusher(
            database=database,
            connectors=open_connectors(CONNECTORS, outside),
            keys=own.keys,
            units={name: kind.unit for name, kind in CONNECTORS.items()},
            ordered=[name for name, kind in CONNECTORS.items() if kind.ordered_per_patient],
            concurrent_pushes=own.concurrent_pushes,
            show_life=sign_of_life(settings.alive_file),
        )
        await pusher.run(wake_of(url, settings=settings, service="billing_bridge"), stopped_by_signal())
    await database.engine.dispose()


def main() -> None:
    """Read the settings and serve."""
    settings, own = read_all_settings(BillingSettings)
    configure_logging(service="billing_bridge.pusher", level=settings.log_level)
    observe_loop(settings, service="billing_bridge.pusher")
    uvloop.run(serve(settings, own))


if __name__ == "__main__":
    main()
