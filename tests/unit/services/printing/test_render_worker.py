import subprocess
import sys

import pytest

ASK_FOR_TOO_MUCH = """
from services.printing.render_worker import limit_memory
limit_memory(300)
try:
    bytearray(400 * 2**20)
except MemoryError:
    print("refused")
"""


@pytest.mark.rule("PRINT-5")
def test_a_child_that_asks_for_too_much_fails_alone() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK_FOR_TOO_MUCH], capture_output=True, check=True, text=True
    )
    assert asked.stdout == "refused\n"
