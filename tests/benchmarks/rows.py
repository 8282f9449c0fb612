"""One line of the benchmark table."""

from typing import TypedDict


class Row(TypedDict):
    """`ours` beside `peer`, both in `unit`, from the same run; `ratio` is to be `reach` or better."""

    name: str
    unit: str
    ours: float
    peer: float
    ratio: float
    """Ours by peer for a rate, peer by ours for a time: more is better."""
    reach: float
    """0: for information only."""
