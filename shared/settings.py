"""Settings that every process has. Wrong ones stop it at its start, with one line that says which."""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.messaging.sealing import BadKeyRingError, KeyRing
from shared.production import unfit

EX_CONFIG: Final = 78
"""sysexits.h: something is wrong in the configuration."""

SECRETS_FOLDER: Final = Path("/run/secrets")
"""Where containers find secrets: a setting that the environment lacks may be a file of its name here."""

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class Environment(StrEnum):
    """Where a process runs. What is only fit for one machine is refused in production."""

    PRODUCTION = "production"
    EMBEDDED = "embedded"


class Subjects(StrEnum):
    """Who an issuer's users are to OpenCircle."""

    OWN = "own"
    """The subject claim is the user's id in OpenCircle."""
    EXTERNAL = "external"
    """It is the issuer's own name for the user, which the directory knows."""


def _known_scheme(url: SecretStr) -> SecretStr:
    # `valkey://` is no scheme that kombu knows: the worker would die later with a KeyError.
    if not url.get_secret_value().startswith(
        ("redis://", "rediss://", "redis+socket://", "amqp://", "amqps://")
    ):
        message = "must start with redis://, rediss://, redis+socket://, amqp:// or amqps:// (Valkey too is redis://)"
        raise ValueError(message)
    return url


def _key_ring(text: SecretStr) -> SecretStr:
    try:
        KeyRing.parse(text.get_secret_value())
    except BadKeyRingError as error:
        raise ValueError(BadKeyRingError.__doc__) from error
    return text


KeyRingText = Annotated[SecretStr, AfterValidator(_key_ring)]
"""A key ring as text: `id:base64-of-32-bytes[,...]`; the first key seals, all open."""


class FieldSettings(BaseSettings):
    """What a process needs that works on a database, and on nothing else."""

    model_config = SettingsConfigDict(env_prefix="OPENCIRCLE_", extra="ignore", use_attribute_docstrings=True)

    field_keys: KeyRingText
    """`id:base64-of-32-bytes[,...]`: wraps the data keys that seal fields; the first wraps, all open."""

    @property
    def master_keys(self) -> KeyRing:
        """The keys that wrap the data keys of the databases."""
        return KeyRing.parse(self.field_keys.get_secret_value())


class Settings(FieldSettings):
    """Read from `OPENCIRCLE_...` in the environment."""

    environment: Environment = Environment.PRODUCTION
    log_level: str = "INFO"
    broker_url: Annotated[SecretStr, AfterValidator(_known_scheme)]
    message_keys: KeyRingText
    """`id:base64-of-32-bytes[,...]`: seals broker messages; the first seals, all open."""
    issuer: str
    """`iss` of the access tokens that are taken."""
    audience: str = "opencircle"
    """`aud` of the access tokens that are taken."""
    subjects: Subjects = Subjects.OWN
    """Whose the ids in access tokens are."""
    subject_claim: str = "sub"
    instance_claim: str = "instance"
    token_keys: str
    """JWKS of the issuer: an https URL, or a file."""
    plain_hosts: frozenset[str] = frozenset()
    """Hosts that production may speak to without TLS: JSON, `["postgres", "valkey"]`."""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(gt=0, lt=65536)] = 8000
    metrics_port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    """Where a worker, relay, pusher or planner shows its own metrics, on HTTP_HOST; without it, nowhere."""
    otlp_endpoint: HttpUrl | None = None
    """Where spans are sent (OTLP over HTTP): `http://collector:4318/v1/traces`; without it, nowhere."""
    alive_file: Path | None = None
    """What the loop of a worker, relay or pusher touches every few seconds, for liveness probes."""
    bells_folder: Path | None = None
    """Where the sockets are that wake relays on one machine; without it SQLite's relays only sweep."""
    failpoints: Path | None = None
    """A folder of names of points where processes die: for tests, refused in production."""
    ring_again_after_seconds: tuple[Annotated[float, Field(gt=0)], ...] = (5.0, 15.0, 60.0, 300.0)

    @field_validator("failpoints")
    @classmethod
    def _is_for_tests(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        if folder is not None and info.data.get("environment") is not Environment.EMBEDDED:
            message = "kills processes on purpose, and is not for production"
            raise ValueError(message)
        return folder

    @property
    def keys(self) -> KeyRing:
        """The keys that seal broker messages."""
        return KeyRing.parse(self.message_keys.get_secret_value())


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """Read settings, or end the process with one line for each that is missing or wrong."""
    read, wrong = _read(kind)
    end_if_wrong(wrong)
    assert read is not None  # noqa: S101 - nothing was wrong
    return read


def read_all_settings(own: type[SettingsT]) -> tuple[Settings, SettingsT]:
    """Read what every process has and what one service has, or end the process.

    With one line for each that is missing or wrong, and in production for each that is only fit for a trial.
    """
    settings, wrong = _read(Settings)
    mine, more = _read(own)
    if settings is None or settings.environment is Environment.PRODUCTION:
        plain_hosts = settings.plain_hosts if settings else frozenset[str]()
        texts = {**_texts(settings), **_texts(mine)}
        more = [*more, *unfit(texts, plain_hosts=plain_hosts)]
    end_if_wrong([*wrong, *more])
    assert settings is not None and mine is not None  # noqa: S101, PT018 - nothing was wrong
    return settings, mine


def _read(kind: type[SettingsT]) -> tuple[SettingsT | None, list[tuple[str, str]]]:
    try:
        return kind(_secrets_dir=SECRETS_FOLDER if os.access(SECRETS_FOLDER, os.R_OK) else None), []
    except PermissionError as error:
        return None, [(Path(error.filename).name.upper(), "this user may not read its file")]
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)
        return None, [(_name(kind, *one["loc"]), one["msg"]) for one in wrong]


def _name(kind: type[BaseSettings], *place: object) -> str:
    return f"{kind.model_config.get('env_prefix', '')}{'_'.join(map(str, place))}".upper()


def _texts(settings: BaseSettings | None) -> dict[str, Any]:
    """Give what was set, by the names that operators know."""
    if settings is None:
        return {}
    known = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {_name(type(settings), name): value for name, value in known.items() if value is not None}


def end_if_wrong(wrong: Sequence[tuple[str, str]]) -> None:
    """End the process with one line for each setting, with its reason; go on when there is none."""
    for name, reason in wrong:
        sys.stderr.write(f"opencircle: setting {name}: {reason}\n")
    if wrong:
        sys.exit(EX_CONFIG)
