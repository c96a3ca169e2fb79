"""What belongs to a whole step, and is computed in parts: its noise, and its batch norms."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vaecore.training.batches import places
from vaecore.training.ranks import Ranks


class StepNoise:
    """Standard normal noise for the examples of an optimiser step, whoever computes them.

    It is drawn for the whole step, and each batch of each rank takes the rows of its examples:
    so the noise of an example does not depend on how a step is divided.

    Args:
        ranks: Which of the processes that train together this is.
        accumulate: Batches that make one step.
    """

    def __init__(self, ranks: Ranks, accumulate: int) -> None:
        self.ranks, self.accumulate = ranks, accumulate
        self._generator = torch.Generator()
        self._index = 0

    def begin(self, seed: int, index: int, device: torch.device) -> None:
        """Begin a batch.

        Args:
            seed: Of the step; every rank and every batch of the step begins with the same.
            index: Of the batch in its step.
            device: Where the noise is drawn.
        """
        if self._generator.device != device:
            self._generator = torch.Generator(device)
        self._generator.manual_seed(seed)
        self._index = index

    def __call__(self, shape: torch.Size) -> Tensor:
        """Return noise for a tensor with a row for each example of the batch, 32-bit."""
        size = shape[0] * self.ranks.world
        device = self._generator.device
        whole = torch.randn(
            size * self.accumulate, *shape[1:], generator=self._generator, device=device
        )
        return whole[places(size, self._index, self.ranks)]


class _Mean(torch.autograd.Function):
    """The mean of a tensor over all ranks, and of its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, world: int) -> Tensor:
        ctx.world = world
        total = values.clone()
        dist.all_reduce(total)
        return total / world

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        total = gradient.clone()
        dist.all_reduce(total)
        return total / ctx.world, None


class _SharedBatchNorm(_BatchNorm):
    """A batch norm over the batch of all ranks, on any device (torch's own is for CUDA alone)."""

    world: int
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def _check_input_dim(self, x: Tensor) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        axes = [axis for axis in range(x.ndim) if axis != 1]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        values = x.float()
        # Two passes: the difference of large squares would cost half of the digits.
        mean: Tensor = _Mean.apply(values.mean(axes), self.world)
        centred = values - mean.view(shape)
        variance: Tensor = _Mean.apply(centred.square().mean(axes), self.world)
        with torch.no_grad():
            count = x.numel() // x.shape[1] * self.world
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
        y = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(x.dtype)


def share_batch_norms(model: nn.Module, ranks: Ranks) -> None:
    """Let the batch norms of a model see the batch of all ranks; it stays the same model."""
    if not ranks.many:
        return
    for layer in model.modules():
        if isinstance(layer, _BatchNorm):
            layer.__class__ = _SharedBatchNorm  # tensors, settings and references stay
            setattr(layer, "world", ranks.world)  # noqa: B010, its class is new to the checker
