"""Streaming: every window once, shuffled, resumable, and divided among ranks without overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqvae.music.data import streaming
from seqvae.music.data.augment import make_augmentation
from seqvae.music.data.streaming import DataConfig, ShardedWindows, StreamLoader
from seqvae.music.representations import DrumCodec
from seqvae.sequences.loader import WindowLoader
from vaecore.errors import DataError
from vaecore.training.ranks import Ranks

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet  # noqa: E402

STEPS = 4


def write(folder: Path, sizes: list[list[int]]) -> np.ndarray:
    """Write shards of row groups of some sizes; window k is four times k. Returns all windows."""
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for number, groups in enumerate(sizes):
        path = folder / f"train-{number:05d}.parquet"
        schema = pa.schema({"window": pa.list_(pa.uint16(), STEPS), "bar": pa.int32()})
        with pyarrow.parquet.ParquetWriter(path, schema) as writer:
            for size in groups:
                flat = pa.array(np.repeat(np.arange(first, first + size), STEPS), pa.uint16())
                column = pa.FixedSizeListArray.from_arrays(flat, STEPS)
                bars = pa.array([1] * size, pa.int32())
                table = pa.Table.from_arrays([column, bars], schema=schema)
                writer.write_table(table, row_group_size=max(size, 1))
                first += size
    return np.repeat(np.arange(first, dtype=np.uint16), STEPS).reshape(-1, STEPS)


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> ShardedWindows:
    folder = tmp_path_factory.mktemp("shards")
    write(folder, [[10] * 6, [10, 7], [], [10, 10, 3]])
    return ShardedWindows(folder, "train")


def loader(windows: ShardedWindows, batch_size: int = 8, rows: int = 30, **options) -> StreamLoader:
    return StreamLoader(windows, batch_size, pool_bytes=rows * 2 * STEPS, **options)


def numbers(batches) -> list[int]:
    return [int(row[0]) for x in batches for row in x]


def test_the_shards_are_read_as_they_were_written(tmp_path: Path) -> None:
    everything = write(tmp_path, [[3, 5], [0], [4]])
    windows = ShardedWindows(tmp_path, "train")
    assert (len(windows), windows.width, windows.nbytes) == (12, STEPS, 12 * STEPS * 2)
    assert np.array_equal(windows.spread(100), everything)
    assert np.array_equal(windows.spread(3), everything[[0, 5, 11]])
    assert np.array_equal(windows[np.array([2, 3, 7, 8])], everything[[2, 3, 7, 8]])


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.lists(st.integers(1, 12), max_size=4), min_size=1, max_size=3),
    batch=st.integers(1, 9),
    pool=st.integers(1, 40),
)
def test_an_epoch_has_every_window_once(tmp_path_factory, groups, batch, pool) -> None:
    if not sum(map(len, groups)):
        groups = [[5]]
    folder = tmp_path_factory.mktemp("any")
    count = len(write(folder, groups))
    stream = loader(ShardedWindows(folder, "train"), batch, pool)
    for _ in range(2):
        seen = numbers(stream)
        assert len(seen) == len(set(seen)) == len(stream) * stream.batch_size
        assert count - len(seen) < stream.batch_size
        assert set(seen) <= set(range(count))


def test_epochs_are_shuffled_anew(windows: ShardedWindows) -> None:
    stream = loader(windows)
    first, second = numbers(stream), numbers(stream)
    assert first != second
    assert first == numbers(loader(windows))
    assert first != numbers(loader(windows, seed=1))
    # A batch mixes what the blocks of a pool hold, and a pool what all shards hold.
    blocks = [{number // 10 for number in first[k : k + 8]} for k in range(0, 80, 8)]
    assert all(len(each) >= 2 for each in blocks)


def test_a_pool_as_large_as_the_data_mixes_everything(windows: ShardedWindows) -> None:
    seen = np.array([numbers(loader(windows, rows=1000, seed=seed)) for seed in range(40)])
    assert abs(np.corrcoef(seen.mean(0), np.arange(seen.shape[1]))[0, 1]) < 0.3
    assert np.abs(np.diff(seen, axis=1)).mean() > len(windows) / 5


def test_no_more_than_a_pool_is_in_memory(windows: ShardedWindows) -> None:
    stream = loader(windows, rows=30)
    held = []
    for _ in stream:
        held.append(len(stream._data))
    assert max(held) <= 40  # a pool ends with the block that crosses its limit
    assert len(set(held)) > 1 or len(windows) > 40


@pytest.mark.parametrize("position", [0, 1, 5, 10, 13, 21])
def test_loading_a_state_continues_exactly(windows: ShardedWindows, position: int) -> None:
    augment = make_augmentation({"mix": {"probability": 0.5}}, DrumCodec())
    stream = loader(windows, augment=augment)
    everything = [x for _ in range(3) for x in stream]
    stream, given = loader(windows, augment=augment), 0
    while given < position:
        for _ in stream:
            given += 1
            if given == position:
                break
    again = loader(windows, augment=augment)
    again.load_state_dict(stream.state_dict())
    rest = [x for _ in range(3) for x in again]
    expected = everything[position:]
    assert all(map(torch.equal, rest, expected))
    assert len(rest) >= len(expected)


def whole_batches(parts: list[list[Tensor]]) -> list[Tensor]:
    """Return the batches of all ranks together, their rows interleaved."""
    return [torch.stack(each, 1).flatten(0, 1) for each in zip(*parts, strict=True)]


@pytest.mark.parametrize("kind", ["memory", "stream"])
def test_ranks_and_accumulated_batches_divide_the_same_steps(windows, kind: str) -> None:
    def make(batch_size: int, accumulate: int = 1, ranks: Ranks | None = None):
        options = {
            "augment": make_augmentation({"mix": {"probability": 0.5}}, DrumCodec()),
            "accumulate": accumulate,
            "ranks": ranks or Ranks(),
        }
        if kind == "stream":
            return loader(windows, batch_size, **options)
        return WindowLoader(windows.spread(10**6), batch_size, **options)

    alone = list(make(24))
    ranked = [list(make(24, ranks=Ranks(rank, 3, 3))) for rank in range(3)]
    assert all(map(torch.equal, whole_batches(ranked), alone))
    assert len(ranked[0]) == len(alone)
    several = list(make(8, accumulate=3))
    assert all(map(torch.equal, map(torch.cat, zip(*[iter(several)] * 3, strict=True)), alone))
    both = [list(make(8, 3, Ranks(rank, 2, 2))) for rank in range(2)]
    assert all(map(torch.equal, whole_batches(both), several))


def test_validation_batches_are_dealt_out_whole(windows: ShardedWindows) -> None:
    x = windows.spread(1000)[:20]
    alone = list(WindowLoader(x, 8, training=False))
    first, second = (
        list(WindowLoader(x, 8, training=False, ranks=Ranks(rank, 2, 2))) for rank in range(2)
    )
    assert all(map(torch.equal, first, alone[0::2]))
    assert all(map(torch.equal, second, alone[1::2]))
    # No rank is without a batch: it would not take part in the validation.
    many = [list(WindowLoader(x, 20, training=False, ranks=Ranks(rank, 3, 3))) for rank in range(3)]
    assert [len(each) for each in many] == [1, 1, 1]


def test_too_few_examples_for_the_ranks_are_refused() -> None:
    with pytest.raises(DataError, match="3 examples are too few for 2 batches for 2 processes"):
        WindowLoader(np.zeros((3, 4), np.uint16), 8, accumulate=2, ranks=Ranks(0, 2, 2))


def test_streaming_is_chosen_by_memory(
    windows: ShardedWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert streaming.memory() > 1 << 20
    monkeypatch.setattr(streaming, "memory", lambda: windows.nbytes * 8)
    assert DataConfig().decided(windows).stream == "never"
    assert DataConfig().decided(windows, ranks=4).stream == "always"
    assert DataConfig("never").decided(windows, ranks=4).stream == "never"
    with pytest.raises(ValueError, match=r"data.stream must be one of auto, always, never"):
        DataConfig("sometimes")


@pytest.mark.parametrize("content", [b"", b"no parquet", None])
def test_what_is_no_shard_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "train-00000.parquet").write_bytes(content)
    else:
        table = pa.table({"other": [1]})
        pyarrow.parquet.write_table(table, tmp_path / "train-00000.parquet")
    with pytest.raises(DataError, match=r"is not a shard of windows|is empty"):
        ShardedWindows(tmp_path, "train")
    with pytest.raises(DataError, match="has no test shards"):
        ShardedWindows(tmp_path, "test")


def test_names_of_columns_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """Found by damaged files: Arrow raises an error of Unicode."""
    path = tmp_path / "train-00000.parquet"
    table = pa.table({"windows_of_music": pa.array([1, 2, 3], pa.uint16())})
    pyarrow.parquet.write_table(table, path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"windows_of_music", b"wi\xff\xffows_of_music"))
    with pytest.raises(DataError, match="is not a shard of windows"):
        ShardedWindows(tmp_path, "train")
