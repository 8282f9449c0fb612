"""The statement that accompanies every disclosure of a Part 2 record."""

from typing import Final

NOTICE: Final = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The second of the two statements of 42 CFR 2.32(a), as amended in 2024."""
