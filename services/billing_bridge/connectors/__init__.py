"""The billing systems that charges can be pushed to, by the name that settings call them (SET-6)."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from services.billing_bridge.connector import ConnectorKind
from services.billing_bridge.connectors.avea import connector as avea
from services.billing_bridge.connectors.batch import connector as batch
from services.billing_bridge.connectors.cmd import connector as cmd
from services.billing_bridge.connectors.hl7 import connector as hl7
from services.billing_bridge.connectors.webhook import connector as webhook

EXTRAS: dict[str, ConnectorKind] = {}
if find_spec("asyncssh"):  # the extra `sftp`
    from services.billing_bridge.connectors.sftp import connector as sftp

    EXTRAS["sftp"] = sftp.KIND

CONNECTORS: Final[Mapping[str, ConnectorKind]] = {
    "avea": avea.KIND,
    "batch": batch.KIND,
    "cmd": cmd.KIND,
    "hl7": hl7.KIND,
    "webhook": webhook.KIND,
    **EXTRAS,
}
