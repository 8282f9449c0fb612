"""JSON that the database itself writes: a row with its lists inside, in one statement and one picture.

Its rows never become objects of Python, which is most of what reading them costs.
"""

from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Table,
    Text,
    Uuid,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)

from shared.database.columns import UtcDateTime

_AS_THEY_ARE: Final = (String, Text, Integer, Date)


class NoJsonFormError(Exception):
    """A column's type has no JSON form here yet; say in `_value` how it is written."""


def json_object(rows: Select[Any], dialect: str) -> Select[Any]:
    """Select each row as the text of one JSON object, named by its columns, in the order of `rows`.

    Moments are RFC 3339 with Z, UUIDs have dashes, and columns of type JSON stand inside as they are.
    """
    inner = rows.subquery()
    return select(cast(_object(inner.c, dialect), Text))


def json_list(rows: Select[Any], dialect: str, *, within: Table) -> ColumnElement[Any]:
    """Give the rows as one JSON list: a column for a select from `within`, of whose row they are."""
    inner = rows.correlate(within).subquery()
    whole = _object(inner.c, dialect)
    listed: ColumnElement[Any] = func.json_group_array(func.json(whole))
    if dialect == "postgresql":
        listed = func.coalesce(func.json_agg(whole), literal_column("'[]'::json"))
    return type_coerce(select(listed).correlate(within).scalar_subquery(), JSON())


def _object(columns: Any, dialect: str) -> ColumnElement[Any]:
    pairs = [part for one in columns for part in (_said(one.name), _value(one, dialect))]
    build = func.json_build_object if dialect == "postgresql" else func.json_object
    return build(*pairs)


def _value(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    kind, on_postgresql = column.type, dialect == "postgresql"
    if isinstance(kind, UtcDateTime):
        return _moment(column, dialect)
    if isinstance(kind, JSON):
        return column if on_postgresql else func.json(column)
    if isinstance(kind, Uuid):
        return column if on_postgresql else _with_dashes(column)
    if isinstance(kind, _AS_THEY_ARE):
        return column
    raise NoJsonFormError(kind)


def _moment(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    # As orjson writes them: six digits of a second, or none.
    if dialect == "postgresql":
        text = func.to_char(func.timezone(_said("UTC"), column), _said('YYYY-MM-DD"T"HH24:MI:SS.US'))
    else:
        text = func.replace(column, _said(" "), _said("T"))
    return func.replace(text, _said(".000000"), _said(""), type_=Text()).concat(_said("Z"))


def _with_dashes(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # SQLite keeps 32 digits; taken as text, or the column's type would read each piece as a UUID.
    digits, dash = type_coerce(column, Text()), _said("-")
    places = ("1, 8", "9, 4", "13, 4", "17, 4", "21, 12")
    first, *others = [func.substr(digits, literal_column(place), type_=Text()) for place in places]
    whole: ColumnElement[Any] = first
    for group in others:
        whole = whole.concat(dash).concat(group)
    return whole


def _said(text: str) -> ColumnElement[str]:
    # A text of ours within the statement: as parameters these would be hundreds.
    return literal_column(f"'{text}'", Text())
