"""Training examples for the framing network: framed faces, transformed at random.

A framed face is turned, scaled and shifted by a known similarity, which the network has to
estimate, and what lies outside it is filled in. Two shortcuts have to be prevented:

    the border   the edge of the picture would reveal the similarity; so the picture is first cut
                 along a random rectangle, turned by another angle, and the filling is of many kinds
    sharpness    a magnified face is blurred, a reduced one sharp; so the resolution it is drawn
                 from, and a blur after, are random
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from facevae.align.network import SIZE

FACELESS = 0.12
"""Share of the examples without a face, or with one too far off to be framed."""


def random_similarities(n: int, generator: torch.Generator, reach: float = 1.0) -> Tensor:
    """Draw similarities from the framed square into a crop: a, b, x, y, (n, 4).

    Half are wide, as a detector's box may be off (scale 0.45 to 1.6, turn +-45 degrees, shift
    +-0.4 of half the crop's side); half are narrow, as after one correction.

    Args:
        n: Number of similarities.
        generator: Source of randomness.
        reach: Factor on both kinds; below 1 they are nearer to the identity.
    """
    wide = torch.rand(n, generator=generator) < 0.5
    flat = torch.rand(n, 4, generator=generator) * 2 - 1
    bell = torch.randn(n, 4, generator=generator)
    scale = torch.where(wide, -0.16 + 0.63 * flat[:, 0], 0.10 * bell[:, 0]) * reach
    angle = torch.where(wide, math.radians(45) * flat[:, 1], math.radians(6) * bell[:, 1]) * reach
    shift = torch.where(wide[:, None], 0.4 * flat[:, 2:], 0.07 * bell[:, 2:]) * reach
    return torch.stack(
        [scale.exp() * angle.cos(), scale.exp() * angle.sin(), shift[:, 0], shift[:, 1]], 1
    )


def examples(
    images: Tensor, generator: torch.Generator, reach: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Make one example of each framed image.

    Args:
        images: RGB, uint8, (n, 3, s, s), s at least 64.
        generator: Source of randomness.
        reach: See `random_similarities`.

    Returns:
        Crops (n, 3, 64, 64) in [0, 1], the similarities (n, 4) in them, and whether there is a
        face to be framed (n,), bool. Where there is none, the similarity means nothing.
    """
    n = len(images)
    truth = random_similarities(n, generator, reach)
    face = torch.rand(n, generator=generator) >= FACELESS
    strayed = faceless_similarities(n, generator)
    used = torch.where(face[:, None], truth, strayed)
    edge = images.shape[-1] // 6
    strip = torch.cat([images[..., :edge], images[..., -edge:]], 3)[:, :, ::2, ::2].roll(1, 0)
    return drawn(images, used, strip, generator), truth, face


def drawn(
    images: Tensor, used: Tensor, around: Tensor, generator: torch.Generator, size: int = SIZE
) -> Tensor:
    """Draw framed images by similarities, cut and filled in, with varied light and quality.

    Args:
        images: RGB, uint8, (n, 3, s, s).
        used: From the framed squares into the crops, a, b, x, y, (n, 4).
        around: Pictures to fill some of the crops with, outside, RGB, uint8, (n, 3, h, w).
        generator: Source of randomness.
        size: Side of the crops, in pixels.

    Returns:
        The crops, (n, 3, size, size) in [0, 1].
    """
    points = _source_points(used, size)
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    points[mirrored] *= points.new_tensor([-1.0, 1.0])  # the picture, in its frame
    points, outside = _cut(points, generator)
    crops = _draw(images, points, used, generator)
    crops = _fill(crops, outside, around, generator)
    return degraded(crops, generator)


def faceless_similarities(n: int, generator: torch.Generator) -> Tensor:
    """Draw similarities that show a patch of a face, or a face upside down or far outside."""
    kind = torch.randint(3, (n,), generator=generator)
    draw = torch.rand(n, 3, generator=generator)
    scale = torch.where(kind == 0, 3 + 5 * draw[:, 0], 0.6 + 0.6 * draw[:, 0])
    angle = torch.where(kind == 1, math.pi * (0.55 + 0.9 * draw[:, 1]), 2 * (draw[:, 1] - 0.5))
    away = torch.where(kind == 2, 1.5 + draw[:, 2], torch.where(kind == 0, scale * 0.8, 0.2))
    side = 2 * math.pi * torch.rand(n, generator=generator)
    return torch.stack(
        [scale * angle.cos(), scale * angle.sin(), away * side.cos(), away * side.sin()], 1
    )


def _source_points(similarities: Tensor, size: int = SIZE) -> Tensor:
    """Return, for every pixel of the crops, the point of the framed square that it shows."""
    n = len(similarities)
    line = (torch.arange(size) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    factor = torch.view_as_complex(similarities[:, :2].contiguous()).view(n, 1, 1)
    shift = torch.view_as_complex(similarities[:, 2:].contiguous()).view(n, 1, 1)
    return torch.view_as_real((torch.complex(x, y)[None] - shift) / factor).contiguous()


def _cut(points: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cut the picture along a random rectangle, and continue it by mirroring or repeating its edge.

    Returns:
        The points, all inside the rectangle now, and which of the pixels were outside: (n, s, s).
    """
    n = len(points)
    turn = (torch.rand(n, generator=generator) - 0.5) * 1.4
    turn = torch.where(torch.rand(n, generator=generator) < 0.4, torch.zeros(n), turn)
    low = -1 + 0.45 * torch.rand(n, 2, generator=generator).square()
    high = 1 - 0.45 * torch.rand(n, 2, generator=generator).square()
    low, high = low.view(n, 1, 1, 2), high.view(n, 1, 1, 2)
    turned = _turn(points, turn)
    outside = ((turned < low) | (turned > high)).any(-1)
    width = high - low
    mirrored = low + ((turned - low).abs() - width).abs().sub_(width).abs_()
    smeared = torch.minimum(torch.maximum(turned, low), high)
    smear = torch.rand(n, generator=generator) < 0.3
    inside = torch.where(smear.view(n, 1, 1, 1), smeared, mirrored)
    back = _turn(inside, -turn)
    # The turned rectangle's corners may stick out of the picture by a little: smear those.
    return back.clamp(-1, 1), outside | (back.abs() > 1).any(-1)


def _turn(points: Tensor, angle: Tensor) -> Tensor:
    cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    x, y = points.unbind(-1)
    return torch.stack([cosine * x - sine * y, sine * x + cosine * y], -1)


def _halve(images: Tensor) -> Tensor:
    """Halve the resolution by the mean of four; quicker than `avg_pool2d` on this layout."""
    rows = images[..., ::2, :] + images[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


def _draw(images: Tensor, points: Tensor, used: Tensor, generator: torch.Generator) -> Tensor:
    """Sample the images at the points, from a resolution that suits the scale, or nearly so."""
    size = points.shape[1]
    crops = torch.empty(len(images), 3, size, size)
    scale = used[:, :2].norm(dim=1).clamp(max=1.9)
    natural = torch.log2(images.shape[-1] / size / scale)
    jitter = (torch.rand(len(images), generator=generator) - 0.35) * 1.4
    level = (natural + jitter).round().clamp(0, 2)
    for i in range(3):
        chosen = (level == i).nonzero()[:, 0]
        if not len(chosen):
            continue
        source = images[chosen].float().div_(255)
        for _ in range(i):
            source = _halve(source)
        crops[chosen] = functional.grid_sample(
            source, points[chosen], padding_mode="border", align_corners=False
        )
    return crops


def _fill(crops: Tensor, outside: Tensor, around: Tensor, generator: torch.Generator) -> Tensor:
    """Paint the area outside the picture: continued, in one colour, or from another picture."""
    n = len(crops)
    kind = torch.rand(n, generator=generator)
    colour = torch.rand(n, 3, 1, 1, generator=generator)
    colour = torch.where(kind.view(n, 1, 1, 1) < 0.15, torch.zeros(1), colour)
    other = functional.interpolate(
        around.float().div_(255), size=crops.shape[2:], mode="bilinear", align_corners=False
    )
    filling = torch.where(kind.view(n, 1, 1, 1) < 0.35, colour, other)
    mask = outside[:, None].float()
    soft = functional.avg_pool2d(mask, 5, 1, 2, count_include_pad=False)
    mask = torch.where(torch.rand(n, 1, 1, 1, generator=generator) < 0.5, soft, mask)
    mask = mask * (kind < 0.6).float().view(n, 1, 1, 1)
    return crops * (1 - mask) + filling * mask


def degraded(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Change light and colour, blur, cover a part, add noise: each with a chance of its own."""
    n = len(crops)

    def some(part: float) -> Tensor:
        return (torch.rand(n, generator=generator) < part).nonzero()[:, 0]

    def factor(width: float, channels: int = 1) -> Tensor:
        return 1 + width * (2 * torch.rand(n, channels, 1, 1, generator=generator) - 1)

    grey = some(0.12)
    crops[grey] = crops[grey].mean(1, keepdim=True)
    blurred = some(0.25)
    crops[blurred] = functional.avg_pool2d(crops[blurred], 3, 1, 1, count_include_pad=False)
    coarse = some(0.15)
    crops[coarse] = functional.interpolate(
        _halve(crops[coarse]),
        size=crops.shape[2:],
        mode="bilinear",
        align_corners=False,
    )
    mean = crops.mean((1, 2, 3), keepdim=True)
    crops = (crops - mean) * factor(0.4) + mean * factor(0.4) * factor(0.12, 3)
    crops = crops.clamp_(0, 1).pow(factor(0.3))
    for i in some(0.2).tolist():
        top, left, height, width = torch.randint(
            8, 44 * crops.shape[-1] // 64, (4,), generator=generator
        ).tolist()
        crops[i, :, top : top + height // 2, left : left + width // 2] = torch.rand(
            3, 1, 1, generator=generator
        )
    noisy = some(0.3)
    crops[noisy] += 0.04 * torch.randn(crops[noisy].shape, generator=generator)
    return crops.clamp_(0, 1)
