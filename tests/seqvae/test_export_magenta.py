"""Networks of Magenta's draw as pure functions, as exports need it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.model import MagentaVAE
from seqvae.sequences.sampling import uniform_noise

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


def test_a_controlled_decoder_says_why_not() -> None:
    decoder = make("groove", controlled=True).decoder
    with pytest.raises(NotImplementedError, match="hits"):
        decoder.draw(torch.zeros(1, 5), torch.tensor(0.0), torch.zeros(1, 16, 9))
