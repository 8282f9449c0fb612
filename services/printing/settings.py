"""Settings of the printing service alone."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PrintingSettings(BaseSettings):
    """Read from `OPENCIRCLE_PRINTING_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_PRINTING_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    storage_folder: Path
    """Where finished PDFs are kept. They show patients' short names: only this service may read it."""
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
