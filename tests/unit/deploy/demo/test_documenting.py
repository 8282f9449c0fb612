from uuid import UUID

import pytest

from deploy.embedded.demo.documenting import note_for
from deploy.embedded.demo.plan import COPIED_FOR, GROUPS, Group
from services.sessions.documentation.near_equal import alike_pairs


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_the_demos_patients_have_notes_of_their_own_but_for_one_pair(group: Group) -> None:
    pairs = alike_pairs({UUID(int=number): note_for(group, number) for number in range(group.size)})
    copied = [] if group.charged else [COPIED_FOR]
    assert [(pair.one.int, pair.other.int) for pair in pairs] == copied
