"""Where the heads of the audit trail's chains are anchored."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.audit.anchors import BadAnchorKeyError, read_private_key
from shared.clock import now_utc
from shared.objects.bucket import Bucket, Objects
from shared.objects.signing import S3Keys


def _is_a_key(pem: SecretStr | None) -> SecretStr | None:
    try:
        if pem is not None:
            read_private_key(pem.get_secret_value())
    except BadAnchorKeyError as error:
        raise ValueError(BadAnchorKeyError.__doc__) from error
    return pem


class AnchorSettings(BaseSettings):
    """Read from `OPENCIRCLE_ANCHOR_...` in the environment. Without a key nothing is anchored."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIRCLE_ANCHOR_", extra="ignore", use_attribute_docstrings=True
    )

    key: Annotated[SecretStr | None, AfterValidator(_is_a_key)] = None
    """The Ed25519 key, in PEM, that signs the heads: `openssl genpkey -algorithm ed25519`."""
    file: Path | None = None
    """A file that gets a line for each head. Best on another machine, where lines can only be added."""
    bucket_url: str | None = None
    """An S3 bucket instead, best with object lock, in path style: `https://host/bucket`."""
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    every_minutes: Annotated[float, Field(gt=0)] = 15.0
    """So much of a trail's end can be cut off unseen."""

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.key is not None and (self.file is None) == (self.bucket_url is None):
            message = "with a KEY set one of the two: FILE or BUCKET_URL"
            raise ValueError(message)
        if self.bucket_url is not None and None in {self.access_key_id, self.secret_access_key}:
            message = "a bucket needs ACCESS_KEY_ID and SECRET_ACCESS_KEY"
            raise ValueError(message)
        return self

    def open_bucket(self) -> Objects | None:
        """Give the bucket that is named, if one is."""
        if self.bucket_url is None:
            return None
        keys = S3Keys(
            access_key_id=self.access_key_id or "",
            secret_access_key=self.secret_access_key or SecretStr(""),
            region=self.region,
        )
        return Objects(Bucket(url=self.bucket_url, keys=keys), clock=now_utc)
