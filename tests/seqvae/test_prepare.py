"""Preparation: what the shards hold, that nothing leaks, and that no file can stop it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqvae.music.data.merge import DROPPED, choose_split, deduplicate
from seqvae.music.data.prepare import prepare
from seqvae.music.data.reading import window_keys
from seqvae.music.data.shards import SPLITS, read_summary, read_windows, window_table
from vaecore.errors import DataError, UsageError

pyarrow = pytest.importorskip("pyarrow")


def write_tune(path: Path, pitches: Sequence[int], *, name: str = "", meter: int = 4) -> None:
    """Write a melody of quarter notes at 120 bpm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(meter, 4, 0))
    midi.instruments.append(pretty_midi.Instrument(0, name=name))
    midi.instruments[0].notes = [
        pretty_midi.Note(80, pitch, i * 0.5, i * 0.5 + 0.5) for i, pitch in enumerate(pitches)
    ]
    midi.write(str(path))


def tune(seed: int, bars: int = 6) -> list[int]:
    return np.random.default_rng(seed).integers(50, 80, 4 * bars).tolist()


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    root = tmp_path / "songs"
    for number in range(24):
        write_tune(root / f"{number % 3}" / f"{number:02d}.mid", tune(number))
    write_tune(root / "waltz.mid", tune(100), meter=3)
    (root / "broken.mid").write_bytes(b"MThd and no more")
    (root / "empty.MID").write_bytes(b"")
    (root / "notes.txt").write_text("not music")
    return root


def rows(folder: Path) -> list[dict]:
    import pyarrow.parquet as pq

    return [
        row for file in sorted(folder.glob("*.parquet")) for row in pq.read_table(file).to_pylist()
    ]


def write_band(path: Path, seed: int, bars: int = 6) -> None:
    """Write a melody, its bass and a kick on every beat."""
    write_tune(path, tune(seed, bars))
    midi = pretty_midi.PrettyMIDI(str(path))
    for name, program, pitches in (("", 33, tune(seed + 1, bars)), ("drums", 0, [36] * 4 * bars)):
        part = pretty_midi.Instrument(program, is_drum=name == "drums")
        part.notes = [
            pretty_midi.Note(80, pitch, i * 0.5, i * 0.5 + 0.5) for i, pitch in enumerate(pitches)
        ]
        midi.instruments.append(part)
    midi.write(str(path))


def test_a_window_of_several_voices_is_one_row(tmp_path: Path) -> None:
    from seqvae.music.representations import TrioCodec

    root = tmp_path / "bands"
    for number in range(8):
        write_band(root / f"{number}.mid", number)
    output = tmp_path / "shards"
    settings = {"name": "trio", "bars": 2}
    summary = prepare([root], output, settings, shares=(0.8, 0.1, 0.1), workers=1)
    assert sum(summary.windows.values()) == 8 * 5
    codec = TrioCodec(2)
    for row in rows(output):
        found = codec.explain(tmp_path / row["source"])
        expected = found.x[found.bars.index(row["bar"])]
        assert expected.shape == (32, 3)
        assert row["window"] == expected.flatten().tolist()
    assert read_windows(output, "train").shape == (summary.windows["train"], 96)


@pytest.mark.parametrize("two_four", [False, True])
def test_two_bars_of_2_4_can_be_one(tmp_path: Path, two_four: bool) -> None:
    write_tune(tmp_path / "songs/march.mid", tune(0), meter=2)
    write_tune(tmp_path / "songs/song.mid", tune(1))
    summary = prepare([tmp_path / "songs"], tmp_path / "shards", "melody", two_four=two_four)
    assert summary.files["used"] == 1 + two_four
    assert summary.empty == ({} if two_four else {"meter": 1})
    assert sum(summary.windows.values()) == 5 * (1 + two_four)


def test_windows_keep_their_provenance(songs: Path, tmp_path: Path) -> None:
    from seqvae.music.representations import make_codec

    output = tmp_path / "shards"
    summary = prepare([songs], output, "melody", shares=(0.6, 0.2, 0.2), workers=2)
    assert sum(summary.windows.values()) == 24 * 5
    assert all(summary.windows[split] for split in SPLITS)
    codec = make_codec(summary.representation)
    splits: dict[str, set] = {}
    for row in rows(output):
        found = codec.explain(songs.parent / row["source"])
        index = found.bars.index(row["bar"])
        assert row["window"] == found.x[index].tolist()
        assert (row["tempo_bpm"], row["program"]) == (120, 0)
        splits.setdefault(row["source"], set()).add(row["split"])
    assert len(splits) == 24
    assert all(len(found) == 1 for found in splits.values())
    for split in SPLITS:
        windows = read_windows(output, split)
        assert windows.shape == (summary.windows[split], 32)
        assert windows.dtype == np.uint16


def test_the_summary_accounts_for_every_file(songs: Path, tmp_path: Path) -> None:
    summary = prepare([songs], tmp_path / "shards", "melody", workers=1)
    assert summary.files == {"found": 27, "used": 24, "relaxed": 0, "empty": 1, "broken": 2}
    assert summary.empty == {"meter": 1}
    assert set(summary.broken) == {"songs/broken.mid", "songs/empty.MID"}
    assert summary.broken["songs/empty.MID"] == "is empty"
    assert read_summary(tmp_path / "shards") == json.loads(json.dumps(vars(summary)))
    table = summary.table()
    assert "1 not in 4/4" in table
    assert "songs/broken.mid: " in table
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_the_same_files_give_the_same_shards(songs: Path, tmp_path: Path) -> None:
    prepare([songs], tmp_path / "a", "melody", workers=2)
    prepare([songs], tmp_path / "b", "melody", workers=1)
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    prepare([songs], tmp_path / "c", "melody", workers=1, seed=1, shares=(0.5, 0.25, 0.25))
    assert rows(tmp_path / "a") != rows(tmp_path / "c")


def test_evaluation_has_no_window_of_the_training(tmp_path: Path) -> None:
    root = tmp_path / "songs"
    shared = tune(1, bars=2)
    for number in range(20):
        write_tune(root / f"{number}.mid", shared + tune(number + 50, bars=4))
    summary = prepare([root], tmp_path / "out", "melody", shares=(0.5, 0.3, 0.2), workers=1)
    windows = {
        split: {tuple(row) for row in read_windows(tmp_path / "out", split).tolist()}
        for split in SPLITS
    }
    assert not windows["train"] & (windows["validation"] | windows["test"])
    assert not windows["validation"] & windows["test"]
    assert len(set().union(*windows.values())) == sum(summary.windows.values()) == 20 * 5 - 19
    left_out = summary.windows_left_out
    assert left_out["repeated"] + left_out["in another split"] == 19
    assert left_out["in another split"] > 0


def test_folders_can_be_kept_together(songs: Path, tmp_path: Path) -> None:
    shares = (0.4, 0.3, 0.3)
    prepare([songs], tmp_path / "out", "melody", group="folder", shares=shares, workers=1)
    for folder in "012":
        splits = {
            r["split"] for r in rows(tmp_path / "out") if r["source"].startswith(f"songs/{folder}/")
        }
        assert len(splits) == 1


def test_splits_follow_the_shares() -> None:
    chosen = [choose_split(str(key), (0.9, 0.05, 0.05)) for key in range(4000)]
    shares = np.bincount(chosen, minlength=3) / 4000
    assert shares == pytest.approx([0.9, 0.05, 0.05], abs=0.015)
    assert {choose_split(str(key), (1.0, 0.0, 0.0)) for key in range(100)} == {0}


def test_voices_choose_tracks_by_name(tmp_path: Path) -> None:
    root = tmp_path / "songs"
    write_tune(root / "a.mid", tune(1), name="MELODY")
    midi = pretty_midi.PrettyMIDI(str(root / "a.mid"))
    midi.instruments.append(pretty_midi.Instrument(24, name="PIANO"))
    midi.instruments[1].notes = [pretty_midi.Note(80, 60, i * 1.0, i * 1.0 + 1) for i in range(12)]
    midi.write(str(root / "a.mid"))
    everything = prepare([root], tmp_path / "all", "melody", workers=1)
    melody = prepare([root], tmp_path / "one", "melody", voices="melody", workers=1)
    unnamed = prepare([root], tmp_path / "none", "melody", voices="flute", workers=1)
    assert sum(melody.windows.values()) == 5
    assert sum(everything.windows.values()) == sum(unnamed.windows.values()) > 5
    assert {row["program"] for row in rows(tmp_path / "one")} == {0}


def test_an_output_is_replaced_only_when_told(songs: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    prepare([songs], output, "melody", workers=1)
    with pytest.raises(UsageError, match="--overwrite"):
        prepare([songs], output, "melody", workers=1)
    (output / "train-00007.parquet").write_bytes(b"old")
    prepare([songs], output, "melody", workers=1, overwrite=True)
    assert not (output / "train-00007.parquet").exists()
    with pytest.raises(UsageError, match="has no shards"):
        prepare([songs], songs, "melody", workers=1, overwrite=True)
    assert (songs / "notes.txt").exists()


def test_nothing_is_left_behind_when_there_is_nothing_to_use(songs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no drums windows in 27 files \(.*2 broken"):
        prepare([songs], tmp_path / "out", "drums", workers=1)
    with pytest.raises(DataError, match="does not exist"):
        prepare([tmp_path / "missing"], tmp_path / "out", workers=1)
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match=r"no \.mid or \.midi or .* files"):
        prepare([tmp_path / "bare"], tmp_path / "out", workers=1)
    with pytest.raises(UsageError, match="2 sources are called 'songs'"):
        prepare([songs, songs], tmp_path / "out", workers=1)
    with pytest.raises(UsageError, match="sum to 1"):
        prepare([songs], tmp_path / "out", shares=(0.5, 0.1, 0.1))
    assert {path.name for path in tmp_path.iterdir()} == {"songs", "bare"}


def test_broken_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no train shards"):
        read_windows(tmp_path, "train")
    (tmp_path / "train-00000.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="is not a shard"):
        read_windows(tmp_path, "train")
    with pytest.raises(DataError, match="is not a folder of shards"):
        read_summary(tmp_path)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=40))
def test_of_equal_windows_one_is_kept(rows: list[tuple[int, int]]) -> None:
    windows = np.array([[value, 7] for value, _ in rows], np.uint16).reshape(-1, 2)
    split = np.array([split for _, split in rows], np.int8)
    kept_in, dropped = deduplicate(window_keys(windows), split)
    best: dict[int, tuple[int, int]] = {}
    for row, (value, its_split) in enumerate(rows):
        best[value] = min(best.get(value, (9, 9)), (its_split, row))
    assert {row: s for row, s in enumerate(kept_in.tolist()) if s != DROPPED} == {
        row: its_split for its_split, row in best.values()
    }
    elsewhere = sum(best[value][0] != its_split for value, its_split in rows)
    assert dropped == {
        "repeated": len(rows) - len(best) - elsewhere,
        "in another split": elsewhere,
    }


def test_shards_have_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    from seqvae.music.data import shards

    monkeypatch.setattr(shards, "ROW_GROUP", 10)
    monkeypatch.setattr(shards, "ROWS_PER_SHARD", 30)
    n = np.arange(74)
    source = [f"{'abcde'[i % 5]}.mid" for i in n]
    windows = window_table(np.stack([n, n], axis=1).astype(np.uint16), source, n, n, n * 0)
    for name in ("whole", "bits"):
        (tmp_path / name).mkdir()
    with shards.ShardWriter(tmp_path / "whole", "test", 2) as writer:
        writer.add(windows)
    with shards.ShardWriter(tmp_path / "bits", "test", 2) as writer:
        for first in range(0, 74, 7):
            writer.add(windows.slice(first, 7))
    files = sorted((tmp_path / "bits").iterdir())
    assert [pq.read_metadata(file).num_rows for file in files] == [30, 30, 14]
    assert pq.read_metadata(files[0]).num_row_groups == 3
    whole = [tmp_path / "whole" / file.name for file in files]
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in whole]
    assert [row["source"] for row in rows(tmp_path / "bits")] == source
    assert np.array_equal(read_windows(tmp_path / "bits", "test")[:, 0], n)
