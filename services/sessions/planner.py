"""Plans every instance ahead and tells what waits there: `python -m services.sessions.planner`."""

import asyncio

from services.sessions.documentation.preparing import SheetPreparing
from services.sessions.documentation.telling import tell_what_waits
from services.sessions.metadata import SERVICE
from services.sessions.scheduling.planning import Planner
from services.sessions.scheduling.sweeping import Sweeper
from services.sessions.settings import SessionsSettings
from services.sessions.stream.numbering import forget_old_changes
from shared.messaging.alive import sign_of_life
from shared.observability.logs import configure_logging
from shared.runtime import observe_loop, open_database, stopped_by_signal
from shared.settings import Settings, read_all_settings


async def serve(settings: Settings, own: SessionsSettings) -> None:
    """Plan until told to stop."""
    database = open_database(own.database_url.get_secret_value(), settings=settings, rings=SERVICE)
    sweeper = Sweeper(
        database=database,
        plan=Planner(horizon_days=own.horizon_days),
        then=(
            tell_what_waits,
            SheetPreparing(hours_ahead=own.sheets_hours_ahead),
            forget_old_changes,
        ),
        every_seconds=own.plan_every_seconds,
        show_life=sign_of_life(settings.alive_file),
    )
    await sweeper.run(stopped_by_signal())
    await database.engine.dispose()


def main() -> None:
    """Read the settings and serve."""
    settings, own = read_all_settings(SessionsSettings)
    configure_logging(service=f"{SERVICE}.planner", level=settings.log_level)
    observe_loop(settings, service=f"{SERVICE}.planner")
    asyncio.run(serve(settings, own))


if __name__ == "__main__":
    main()
