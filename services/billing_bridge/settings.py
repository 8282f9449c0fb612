"""Settings of the billing bridge alone."""

from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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

    @property
    def keys(self) -> KeyRing:
        """The keys that seal the secrets of billing systems."""
        return KeyRing.parse(self.connection_keys.get_secret_value())
