"""The processes that train one model together, started by torchrun, each with its rank.

    torchrun --nproc-per-node 2 -m seqvae.cli train ...

Torch is imported late, since every command asks for its rank.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Ranks(NamedTuple):
    """The rank of this process, and the number of processes."""

    rank: int = 0
    world: int = 1
    """Number of processes on all machines."""
    local: int = 1
    """Number of processes on this machine."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    @property
    def many(self) -> bool:
        """Whether several processes train together."""
        return self.world > 1


ALONE = Ranks()


def here() -> Ranks:
    """Return the rank of this process from torchrun's environment; `ALONE` without torchrun."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    names = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    return Ranks(*(int(os.environ[name]) for name in names))


def mean(values: Tensor, ranks: Ranks) -> Tensor:
    """Return the mean of a tensor over all ranks, in its shape."""
    if not ranks.many:
        return values
    import torch.distributed as dist

    total = values.detach().clone()
    dist.all_reduce(total)
    return total / ranks.world


def gather(value: Any, ranks: Ranks) -> list[Any]:
    """Return every rank's object, in the order of ranks."""
    if not ranks.many:
        return [value]
    import torch.distributed as dist

    found: list[Any] = [None] * ranks.world
    dist.all_gather_object(found, value)
    return found


class Agreement:
    """The maximum of numbers over all ranks, to decide together.

    It is exchanged between CPUs (gloo), without waiting for accelerators. All ranks must create it
    at the same time, after they are connected.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        if ranks.many:
            import torch.distributed as dist

            self._group: Any = dist.new_group(backend="gloo")

    def largest(self, *numbers: float) -> list[float]:
        """Return the maximum of each number over all ranks."""
        if not self.ranks.many:
            return list(numbers)
        import torch
        import torch.distributed as dist

        values = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(values, dist.ReduceOp.MAX, self._group)
        found: list[float] = values.tolist()
        return found
