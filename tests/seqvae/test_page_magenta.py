"""Imported models in a page: its JavaScript, run in node, gives what Python gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import seqvae
from seqvae.music.magenta.importing import import_checkpoint
from seqvae.music.page import blender_page, music
from tests.seqvae import magenta_files as files
from tests.seqvae.page_node import in_node, needed
from vaecore.codec import Example
from vaecore.space import LatentSpace

pytestmark = needed


@dataclass
class Case:
    """A configuration, and how it is imported."""

    config: str
    bars: int | None = None
    table: str | None = None

    def space(self, folder: Path) -> LatentSpace[Any]:
        """Import a small checkpoint with random weights."""
        tensors = files.tensors_of(files.architecture(self.config, self.bars), gain=3)
        files.write_bundle(folder / "x", tensors)
        place = folder / "made"
        import_checkpoint(folder / "x", place, self.config, drum_table=self.table, bars=self.bars)
        return seqvae.load(place)


CASES = {
    "melody": Case("cat-mel_2bar_small"),
    "drums": Case("cat-drums_2bar_small", table="2018"),
    "flat 16 bars": Case("flat-mel_16bar", 4),
    "flat trio": Case("flat-trio_16bar", 2),
    "chained bars": Case("hierdec-mel_16bar"),
    "two levels": Case("hier-mel_16bar", 4),
    "trio": Case("hierdec-trio_16bar", 4, "2018"),
    "trio on two levels": Case("hier-trio_16bar", 4),
    "NADE": Case("nade-drums_2bar_reduced"),
    "NADE of sounds": Case("nade-drums_2bar_full"),
    "GrooVAE": Case("groovae_4bar"),
    "stiff": Case("groovae_2bar_humanize"),
    "tapped": Case("groovae_2bar_tap_fixed_velocity"),
    "without hi-hat": Case("groovae_2bar_add_closed_hh"),
    "controlled": Case("groovae_2bar_hits_control_tfds"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@torch.no_grad()
def test_decoder_and_encoder_are_those_of_python(case: Case, tmp_path: Path) -> None:
    space = case.space(tmp_path)
    codec = space.codec
    z = torch.randn(6, space.latent_dim, generator=torch.Generator().manual_seed(3))
    x = space.model.decode(z)
    drawn = space.model.decode(z, 1.0, 5)  # more events than the likeliest ones
    assert len(drawn.flatten(1).unique(dim=0)) == 6
    data, answer = in_node(blender_page(space, spare=0), tmp_path)
    weights = [[1, 0, 0, 0], [0.25] * 4]
    found = answer(
        decode=z.tolist(), plain=z[:1].tolist(), encode=drawn.flatten(1).tolist(), blend=weights
    )
    ours, plain = torch.tensor(found["decode"]), torch.tensor(found["plain"])
    if space.name.startswith("groovae"):
        assert torch.allclose(ours, x.flatten(1), atol=1e-4)
        assert torch.allclose(plain, x[:1].flatten(1), atol=1e-4)
    else:
        assert torch.equal(ours, x.flatten(1).to(ours.dtype))
        assert torch.equal(plain, ours[:1])
    expected = space.model.encode(drawn).mean
    assert torch.allclose(torch.tensor(found["encode"]), expected, atol=1e-5)
    first = torch.tensor(data["corners"][0]["window"], dtype=x.dtype).view(codec.shape)
    for made in found["blend"]:
        theirs = music(codec, Example(first, codec.context))
        assert made["notes"] == theirs["notes"]
        assert made["length"] == theirs["length"]
