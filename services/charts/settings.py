"""Settings of the charts service alone."""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _is_an_origin(url: str | None) -> str | None:
    """Let pass a scheme and a host; empty, as compose files pass what is not set on, is none."""
    if url and not re.fullmatch(r"https?://[^/?#@\s]+", url):
        message = "must be a scheme and a host alone, such as https://clinic.example"
        raise ValueError(message)
    return url or None


class ChartsSettings(BaseSettings):
    """Read from `OPENCIRCLE_CHARTS_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_CHARTS_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    """`postgresql+asyncpg://...`, or `sqlite+aiosqlite:///...` on one machine."""

    public_url: Annotated[str | None, AfterValidator(_is_an_origin)] = None
    """Where others reach this API: what links of the FHIR interface begin with, `https://clinic.example`.

    Without it they begin as the request did, which is wrong behind a proxy that ends TLS.
    """
