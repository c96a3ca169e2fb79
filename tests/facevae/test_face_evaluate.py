"""Quality figures, of models whose figures are known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from facevae.codec import FaceCodec
from facevae.evaluate import MEASURED_AT_ONCE, evaluate, measure
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.space import LatentSpace

SIZE = 16


class Keeps(VAE):
    """A model whose code is the picture itself, and whose answer to a code is prescribed.

    Args:
        answer: From pictures `(n, 3, 16, 16)` to those that are decoded.
    """

    def __init__(self, answer) -> None:
        super().__init__(nn.Identity(), nn.Linear(1, 1), latent_dim=3 * SIZE**2)
        self.encoder.forward = lambda x: (x.flatten(1), torch.full((len(x), 3 * SIZE**2), 0.5))
        self.decoder.generate = lambda z, *_: answer(z.view(-1, 3, SIZE, SIZE))
        self.decoder.log_likelihood = lambda x, z: -(x.flatten(1) - z).square().sum(1)


def pictures(n: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=generator) / 255


def test_a_perfect_model() -> None:
    figures = measure(Keeps(lambda x: x), pictures(3))
    assert figures["examples"] == 3
    assert figures["psnr"] == pytest.approx(100)
    assert figures["ssim"] == pytest.approx(1)
    assert figures["sharpness"] == pytest.approx(1)


def test_what_is_lost_shows() -> None:
    x = (pictures(4) * 100).round() / 255
    brighter = measure(Keeps(lambda x: x + 26 / 255), x)
    assert brighter["psnr"] == pytest.approx(-20 * math.log10(26 / 255), abs=1e-4)
    assert brighter["sharpness"] == pytest.approx(1)
    fainter = measure(Keeps(lambda x: 0.5 * x), torch.cat([x, x.flip(0)]))
    assert fainter["sharpness"] == pytest.approx(0.25, abs=0.01)
    assert fainter["ssim"] < 0.9


def test_decoded_values_outside_the_range_are_clamped_as_in_a_file() -> None:
    white = torch.ones(2, 3, SIZE, SIZE)
    figures = measure(Keeps(lambda x: x + 7), white)
    assert figures["psnr"] == pytest.approx(100)
    assert figures["sharpness"] == 1  # no edge was there, and none was lost
    json.dumps(figures, allow_nan=False)


def test_likelihood_and_kl_per_picture() -> None:
    x = pictures(3)
    figures = measure(Keeps(lambda x: x), x, seed=3)
    mean = x.flatten(1).double()
    kl = (0.5 * (mean.square() + 0.25 - 1) - math.log(0.5)).sum(1).mean().item()
    noise = 0.5 * torch.randn(mean.shape, generator=torch.Generator().manual_seed(3))
    assert figures["kl_nats"] == pytest.approx(kl)
    assert figures["nll"] == pytest.approx(noise.square().sum(1).mean().item(), rel=1e-4)
    assert figures["elbo"] == pytest.approx(-figures["nll"] - figures["kl_nats"])


def test_figures_are_means_over_all_pictures_whatever_the_batches() -> None:
    x = pictures(2 * MEASURED_AT_ONCE + 10)
    model = Keeps(lambda x: 0.9 * x)
    whole = measure(model, x)
    in_parts = measure(model, iter([x[:7], x[7:8], x[8:]]))
    assert whole["examples"] == in_parts["examples"] == len(x)
    for name in ("psnr", "ssim", "sharpness", "kl_nats"):
        assert whole[name] == pytest.approx(in_parts[name], rel=1e-6), name


def test_equal_seeds_give_equal_figures() -> None:
    model, x = Keeps(lambda x: x), pictures(3)
    assert measure(model, x, 1) == measure(model, x, 1)
    assert measure(model, x, 1)["nll"] != measure(model, x, 2)["nll"]


@pytest.fixture
def space() -> LatentSpace:
    return LatentSpace(Keeps(lambda x: x), FaceCodec(size=SIZE))


def saved(x: Tensor, path: Path) -> Path:
    Image.fromarray((x * 255).round().byte().permute(1, 2, 0).numpy()).save(path)
    return path


def test_files_are_read_and_broken_ones_named(space: LatentSpace, tmp_path: Path) -> None:
    files = [saved(x, tmp_path / f"{i}.png") for i, x in enumerate(pictures(MEASURED_AT_ONCE + 6))]
    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:200])
    found = evaluate(space, [files[0], broken, *files[1:]])
    assert found["examples"] == found["files"] == len(files)
    assert found["psnr"] == pytest.approx(100)
    assert list(found["skipped"]) == [str(broken)]
    assert evaluate(space, files, limit=5)["examples"] == 5
    assert evaluate(space, files[:3], limit=5)["examples"] == 3


def test_nothing_to_evaluate_is_refused(space: LatentSpace, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match="no usable picture in 1 files"):
        evaluate(space, [broken])
    with pytest.raises(DataError, match="there is none"):
        evaluate(space, [])
    with pytest.raises(DataError, match="no picture to measure"):
        measure(space.model, torch.zeros(0, 3, SIZE, SIZE))


def test_a_larger_photograph_is_measured_at_the_size_of_the_model(
    space: LatentSpace, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "large.png"
    Image.fromarray(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)
    assert evaluate(space, [path])["psnr"] == pytest.approx(100)
