"""The codec of drum performances: hits, how hard and how early, there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from performed import STEP, performances, played

from seqvae.music.data.shards import read_windows
from seqvae.music.representations import GrooveCodec, detect
from seqvae.music.representations.alphabet import DRUMS, GROOVE_CLASS, ROLAND
from seqvae.music.representations.groove.codec import FURTHEST
from seqvae.music.representations.groove.performance import blocks, hit_classes
from vaecore.errors import DataError

CODEC = GrooveCodec()


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
    from seqvae.music.data.prepare import prepare

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


def test_drums_with_many_velocities_are_a_performance() -> None:
    many = played(*((step, 36, 60 + 5 * step) for step in range(8)))
    few = played(*((step, 36, 60 + 5 * (step % 3)) for step in range(8)))
    assert detect(many).kind == "groove"
    assert detect(few).kind == "drums"
    assert detect([many, few]).kind == "drums"
    assert detect([many, many]).kind == "groove"
