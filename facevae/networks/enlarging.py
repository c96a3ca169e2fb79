"""The last stage of a decoder, which draws a picture at twice the size.

It is trained on top of a decoder that is frozen, so that a model of larger pictures has the codes
of the smaller model, and with them its prior, its attribute vectors and its directions. The larger
picture is the smaller one, enlarged bilinearly, plus what is drawn from it and from the features
that it was made of.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.networks.blocks import SLOPE, PixelNorm, SpatialBlock, convolution

WIDTH = 32
"""Channels at the size of the smaller picture."""
BLOCKS = 2
REFINED = 16
"""Channels of the last step, at the size of the larger picture."""
HALVING = (-3, -9, 29, 111, 111, 29, -9, -3)
"""The filter that halves a picture, in 256ths: Keys' cubic one (1981, a = -1/2), stretched to twice
its width, as Pillow's BICUBIC is."""


class Enlarger(nn.Module):
    """A picture and the features that it was made of, to a picture of twice its size.

    Args:
        channels: Of the features, at half the size of the smaller picture.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.from_features = nn.ConvTranspose2d(channels, WIDTH, 2, stride=2)
        self.from_picture = convolution(3, WIDTH)
        self.blocks = nn.Sequential(
            *(SpatialBlock(WIDTH) for _ in range(BLOCKS)), PixelNorm(WIDTH), nn.LeakyReLU(SLOPE)
        )
        self.drawn = convolution(WIDTH, 12)
        nn.init.normal_(self.drawn.weight, std=0.1 / (9 * WIDTH) ** 0.5)
        self.enlarged = _bilinear()
        # As in `SpatialDecoder`: pixels of one position do not know those of the next one.
        self.refined = nn.Sequential(
            convolution(3, REFINED), nn.LeakyReLU(SLOPE), convolution(REFINED, 3)
        )
        nn.init.zeros_(self.refined[2].get_parameter("weight"))

    def forward(self, picture: Tensor, features: Tensor) -> Tensor:
        """Return pictures `(batch, 3, 2 * size, 2 * size)`.

        Args:
            picture: `(batch, 3, size, size)`, values around 0.
            features: `(batch, channels, size / 2, size / 2)`.
        """
        x = self.blocks(self.from_features(features) + self.from_picture(picture))
        larger = F.pixel_shuffle(self.enlarged(picture) + self.drawn(x), 2)
        refined: Tensor = larger + self.refined(larger)
        return refined


def _bilinear() -> nn.Conv2d:
    """Return a convolution that enlarges bilinearly, its four pixels of each position as channels.

    Beyond the edge of a picture there is 0, the middle of the range.
    """
    layer = nn.Conv2d(3, 12, 3, padding=1)
    near, far = 0.75, 0.25
    rows = torch.tensor([[far, near, 0.0], [0.0, near, far]])
    with torch.no_grad():
        layer.weight.zero_()
        layer.get_parameter("bias").zero_()
        for colour in range(3):
            for down in range(2):
                for across in range(2):
                    kernel = rows[down].unsqueeze(1) * rows[across]
                    layer.weight[4 * colour + 2 * down + across, colour] = kernel
    return layer


def halved(x: Tensor) -> Tensor:
    """Return pictures `(batch, 3, size, size)` at half their size, as Pillow's bicubic filter does.

    At the edges Pillow leaves out what is beyond them; here the last pixel is repeated.
    """
    kernel = x.new_tensor(HALVING) / sum(HALVING)
    x = F.pad(x, [len(HALVING) // 2 - 1] * 4, mode="replicate")
    x = F.conv2d(x, kernel.view(1, 1, 1, -1).expand(3, -1, -1, -1), stride=(1, 2), groups=3)
    return F.conv2d(x, kernel.view(1, 1, -1, 1).expand(3, -1, -1, -1), stride=(2, 1), groups=3)


def fine_detail(x: Tensor) -> Tensor:
    """Return what pictures `(batch, 3, size, size)` lose where they are halved and enlarged."""
    return x - F.interpolate(halved(x), scale_factor=2, mode="bilinear", align_corners=False)
