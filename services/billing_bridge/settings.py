"""Settings of the billing bridge alone."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.billing_bridge.networks import Networks
from shared.messaging.sealing import KeyRing
from shared.settings import KeyRingText


class BillingSettings(BaseSettings):
    """Read from `OPENCIRCLE_BILLING_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_BILLING_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    """`postgresql+asyncpg://...`, or `sqlite+aiosqlite:///...` on one machine."""
    connection_keys: KeyRingText
    """`id:base64-of-32-bytes[,...]`: seals the secrets of billing systems; for this service alone."""
    concurrent_pushes: Annotated[int, Field(gt=0, le=100)] = 10
    """Requests of one pusher that are under way at a time."""

    charts_url: HttpUrl | None = None
    """Where the charts API tells which notes are filed (BILL-10); without it reconciliations say so."""
    allowed_networks: str = ""
    """Ranges that charges may go to although they are not public: `10.20.0.0/16[,...]`."""
    batch_folder: Path | None = None
    """Where files for billing systems are laid down; without it no instance can use the connector `batch`."""

    @field_validator("allowed_networks")
    @classmethod
    def _are_ranges(cls, value: str) -> str:
        Networks.parse(value, embedded=False)
        return value

    @property
    def keys(self) -> KeyRing:
        """The keys that seal the secrets of billing systems."""
        return KeyRing.parse(self.connection_keys.get_secret_value())
