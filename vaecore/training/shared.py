"""Noise and batch norms of a whole optimiser step that is computed by several ranks or batches."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vaecore.training.batches import places
from vaecore.training.ranks import Ranks


class StepNoise:
    """Standard normal noise for the examples of an optimiser step.

    It is drawn for the whole step, and each batch of each rank takes the rows of its examples, so
    that the noise of an example does not depend on how a step is divided.

    Args:
        ranks: The rank of this process.
        accumulate: Number of batches in one step.
    """

    def __init__(self, ranks: Ranks, accumulate: int) -> None:
        self.ranks, self.accumulate = ranks, accumulate
        self._generator = torch.Generator()
        self._index = 0

    def begin(self, seed: int, index: int, device: torch.device) -> None:
        """Begin a batch.

        Args:
            seed: Seed of the step, equal for all its ranks and batches.
            index: Index of the batch in its step, from 0.
            device: The device that draws the noise.
        """
        if self._generator.device != device:
            self._generator = torch.Generator(device)
        self._generator.manual_seed(seed)
        self._index = index

    def __call__(self, shape: torch.Size) -> Tensor:
        """Return float32 noise of a shape, with a row for each example of the batch."""
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
        # Two passes: mean(x^2) - mean(x)^2 would lose half of the digits.
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
    """Change the batch norms of a model in place to normalise over the batch of all ranks."""
    if not ranks.many:
        return
    for layer in model.modules():
        if isinstance(layer, _BatchNorm):
            layer.__class__ = _SharedBatchNorm  # keeps tensors, settings and references
            setattr(layer, "world", ranks.world)  # noqa: B010, mypy does not see the new class
