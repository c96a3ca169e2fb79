"""Films: the picture and the sound of a note come together, and nothing is left half-written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from seqvae.music.presentation import scene, sound, write_film
from vaecore.errors import DataError

HITS = (0.4, 1.3)
"""When the drum is struck, in seconds; the second one is in the second item."""


def _beat(hit: float) -> pretty_midi.PrettyMIDI:
    item = pretty_midi.PrettyMIDI(initial_tempo=240)
    part = pretty_midi.Instrument(0, is_drum=True)
    part.notes = [pretty_midi.Note(110, 38, hit, hit + 0.1)]
    item.instruments = [part]
    return item


ITEMS = [_beat(HITS[0]), _beat(HITS[1] - 1)]


def _onsets(sound: np.ndarray, rate: int) -> list[float]:
    """Return when it grows loud after silence, in seconds."""
    loud = np.flatnonzero(sound > 0.1 * sound.max())
    first = loud[np.concatenate([[True], np.diff(loud) > 0.3 * rate])]
    return [float(each) / rate for each in first]


def test_a_note_sounds_when_it_reaches_the_line(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed (pip install 'seqvae[video]')")
    pytest.importorskip("midirenderer", reason="there is no sound on this machine")
    path = tmp_path / "film.mp4"
    shown: list[tuple[int, int]] = []
    seconds = write_film(
        ITEMS, path, [1.0, 1.0], ["one", "two"], shown=lambda *each: shown.append(each)
    )
    lit, parts = [], []
    with av.open(str(path)) as film:
        kinds = {stream.type: stream.codec_context.name for stream in film.streams}
        assert kinds == {"video": "h264", "audio": "aac"}
        voice = film.streams.audio[0]
        assert voice.codec_context.sample_rate == 48000
        for frame in film.decode(voice):
            parts.append((float(frame.pts * frame.time_base), frame.to_ndarray()))
        film.seek(0)
        for frame in film.decode(video=0):
            picture = frame.to_ndarray(format="rgb24")
            assert picture.shape == (scene.HEIGHT, scene.WIDTH, 3)
            # Right of the line a note is white when it begins.
            at = picture[scene.TOP : scene.BOTTOM, scene.LINE + 6]
            lit.append((frame.time, at.min(axis=1).max() > 200))
    assert len(lit) == shown[-1][0] == shown[-1][1] == round(seconds * scene.RATE)
    seen = [time for (time, now), (_, before) in zip(lit[1:], lit, strict=False) if now > before]
    begin = parts[0][0]
    sound = np.abs(np.concatenate([each for _, each in parts], axis=1)).max(axis=0)
    heard = [begin + each for each in _onsets(sound, 48000)]
    for picture, noise, hit in zip(seen, heard, HITS, strict=True):
        assert hit - 1 / scene.RATE <= picture <= hit + 1 / scene.RATE
        assert abs(noise - hit) < 1 / scene.RATE


def test_a_film_is_the_same_whether_its_sound_is_in_memory_or_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("av", reason="PyAV is not installed (pip install 'seqvae[video]')")
    pytest.importorskip("midirenderer", reason="there is no sound on this machine")
    films = []
    for longest in (sound.LONG, 0):
        monkeypatch.setattr(sound, "LONG", longest)
        write_film(ITEMS[:1], tmp_path / "film.mp4", [0.5], ["one"])
        films.append((tmp_path / "film.mp4").read_bytes())
    assert films[0] == films[1]
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_without_pyav_one_line_and_nothing_written(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DataError, match=r"pip install 'seqvae\[video\]'"):
        write_film(ITEMS, tmp_path / "film.mp4", [1.0, 1.0], ["", ""])
    assert not list(tmp_path.iterdir())


def test_what_is_told_of_a_step() -> None:
    from seqvae.music.presentation.film import Shape, _title

    line = ["rock", "", "", "", "bossa"]
    assert [_title(line, k, None) for k in (0, 2, 4)] == ["rock", "rock → bossa", "bossa"]
    grid = ["a", "", "b", "", "", "", "c", "", "d"]
    assert _title(grid, 4, 3) == "row 2, column 2"
    colours = {Shape(3, 3).tint(cell) for cell in range(9)}
    assert len(colours) == 9
