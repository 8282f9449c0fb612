"""Settings of the sessions service."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SessionsSettings(BaseSettings):
    """Read from `OPENCIRCLE_SESSIONS_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_SESSIONS_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    """`postgresql+asyncpg://...` or `sqlite+aiosqlite:///...`."""
    issuer_key: Path | None = None
    """The private key of the built-in issuer; embedded deployment only."""
