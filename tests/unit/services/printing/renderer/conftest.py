from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import pikepdf
import pytest

from services.printing.renderer import Press
from tests.unit.services.printing.renderer.sheets import a_sheet


@pytest.fixture(scope="session")
def renderer() -> Press:
    return Press()


@pytest.fixture(scope="session")
def printed(renderer: Press) -> Callable[..., bytes]:
    """Prints `a_sheet(**facts)`."""

    def print_it(**facts: Any) -> bytes:
        return renderer.render(a_sheet(**facts)).pdf

    return print_it


@pytest.fixture
def opened(printed: Callable[..., bytes]) -> Iterator[Callable[..., pikepdf.Pdf]]:
    """Prints `a_sheet(**facts)` and opens it; pikepdf's objects live as long as their document."""
    with ExitStack() as documents:

        def open_it(**facts: Any) -> pikepdf.Pdf:
            return documents.enter_context(pikepdf.open(BytesIO(printed(**facts))))

        yield open_it
