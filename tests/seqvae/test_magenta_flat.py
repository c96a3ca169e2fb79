"""Flat networks of trios, sets of drums and performances are those of Magenta's description."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import seqvae
from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.importing import import_checkpoint
from seqvae.music.magenta.model import MagentaVAE
from tests.seqvae import magenta_files as files
from tests.seqvae import magenta_reference as reference


def imported(
    path: Path, config: str, bars: int | None = None
) -> tuple[MagentaArchitecture, reference.Tensors, MagentaVAE]:
    a = files.architecture(config, bars)
    tensors = files.tensors_of(a, gain=3)
    files.write_bundle(path / "x", tensors)
    import_checkpoint(path / "x", path / "made", config, bars=bars)
    model = seqvae.load(path / "made").model
    assert isinstance(model, MagentaVAE)
    return a, tensors, model


def check_code(
    model: MagentaVAE, tensors: reference.Tensors, x: np.ndarray, read: np.ndarray
) -> np.ndarray:
    """Check the posterior of examples, of which the encoder reads something; return its means."""
    mean, deviation = reference.encode(tensors, read, len(model.architecture.encoder_dims), None)
    posterior = model.encode(torch.from_numpy(x))
    np.testing.assert_allclose(posterior.mean, mean, atol=1e-5)
    np.testing.assert_allclose(posterior.stddev, deviation, atol=1e-5)
    return mean


@torch.no_grad()
def test_one_decoder_of_three_voices(tmp_path: Path) -> None:
    a, tensors, model = imported(tmp_path, "flat-trio_16bar", 2)
    assert not isinstance(a.classes, int)
    random = np.random.default_rng(0)
    x = np.stack([random.integers(0, n, (2, a.steps)) for n in a.classes], -1)
    mean = check_code(model, tensors, x, reference.one_hot(x, a.classes))
    choose = reference.voices(a.classes)
    sizes = list(a.decoder_dims), sum(a.classes)
    written, logits = reference.flat(tensors, mean, a.steps, *sizes, choose)
    z = torch.from_numpy(mean).float()
    np.testing.assert_array_equal(model.decode(z), written)
    np.testing.assert_allclose(model.logits(z, torch.from_numpy(written)), logits, atol=1e-4)


@pytest.mark.parametrize(
    ("config", "drums"), [("nade-drums_2bar_reduced", 9), ("nade-drums_2bar_full", 61)]
)
@torch.no_grad()
def test_sets_of_drums(tmp_path: Path, config: str, drums: int) -> None:
    a, tensors, model = imported(tmp_path, config)

    def example(hits: np.ndarray) -> np.ndarray:
        return hits.astype(np.int64) @ (1 << np.arange(9)) if drums == 9 else hits.astype("<f4")

    hits = np.random.default_rng(0).random((3, a.steps, drums)) < 0.2
    read = np.concatenate([hits, ~hits.any(-1, keepdims=True)], -1)
    mean = check_code(model, tensors, example(hits), read)
    choose = reference.nade(tensors, a.nade_dim)
    written, outputs = reference.flat(tensors, mean, a.steps, list(a.decoder_dims), drums, choose)
    z, x = torch.from_numpy(mean).float(), example(written)
    np.testing.assert_array_equal(model.decode(z), x)
    np.testing.assert_allclose(model.logits(z, torch.from_numpy(x)), outputs, atol=1e-4)


@pytest.mark.parametrize(
    "config", ["groovae_4bar", "groovae_2bar_tap_fixed_velocity", "groovae_2bar_add_closed_hh"]
)
@torch.no_grad()
def test_performances(tmp_path: Path, config: str) -> None:
    a, tensors, model = imported(tmp_path, config)
    random = np.random.default_rng(0)
    hits = random.random((3, a.steps, 9)) < 0.3
    velocity, offset = hits * random.random(hits.shape), hits * random.uniform(-1, 1, hits.shape)
    x = np.concatenate([hits, velocity, offset], -1).astype("<f4")
    read = x.copy()
    if "closed" in config:
        read[..., [2, 11, 20]] = 0
    elif "tap" in config:  # the loudest drum's hit and offset, as an open hi-hat
        loudest = velocity.argmax(-1)[..., None]
        read[:] = 0
        for block in (0, 18):
            taken = np.take_along_axis(x[..., block : block + 9], loudest, -1)
            read[..., block + 3] = taken[..., 0]
    mean = check_code(model, tensors, x, read)
    sizes = list(a.decoder_dims), 27
    written, outputs = reference.flat(tensors, mean, a.steps, *sizes, reference.groove)
    z = torch.from_numpy(mean).float()
    np.testing.assert_allclose(model.decode(z), written, atol=1e-4)
    logits = model.logits(z, torch.from_numpy(written).float())
    np.testing.assert_allclose(logits, outputs, atol=1e-4)
