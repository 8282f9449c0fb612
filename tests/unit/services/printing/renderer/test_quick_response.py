import re

import pytest

from services.printing.renderer.quick_response import qr_code
from tests.unit.services.printing.renderer.sheets import LINK

pytestmark = pytest.mark.rule("PRINT-1")


def _modules(path: str, size: int) -> list[list[bool]]:
    """The picture that the path draws, module by module."""
    drawn = [[False] * size for _ in range(size)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)", path):
        for column in range(int(x), int(x) + int(width)):
            drawn[int(y)][column] = True
    return drawn


def test_the_three_corners_that_scanners_look_for_are_there() -> None:
    code = qr_code(LINK)
    drawn = _modules(code.path, code.modules)
    finder = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"]
    for top, left in ((0, 0), (0, code.modules - 7), (code.modules - 7, 0)):
        corner = ["".join(".#"[one] for one in row[left : left + 7]) for row in drawn[top : top + 7]]
        assert corner == finder


def test_the_same_link_is_the_same_picture() -> None:
    assert qr_code(LINK) == qr_code(LINK) != qr_code(f"{LINK}/")
