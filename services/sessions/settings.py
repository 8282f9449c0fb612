"""Settings of the sessions service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Quotable = Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$")]
"""Stands in a challenge as it is, between quotation marks and spaces."""


class SessionsSettings(BaseSettings):
    """Read from `OPENCIRCLE_SESSIONS_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_SESSIONS_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    """`postgresql+asyncpg://...` or `sqlite+aiosqlite:///...`."""
    issuer_key: Path | None = None
    """The private key of the built-in issuer; embedded deployment only."""
    idle_minutes: Annotated[int, Field(gt=0, le=60)] = 15
    """A log-in of the built-in issuer that is not refreshed for so long is over; so is its access token."""
    log_in_hours: Annotated[int, Field(gt=0, le=24)] = 12
    """A log-in is over so long after the password, however often it was refreshed."""
    emergency_minutes: Annotated[int, Field(gt=0, le=240)] = 60
    """How long emergency access to a chart lasts."""
    signing_acr_values: tuple[Quotable, ...] = ()
    """How signers have to have logged in: `acr` of the token is one of these. JSON list; empty: anyhow."""
    signing_amr_values: tuple[str, ...] = ()
    """The same by means (RFC 8176): one of these has to be among the token's `amr`, as in `["mfa"]`."""
    billing_url: HttpUrl | None = None
    """Where the billing bridge's API is asked for previews (BILL-8); without it there are none."""
    horizon_days: Annotated[int, Field(gt=0, le=366)] = 28
    """How far ahead sessions are there (TPL-3)."""
    plan_every_seconds: Annotated[float, Field(gt=0)] = 300.0
    """How often the planner brings the sessions of every instance up to that horizon."""
    sheets_hours_ahead: Annotated[int, Field(ge=0, le=14 * 24)] = 24
    """How long before a session its sign-in sheet is made ready; 0: only when somebody asks (PRINT-2)."""
    kept_bodies_megabytes: Annotated[int, Field(ge=0, le=4096)] = 64
    """So much memory each process of the API takes to answer again what was read before; 0: none."""
