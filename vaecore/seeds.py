"""Seeds: their range, and generators made from them."""

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
    """Return a seed as an int, after a check that it is a whole number from 0 to 2**63 - 1.

    Raises:
        UsageError: It is not.
    """
    number = -1
    if not isinstance(seed, bool) and hasattr(seed, "__index__"):
        with suppress(TypeError):  # an array of several
            number = operator.index(seed)
    if not 0 <= number <= LARGEST:
        # Python refuses to print integers of more than 4,300 digits.
        large = isinstance(seed, int) and seed.bit_length() > 128
        text = f"one of {seed.bit_length()} bits" if large else repr(seed)
        text = text if len(text) <= 40 else f"{text[:37]}..."
        raise UsageError(f"seed must be a whole number from 0 to {LARGEST} (2**63 - 1), got {text}")
    return number


def following(seed: int, number: int) -> int:
    """Return the seed plus `number`; after the largest seed comes 0."""
    return (seed + number) % (LARGEST + 1)


def seeded(seed: int) -> Generator:
    """Return a generator on the CPU.

    Raises:
        UsageError: The seed is out of range; see `check_seed`.
    """
    import torch

    return torch.Generator().manual_seed(check_seed(seed))
