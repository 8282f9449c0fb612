"""Settings as the other services hear of them."""

from datetime import datetime

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.metadata import LEDGER, SERVICE
from shared.database.transactions import Transaction
from shared.events.catalogue import SETTINGS_CHANGED
from shared.events.settings import InstanceSettingsChanged
from shared.messaging.outbox import publish


async def publish_settings(db: Transaction, settings: InstanceSettings, *, at: datetime) -> None:
    """Tell all services, in the transaction of the change (SET-7)."""
    facts = InstanceSettingsChanged(
        version=settings.version,
        use_group_sessions=settings.use_group_sessions,
        view_individual_group_sessions=settings.view_individual_group_sessions,
        show_attendance_in_chart=settings.show_attendance_in_chart,
        show_preferred_name=settings.show_preferred_name,
        integrated_billing=settings.integrated_billing,
    )
    await publish(
        db,
        LEDGER,
        source=SERVICE,
        event_type=SETTINGS_CHANGED,
        subject=db.instance_id,
        facts=facts,
        at=at,
    )
