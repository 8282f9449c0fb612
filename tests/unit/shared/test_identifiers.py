from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import named_id


@given(st.uuids(), st.text(st.characters(codec="utf-8")))
def test_a_named_id_is_that_of_the_standard_library(namespace: UUID, name: str) -> None:
    assert named_id(namespace, name) == uuid5(namespace, name)
