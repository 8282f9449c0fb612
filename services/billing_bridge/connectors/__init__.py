"""The billing systems that charges can be pushed to, by the name that settings call them (SET-6)."""

from collections.abc import Mapping
from typing import Final

from services.billing_bridge.connector import ConnectorKind
from services.billing_bridge.connectors.webhook.addresses import check_address
from services.billing_bridge.connectors.webhook.connector import WebhookConnector
from services.billing_bridge.connectors.webhook.secrets import check_secret, new_secret

CONNECTORS: Final[Mapping[str, ConnectorKind]] = {
    "webhook": ConnectorKind(
        open=WebhookConnector, check_address=check_address, check_secret=check_secret, new_secret=new_secret
    ),
}
