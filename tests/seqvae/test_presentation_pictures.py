"""Pictures: the grid behind them, text for the terminal, PNG."""

import struct
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from seqvae.music.presentation import grid_of_item, grid_of_window, join, piano_roll, text_roll
from seqvae.music.presentation.roll import piano_roll_pixels
from seqvae.music.representations import DrumCodec, MelodyCodec

DRUMS, MELODY = DrumCodec(), MelodyCodec()
drum_windows = hnp.arrays(np.int64, st.sampled_from([16, 32, 256]), elements=st.integers(0, 511))
melody_windows = hnp.arrays(np.int64, st.sampled_from([16, 32, 256]), elements=st.integers(0, 89))


DATA = Path(__file__).resolve().parents[2] / "data"


def item(tempo):
    """Four quarter notes."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    part = pretty_midi.Instrument(0)
    beat = 60 / tempo
    for k, pitch in enumerate((60, 62, 64, 65)):
        part.notes.append(pretty_midi.Note(90, pitch, k * beat, (k + 1) * beat))
    midi.instruments.append(part)
    return midi


def test_pixels_are_those_of_the_file(tmp_path):
    given = [item(100), load("rock")]
    drawn = piano_roll_pixels(given, ["a", "b"], columns=1)
    with Image.open(piano_roll(given, tmp_path / "roll.png", ["a", "b"], columns=1)) as file:
        np.testing.assert_array_equal(drawn, file.convert("RGB"))


def load(name):
    return pretty_midi.PrettyMIDI(str(DATA / f"{name}.mid"))


def test_text_of_drums():
    window = [0] * 16
    window[0], window[4], window[6] = 0b101, 0b110, 0b1
    assert text_roll(grid_of_window(DRUMS, window)).splitlines() == [
        " CH │▌   ▌   ·   ·   │",
        " SD │·   ▌   ·   ·   │",
        " BD │▌   · ▌ ·   ·   │",
    ]


def test_text_of_a_melody():
    window = [41, 0, 0, 0, 41, 0, 43, 1, 0, 0, 0, 0, 42, 0, 0, 0]
    assert text_roll(grid_of_window(MELODY, window)).splitlines() == [
        " D4 │      ▖         │",
        " C4 │▄▄▄▖▄▖  ·   ▀▀▀▘│",
    ]


def test_ghost_notes_are_small():
    lines = text_roll(load("funk")).splitlines()
    assert lines[1].startswith(" CH │▌▖▌▖▌▖▌▖")


@settings(max_examples=40, deadline=None)
@given(st.lists(drum_windows, min_size=1, max_size=5), st.integers(24, 120))
def test_text_fits_the_width_and_shows_every_hit(windows, width):
    text = text_roll([grid_of_window(DRUMS, w) for w in windows], width)
    assert max(map(len, text.splitlines())) <= max(width, 24)
    assert text.count("▌") == sum(int(c).bit_count() for w in windows for c in w)


@settings(max_examples=40, deadline=None)
@given(st.lists(melody_windows, min_size=1, max_size=5), st.integers(24, 120))
def test_text_of_melodies_fits_the_width(windows, width):
    titles = ["a title that is far too long for the narrowest terminal"] * len(windows)
    text = text_roll([grid_of_window(MELODY, w) for w in windows], width, titles)
    assert max(map(len, text.splitlines())) <= max(width, 24)


def test_a_note_lasts_until_the_next_event():
    grid = grid_of_window(MELODY, [41, 0, 1, 0, 43, 45, 0, 0])
    assert [n[:3] for n in grid.melody] == [(60, 0, 2), (62, 4, 5), (64, 5, 8)]


def test_items_and_windows_give_the_same_grid():
    grid = grid_of_item(item(97.0))
    assert grid.steps == 16
    np.testing.assert_allclose([n[:3] for n in grid.melody],
                               [(60, 0, 4), (62, 4, 8), (64, 8, 12), (65, 12, 16)])  # fmt: skip


def test_grid_follows_tempo_changes():
    grid = grid_of_item(join([item(120), item(60)]))
    np.testing.assert_allclose([n.start for n in grid.melody], np.arange(8) * 4, atol=1e-6)


def test_long_items_go_on_in_lines():
    text = text_roll(load("garden"), 80, ["garden"])
    assert [line.strip() for line in text.splitlines() if "bar" in line] == [
        f"garden · bar {k}" for k in (1, 5, 9, 13)
    ]


@pytest.mark.parametrize(
    "names", [["rock"], ["sunrise", "alley", "harbour"], ["parade", "garden"], ["funk"] * 9]
)
def test_png(tmp_path, names):
    paths = [piano_roll([load(n) for n in names], tmp_path / f"{k}.png", names) for k in range(2)]
    data = paths[0].read_bytes()
    assert data == paths[1].read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert 300 < width < 2600
    assert 100 < height < 2600
    assert len(data) < 150_000


def test_png_of_silence(tmp_path):
    path = piano_roll(grid_of_window(DRUMS, [0] * 32), tmp_path / "silence.png")
    assert path.stat().st_size > 1000
