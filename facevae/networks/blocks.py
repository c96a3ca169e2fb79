"""What the spatial networks are made of: convolutions, normalisation and residual blocks."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1
"""Of the leaky rectifiers."""


def convolution(channels: int, to: int) -> nn.Conv2d:
    """Return a 3 x 3 convolution that keeps the size, initialised as He et al. (2015) do."""
    layer = nn.Conv2d(channels, to, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, SLOPE)
    nn.init.zeros_(layer.get_parameter("bias"))
    return layer


class PixelNorm(nn.LayerNorm):
    """Layer normalisation (Ba et al., 2016) over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape `(batch, channels, height, width)`."""
        # The channels of a pixel are side by side in memory: the permutation copies nothing.
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        pixels = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, weight, bias, self.eps)
        return pixels.permute(0, 3, 1, 2)


class SpatialBlock(nn.Module):
    """x + conv(act(conv(act(norm(x))))), with the last convolution zero-initialised.

    So each block is the identity at first, as in `residual`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = PixelNorm(channels)
        self.conv1, self.conv2 = convolution(channels, channels), convolution(channels, channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape `(batch, channels, height, width)`."""
        h = self.conv1(F.leaky_relu(self.norm(x), SLOPE))
        y: Tensor = x + self.conv2(F.leaky_relu(h, SLOPE))
        return y
