"""What is made of stiff beats, how it is measured, and what training does to performances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from performed import performances, played
from torch import Generator

from seqvae.music.evaluate import compare
from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.representations import GrooveCodec, make_codec
from seqvae.music.representations.alphabet import DRUMS
from seqvae.music.representations.groove import feel
from seqvae.music.representations.groove.augment import mix, shade
from seqvae.music.representations.groove.evaluate import errors
from seqvae.music.representations.groove.performance import (
    NUMBERS,
    TAP,
    blocks,
    stiffened,
    tapped,
)
from seqvae.music.representations.groove.properties import PROPERTIES
from vaecore.errors import DataError
from vaecore.space import LatentSpace

CODEC = GrooveCodec()


@pytest.mark.parametrize("kind", [torch.from_numpy, lambda x: x])
def test_stiff_beats_keep_the_hits_and_taps_the_rhythm(kind) -> None:
    x = performances(0).numpy()
    stiff, taps = (np.asarray(f(kind(x))) for f in (stiffened, tapped))
    hits, velocity, offset = blocks(x)
    np.testing.assert_array_equal(blocks(stiff)[0], hits)
    assert not stiff[..., DRUMS:].any()
    struck, soft, time = blocks(taps)
    np.testing.assert_array_equal(struck[..., TAP], hits.max(-1))
    assert not np.delete(struck, TAP, -1).any()
    assert not soft.any()
    loudest = np.take_along_axis(offset, velocity.argmax(-1)[..., None], -1)[..., 0]
    np.testing.assert_array_equal(time[..., TAP], loudest * hits.max(-1))


def test_in_training_the_encoder_hears_a_part_of_some_performances() -> None:
    torch.manual_seed(0)
    model = tiny(stiff=0.3, tapped=0.2).model.train()
    x = performances(1, n=400)
    heard = model.encoder._simplified(x)
    same = (heard == x).all(-1).all(-1)
    stiff = (heard == stiffened(x)).all(-1).all(-1)
    taps = (heard == tapped(x)).all(-1).all(-1)
    assert (same | stiff | taps).all()
    assert same.float().mean() == pytest.approx(0.5, abs=0.08)
    assert stiff.float().mean() == pytest.approx(0.3, abs=0.08)
    assert taps.float().mean() == pytest.approx(0.2, abs=0.08)


def tiny(**options) -> LatentSpace:
    """Return a space of an untrained model."""
    torch.manual_seed(3)
    sizes = {"latent_dim": 8, "embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 16}
    architecture = SequenceArchitecture(
        32, DRUMS, tokens="groove", head="groove", **sizes, **options
    )
    model = SequenceVAE(architecture).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return LatentSpace(model, make_codec({"name": "groove"}))


def test_humanize_keeps_the_hits_of_the_whole_file_and_their_place() -> None:
    space = tiny()
    score = played((0, 36, 80), (4, 38, 80), (40, 36, 80), (90, 42, 80), tempo=100)
    x, context = feel.humanize(space, score, temperature=1.0, seed=4)
    assert context.tempo_bpm == 100
    assert len(x) == 96
    hits, velocity, offset = blocks(x)
    assert hits.nonzero().tolist() == [[0, 0], [4, 1], [40, 0], [90, 2]]
    assert (velocity[hits > 0] > 0).all()
    assert len(offset[hits > 0].unique()) == 4
    again, _ = feel.humanize(space, score, temperature=1.0, seed=4)
    other, _ = feel.humanize(space, score, temperature=1.0, seed=5)
    assert torch.equal(x, again)
    assert not torch.equal(x, other)
    # How it was played before does not count, but for the mean velocity.
    loud = played((0.2, 36, 1), (3.9, 38, 127), (40, 36, 20), (90, 42, 12), tempo=100)
    soft, _ = feel.humanize(space, loud, temperature=1.0, seed=4)
    assert torch.equal(hits, blocks(soft)[0])
    assert torch.equal(offset, blocks(soft)[2])
    assert 127 * float(blocks(soft)[1][hits > 0].mean()) == pytest.approx(40, rel=0.02)
    assert 127 * float(velocity[hits > 0].mean()) == pytest.approx(80, rel=0.02)


@pytest.mark.parametrize("level", [20, 60, 90, 110, 127])
def test_humanized_drums_are_as_loud_as_before_and_on_time(level: int) -> None:
    generator = torch.Generator().manual_seed(level)
    hits = (torch.rand(64, 9, generator=generator) < 0.3).float()
    velocity = torch.rand(64, 9, generator=generator) * hits
    offset = (torch.rand(64, 9, generator=generator) - 0.2) * hits
    given = torch.cat([hits, hits * level / 127, torch.zeros(64, 9)], dim=1)
    new = blocks(feel.levelled(torch.cat([hits, velocity, offset], dim=1), given))
    assert torch.equal(new[0], hits)
    struck = new[1][hits > 0]
    assert 127 * float(struck.mean()) == pytest.approx(level, rel=0.1)
    assert 1 / 128 < float(struck.min()) < float(struck.max()) <= 1
    assert len(struck.unique()) > len(struck) / 4
    assert abs(float(new[2][hits > 0].mean())) < 0.01
    assert (new[2][hits == 0] == 0).all()


@pytest.mark.parametrize("swing", [0.0, 0.3, -0.3])
def test_humanized_drums_swing_as_much_as_before(swing: float) -> None:
    generator = torch.Generator().manual_seed(7)
    hits = (torch.rand(64, 9, generator=generator) < 0.3).float()
    places = torch.arange(64)[:, None] % 4
    late = torch.where(places == 3, 0.5, torch.where(places == 1, 0.1, -0.1))  # as a model guesses
    noise = 0.1 * torch.randn(64, 9, generator=generator)
    guessed = torch.cat([hits, 0.5 * hits, hits * (noise - 2 * late)], dim=1)
    given = torch.cat([hits, 0.5 * hits, hits * (-2 * swing * (places % 2))], dim=1)
    new = feel.levelled(guessed, given)
    measured = PROPERTIES["swing"].of(torch.stack([guessed, new]).numpy())
    assert abs(measured[0] - swing) > 0.05
    assert measured[1] == pytest.approx(swing, abs=0.02)
    _, _, offset = blocks(new)
    for place in (1, 3):  # both sixteenths of a beat, not only their mean
        there = (hits > 0) & (places == place)
        least = offset[(hits > 0) & (places % 2 == 0)].mean()
        assert float(least - offset[there].mean()) / 2 == pytest.approx(swing, abs=0.02)
        assert offset[there].std() > 0.05  # and each hit has its own time still


def test_drumify_hears_the_rhythm_of_any_part_and_nothing_else() -> None:
    space = tiny()
    tune = played((0, 60, 80), (4.3, 67, 90), (4.3, 64, 20), (70, 60, 80), is_drum=False)
    taps = played((0, 46, 80), (4.3, 46, 90), (70, 46, 10))
    x, _ = feel.drumify(space, tune, temperature=0.7, seed=1)
    assert len(x) == 96
    assert torch.equal(x, feel.drumify(space, taps, temperature=0.7, seed=1)[0])
    assert x[:32].any()
    assert not x[32:64].any()  # nothing is tapped there
    other = played((0, 46, 80), (4.1, 46, 90), (70, 46, 10))
    assert not torch.equal(x, feel.drumify(space, other, temperature=0.7, seed=1)[0])


def test_other_models_are_refused() -> None:
    drums = LatentSpace(tiny().model, make_codec({"name": "drums"}))
    with pytest.raises(DataError, match="is not a model of drum performances"):
        feel.humanize(drums, played((0, 36, 80)))
    with pytest.raises(DataError, match="has no drum notes"):
        feel.humanize(tiny(), played((0, 60, 80), is_drum=False))


def test_errors_are_those_of_the_hits_in_common() -> None:
    x, y = torch.zeros(1, 4, NUMBERS), torch.zeros(1, 4, NUMBERS)
    x[0, 0, [0, 9, 18]] = torch.tensor([1, 1.0, 0.5])
    y[0, 0, [0, 9, 18]] = torch.tensor([1, 0.5, -0.5])
    x[0, 2, [1, 10]] = 1
    velocity, timing = errors(x, y)
    assert velocity.tolist() == [63.5]
    assert timing.tolist() == [0.5]


def test_equal_performances_have_equal_distributions() -> None:
    x = performances(2, n=50)
    for name, figures in compare(CODEC, x, x).items():
        assert figures["divergence"] == pytest.approx(0, abs=1e-9), name
    louder = x.clone()
    louder[..., DRUMS : 2 * DRUMS] = louder[..., DRUMS : 2 * DRUMS].sqrt()
    assert compare(CODEC, x, louder)["velocities"]["divergence"] > 0.05


def test_properties_measure_what_they_say() -> None:
    x = CODEC.encode(
        played((0, 36, 100), (4, 38, 100), (5.25, 38, 20), (6, 42, 60), (7.25, 42, 60))
    )[None].numpy()
    of = {name: prop.of(x)[0] for name, prop in PROPERTIES.items()}
    assert of["loudness"] == pytest.approx(68)
    assert of["dynamics"] == pytest.approx(np.std([100, 100, 20, 60, 60]))
    assert of["ghost_notes"] == pytest.approx(1 / 32)
    assert of["accent"] == pytest.approx(100 - 140 / 3)
    assert of["laid_back"] == pytest.approx(0.1)
    assert of["swing"] == pytest.approx(0.25)
    assert of["looseness"] == pytest.approx(np.std([0, 0, 0.25, 0, 0.25]))
    assert of["note_density"] == pytest.approx(5 / 32)
    silent = {name: prop.of(np.zeros_like(x))[0] for name, prop in PROPERTIES.items()}
    assert math.isnan(silent["loudness"])
    assert silent["kick_density"] == 0


def test_mix_takes_whole_drums_of_another_performance() -> None:
    x = performances(5, n=200)
    y = mix(x, Generator().manual_seed(0), probability=0.5)
    whole = x.unflatten(-1, (3, DRUMS))
    mixed = y.unflatten(-1, (3, DRUMS))
    kept = (whole == mixed).all(dim=1).all(dim=1)  # (n, drums)
    assert 0.6 < kept.double().mean() < 0.9
    rows, drums = (~kept).nonzero(as_tuple=True)
    theirs = {tuple(part.flatten().tolist()) for part in whole.permute(0, 3, 1, 2).flatten(0, 1)}
    for row, drum in zip(rows.tolist(), drums.tolist(), strict=True):
        assert tuple(mixed[row, :, :, drum].flatten().tolist()) in theirs
    assert torch.equal(mix(x, Generator(), probability=0.0), x)


def test_shade_changes_a_performance_as_a_whole() -> None:
    x = performances(6, n=50)
    hits, velocity, offset = blocks(x)
    y = shade(x, Generator().manual_seed(0), loudness=0.2, timing=0.1)
    same, louder, moved = blocks(y)
    assert torch.equal(same, hits)
    struck = hits > 0
    ratio = (louder / velocity)[0][struck[0] & (louder[0] < 1)]
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))
    shift = (moved - offset)[0][struck[0]]
    torch.testing.assert_close(shift, shift[:1].expand_as(shift), atol=1e-5, rtol=0)
    assert 0 < shift.abs().max() <= 0.1
    assert not louder[~struck].any()
    assert not moved[~struck].any()
    assert (y.abs() <= 1).all()
