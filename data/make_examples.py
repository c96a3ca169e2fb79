"""Write the example MIDI files of this folder: `python data/make_examples.py [FOLDER]`.

Everything is composed for this project and written out below. Equal runs give equal bytes.

Drums are lanes of one character per 16th: `X` accent, `x` hit, `o` ghost note, `.` nothing.
Melodies are notes with their length in 16ths (`Bb4/6`), and `-/2` for a rest.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pretty_midi

from seqvae.presentation import write_midi

LANES = {
    "kick": 36,
    "snare": 38,
    "rim": 37,
    "clap": 39,
    "closed": 42,
    "open": 46,
    "low tom": 45,
    "mid tom": 48,
    "high tom": 50,
    "crash": 49,
    "ride": 51,
}
LOUDNESS = {"X": 112, "x": 90, "o": 48}

Bar = dict[str, str]


class Drums(NamedTuple):
    tempo: float
    bars: list[Bar]


class Melody(NamedTuple):
    tempo: float
    program: int  # General MIDI, counted from 0
    bars: list[str]


ROCK = [
    {
        "crash": "X...............",
        "closed": "..x.X.x.X.x.X.x.",
        "snare": "....X.......X...",
        "kick": "X.......X.x.....",
    },
    {
        "closed": "X.x.X.x.X.x.X...",
        "open": "..............x.",
        "snare": "....X.......X..x",
        "kick": "X.....x.X.x.....",
    },
]

FUNK = [
    {
        "closed": "xoxoxoxoxoxoxoxo",
        "snare": "....X..o.o..X..o",
        "kick": "X.x.......x..x..",
    },
    {
        "closed": "xoxoxoxoxoxoxo..",
        "open": "..............x.",
        "snare": "....X..o.o.oX..o",
        "kick": "X.x....x..x.....",
    },
]

BOSSA = [
    {"closed": "x.o.x.o.x.o.x.o.", "rim": "X.....x.....x...", "kick": "X.....x.X.....x."},
    {"closed": "x.o.x.o.x.o.x.o.", "rim": "....x.....x.....", "kick": "X.....x.X.....x."},
]

HOUSE = [
    {
        "closed": "x..ox..ox..ox..o",
        "open": "..X...X...X...X.",
        "clap": "....X.......X...",
        "kick": "X...X...X...X...",
    },
    {
        "closed": "x..ox..ox..ox..o",
        "open": "..X...X...X...X.",
        "clap": "....X.......X..x",
        "snare": ".............o.o",
        "kick": "X...X...X...X...",
    },
]

PARADE_HATS = {
    "closed": "X.o.X.o.X.o.X.o.",
    "snare": "....X.......X..o",
    "kick": "X.....x.X..x....",
}
PARADE_RIDE = {
    "ride": "X.x.X.x.X.x.X.x.",
    "snare": "....X..o....X.o.",
    "kick": "X.x.....X.x....x",
}
PARADE_TURN = {
    "closed": "X.x.X.x.........",
    "snare": "....X...xoxo....",
    "high tom": "............X...",
    "mid tom": ".............x..",
    "low tom": "..............xX",
    "kick": "X.......X.......",
}
PARADE_END = {
    "crash": "X..X..X.........",
    "kick": "X..X..X.....X...",
    "snare": "........xx......",
    "high tom": "..........xx....",
    "low tom": "............X...",
}
PARADE = [
    PARADE_HATS | {"crash": "X...............", "closed": "..o.X.o.X.o.X.o."},
    PARADE_HATS,
    PARADE_HATS,
    PARADE_TURN,
    PARADE_RIDE | {"crash": "X...............", "ride": "..x.X.x.X.x.X.x."},
    PARADE_RIDE,
    PARADE_RIDE,
    PARADE_END,
]

# C major: up the triad, home by step.
SUNRISE = [
    "E4/2 G4/2 C5/4 B4/2 A4/2 G4/4",
    "A4/2 G4/2 F4/2 E4/2 D4/4 C4/4",
]

# D minor: threes against the beat, a chromatic neighbour, rests that breathe.
ALLEY = [
    "D4/3 F4/3 A4/2 -/2 G#4/1 A4/3 -/2",
    "C5/3 A4/3 G4/2 -/2 F4/2 E4/1 D4/3",
]

# A minor 9 and F major 9, broken over two octaves.
FOUNTAIN = [
    "A3/2 E4/2 B4/2 C5/2 E5/2 B5/2 E5/2 C5/2",
    "F3/2 C4/2 A4/2 C5/2 E5/2 A5/2 G5/4",
]

# G major: long notes, one sigh in each bar.
HARBOUR = [
    "D5/6 B4/2 C5/4 A4/4",
    "B4/3 C5/1 E5/6 D5/6",
]

# F major, AABA: the first A ends open on the dominant, the second closes.
GARDEN_OPENING = [
    "C5/4 A4/2 F4/2 G4/4 A4/4",
    "Bb4/6 A4/2 G4/8",
    "A4/4 F4/2 D4/2 E4/4 F4/4",
]
GARDEN_OPEN = "G4/6 F4/2 E4/4 C4/4"
GARDEN_CLOSE = "G4/4 E4/4 F4/8"
GARDEN_BRIDGE = [
    "D5/4 D5/2 C5/2 A4/4 F4/4",
    "Bb4/4 Bb4/2 A4/2 G4/8",
    "C5/4 C5/2 Bb4/2 G4/4 E4/4",
    "A4/2 B4/2 C5/4 D5/4 E5/4",
]
GARDEN = [
    *GARDEN_OPENING, GARDEN_OPEN,
    *GARDEN_OPENING, GARDEN_CLOSE,
    *GARDEN_BRIDGE,
    *GARDEN_OPENING, GARDEN_CLOSE,
]  # fmt: skip

# A minor, AABA: 3 + 3 + 2 in the A, a falling sequence off the beat in the bridge.
VOYAGE_OPENING = [
    "A4/3 B4/3 C5/2 E5/4 D5/4",
    "C5/3 B4/3 G4/2 A4/8",
    "F4/3 G4/3 A4/2 C5/4 B4/4",
]
VOYAGE_OPEN = "A4/3 G4/3 F4/2 E4/8"
VOYAGE_CLOSE = "C5/3 B4/3 G#4/2 A4/8"
VOYAGE_BRIDGE = [
    "-/2 E5/2 F5/2 E5/2 D5/4 C5/4",
    "-/2 D5/2 E5/2 D5/2 C5/4 B4/4",
    "-/2 C5/2 D5/2 C5/2 B4/4 A4/4",
    "G#4/4 B4/4 D5/4 E5/4",
]
VOYAGE = [
    *VOYAGE_OPENING, VOYAGE_OPEN,
    *VOYAGE_OPENING, VOYAGE_CLOSE,
    *VOYAGE_BRIDGE,
    *VOYAGE_OPENING, VOYAGE_CLOSE,
]  # fmt: skip

PIECES: dict[str, Drums | Melody] = {
    "rock": Drums(120, ROCK),
    "funk": Drums(98, FUNK),
    "bossa": Drums(132, BOSSA),
    "house": Drums(124, HOUSE),
    "parade": Drums(112, PARADE),
    "sunrise": Melody(112, 0, SUNRISE),
    "alley": Melody(96, 4, ALLEY),
    "fountain": Melody(128, 46, FOUNTAIN),
    "harbour": Melody(66, 73, HARBOUR),
    "garden": Melody(120, 71, GARDEN),
    "voyage": Melody(104, 24, VOYAGE),
}


def drum_part(bars: list[Bar], sixteenth: float) -> pretty_midi.Instrument:
    part = pretty_midi.Instrument(program=0, is_drum=True)
    for number, bar in enumerate(bars):
        for lane, hits in bar.items():
            assert len(hits) == 16, f"bar {number + 1}, {lane}: {len(hits)} steps"
            for step, mark in enumerate(hits):
                if mark != ".":
                    start = (number * 16 + step) * sixteenth
                    part.notes.append(
                        pretty_midi.Note(LOUDNESS[mark], LANES[lane], start, start + sixteenth)
                    )
    return part


def melody_part(bars: list[str], program: int, sixteenth: float) -> pretty_midi.Instrument:
    part = pretty_midi.Instrument(program=program)
    for number, bar in enumerate(bars):
        step = 0
        for token in bar.split():
            name, length = token.split("/")
            if name != "-":
                start = (number * 16 + step) * sixteenth
                # The bar's first note leads, notes off the eighths step back.
                velocity = 104 if step == 0 else 92 if step % 2 == 0 else 80
                part.notes.append(
                    pretty_midi.Note(
                        velocity,
                        pretty_midi.note_name_to_number(name),
                        start,
                        start + int(length) * sixteenth,
                    )
                )
            step += int(length)
        assert step == 16, f"bar {number + 1}: {step} steps"
    return part


def make(piece: Drums | Melody) -> pretty_midi.PrettyMIDI:
    midi = pretty_midi.PrettyMIDI(initial_tempo=piece.tempo)
    sixteenth = 60 / piece.tempo / 4
    if isinstance(piece, Drums):
        midi.instruments.append(drum_part(piece.bars, sixteenth))
    else:
        midi.instruments.append(melody_part(piece.bars, piece.program, sixteenth))
    return midi


def main(folder: Path) -> None:
    for name, piece in PIECES.items():
        print(write_midi([make(piece)], folder / f"{name}.mid"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
