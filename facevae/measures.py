"""Similarity of two pictures (PSNR, SSIM) and sharpness of one (gradient energy)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vaecore.device import as_double

WINDOW, SIGMA = 11, 1.5
"""Of SSIM's Gaussian window, in pixels."""
HEAD, FEATURES = (12, 56, 14, 50), (18, 54, 17, 47)
"""Top, bottom, left and right of a head, and of its features, in 64ths of a picture that is framed
as CelebA frames faces."""
_LUMINANCE = (0.299, 0.587, 0.114)
_SMALLEST = 1e-10
"""Smallest mean squared error; its PSNR is 100 dB."""


def as_saved(x: Tensor) -> Tensor:
    """Return pictures as they are written to a file: clamped to [0, 1], and rounded to 8 bits."""
    return (x.clamp(0, 1) * 255).round() / 255


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each picture in dB, `(n,)`.

    10 log10(1 / mean squared error), over all pixels and channels; at most 100 dB.

    Args:
        x: Pictures `(n, channels, height, width)` in [0, 1].
        y: The pictures to compare with, of the same shape.
    """
    error = as_double(x - y).square().mean((1, 2, 3))
    return -10 * error.clamp(min=_SMALLEST).log10()


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Return the structural similarity of each pair of pictures, `(n,)`, at most 1.

    Wang et al., Image quality assessment: from error visibility to structural similarity (2004):
    a Gaussian window of 11 pixels and sigma 1.5, K1 0.01, K2 0.03, averaged over the places where
    the window lies within the picture, and over channels (as scikit-image does; torchmetrics adds
    a frame by reflection).

    Args:
        x: Pictures `(n, channels, height, width)` in [0, 1], at least 11 pixels high and wide.
        y: The pictures to compare with, of the same shape.

    Raises:
        ValueError: The pictures differ in shape or are smaller than the window.
    """
    if x.shape != y.shape or min(x.shape[-2:]) < WINDOW:
        raise ValueError(
            f"need pictures of one shape, {WINDOW} pixels or more, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    place = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = torch.exp(-0.5 * (place / SIGMA) ** 2)
    window = window / window.sum()

    def blurred(image: Tensor) -> Tensor:
        flat = image.flatten(0, 1).unsqueeze(1)
        rows = functional.conv2d(flat, window.view(1, 1, 1, -1))
        both = functional.conv2d(rows, window.view(1, 1, -1, 1))
        return both.view(*image.shape[:2], *both.shape[-2:])

    mean_x, mean_y = blurred(x), blurred(y)
    variance_x = (blurred(x * x) - mean_x.square()).clamp(min=0)
    variance_y = (blurred(y * y) - mean_y.square()).clamp(min=0)
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).mean((1, 2, 3))


def clipped(x: Tensor) -> Tensor:
    """Return the share of pixels `(n,)` of which a value is at an end of its range.

    Args:
        x: Pictures `(n, channels, height, width)` in [0, 1], as decoded or saved.
    """
    x = as_saved(x)
    return as_double(((x <= 0) | (x >= 1)).any(1).float()).mean((1, 2))


def perceived_change(x: Tensor) -> Tensor:
    """Return the visible change of the face from each frame to the next, `(n - 1,)`.

    The root of 1 - SSIM, which is nearly a metric (Brunet et al., 2012), of the head and of its
    features: the geometric mean of both. What happens around the head does not count, since it is
    the face that one follows in a morph: steps that are even in this are nearly even for a network
    that recognises people, too. Frames whose features are too small for SSIM are measured in
    pixels, by the root mean square.

    Args:
        x: Frames `(n, channels, height, width)` in [0, 1], framed as CelebA frames faces, n at
            least 2.
    """
    parts = [as_double(_within(x, frame)) for frame in (HEAD, FEATURES)]
    if min(parts[1].shape[-2:]) < WINDOW:
        x = as_double(x)
        return (x[1:] - x[:-1]).square().mean((1, 2, 3)).sqrt()
    changes = [(1 - ssim(part[1:], part[:-1])).clamp(min=0).sqrt() for part in parts]
    return (changes[0] * changes[1]).sqrt()


def _within(x: Tensor, frame: tuple[int, int, int, int]) -> Tensor:
    """Return the part of pictures that lies within a frame, see `HEAD`."""
    height, width = x.shape[-2:]
    top, bottom, left, right = frame
    rows = slice(top * height // 64, bottom * height // 64)
    return x[..., rows, left * width // 64 : right * width // 64]


def gradient_energy(x: Tensor) -> Tensor:
    """Return the sum of squared differences between neighbouring pixels of each picture, `(n,)`.

    Of the luminance, down and across. Blur takes it away: the ratio of a reconstruction's to its
    original's is its sharpness, 1 if nothing was lost.

    Args:
        x: RGB pictures `(n, 3, height, width)` in [0, 1].
    """
    x = as_double(x)
    luminance = (x * x.new_tensor(_LUMINANCE).view(3, 1, 1)).sum(1)
    down, across = luminance.diff(dim=1), luminance.diff(dim=2)
    return down.square().sum((1, 2)) + across.square().sum((1, 2))
