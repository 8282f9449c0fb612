from collections.abc import Mapping, Sequence
from importlib import import_module

import pytest
from sqlalchemy import JSON, MetaData, String, Text

from deploy.embedded.folder import SERVICES
from shared.database.sealed_columns import PLAIN_EVERYWHERE, Sealed

pytestmark = pytest.mark.parametrize("service", SERVICES)


def tables_of(service: str) -> MetaData:
    metadata: MetaData = import_module(f"services.{service}.models").metadata
    return metadata


def told_of(service: str) -> tuple[Sequence[Sealed], Mapping[str, str]]:
    module = import_module(f"services.{service}.sealed_columns")
    return module.SEALED, module.PLAIN


def texts_of(service: str) -> set[str]:
    columns = [column for table in tables_of(service).tables.values() for column in table.columns]
    return {f"{one.table.name}.{one.name}" for one in columns if isinstance(one.type, String | JSON)}


def test_each_text_is_sealed_or_says_why_not(service: str) -> None:
    sealed, plain = told_of(service)
    assert texts_of(service) == {one.place for one in sealed} | (plain.keys() & texts_of(service))
    assert not {one.place for one in sealed} & plain.keys()


def test_no_reason_is_given_for_what_is_not_there(service: str) -> None:
    _, plain = told_of(service)
    assert plain.keys() - texts_of(service) <= PLAIN_EVERYWHERE.keys()


def test_what_is_sealed_names_its_instance_and_its_whole_key(service: str) -> None:
    for one in told_of(service)[0]:
        table = tables_of(service).tables[one.table]
        assert isinstance(table.c[one.column].type, Text)
        assert tuple(table.primary_key.columns.keys()) == one.row
        assert "instance_id" in table.c
