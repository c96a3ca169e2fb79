"""Networks of Magenta's draw as pure functions, as exports need it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.model import MagentaVAE
from seqvae.music.representations import make_codec
from seqvae.sequences.sampling import uniform_noise
from vaecore.cli.outputs import Outputs
from vaecore.export import export, graphs_of, places
from vaecore.export.writing import load
from vaecore.space import LatentSpace

SIZES = {"latent_dim": 5, "encoder_dims": [6], "decoder_dims": [7, 6]}
CHAINED = {"steps": 32, "levels": [4, 8], "conductor_dims": [5]}
MELODY, DRUMS = {"classes": 90, "tokens": "melody"}, {"classes": 512, "tokens": "drums"}
TRIO = {"classes": [90, 90, 512], "tokens": ["melody", "melody", "drums"]}
KINDS = {
    "flat": {"steps": 16, **MELODY},
    "chained": {**CHAINED, **MELODY},
    "trio": {**CHAINED, **TRIO},
    "nade": {"steps": 16, **DRUMS, "head": "nade", "inputs": "roll", "nade_dim": 8},
    "groove": {"steps": 16, "classes": 9, "tokens": "groove", "head": "groove"},
}


def make(kind: str, **options: object) -> MagentaVAE:
    torch.manual_seed(1)
    model = MagentaVAE(MagentaArchitecture(**SIZES, **KINDS[kind], **options)).eval()
    with torch.no_grad():  # untrained networks hardly depend on z
        for weights in model.parameters():
            weights.mul_(3)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_is_what_is_generated(kind: str) -> None:
    model = make(kind)
    z = torch.randn(6, 5, generator=torch.Generator().manual_seed(2))
    noise = uniform_noise(6, model.decoder.noise_shape, 4, z.device)
    for temperature in (0.0, 1.0):
        with torch.no_grad():
            x, logits = model.decoder.draw(z, torch.tensor(temperature), noise)
            expected, forced = model.decode(z, temperature, 4), model.logits(z, x)
        assert x.dtype == expected.dtype
        assert torch.allclose(x.float(), expected.float(), atol=1e-5)
        assert (logits - forced).abs().max() < 1e-4
    assert len(x.flatten(1).unique(dim=0)) > 1


def test_bars_of_another_number_of_rows_in_torchscript(tmp_path: Path) -> None:
    decoder = make("chained").decoder.requires_grad_(False)
    warmth, path = torch.tensor(1.0), tmp_path / "decoder.ts"
    given = torch.randn(3, 5), warmth, torch.rand(3, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript has a successor
        torch.jit.trace_module(decoder, {"draw": given}, check_trace=False).save(path)
        loaded = torch.jit.load(path)
    z, noise = torch.randn(7, 5), torch.rand(7, 32)
    assert torch.equal(loaded.draw(z, warmth, noise)[0], decoder.draw(z, warmth, noise)[0])


def test_a_decoder_that_is_told_the_hits_is_given_them_in_a_file(tmp_path: Path) -> None:
    config = {"steps": 32, "classes": 9, "tokens": "groove", "head": "groove", "controlled": True}
    torch.manual_seed(3)
    model = MagentaVAE(MagentaArchitecture(**SIZES, **config)).eval()
    space = LatentSpace(model, make_codec({"name": "groove", "bars": 2}))
    path = tmp_path / "told.ts"
    with Outputs(path) as outputs:
        facts, differences = export(space, path, outputs)
    control = facts["graphs"]["decoder"]["inputs"][3]
    assert (control["name"], control["shape"]) == ("control", ["n", 32, 9])
    assert differences is not None
    assert (differences.greedy, differences.drawn) == (0, 0)
    z, noise = torch.zeros(1, 5), torch.zeros(1, *model.decoder.noise_shape)
    graphs = graphs_of(space)
    files = places(path, [graph.role for graph in graphs])
    decode = load("torchscript", graphs, files)["decoder"]
    silent, full = (
        decode(z.numpy(), np.float32(0), noise.numpy(), np.full((1, 32, 9), told, np.float32))[1]
        for told in (0, 1)
    )
    assert abs(silent - full).max() > 1e-3
