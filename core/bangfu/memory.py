"""What is done for a whole county at once holds hundreds of thousands of things in memory for a few seconds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 1_000_000
"""How many more things are held before they are looked through for those that only hold each other."""
_open: list[tuple[int, int, int]] = []
"""The blocks that are not at their end, each with what Python did before the first of them."""


@contextmanager
def settled() -> Iterator[None]:
    """Until the end of the block, what there is stays and is not looked through again and again, which takes half of a
    large batch. Blocks may lie in and beside each other, in any order."""
    _open.append(_open[0] if _open else gc.get_threshold())
    if len(_open) == 1:
        gc.freeze()
        gc.set_threshold(MANY, *_open[0][1:])
    try:
        yield
    finally:
        before = _open.pop()
        if not _open:
            gc.set_threshold(*before)
            gc.unfreeze()
