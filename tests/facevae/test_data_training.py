"""Folders, loader and trainer together: one file in a hundred is broken, and it goes on exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.loader import FaceLoader
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.model import FaceVAE
from vaecore.training.config import TrainingConfig

pytest.importorskip("lightning")

BROKEN = ("017.png", "117.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> FaceFolder:
    """Two hundred images of one colour each, of which two are broken."""
    root = tmp_path_factory.mktemp("faces")
    colours = np.random.default_rng(0).integers(0, 256, (200, 3))
    for number, colour in enumerate(colours):
        Image.new("RGB", (20, 16), tuple(colour.tolist())).save(root / f"{number:03}.png")
    for name in BROKEN:
        (root / name).write_bytes((root / name).read_bytes()[:50])
    return FaceFolder(root, FaceCodec(16))


def train(folder: FaceFolder, output: Path, steps: int, resume: Path | None = None):
    from vaecore.training import fit

    torch.manual_seed(0)
    model = FaceVAE(FaceArchitecture(size=16, latent_dim=4, width=4, sigma=0.1))
    loader = FaceLoader(folder, 16, workers=1)
    validation = FaceLoader(folder, 64, training=False, workers=1)
    config = TrainingConfig(max_steps=steps, validate_every=7, accelerator="cpu")
    result = fit(model, loader, validation, config, output, progress=False, resume=resume)
    return model, result, loader, validation


@pytest.mark.slow
def test_training_with_broken_files_resumes_exactly(folder: FaceFolder, tmp_path: Path) -> None:
    whole, result, loader, validation = train(folder, tmp_path / "whole", 28)
    assert result.stopped == "steps"
    assert set(loader.broken) == set(validation.broken) == set(BROKEN)
    # Step 14 is the second batch of the second epoch, which has twelve.
    _, first, _, _ = train(folder, tmp_path / "half", 14)
    rest, second, _, _ = train(folder, tmp_path / "half", 28, resume=first.checkpoint)
    assert second.steps == 28
    assert second.best == pytest.approx(result.best, abs=0)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[name]), name
