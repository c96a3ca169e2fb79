"""The models in the box: they recall music, attributes work, folders are in order."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import torch

import seqvae
from seqvae.cli.music import MusicPresentation
from seqvae.music.domain import DOMAIN
from seqvae.music.presets import PRESETS
from seqvae.music.properties import measure
from seqvae.music.representations import candidates
from seqvae.music.representations.groove import feel
from seqvae.music.representations.groove.evaluate import errors
from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.music.representations.piano.evaluate import figures_of
from vaecore.presets import preset_names
from vaecore.space import LatentSpace

DATA = Path(__file__).resolve().parents[2] / "data"
LARGEST_MB = {
    "drums_2bar": 12, "groove_2bar": 12, "melody_2bar": 12, "melody_16bar": 25, "trio_16bar": 35,
    "drums_2bar_ternary": 12, "melody_2bar_ternary": 12, "melody_16bar_ternary": 25,
    "piano_2bar": 5,
}  # fmt: skip
RECALLED = {"trio_16bar": (0.8, 0.7)}
"""Least shares of steps, greedy and at temperature 1; of the others 0.95 and 0.85."""


@pytest.fixture(params=sorted(LARGEST_MB))
def name(request) -> str:
    return request.param


@cache
def load(name: str) -> LatentSpace:
    """Return a model, loaded once for all tests, which do not change it."""
    return seqvae.load(name)


@cache
def windows(name: str) -> torch.Tensor:
    """The example files' windows for a model; composed for this project, so never trained on."""
    space = load(name)
    found = {file: candidates([file])[0] for file in sorted(DATA.glob("*.mid"))}
    kind, bars, grid = space.codec.name, space.codec.bars, space.codec.grid.name
    suits = [f for f, c in found.items() if (c.kind, c.grid) == (kind, grid) and c.bars >= bars]
    return space.examples(suits).x


def test_example_music_is_recalled(name: str) -> None:
    space, x = load(name), windows(name)
    greedy, at_random = RECALLED.get(name, (0.95, 0.85))
    z = space.posterior_of(x).mean
    decoded = [space.decode_to_examples(z, temperature, seed=0) for temperature in (0.0, 1.0)]
    if x.is_floating_point():  # of a performance the hits; its feel has tests of its own
        x, *decoded = map(hit_classes, (x, *decoded))
    assert (decoded[0] == x).float().mean() > greedy
    assert (decoded[1] == x).float().mean() > at_random


def test_every_attribute_raises_its_own_property(name: str) -> None:
    space, x = load(name), windows(name)
    z = space.posterior_of(x).mean
    moved = [z + amount * v for v in space.attributes.values() for amount in (-1.5, 1.5)]
    found = measure(space.codec, space.decode_to_examples(torch.cat(moved)))
    for number, attribute in enumerate(space.attributes):
        less, more = found[attribute].reshape(-1, 2, len(z))[number]
        both = ~(torch.from_numpy(less).isnan() | torch.from_numpy(more).isnan()).numpy()
        assert more[both].mean() > less[both].mean(), attribute


def test_the_folder_is_light_and_its_card_tells_how_to_train_it_again(name: str) -> None:
    place = DOMAIN.folder(name)
    size = sum(file.stat().st_size for file in place.iterdir())
    assert size <= LARGEST_MB[name] * 1e6
    assert name in preset_names(PRESETS)
    card = (place / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"seqvae train --preset {name} (.*\\\n)*.*\n$", card)
    assert set(load(name).config.attributes) == set(load(name).attributes)


def test_help_and_models_have_the_same_defaults(name: str) -> None:
    space, words = load(name), MusicPresentation.defaults
    chosen = words["sample"]["temperature"].split("; of drum performances ")
    assert chosen[space.codec.name == "groove"] == str(space.codec.default_temperature)
    assert words["interpolate"]["timing"] == (
        "perceived; beyond 4 bars only on the path flow, else latent"
    )
    on_flow = space.path == "flow"
    timing = "perceived" if space.codec.bars <= 4 or on_flow else "latent"
    assert space.path_and_timing(None, None)[1] == timing


def test_an_edit_that_moves_every_note_reaches_its_aims() -> None:
    asked = {"note_density": -1.0, "average_pitch": 0.5}
    assert load("melody_2bar").steered(DATA / "morning.mid", [asked])[0].missed() == []


def test_chords_come_back() -> None:
    """Silence is easy: of the notes themselves three in four are there again."""
    space, x = load("piano_2bar"), windows("piano_2bar")
    found = figures_of(x, space.decode_to_examples(space.posterior_of(x).mean))
    assert len(x) == 10
    assert found["note_f1"] > 0.75
    assert found["note_length_f1"] > 0.65


def test_played_drums_come_back_as_they_were_played() -> None:
    space, x = load("groove_2bar"), windows("groove_2bar")
    velocity, timing = errors(x, space.decode_to_examples(space.posterior_of(x).mean))
    hits, loudness, offset = blocks(x)
    struck = 127 * loudness[hits > 0]
    assert velocity.mean() < 0.9 * (struck - struck.median()).abs().mean()
    assert timing.mean() < 0.8 * offset[hits > 0].abs().mean() / 2


def test_a_stiff_beat_is_played_as_drummers_do() -> None:
    """Beats louder than what is between them, backbeats loudest, nothing on the grid."""
    space = load("groove_2bar")
    for name in ("rock", "funk", "parade"):
        x, _ = feel.humanize(space, DATA / f"{name}.mid", temperature=0.0)
        properties = {k: float(v[0]) for k, v in measure(space.codec, x[None]).items()}
        assert properties["accent"] > 3, name
        hits, loudness, _ = blocks(torch.as_tensor(x))
        # In proportion to the level, which is that of the beat.
        assert properties["dynamics"] > 0.08 * 127 * loudness[hits > 0].mean(), name
        assert 0.005 < properties["looseness"] < 0.3, name
    # To the model, which hears hits alone, hats on the last sixteenth of each beat are a swing.
    for name, least, most in (("house", -0.02, 0.02), ("shuffle", 0.2, 0.4)):
        x, _ = feel.humanize(space, DATA / f"{name}.mid", temperature=0.0)
        assert least < float(measure(space.codec, x[None])["swing"][0]) < most, name
    taps = space.codec.taps(DATA / "taps.mid")[0]
    x, _ = feel.drumify(space, DATA / "taps.mid", temperature=0.0)
    rhythm, answered = (blocks(torch.as_tensor(each))[0].amax(-1) > 0 for each in (taps, x))
    assert (rhythm & answered).sum() / rhythm.sum() > 0.8
