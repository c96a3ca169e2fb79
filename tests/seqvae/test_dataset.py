"""Batches and augmentation: what they hold, that they repeat exactly, that they stay music."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from seqvae.music.data.augment import make_augmentation
from seqvae.music.data.shards import ShardWriter, read_windows, window_table
from seqvae.music.representations import DrumCodec, MelodyCodec, TrioCodec
from seqvae.music.representations.drums.augment import drop, mix
from seqvae.sequences.loader import WindowLoader
from vaecore.errors import DataError

WINDOWS = np.random.default_rng(0).integers(0, 512, (50, 8)).astype(np.uint16)


def batches(loader: WindowLoader) -> list[Tensor]:
    return list(loader)


def test_training_batches_are_a_shuffle_of_the_windows() -> None:
    loader = WindowLoader(WINDOWS, 16)
    first, second = batches(loader), batches(loader)
    assert len(first) == len(loader) == 3
    assert all(x.shape == (16, 8) and x.dtype == torch.int64 for x in first)
    seen = {tuple(row.tolist()) for x in first for row in x}
    assert len(seen) == 48
    assert seen <= {tuple(row) for row in WINDOWS.tolist()}
    assert not torch.equal(first[0], second[0])
    assert all(map(torch.equal, first, batches(WindowLoader(WINDOWS, 16))))
    assert not torch.equal(first[0], batches(WindowLoader(WINDOWS, 16, seed=1))[0])


def test_validation_batches_are_all_windows_in_order() -> None:
    loader = WindowLoader(WINDOWS, 16, training=False, augment=lambda x, generator: x * 0)
    assert len(loader) == 4
    assert np.array_equal(torch.cat(batches(loader)).numpy(), WINDOWS)
    assert np.array_equal(torch.cat(batches(loader)).numpy(), WINDOWS)


def test_a_small_set_is_one_batch() -> None:
    assert [len(x) for x in WindowLoader(WINDOWS, 512)] == [50]


@pytest.mark.parametrize("position", [0, 1, 2, 3, 5])
def test_loading_a_state_continues_exactly(position: int) -> None:
    augment = make_augmentation({"mix": {"probability": 0.5}}, DrumCodec())
    loader = WindowLoader(WINDOWS, 16, augment=augment)
    stream = [x for _ in range(3) for x in loader]
    loader = WindowLoader(WINDOWS, 16, augment=augment)
    iterator = iter(loader)
    for index in range(position):
        if index and index % 3 == 0:
            iterator = iter(loader)
        next(iterator)
    again = WindowLoader(WINDOWS, 16, augment=augment)
    again.load_state_dict(loader.state_dict())
    rest = list(again) + list(again)
    assert all(map(torch.equal, rest, stream[position:]))


def melodies() -> Tensor:
    return torch.tensor([[40, 0, 1, 45], [2, 0, 1, 3], [0, 89, 1, 50], [0, 0, 0, 0]]).repeat(250, 1)


def test_transpose_keeps_intervals_and_range() -> None:
    x = melodies()
    transpose = MelodyCodec().augmentations()["transpose"]
    y = transpose(x, Generator().manual_seed(0), semitones=5)
    is_note = x >= 2
    assert torch.equal(y >= 2, is_note)
    assert torch.equal(y[~is_note], x[~is_note])
    assert y.max() <= 89
    shift = (y - x)[0::4]
    assert set(shift[:, 0].tolist()) == set(range(-5, 6))
    assert torch.equal(shift[:, 0], shift[:, 3])
    low, high = (y - x)[1::4], (y - x)[2::4]
    assert low.min() == 0
    assert high.max() == 0
    assert not (y[3::4]).any()


def test_transpose_moves_melody_and_bass_together_and_no_drums() -> None:
    trio = torch.tensor([[40, 20, 7], [0, 1, 0], [1, 0, 89], [45, 0, 511]])
    low = trio.clone()
    low[0, 1] = 2  # the bass is at its lowest, so the melody cannot go down either
    x = torch.stack([trio, low, torch.zeros_like(trio)]).repeat(250, 1, 1)
    transpose = TrioCodec().augmentations()["transpose"]
    y = transpose(x, Generator().manual_seed(0), semitones=5)
    assert torch.equal(y[..., 2], x[..., 2])
    notes = x[..., :2] >= 2
    shift = (y - x)[..., :2]
    assert not shift[~notes].any()
    assert torch.equal(shift[0::3][:, 0, 0], shift[0::3][:, 0, 1])
    assert torch.equal(shift[0::3][:, 0, 0], shift[0::3][:, 3, 0])
    assert set(shift[0::3][:, 0, 0].tolist()) == set(range(-5, 6))
    assert set(shift[1::3][:, 0, 0].tolist()) == set(range(6))
    assert torch.equal(shift[1::3][:, 0, 0], shift[1::3][:, 0, 1])


def pairs(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, 2, 3).astype(np.int64)


def test_batches_have_the_shape_of_examples() -> None:
    augment = make_augmentation({"transpose": {"semitones": 5}}, TrioCodec())
    for training in (True, False):
        (x, *_) = WindowLoader(WINDOWS[:, :6], 16, unpack=pairs, training=training)
        assert x.shape == (16, 2, 3)
        rows = {tuple(row) for row in WINDOWS[:, :6].tolist()}
        assert all(tuple(row.flatten().tolist()) in rows for row in x)
    (x, *_) = WindowLoader(WINDOWS[:, :6] % 90, 16, unpack=pairs, augment=augment)
    assert x.shape == (16, 2, 3)


def test_mix_takes_whole_drums_of_another_window() -> None:
    x = torch.stack([torch.zeros(8, dtype=torch.int64), torch.full((8,), 511)]).repeat(200, 1)
    y = mix(x, Generator().manual_seed(0), probability=0.5)
    assert torch.equal(y, y[:, :1].expand_as(y))  # each drum as a whole from one of the two
    changed = (y != x).any(dim=1).double().mean()
    assert 0.15 < changed < 0.35  # half of the windows are mixed, half of those with their like
    assert torch.equal(mix(x, Generator(), probability=0.0), x)


def test_drop_silences_one_drum() -> None:
    x = torch.full((400, 8), 511)
    y = drop(x, Generator().manual_seed(0), probability=1.0)
    missing = 511 - y
    assert torch.equal(missing, missing[:, :1].expand_as(missing))
    assert set(missing[:, 0].tolist()) == {2**k for k in range(9)}
    assert torch.equal(drop(x, Generator(), probability=0.0), x)


def test_augmentations_are_pure() -> None:
    for codec, name, arguments in (
        (MelodyCodec(), "transpose", {"semitones": 5}),
        (DrumCodec(), "mix", {"probability": 1.0}),
        (DrumCodec(), "drop", {"probability": 1.0}),
    ):
        x = melodies()
        augment = make_augmentation({name: arguments}, codec)
        first = augment(x, Generator().manual_seed(3))
        assert torch.equal(x, melodies())
        assert torch.equal(first, augment(x, Generator().manual_seed(3)))
    assert torch.equal(make_augmentation({}, MelodyCodec())(melodies(), Generator()), melodies())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"stretch": {}}, "stretch.*known are mix, drop"),
        ({"transpose": {"semitones": 5}}, "unknown augmentation 'transpose'"),
        ({"mix": {}}, "probability"),
        ({"mix": {"p": 1}}, "'p'"),
    ],
)
def test_unknown_augmentations_are_named(config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_augmentation(config, DrumCodec())


def test_a_loader_over_shards(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from seqvae.music.data.shards import ShardWriter, window_table

    n = len(WINDOWS)
    windows = window_table(WINDOWS, ["a/b.mid"] * n, [1] * n, [1.0] * n, [0] * n)
    for split, some in (("train", windows), ("validation", windows.slice(0, 10))):
        with ShardWriter(tmp_path, split, WINDOWS.shape[1]) as writer:
            writer.add(some)
    loader = WindowLoader(read_windows(tmp_path, "validation"), 16, training=False)
    assert np.array_equal(torch.cat(batches(loader)).numpy(), WINDOWS[:10])
    loader = WindowLoader(read_windows(tmp_path, "train"), 16, seed=3)
    assert all(map(torch.equal, batches(loader), batches(WindowLoader(WINDOWS, 16, seed=3))))


def test_a_shard_that_says_another_number_of_windows_than_it_has(tmp_path: Path) -> None:
    """Every byte of the last part, which says the numbers of rows, is another one once."""
    with ShardWriter(tmp_path, "train", 32) as writer:
        writer.add(window_table(np.zeros((3, 32), np.uint16), ["a"] * 3, [0] * 3, [0] * 3, [0] * 3))
    (path,) = tmp_path.glob("*.parquet")
    whole, refused = path.read_bytes(), set[str]()
    footer = int.from_bytes(whole[-8:-4], "little")
    for place in range(len(whole) - 8 - footer, len(whole) - 8):
        if whole[place] != 6:  # three, as the format writes it
            continue
        path.write_bytes(whole[:place] + bytes([8]) + whole[place + 1 :])
        try:
            assert read_windows(tmp_path, "train").shape == (3, 32)
        except DataError as error:
            refused.add(str(error).partition(": ")[2])
    assert any("has 3 windows in a block that should have 4" in each for each in refused)
