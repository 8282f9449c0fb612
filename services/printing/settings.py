"""Settings of the printing service alone."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _names_the_session(link: str | None) -> str | None:
    if link is not None and (not link.startswith(("https://", "http://")) or link.count("{session_id}") != 1):
        message = "must be an http or https address with {session_id} in it once"
        raise ValueError(message)
    return link


def _is_a_bucket(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"https?://[^/?#]+/[^/?#]+", url):
        message = "must be the address of a bucket in path style: https://host/bucket"
        raise ValueError(message)
    return url


class PrintingSettings(BaseSettings):
    """Read from `OPENCIRCLE_PRINTING_...` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_PRINTING_", extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr
    storage_folder: Path | None = None
    """Where finished PDFs are kept. They show patients' names: only this service may read it."""
    storage_bucket_url: Annotated[str | None, AfterValidator(_is_a_bucket)] = None
    """An S3 bucket that keeps them instead, in path style: `https://s3.us-east-1.amazonaws.com/sheets`."""
    storage_region: str = "us-east-1"
    storage_access_key_id: str | None = None
    storage_secret_access_key: SecretStr | None = None
    session_link: Annotated[str | None, AfterValidator(_names_the_session)] = None
    """What the code on a sign-in sheet opens: an address with `{session_id}` in it, and no other data.
    Without it sheets have no code."""
    render_children: Annotated[int, Field(gt=0)] = 1
    """How many sheets one render worker makes at a time."""
    renders_per_child: Annotated[int, Field(gt=0)] = 500
    """A child is replaced after so many sheets, whatever its memory."""
    child_megabytes: Annotated[int, Field(gt=0)] = 400
    """A child that has grown larger is replaced after its sheet; a warm one has about 150."""

    render_megabytes_at_most: Annotated[int, Field(ge=256)] = 1024
    """What a child may take while it renders: a page that needs more fails, and no other process suffers."""

    @model_validator(mode="after")
    def _has_one_storage(self) -> Self:
        if (self.storage_folder is None) == (self.storage_bucket_url is None):
            message = "set one of the two: STORAGE_FOLDER or STORAGE_BUCKET_URL"
            raise ValueError(message)
        keys = (self.storage_access_key_id, self.storage_secret_access_key)
        if self.storage_bucket_url is not None and None in keys:
            message = "a bucket needs STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY"
            raise ValueError(message)
        return self

    @property
    def url(self) -> str:
        """The database, with its password."""
        return self.database_url.get_secret_value()
