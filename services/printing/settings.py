"""Settings of the printing service alone."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _names_the_session(link: str | None) -> str | None:
    if link is not None and (not link.startswith(("https://", "http://")) or link.count("{session_id}") != 1):
        message = "must be an http or https address with {session_id} in it once"
        raise ValueError(message)
    return link


class PrintingSettings(BaseSettings):
    """Read from `OPENCIRCLE_PRINTING_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_PRINTING_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    storage_folder: Path
    """Where finished PDFs are kept. They show patients' short names: only this service may read it."""
    session_link: Annotated[str | None, AfterValidator(_names_the_session)] = None
    """What the code on a sign-in sheet opens: an address with `{session_id}` in it, and no other data.
    Without it sheets have no code."""
    render_children: Annotated[int, Field(gt=0)] = 1
    """How many sheets one render worker makes at a time."""
    renders_per_child: Annotated[int, Field(gt=0)] = 500
    """A child is replaced after so many sheets, whatever its memory."""
    child_megabytes: Annotated[int, Field(gt=0)] = 400
    """A child that has grown larger is replaced after its sheet; a warm one has about 150."""

    @property
    def url(self) -> str:
        """The database, with its password."""
        return self.database_url.get_secret_value()
