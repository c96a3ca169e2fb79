"""The model in the page: its JavaScript, run in node, gives what Python gives."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seqvae
from seqvae.music.domain import DOMAIN
from seqvae.music.page import blender_page, music
from seqvae.music.page.data import lengths
from tests.seqvae.page_node import Answer, in_node, needed
from vaecore.attributes import apply_attributes, within_prior
from vaecore.codec import Example
from vaecore.errors import DataError, UsageError
from vaecore.paths import bilinear_grid
from vaecore.space import LatentSpace

CORNERS = {
    "drums_2bar": ("rock", "bossa", "funk", "house"),
    "groove_2bar": ("shuffle", "samba", "rock", "funk"),
    "melody_2bar": ("sunrise", "alley", "fountain", "harbour"),
    "melody_2bar_ternary": ("waltz", "jig", "jig", "waltz"),
    "piano_2bar": ("hymn", "nocturne", "stride", "strum"),
    "trio_16bar": ("parade", "voyage", "evening", "morning"),
}
SHORT = ("drums_2bar", "groove_2bar", "melody_2bar", "melody_2bar_ternary")
"""Models whose pages read files."""
CODES = {name: 200 if name in SHORT else 2 for name in CORNERS}
CODES |= {"melody_2bar_ternary": 40, "piano_2bar": 40}

pytestmark = needed


@pytest.fixture(scope="module", params=CORNERS)
def pages(request, examples: Path, tmp_path_factory) -> tuple[LatentSpace[Any], dict, Answer]:
    """A shipped model in 8 bits, the data of its page, and the page's model in node."""
    torch.set_num_threads(1)
    whole = seqvae.load(request.param)
    assert whole.config is not None
    folder = tmp_path_factory.mktemp("small")
    DOMAIN.save(folder, whole.model, replace(whole.config, bits=8), whole.attributes, whole.prior)
    space = seqvae.load(folder)
    files = [examples / f"{name}.mid" for name in CORNERS[request.param]]
    html = blender_page(whole, [(f.stem, whole.codec.read(f).first) for f in files], spare=0)
    limit = 25e6 if request.param == "trio_16bar" else 8e6
    assert len(html.encode()) < limit
    return space, *in_node(html, folder)


ALL = pytest.mark.parametrize("pages", CORNERS, indirect=True)
TWO_BARS = pytest.mark.parametrize("pages", SHORT, indirect=True)
DRUMS = pytest.mark.parametrize("pages", ["drums_2bar"], indirect=True)


def codes_of(space: LatentSpace[Any]) -> torch.Tensor:
    """Return codes of the prior and, as many, of N(0, I), which decode to odder windows."""
    count = CODES[space.name] // 2
    wild = torch.randn(count, space.latent_dim, generator=torch.Generator().manual_seed(3))
    return torch.cat([space.sample_codes(count, seed=1), wild])


@ALL
def test_decoder_and_encoder_are_those_of_python(pages):
    space, _, answer = pages
    z = codes_of(space)
    x = space.decode_to_examples(z)
    found = answer(decode=z.tolist(), encode=x.flatten(1).tolist(), plain=z[:1].tolist())
    ours, mean = torch.tensor(found["decode"]), torch.tensor(found["encode"])
    with torch.no_grad():  # the page does not refine codes
        expected = space.model.encode(x).mean
    assert torch.allclose(mean, expected, atol=1e-4)
    plain = torch.tensor(found["plain"])
    if x.is_floating_point():
        assert torch.allclose(ours, x.flatten(1), atol=1e-3)
        assert torch.allclose(plain, x[:1].flatten(1), atol=1e-3)
    else:
        assert torch.equal(ours, x.flatten(1))
        assert torch.equal(plain, x[:1].flatten(1))


@TWO_BARS
def test_files_become_the_windows_of_python(pages, examples):
    space, data, answer = pages
    cases = Path(__file__).parents[1] / "cases"
    files = sorted([*examples.glob("*.mid"), *cases.glob("*.mid")])
    found = answer(read=[str(file) for file in files])["read"]
    compared = 0
    for file, ours in zip(files, found, strict=True):
        try:
            theirs = space.codec.read(file).first
        except DataError:
            # The page is as strict or more lenient; it never makes a window of nothing.
            assert "problem" in ours or any(ours["window"]), file.name
            continue
        if lengths(space.codec, theirs)["bar"] != data["bar"]:
            # It has no place on a page whose bars are others; a later part of it may have one.
            assert "problem" in ours or any(ours["window"]), file.name
            continue
        assert "problem" not in ours, (file.name, ours)
        x = theirs.x.flatten()
        assert torch.allclose(torch.tensor(ours["window"], dtype=x.dtype), x, atol=1e-5), file.name
        (played,) = theirs.context.played
        assert ours["velocity"] == played.velocity.flatten().tolist(), file.name
        assert ours["pitch"] == played.pitch.flatten().tolist(), file.name
        assert ours["tempo"] == pytest.approx(theirs.context.tempo_bpm, abs=0.01), file.name
        assert ours["programs"] == [theirs.context.program], file.name
        compared += 1
    assert compared >= (12 if space.codec.steps_per_bar == 16 else 4)


@ALL
def test_notes_are_played_as_python_plays_them(pages, examples):
    space, _, answer = pages
    codec = space.codec
    weights = [[1, 0, 0, 0], [0.25] * 4, [0.1, 0.2, 0.3, 0.4], [0, 0, 0.5, 0.5]]
    names = CORNERS[space.name]
    contexts = [codec.read(examples / f"{name}.mid").first for name in names]
    for row, ours in zip(weights, answer(blend=weights)["blend"], strict=True):
        context = codec.blend([each.context for each in contexts], row)
        theirs = music(codec, Example(contexts[0].x, context))
        assert ours["notes"] == theirs["notes"]
        assert ours["length"] == theirs["length"]
        assert ours["tempos"][0][1] == pytest.approx(theirs["tempos"][0][1])
        assert ours["programs"] == theirs["programs"]


@DRUMS
def test_the_plane_and_the_sliders(pages):
    space, data, answer = pages
    x = torch.tensor([corner["window"] for corner in data["corners"]])
    corners = space.posterior_of(x).mean
    theirs = bilinear_grid(corners, 5, 5, "slerp").flatten(0, 1)
    places = [[c / 4, r / 4] for r in range(5) for c in range(5)]
    amounts = [2.0, -1.0] + [0.0] * (len(data["attributes"]) - 2)
    code = corners[0].tolist()
    found = answer(plane=places, edit={"code": code, "amounts": amounts})
    assert torch.allclose(torch.tensor(found["plane"]), theirs, atol=1e-4)
    named = dict(zip((each["name"] for each in data["attributes"]), amounts, strict=True))
    edited = within_prior(apply_attributes(corners[:1], space.attributes, named), corners[:1])
    assert torch.allclose(torch.tensor(found["edit"]), edited[0], atol=2e-3)


@DRUMS
def test_draws_have_the_probabilities_of_the_model(pages):
    space, _, answer = pages
    logits, count = [1.0, 0.0, -1.0, 2.5], 20_000
    z = codes_of(space)[:1]
    task = {"code": z[0].tolist(), "temperature": 1.0, "count": 400}
    found = answer(choose={"logits": logits, "temperature": 0.7, "count": count}, draw=task)
    shares = np.bincount(found["choose"], minlength=4) / count
    expected = torch.tensor(logits).div(0.7).softmax(0).numpy()
    assert np.abs(shares - expected).max() < 4 * (0.25 / count) ** 0.5
    # How often each drum is hit at each step, beside Python's own draws.
    ours = torch.tensor(found["draw"])
    theirs = space.decode_to_examples(z.expand(400, -1), 1.0)
    bits = torch.arange(9)
    rates = [((each[..., None] >> bits) & 1).double().mean(0) for each in (ours, theirs)]
    assert (rates[0] - rates[1]).abs().max() < 5 * (0.5 / 400) ** 0.5
    assert len({tuple(row) for row in found["draw"]}) > 20
    assert torch.equal(ours[:1], torch.tensor(answer(draw={**task, "count": 1})["draw"]))


@ALL
def test_a_point_takes_little_of_a_processor(pages):
    """Of a processor's time: what other programs use of it does not count."""
    space, _, answer = pages
    limit = 50 if space.name in SHORT else 600
    assert answer(cpu=codes_of(space)[:10].tolist())["cpu"] < limit


@DRUMS
def test_the_kernel_is_made_of_its_text(pages):
    if shutil.which("wat2wasm") is None:
        pytest.skip("wat2wasm is not here (Debian: wabt)")
    from tools.kernel import FOLDER, kernel

    assert kernel() == (FOLDER / "kernel.js").read_text()


def test_what_a_page_cannot_have_is_refused(examples):
    space = seqvae.load("drums_2bar")
    example = space.codec.read(examples / "rock.mid").first
    with pytest.raises(UsageError, match="four corners; 5 files are too many"):
        blender_page(space, [("rock", example)] * 5)
    with pytest.raises(UsageError, match="a page is for models of music on a grid"):
        blender_page(seqvae.load("sentences"))
