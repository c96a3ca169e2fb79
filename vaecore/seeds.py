"""Seeds: one range for all of them, and generators made of them."""

from __future__ import annotations

import operator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from torch import Generator

LARGEST = 2**63 - 1
"""The largest seed; the smallest is 0."""


def check_seed(seed: Any) -> int:
    """Return a seed, a whole number from 0 to 2**63 - 1 (Python's or numpy's).

    Raises:
        UsageError: It is none.
    """
    number = -1
    if not isinstance(seed, bool) and hasattr(seed, "__index__"):
        with suppress(TypeError):  # an array of several
            number = operator.index(seed)
    if not 0 <= number <= LARGEST:
        # Python writes no number of over 4,300 digits.
        large = isinstance(seed, int) and seed.bit_length() > 128
        text = f"one of {seed.bit_length()} bits" if large else repr(seed)
        text = text if len(text) <= 40 else f"{text[:37]}..."
        raise UsageError(f"seed must be a whole number from 0 to {LARGEST} (2**63 - 1), got {text}")
    return number


def following(seed: int, number: int) -> int:
    """Return the seed that is `number` further on; after the largest comes 0."""
    return (seed + number) % (LARGEST + 1)


def seeded(seed: int) -> Generator:
    """Return a generator on the CPU.

    Raises:
        UsageError: The seed is none; see `check_seed`.
    """
    import torch

    return torch.Generator().manual_seed(check_seed(seed))
