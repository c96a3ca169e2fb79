"""Preparation: what the shards hold, that nothing leaks, and that no file can stop it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from seqvae.data.parallel import Failure, robust_map
from seqvae.data.prepare import choose_split, prepare
from seqvae.data.shards import SPLITS, read_summary, read_windows
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


def test_windows_keep_their_provenance(songs: Path, tmp_path: Path) -> None:
    from seqvae.codecs import make_codec

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
    assert "1 meter" in table
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
    with pytest.raises(UsageError, match="holds no shards"):
        prepare([songs], songs, "melody", workers=1, overwrite=True)
    assert (songs / "notes.txt").exists()


def test_nothing_is_left_behind_when_there_is_nothing_to_use(songs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no drums windows in 27 files \(.*2 broken"):
        prepare([songs], tmp_path / "out", "drums", workers=1)
    with pytest.raises(DataError, match="does not exist"):
        prepare([tmp_path / "missing"], tmp_path / "out", workers=1)
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match=r"no \.mid or \.midi files"):
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


def misbehave(what: str) -> str:
    if what == "hang":
        while True:
            time.sleep(0.01)
    if what == "swallow":  # a reader that takes every exception for a broken file
        try:
            while True:
                time.sleep(0.01)
        except Exception:
            return "swallowed"
    if what == "crash":
        os.abort()
    if what == "raise":
        raise KeyError("no key")
    return what.upper()


def test_no_item_can_stop_the_others() -> None:
    items = ["a", "hang", "b", "crash", "c", "raise", "swallow", "crash", "d"]
    results = dict(robust_map(misbehave, items, workers=2, time_limit=0.5))
    assert [results[i] for i in (0, 2, 4, 8)] == ["A", "B", "C", "D"]
    assert results[1] == results[6] == Failure("takes longer than 0.5 s to read")
    assert results[3] == results[7] == Failure("kills the process that reads it")
    assert results[5] == Failure("KeyError: 'no key'")
