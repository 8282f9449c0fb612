"""Column types and constraint names that mean the same on both databases."""

from datetime import UTC, datetime

from sqlalchemy import JSON, DateTime, Dialect, MetaData, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """Give a service its own table catalogue; constraint names are equal on both databases."""
    return MetaData(naming_convention=NAMING_CONVENTION)


class NaiveDatetimeError(Exception):
    """A datetime without a zone was about to be stored; every stored moment is UTC."""


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: aware going in, aware UTC coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The type of its values."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes and store the others as UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NaiveDatetimeError
        in_utc = value.astimezone(UTC)
        return in_utc if dialect.name == "postgresql" else in_utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Mark what SQLite gives back as the UTC that it is."""
        del dialect
        if value is None or value.tzinfo is UTC:
            return value
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


JsonValue = JSON().with_variant(JSONB(), "postgresql")
"""JSON that PostgreSQL can compare."""
