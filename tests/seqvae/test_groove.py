"""Drum performances: the codec, the head that draws them, and what is made of stiff beats."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Generator, Tensor, nn

from seqvae.codecs import GrooveCodec, detect, make_codec
from seqvae.codecs.groove import FURTHEST, GROOVE_CLASS, ROLAND
from seqvae.data.augment import mix, shade
from seqvae.data.shards import read_windows
from seqvae.evaluate import compare
from seqvae.groove import feel
from seqvae.groove.evaluate import errors
from seqvae.groove.performance import DRUMS, NUMBERS, TAP, blocks, hit_classes, stiffened, tapped
from seqvae.groove.properties import PROPERTIES
from seqvae.networks.architecture import SequenceArchitecture
from seqvae.networks.heads import PerformanceHead
from seqvae.networks.model import SequenceVAE
from seqvae.score import Score
from vaecore.errors import DataError
from vaecore.space import LatentSpace

CODEC = GrooveCodec()
STEP = 0.125
"""Seconds of a sixteenth at 120 bpm."""


def played(*hits: tuple[float, int, int], tempo: float = 120, **options) -> Score:
    """Return drums from (step, pitch, velocity); fractions of a step are micro-timing."""
    step, pitch, velocity = zip(*hits, strict=True)
    start = np.array(step) * STEP * 120 / tempo
    options = {"is_drum": True, **options}
    return Score.from_notes(start, start + 0.05, pitch, velocity, tempo=tempo, **options)


def performances(seed: int, n: int = 8, steps: int = 32) -> Tensor:
    """Return random performances."""
    rng = np.random.default_rng(seed)
    hits = rng.random((n, steps, DRUMS)) < 0.2
    velocity = rng.integers(1, 128, hits.shape) / 127 * hits
    offset = rng.uniform(-0.9, 0.9, hits.shape) * hits
    return torch.from_numpy(np.concatenate([hits, velocity, offset], -1).astype(np.float32))


# --- codec --------------------------------------------------------------------------------------


def test_a_hit_is_where_it_is_nearest_with_how_hard_and_how_early() -> None:
    x = CODEC.encode(played((0, 36, 100), (3.76, 38, 127), (5.25, 42, 1), (20, 49, 64)))
    assert x.shape == CODEC.shape == (32, 27)
    assert x.dtype == torch.float32
    hits, velocity, offset = blocks(x)
    assert hits.nonzero().tolist() == [[0, 0], [4, 1], [5, 2], [20, 7]]
    torch.testing.assert_close(velocity[hits > 0], torch.tensor([100, 127, 1, 64]) / 127)
    # Early is positive, in halves of a step.
    expected = torch.tensor([0, 0.48, -0.5, 0])
    torch.testing.assert_close(offset[hits > 0], expected, atol=1e-6, rtol=0)


def test_of_several_hits_in_a_step_the_loudest_counts_and_of_equals_the_first() -> None:
    x = CODEC.encode(played((0, 38, 50), (0.1, 40, 90), (0.2, 37, 90)))
    assert x[0, DRUMS + 1] == pytest.approx(90 / 127)
    assert x[0, 2 * DRUMS + 1] == pytest.approx(-0.2)


def test_the_kit_of_groove_comes_first_and_what_it_lacks_is_general_midi() -> None:
    for drum, pitches in enumerate(ROLAND):
        assert {int(GROOVE_CLASS[pitch]) for pitch in pitches} == {drum}
    assert GROOVE_CLASS[35] == 0  # a kick that the kit does not have
    assert GROOVE_CLASS[39] == 1  # claps
    assert GROOVE_CLASS[0] == -1
    x = CODEC.encode(played((0, 45, 80), (1, 48, 80), (2, 43, 80)))
    assert hit_classes(x)[:3].tolist() == [1 << 5, 1 << 6, 1 << 4]  # mid, high, low


def test_what_was_played_is_written_as_it_was_played() -> None:
    score = played((0.4, 36, 100), (4, 38, 127), (6.3, 38, 20), (6.8, 38, 60), (31.7, 42, 5))
    (drums,) = CODEC.decode(CODEC.encode(score)).instruments
    assert drums.is_drum
    notes = sorted((round(n.start / STEP, 4), n.pitch, n.velocity) for n in drums.notes)
    # The last hit is nearest to the bar that follows.
    assert notes == [(0.4, 36, 100), (4, 38, 127), (6.3, 38, 20), (6.8, 38, 60)]
    first, second = sorted(
        (n for n in drums.notes if n.pitch == 38 and n.velocity < 100), key=lambda n: n.start
    )
    assert first.end <= second.start


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float32, (32, DRUMS), elements=st.sampled_from([0, 0, 0, 1]), fill=st.nothing()),
    st.integers(0, 2**32 - 1),
)
def test_windows_come_back_from_items_and_from_shards(hits: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    velocity = rng.integers(1, 128, hits.shape) / 127
    offset = rng.uniform(-FURTHEST, FURTHEST, hits.shape)
    offset[0] = -abs(offset[0])  # what comes before the music begins is written at its beginning
    x = np.concatenate([hits, hits * velocity, hits * offset], -1).astype(np.float32)
    if hits.any():
        again = CODEC.encode(CODEC.decode(torch.from_numpy(x))).numpy()
        np.testing.assert_allclose(again, x, atol=1e-5)
    rows = CODEC.pack(x[None])
    assert rows.dtype == np.uint16
    assert rows.shape == (1, CODEC.width)
    (unpacked,) = CODEC.unpack(rows)
    assert unpacked.dtype == np.float32
    np.testing.assert_array_equal(unpacked[:, : 2 * DRUMS], x[:, : 2 * DRUMS])
    np.testing.assert_allclose(unpacked, x, atol=1 / 256)
    np.testing.assert_array_equal(CODEC.pack(unpacked[None]), rows)


def test_a_hit_before_the_beginning_is_written_at_it() -> None:
    x = torch.zeros(CODEC.shape)
    x[0, [0, DRUMS, 2 * DRUMS]] = torch.tensor([1, 0.5, 0.7])
    (drums,) = CODEC.decode(x).instruments
    assert drums.notes[0].start == 0


def test_windows_start_at_every_bar_and_those_of_the_reference_stand_side_by_side() -> None:
    score = played(*((step, 36, 80 + step % 40) for step in range(0, 96, 4)))
    assert len(CODEC.windows(score)) == 5
    theirs = CODEC.windows(score, reference=True)
    assert torch.equal(theirs, CODEC.windows(score, hop_bars=2))
    assert not len(CODEC.windows(played((0, 36, 80), (1, 0, 80), (31, 36, 80)), reference=True))
    assert len(CODEC.windows(played((0, 36, 80), (1, 0, 80), (31, 36, 80)))) == 1


def test_what_cannot_be_used_says_why() -> None:
    with pytest.raises(DataError, match="has no drum notes"):
        CODEC.encode(played((0, 60, 80), is_drum=False))
    with pytest.raises(DataError, match="no known drum"):
        CODEC.encode(played((0, 0, 80)))
    for wrong in (torch.zeros(32, 26), torch.zeros(32, 27, dtype=torch.int64)):
        with pytest.raises(ValueError, match="a performance is 27 numbers per step"):
            CODEC.decode(wrong)
    for place, name in ((0, "hits"), (9, "velocities"), (18, "offsets")):
        x = torch.zeros(32, 27)
        x[3, place] = 1.5
        with pytest.raises(ValueError, match=f"{name} must lie in"):
            CODEC.decode(x)


def test_a_folder_of_performances_becomes_shards(tmp_path) -> None:
    from seqvae.data.prepare import prepare

    for number in range(8):
        score = performances(number, n=3).flatten(0, 1)
        (tmp_path / "in").mkdir(exist_ok=True)
        CODEC.decode(score).write(str(tmp_path / f"in/{number}.mid"))
    summary = prepare([tmp_path / "in"], tmp_path / "out", CODEC.config, workers=1, progress=False)
    total = 0
    for split in ("train", "validation", "test"):
        if summary.windows[split]:
            x = CODEC.unpack(read_windows(tmp_path / "out", split))
            assert x.shape[1:] == CODEC.shape
            total += len(x)
    assert total == sum(summary.windows.values()) >= 8 * 5


# --- what is left without its feel --------------------------------------------------------------


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


# --- head ---------------------------------------------------------------------------------------


@pytest.fixture
def head() -> PerformanceHead:
    torch.manual_seed(1)
    made = PerformanceHead(6, 2)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


@torch.no_grad()
def test_the_density_of_a_performance_integrates_to_one(head: PerformanceHead) -> None:
    """Over all hits of two drums, and a fine grid of velocities and offsets of the drums hit."""
    hidden, total = torch.randn(1, 6), 0.0
    velocity = (torch.arange(32) + 0.5) / 32
    offset = (torch.arange(39) + 0.5) / 39 * 2 - 1
    for hits in ((0, 0), (1, 0), (0, 1)):
        k = hits.index(1) if any(hits) else 0
        x = torch.zeros(32 * 39, 6)
        x[:, :2] = torch.tensor(hits)
        x[:, 2 + k] = velocity.repeat_interleave(39) * any(hits)
        x[:, 4 + k] = offset.repeat(32) * any(hits)
        density = head.log_prob(hidden.expand(len(x), -1), x).exp()
        total += float(density[0] if not any(hits) else density.sum() * 2 / 39 / 32)
    both = head.log_prob(hidden, torch.tensor([[1.0, 1, 0.3, 0.7, 0.1, -0.2]]))
    chosen = head(hidden)[0, 3]
    rest = both - chosen  # finite, and checked by the next test
    assert rest.isfinite()
    assert total + float(chosen.exp()) == pytest.approx(1, abs=1e-4)


@torch.no_grad()
def test_draws_follow_the_density(head: PerformanceHead) -> None:
    n = 60_000
    numbers = head.numbers(torch.randn(1, 6)).expand(n, -1)
    noise = torch.rand(n, 6, generator=torch.Generator().manual_seed(0))
    drawn = hit_classes(head.choose(numbers, 1.0, noise))
    expected = head.logits(numbers[:1])[0].exp()
    torch.testing.assert_close(torch.bincount(drawn, minlength=4) / n, expected, atol=0.01, rtol=0)
    x = head.choose(numbers, 1.0, noise, torch.ones(n, dtype=torch.int64))
    for column, intervals, logits in (
        (2, 32, head._velocity(numbers[:1], x[:1, :2])[0, 0]),
        (4, 39, None),
    ):
        values = x[:, column] if column == 2 else (x[:, column] + 1) / 2
        bins = (values * intervals).long().clamp(max=intervals - 1)
        if logits is None:  # of an offset: given the velocities that were drawn
            given = head._offset(numbers, x[:, :2], x[:, 2:4])[:, 0].softmax(-1).mean(0)
        else:
            given = logits.softmax(-1)
        share = torch.bincount(bins, minlength=intervals) / n
        torch.testing.assert_close(share, given, atol=0.01, rtol=0)
    assert not x[:, [1, 3, 5]].any()


@torch.no_grad()
def test_without_noise_the_hits_are_the_likeliest_and_the_rest_medians(head) -> None:
    numbers = head.numbers(torch.randn(50, 6))
    x = head.choose(numbers, 0.0, None)
    assert torch.equal(hit_classes(x), head.logits(numbers).argmax(-1))
    middle = torch.full((50, 6), 0.5)
    drawn = head.choose(numbers, 1.0, middle, hit_classes(x))
    torch.testing.assert_close(drawn, x)
    with_all = head.choose(numbers, 0.0, None, torch.full((50,), 3))
    assert (with_all[:, :2] == 1).all()
    assert not torch.equal(with_all[:, 2:], x[:, 2:])


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": "groove", "head": "softmax"},
        {"tokens": "drums", "head": "groove"},
        {"tokens": "drums", "stiff": 0.5},
        {"tokens": "groove", "head": "groove", "stiff": 0.7, "tapped": 0.7},
        {"tokens": "groove", "head": "groove", "classes": 60},
        {"tokens": "groove", "head": "groove", "classes": [9, 9]},
    ],
)
def test_impossible_architectures_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"groove|stiff|drums"):
        SequenceArchitecture(**{"steps": 32, "classes": 9, **wrong})


# --- humanize, drumify, figures -----------------------------------------------------------------


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
    # How it was played before does not count.
    loud = played((0.2, 36, 1), (3.9, 38, 127), (40, 36, 20), (90, 42, 3), tempo=100)
    assert torch.equal(x, feel.humanize(space, loud, temperature=1.0, seed=4)[0])


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
    with pytest.raises(DataError, match="knows no performances"):
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
    for name, figures in compare("groove", x, x).items():
        assert figures["divergence"] == pytest.approx(0, abs=1e-9), name
    louder = x.clone()
    louder[..., DRUMS : 2 * DRUMS] = louder[..., DRUMS : 2 * DRUMS].sqrt()
    assert compare("groove", x, louder)["velocities"]["divergence"] > 0.05


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


def test_drums_with_many_velocities_are_a_performance() -> None:
    many = played(*((step, 36, 60 + 5 * step) for step in range(8)))
    few = played(*((step, 36, 60 + 5 * (step % 3)) for step in range(8)))
    assert detect(many).kind == "groove"
    assert detect(few).kind == "drums"
    assert detect([many, few]).kind == "drums"
    assert detect([many, many]).kind == "groove"


# --- augmentation -------------------------------------------------------------------------------


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
