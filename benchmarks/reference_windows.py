"""The reference's way from a MIDI file to windows, by the parts of it that note_seq has.

Magenta's converters call the same functions; what they add (tensors of one-hot rows, chords) is
left out, so that this measures the reference as faster, if anything, than it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BARS, STEPS_PER_BAR, MOST_STEPS = 2, 16, 1600


def to_notes(path: str) -> Any:
    """Return a file's NoteSequence."""
    from note_seq import midi_io

    return midi_io.midi_file_to_note_sequence(path)


def quantised(path: str) -> Iterator[Any]:
    """Yield the pieces of a file between changes of tempo and meter, on the grid."""
    from note_seq import sequences_lib

    for piece in sequences_lib.split_note_sequence_on_time_changes(to_notes(path)):
        grid = sequences_lib.quantize_note_sequence(piece, 4)
        if sequences_lib.steps_per_bar_in_quantized_sequence(grid) == STEPS_PER_BAR:
            yield grid


def all_quantised(path: str) -> int:
    """Return how many such pieces there are."""
    return sum(1 for _ in quantised(path))


def windows(path: str, kind: str) -> set[tuple]:
    """Return the windows of two bars of a file, as note_seq's events."""
    found: set[tuple] = set()
    for piece in quantised(path):
        for events in READERS[kind](piece):
            last = min(len(events), MOST_STEPS) - BARS * STEPS_PER_BAR
            for start in range(0, last + 1, STEPS_PER_BAR):
                found.add(tuple(events[start : start + BARS * STEPS_PER_BAR]))
    return found


def _drums(piece: Any) -> Iterator[list]:
    from note_seq import DrumTrack

    search = 0
    while True:
        track = DrumTrack()
        track.from_quantized_sequence(piece, search, pad_end=True)
        search = track.end_step
        if not len(track):
            return
        yield list(track)


def _melodies(piece: Any) -> Iterator[list]:
    from note_seq import Melody

    for instrument in {note.instrument for note in piece.notes if not note.is_drum}:
        search = 0
        while True:
            melody = Melody()
            melody.from_quantized_sequence(
                piece, search, instrument, ignore_polyphonic_notes=True, pad_end=True
            )
            search = melody.end_step
            if not len(melody):
                break
            yield list(melody)


READERS = {"drums": _drums, "melody": _melodies}
"""What reads the events of a piece, by representation."""
