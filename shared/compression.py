"""Zstandard at its fastest level, which is enough: what we seal repeats itself a lot."""

from threading import local
from typing import Final

import zstandard

FASTEST: Final = 1


class _Kept(local):
    """A compressor and a decompressor of each thread; to make one takes longer than it then works."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=FASTEST).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_kept = _Kept()


def compressed(content: bytes) -> bytes:
    """Give the content smaller, with its length, so that it opens in one go."""
    return _kept.compress(content)


def decompressed(packed: bytes) -> bytes:
    """Give back what was compressed; raises `zstandard.ZstdError`."""
    return _kept.decompress(packed)
