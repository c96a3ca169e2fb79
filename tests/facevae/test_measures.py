"""PSNR, SSIM and sharpness, beside torchmetrics and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from facevae.measures import as_saved, gradient_energy, perceived_change, psnr, ssim


def pictures(seed: int, n: int = 5, size: int = 40) -> Tensor:
    """Smooth pictures with some noise: neither flat nor all noise."""
    generator = torch.Generator().manual_seed(seed)
    rough = torch.rand(n, 3, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(rough, (size, size), mode="bicubic").clamp(0, 1)
    return as_saved(smooth + 0.03 * torch.randn(n, 3, size, size, generator=generator))


def theirs(x: Tensor, y: Tensor) -> Tensor:
    """torchmetrics' map of SSIM, without the frame that it makes up by reflection."""
    full = structural_similarity_index_measure(x, y, data_range=1.0, return_full_image=True)[1]
    return full[..., 5:-5, 5:-5].mean((1, 2, 3))


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
def test_ssim_is_that_of_torchmetrics(noise: float) -> None:
    x = pictures(1)
    y = (x + noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    torch.testing.assert_close(ssim(y, x), theirs(y, x), atol=2e-5, rtol=0)
    assert 0 < ssim(y, x).mean() < 1


def test_ssim_of_pictures_of_other_shapes() -> None:
    x, y = pictures(1)[:, :, :11], pictures(2)[:, :, :11]
    torch.testing.assert_close(ssim(x, y), theirs(x, y), atol=2e-5, rtol=0)
    with pytest.raises(ValueError, match="11 pixels or more"):
        ssim(x[:, :, :10], y[:, :, :10])
    with pytest.raises(ValueError, match="of one shape"):
        ssim(x, y[:1])


def test_a_picture_is_like_itself() -> None:
    x = pictures(3)
    torch.testing.assert_close(ssim(x, x), torch.ones(len(x)))
    assert psnr(x, x).tolist() == [pytest.approx(100)] * len(x)


def test_psnr_is_that_of_each_picture() -> None:
    x = torch.full((2, 3, 12, 12), 0.5)
    y = torch.stack([x[0] + 0.1, x[1] - 0.01])
    assert psnr(x, y).tolist() == pytest.approx([20.0, 40.0], abs=1e-4)
    half = x.clone()
    half[:, :, :6] += 0.1
    assert psnr(x, half).tolist() == pytest.approx([20 + 10 * math.log10(2)] * 2, abs=1e-4)


def test_gradient_energy_counts_steps_down_and_across() -> None:
    x = torch.zeros(3, 3, 4, 5)
    x[0, :, :, 2:] = 0.5  # one step across in each of four rows
    x[1, :, 2:, :] = 0.5  # one step down in each of five columns
    assert gradient_energy(x).tolist() == pytest.approx([4 * 0.25, 5 * 0.25, 0])
    green = torch.zeros(1, 3, 4, 5)
    green[:, 1, :, 2:] = 1
    assert gradient_energy(green).item() == pytest.approx(4 * 0.587**2)


def test_blur_takes_gradient_energy_away() -> None:
    x = torch.rand(3, 3, 20, 20, generator=torch.Generator().manual_seed(4))
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    assert (gradient_energy(blurred) < 0.2 * gradient_energy(x)).all()


def test_pictures_are_measured_as_files_hold_them() -> None:
    x = torch.tensor([-0.2, 0.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 1.3])
    assert (as_saved(x) * 255).tolist() == [0, 0, 0, 1, 255, 255]


def test_perceived_change_grows_with_the_step() -> None:
    a, b = pictures(0, 2)
    frames = torch.stack([torch.lerp(a, b, t) for t in (0.0, 0.0, 0.1, 0.5, 1.0)])
    change = perceived_change(frames)
    assert change.shape == (4,)
    assert change[0] == 0
    assert 0 < change[1] < change[2] < change[3]


def test_perceived_change_is_that_of_the_face() -> None:
    frames = pictures(3, 3, size=64)
    head, features = frames[..., 12:56, 14:50].double(), frames[..., 18:54, 17:47].double()
    parts = [(1 - ssim(part[1:], part[:-1])).sqrt() for part in (head, features)]
    torch.testing.assert_close(perceived_change(frames), (parts[0] * parts[1]).sqrt())
    around = frames.clone()
    around[1:, :, :12], around[1:, :, :, 50:] = 0.0, 1.0
    torch.testing.assert_close(perceived_change(around), perceived_change(frames))


def test_perceived_change_of_small_pictures_is_that_of_pixels() -> None:
    frames = pictures(3, 3)
    small = frames[:, :, :8, :8]
    pixels = (small[1:] - small[:-1]).double().square().mean((1, 2, 3)).sqrt()
    torch.testing.assert_close(perceived_change(small), pixels)


def test_nothing_changes_where_all_frames_are_one() -> None:
    assert perceived_change(pictures(1, 1).expand(4, -1, -1, -1)).tolist() == [0, 0, 0]
