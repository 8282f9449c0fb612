"""Settings of the charts service alone."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ChartsSettings(BaseSettings):
    """Read from `OPENCIRCLE_CHARTS_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_CHARTS_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    """`postgresql+asyncpg://...`, or `sqlite+aiosqlite:///...` on one machine."""
