"""Imported models in a page: its JavaScript gives what Python gives, in node and in a browser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import opened

import seqvae
from seqvae.music.domain import DOMAIN
from seqvae.music.magenta.importing import import_checkpoint
from seqvae.music.page import blender_page, inside, music
from tests.seqvae import magenta_files as files
from tests.seqvae.page_node import in_node, needed
from vaecore.codec import Example
from vaecore.errors import UsageError
from vaecore.space import LatentSpace


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


@needed
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


@needed
@pytest.mark.parametrize(("in_32", "in_16", "bits"), [(0, 10**9, 16), (0, 0, 8)])
@torch.no_grad()
def test_larger_models_have_fewer_bits(monkeypatch, tmp_path: Path, in_32, in_16, bits) -> None:
    monkeypatch.setattr(inside, "IN_32_BITS", in_32)
    monkeypatch.setattr(inside, "IN_16_BITS", in_16)
    space = CASES["drums"].space(tmp_path)
    assert space.config is not None
    DOMAIN.save(tmp_path / "small", space.model, replace(space.config, bits=bits))
    model = seqvae.load(tmp_path / "small").model
    z = torch.randn(6, space.latent_dim, generator=torch.Generator().manual_seed(3))
    _, answer = in_node(blender_page(space, spare=0), tmp_path)
    assert torch.equal(torch.tensor(answer(decode=z.tolist())["decode"]), model.decode(z))


@needed
@torch.no_grad()
def test_of_a_large_model_the_page_has_the_decoder(monkeypatch, tmp_path: Path) -> None:
    space = CASES["melody"].space(tmp_path)
    monkeypatch.setattr(inside, "MOST", inside.count(space.model) - 1)
    data, answer = in_node(blender_page(space, spare=1), tmp_path)
    assert (data["whole"], data["reading"]) == (False, None)
    assert all(len(each["code"]) == space.latent_dim for each in data["corners"] + data["draws"])
    z = torch.randn(2, space.latent_dim)
    assert torch.equal(torch.tensor(answer(decode=z.tolist())["decode"]), space.model.decode(z))
    monkeypatch.setattr(inside, "MOST", inside.count(space.model.decoder) - 1)
    with pytest.raises(UsageError, match=f"^{space.name}: a page has at most .* decoder alone"):
        blender_page(space, spare=0)


def test_a_worker_decodes_and_reads(browser, examples: Path, tmp_path: Path) -> None:
    space = Case("hierdec-mel_16bar", 2).space(tmp_path)
    file = tmp_path / "page.html"
    file.write_text(blender_page(space, spare=1))
    z = torch.randn(3, space.latent_dim, generator=torch.Generator().manual_seed(3))
    with opened(browser, file) as page:
        page.wait_for_function("() => globalThis.seqvae")
        ours = page.evaluate(
            "z => Promise.all(z.map(async (each) => [...await seqvae.engine.decode(each)]))",
            z.tolist(),
        )
        assert torch.equal(torch.tensor(ours), space.model.decode(z))
        told = page.evaluate("String(seqvae.current.notes)")
        page.get_by_role("slider", name="Temperature").fill("1")
        page.wait_for_function("told => String(seqvae.current.notes) != told", arg=told)
        page.locator("#file").set_input_files(examples / "alley.mid")
        page.wait_for_function("() => seqvae.corners[0].name == 'alley'")
        code = torch.tensor(page.evaluate("[...seqvae.corners[0].code]"))
        assert torch.allclose(code, space.encode(examples / "alley.mid")[0], atol=1e-5)
        # What is dropped before its turn is not decoded; what is asked for after it is.
        dropped = page.evaluate(
            """async z => {
              const { engine } = seqvae;
              const many = Array.from({ length: 200 }, () => engine.decode(z[0]));
              engine.drop();
              return [(await Promise.all(many)).at(-1), [...await engine.decode(z[0])]];
            }""",
            z.tolist(),
        )
        assert dropped == [None, ours[0]]
