"""The processes that train one model together: torchrun starts them, each knows its rank.

    torchrun --nproc-per-node 2 -m seqvae.cli train ...

Nothing here imports torch before it is needed: the command line needs its rank, too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Ranks(NamedTuple):
    """Which of how many processes this is."""

    rank: int = 0
    world: int = 1
    """Processes on all machines."""
    local: int = 1
    """Processes on this machine."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    @property
    def many(self) -> bool:
        return self.world > 1


ALONE = Ranks()


def here() -> Ranks:
    """Return the place of this process, from torchrun's environment; alone without torchrun."""
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
    """A decision of all ranks: the largest of their numbers, at the price of a small message.

    The message goes from CPU to CPU, so that no accelerator has to be waited for. Made by all
    ranks at the same time, once they are connected.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        if ranks.many:
            import torch.distributed as dist

            self._group: Any = dist.new_group(backend="gloo")

    def largest(self, *numbers: float) -> list[float]:
        """Return the largest of each number that any rank came with."""
        if not self.ranks.many:
            return list(numbers)
        import torch
        import torch.distributed as dist

        values = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(values, dist.ReduceOp.MAX, self._group)
        found: list[float] = values.tolist()
        return found
