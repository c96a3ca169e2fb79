"""`--quantize none`: results on the grid have the timing of their inputs."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch
from click.testing import CliRunner

from seqvae.cli import command
from seqvae.music.reading.midi import read_score
from seqvae.music.representations import DrumCodec, MelodyCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.timing import mixed, timed

STEP = 60 / 100 / 4  # seconds
SWING = 0.3  # steps by which every second sixteenth is late


def swung(drums, pitch=60, late=SWING, bars=2):
    """Sixteenths at 100 bpm, two on the grid and late in turn."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=100, resolution=480)
    part = pretty_midi.Instrument(0, is_drum=drums)
    for step in range(16 * bars):
        start = (step + late * (step % 2)) * STEP
        key = (36 if step % 4 == 0 else 42) if drums else pitch + step % 5
        part.notes.append(pretty_midi.Note(90, key, start, start + 0.5 * STEP))
    midi.instruments.append(part)
    return midi


def starts(item):
    notes = sorted(note.start for note in item.instruments[0].notes)
    return np.array(notes) / STEP


@pytest.mark.parametrize(("codec", "drums"), [(DrumCodec(2), True), (MelodyCodec(2), False)])
def test_timing_is_read_and_given_back(codec, drums):
    item = swung(drums)
    found = codec.read(read_score(item))
    example = timed(codec, read_score(item), found, found.default)
    np.testing.assert_allclose(example.context.late, [0, SWING] * 16, atol=0.01)
    back = codec.decode(example.x, example.context)
    np.testing.assert_allclose(starts(back), starts(item), atol=0.01)
    stiff = codec.decode(example.x, found[found.default].context)
    np.testing.assert_allclose(starts(stiff), np.arange(32), atol=0.01)


def test_steps_without_a_note_have_the_timing_of_their_place_in_the_beat():
    item = swung(True)
    item.instruments[0].notes = [n for k, n in enumerate(item.instruments[0].notes) if k != 5]
    codec, score = DrumCodec(2), read_score(item)
    late = timed(codec, score, codec.read(score), 0).context.late
    assert late[5] == pytest.approx(SWING, abs=0.01)


def test_a_blend_has_the_mean_timing():
    assert mixed([(0.0, 0.2), (0.0, 0.4)], [1, 3]) == (0.0, 0.35)
    assert mixed([(), (0.0, 0.4)], [1, 3]) == (0.0, 0.4)
    assert mixed([(), ()], [1, 1]) == ()
    a, b = Context(late=(0.1, 0.1)), Context(late=(0.3, -0.1))
    assert DrumCodec(2).blend([a, b], [0.5, 0.5]).late == (0.2, 0.0)


def test_no_note_begins_before_the_window_or_ends_before_it_begins():
    codec = MelodyCodec(2)
    x = torch.zeros(32, dtype=torch.int64)
    x[[0, 1, 2]] = torch.tensor([41, 43, 1])
    context = Context(100.0, late=(-0.4, 0.5, -0.5, *[0.0] * 29))
    (part,) = codec.decode(x, context).instruments
    first, second = sorted(part.notes, key=lambda note: note.start)
    assert first.start == 0
    assert second.start == pytest.approx(1.5 * STEP)
    assert second.end == pytest.approx(1.75 * STEP)


@pytest.mark.parametrize("verb", ["reconstruct", "interpolate"])
def test_command(tmp_path, monkeypatch, boxed, verb):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mid", "b.mid"):
        swung(False).write(name)
    inputs = ["a.mid", "b.mid"] if verb == "interpolate" else ["a.mid"]
    offsets = {}
    for kind in ("grid", "none"):
        arguments = [verb, *inputs, "--model", "melody_2bar", "--quantize", kind, "-o", "x.mid"]
        run = CliRunner().invoke(command(), arguments)
        assert run.exit_code == 0, run.output
        at = starts(pretty_midi.PrettyMIDI("x.mid"))
        odd = np.abs(at - np.rint(at)).round(2)
        offsets[kind] = set(odd.tolist())
    assert offsets["grid"] == {0.0}
    assert offsets["none"] <= {0.0, 0.3}
    assert Path("x.mid").exists()
