"""Velocities and sounds of a kit come back from the inputs; samples have the usual ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch

import seqvae
from seqvae.music.representations import make_codec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.dynamics import USUAL, Played, sounds, velocities

FLAT = ((70,) * 16, (50,) * 16)
KICK, SNARE, HAT = 36, 38, 42


def played(hits: dict[tuple[int, int], tuple[int, int]], weight: float = 1.0) -> Played:
    """Return how a bar of two drums was played: (step, drum) to velocity and note."""
    velocity, pitch = np.zeros((2, 16, 2), np.uint8)
    for at, (loud, note) in hits.items():
        velocity[at], pitch[at] = loud, note
    return Played(velocity, pitch, weight)


def struck(*hits: tuple[int, int]) -> np.ndarray:
    found = np.zeros((16, 2), bool)
    for at in hits:
        found[at] = True
    return found


def test_velocities_of_inputs() -> None:
    a = played({(0, 0): (100, 36), (8, 0): (40, 36), (4, 1): (90, 37)}, 0.75)
    b = played({(0, 0): (60, 36), (12, 0): (80, 36)}, 0.25)
    hits = struck((0, 0), (4, 1), (8, 0), (10, 0), (12, 0), (12, 1))
    found = velocities(hits, [a, b], FLAT)
    assert found[0, 0] == 90  # of both
    assert found[4, 1] == 90  # of one alone
    assert (found[8, 0], found[12, 0]) == (40, 80)
    assert found[10, 0] == round(0.75 * 40 + 0.25 * (80 + 60) / 2)  # of its neighbours
    assert found[12, 1] == 90
    quiet = velocities(struck((3, 1)), [played({(0, 0): (35, 36)})], FLAT)
    assert quiet[3, 1] == 25  # half as loud as usual, as the kick is
    assert velocities(hits, [], FLAT)[hits].tolist() == [70, 50, 70, 70, 70, 50]


def test_sounds_of_inputs() -> None:
    side = played({(4, 1): (90, 37), (12, 1): (90, 37)}, 0.4)
    full = played({(4, 1): (90, 40), (6, 1): (20, 38), (14, 1): (20, 38)}, 0.6)
    assert sounds(16, [], (36, 38))[:, 1].tolist() == [38] * 16
    assert set(sounds(16, [side], (36, 38))[:, 1]) == {37}
    both = sounds(16, [side, full], (36, 38))
    assert both[[0, 4, 6, 12], 1].tolist() == [38, 40, 38, 38]
    assert set(both[:, 0]) == {36}


def beat(notes: list[tuple[float, int, int]], drum: bool = True) -> pretty_midi.PrettyMIDI:
    """Return two bars at 120 bpm of notes (16th, pitch, velocity)."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    part = pretty_midi.Instrument(0, drum)
    part.notes = [pretty_midi.Note(v, p, s / 8, (s + 1) / 8) for s, p, v in notes]
    midi.instruments.append(part)
    return midi


def notes(midi: pretty_midi.PrettyMIDI) -> dict[tuple[int, int], int]:
    return {
        (round(n.start * 8), n.pitch): n.velocity for part in midi.instruments for n in part.notes
    }


@pytest.mark.parametrize("name", ["drums", "melody"])
def test_what_is_read_is_written_as_it_was_played(name: str) -> None:
    codec = make_codec({"name": name, "bars": 2})
    drum = name == "drums"
    given = [(s, KICK if drum else 60 + s, 30 + 3 * s) for s in range(0, 30, 3)]
    given += [(2, 37, 44), (22, 57, 101)] if drum else []
    found = codec.read(beat(given, drum)).first
    assert notes(codec.decode(found.x, found.context)) == {(s, p): v for s, p, v in given}
    plain = notes(codec.decode(found.x))
    assert set(plain.values()) <= {v for row in USUAL[name] for v in row}
    assert len(set(plain.values())) > 1


def test_a_note_that_is_held_into_a_window_is_as_loud_as_it_began() -> None:
    codec = make_codec({"name": "melody", "bars": 2})
    midi = beat([(0, 60, 90), (60, 67, 20)], drum=False)
    midi.instruments[0].notes[0].end = 50 / 8
    windows = codec.read(midi)
    second = windows[1]
    assert windows.bars[1] == 2
    assert notes(codec.decode(second.x, second.context))[0, 60] == 90


def test_trios_keep_the_dynamics_of_each_voice() -> None:
    codec = make_codec({"name": "trio", "bars": 2})
    x = torch.zeros(32, 3, dtype=torch.long)
    x[::4, 0], x[::8, 1], x[::8, 2] = 60, 30, 3
    velocity, pitch = np.zeros((2, 32, 11), np.uint8)
    velocity[::4, 0], velocity[::8, 1], velocity[::8, 2:4], pitch[::8, 3] = 100, 50, 20, 37
    item = codec.decode(x, Context(played=(Played(velocity, pitch),)))
    found = [{(n.velocity, n.pitch) for n in part.notes} for part in item.instruments]
    assert [{v for v, _ in part} for part in found] == [{100}, {50}, {20}]
    assert {p for _, p in found[2]} == {36, 37}


def test_blends_between_a_loud_and_a_soft_beat() -> None:
    codec = make_codec({"name": "drums", "bars": 2})
    loud = [(s, SNARE if s % 8 == 4 else KICK, 120) for s in range(0, 32, 4)]
    soft = [(s, 37 if p == SNARE else p, 40) for s, p, _ in loud]
    ends = [codec.read(beat(each)).first for each in (loud, soft)]
    assert torch.equal(ends[0].x, ends[1].x)
    for share, velocity, side in ((0.0, 120, SNARE), (0.25, 100, SNARE), (0.75, 60, 37)):
        context = codec.blend([each.context for each in ends], [1 - share, share])
        found = notes(codec.decode(ends[0].x, context))
        assert set(found.values()) == {velocity}
        assert {p for _, p in found} == {KICK, side}


def test_a_way_keeps_dynamics_and_the_side_stick(examples: Path) -> None:
    space = seqvae.load("drums_2bar")
    paths = [examples / f"{name}.mid" for name in ("rock", "bossa")]
    way = space.interpolate(*paths, steps=5)
    given = [pretty_midi.PrettyMIDI(str(path)) for path in paths]
    level = [np.mean(list(notes(item).values())) for item in (*given, *way)]
    assert level[2] == pytest.approx(level[0], rel=0.02)
    assert level[-1] == pytest.approx(level[1], rel=0.02)
    assert level[1] < level[4] < level[0]
    snares = [{p for _, p in notes(item)} & {37, SNARE} for item in way]
    assert snares[0] == {SNARE}
    assert snares[-1] == {37}
