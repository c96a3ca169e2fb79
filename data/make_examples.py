"""Write the example MIDI files of this folder: `python data/make_examples.py [FOLDER]`.

The music is written out in `pieces.py`. Equal runs give equal bytes.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pretty_midi
from pieces import PIECES, Bar, Chords, Drums, Melody, Performance, Trio

from seqvae.music.presentation import write_midi

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
LOUDNESS = {"X": 112, "x": 90, "o": 48} | {str(n): 14 * n for n in range(1, 10)}


def drum_part(
    bars: list[Bar], length: float, name: str = "", steps: int = 16
) -> pretty_midi.Instrument:
    """Return drums; a step has a length in seconds, and a bar so many steps."""
    part = pretty_midi.Instrument(program=0, is_drum=True, name=name)
    for number, bar in enumerate(bars):
        for lane, hits in bar.items():
            assert len(hits) == steps, f"bar {number + 1}, {lane}: {len(hits)} steps"
            for step, mark in enumerate(hits):
                if mark != ".":
                    start = (number * steps + step) * length
                    part.notes.append(
                        pretty_midi.Note(LOUDNESS[mark], LANES[lane], start, start + length)
                    )
    return part


def performed_part(piece: Performance, sixteenth: float) -> pretty_midi.Instrument:
    """Return the drums of a performance: those on the grid, moved and shaded by hand and dice."""
    part, dice = drum_part(piece.bars, sixteenth), random.Random(1)
    lanes = {pitch: lane for lane, pitch in LANES.items()}
    for note in part.notes:
        between = round(note.start / sixteenth) % 2
        late = piece.late.get(lanes[note.pitch], 0.0)
        moved = (late + between * piece.swing + dice.gauss(0, piece.waver)) * sixteenth
        note.start, note.end = max(0.0, note.start + moved), max(0.0, note.start + moved) + 0.1
        note.velocity = min(127, max(1, note.velocity + round(dice.gauss(0, 3))))
    return part


def melody_part(
    bars: list[str], program: int, sixteenth: float, name: str = "", steps: int = 16
) -> pretty_midi.Instrument:
    part = pretty_midi.Instrument(program=program, name=name)
    for number, bar in enumerate(bars):
        step = 0
        for token in bar.split():
            names, length = token.split("/")
            start, end = (number * steps + step) * sixteenth, int(length) * sixteenth
            # The bar's first note leads, notes off the eighths step back.
            velocity = 104 if step == 0 else 92 if step % 2 == 0 else 80
            for each in names.split("+") if names != "-" else ():
                pitch = pretty_midi.note_name_to_number(each)
                part.notes.append(pretty_midi.Note(velocity, pitch, start, start + end))
            step += int(length)
        assert step == steps, f"bar {number + 1}: {step} steps"
    return part


def make(piece: Drums | Performance | Melody | Chords | Trio) -> pretty_midi.PrettyMIDI:
    midi = pretty_midi.PrettyMIDI(initial_tempo=piece.tempo)
    sixteenth = 60 / piece.tempo / 4
    if isinstance(piece, Drums):
        length = 4 * 60 / piece.tempo / piece.steps
        midi.instruments.append(drum_part(piece.bars, length, steps=piece.steps))
    elif isinstance(piece, Performance):
        midi.instruments.append(performed_part(piece, sixteenth))
    elif isinstance(piece, Melody):
        above, below = piece.meter
        if piece.meter != (4, 4):  # which MIDI implies
            midi.time_signature_changes.append(pretty_midi.TimeSignature(above, below, 0.0))
        steps = 16 * above // below
        midi.instruments.append(melody_part(piece.bars, piece.program, sixteenth, steps=steps))
    elif isinstance(piece, Chords):
        hands = [("right hand", piece.bars), ("left hand", piece.left)]
        midi.instruments += [
            melody_part(bars, piece.program, sixteenth, name if piece.left else "")
            for name, bars in hands
            if bars
        ]
    else:
        midi.instruments += [
            melody_part(piece.bars, piece.program, sixteenth, "melody"),
            melody_part(piece.bass, piece.bass_program, sixteenth, "bass"),
            drum_part(piece.drums, sixteenth, "drums"),
        ]
    return midi


def main(folder: Path) -> None:
    for name, piece in PIECES.items():
        print(write_midi([make(piece)], folder / f"{name}.mid"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
