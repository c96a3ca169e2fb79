"""Writing notes on the sixteenth grid as music objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from seqvae.music.reading.score import STEPS_PER_QUARTER
from vaecore.errors import DataError

if TYPE_CHECKING:
    import pretty_midi

VELOCITY = 80
"""Velocity of every decoded note, as in the reference."""


class GridNote(NamedTuple):
    """A note on the grid; fractions of a step are micro-timing."""

    start: float
    end: float
    pitch: int
    velocity: int = VELOCITY


DRUM_INSTRUMENT = 9
"""Instrument number of drums in a NoteSequence; others are numbered from 0."""


class NoteTrack(NamedTuple):
    """The notes of one voice, in order of their start."""

    name: str
    notes: Sequence[GridNote]
    program: int = 0
    is_drum: bool = False


def to_pretty_midi(tracks: Sequence[NoteTrack], tempo: float) -> pretty_midi.PrettyMIDI:
    """Return notes on the grid as a PrettyMIDI in 4/4."""
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=tempo)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(4, 4, 0.0))
    step = 60.0 / tempo / STEPS_PER_QUARTER
    for track in tracks:
        instrument = pretty_midi.Instrument(track.program, track.is_drum, track.name)
        for start, end, pitch, velocity in track.notes:
            instrument.notes.append(pretty_midi.Note(velocity, pitch, start * step, end * step))
        midi.instruments.append(instrument)
    return midi


def to_note_sequence(tracks: Sequence[NoteTrack], tempo: float) -> Any:
    """Return notes on the grid as a `note_seq.NoteSequence`, with the values of Magenta.

    Raises:
        DataError: The package note-seq is not installed.
    """
    try:
        from note_seq import NoteSequence
    except ImportError as error:
        remedy = "pip install 'seqvae[note-seq]'"
        raise DataError("the package note-seq is not installed", remedy=remedy) from error
    sequence = NoteSequence(ticks_per_quarter=220)
    sequence.tempos.add(qpm=tempo)
    step = 60.0 / tempo / STEPS_PER_QUARTER
    for number, track in enumerate(tracks):
        for start, end, pitch, velocity in track.notes:
            sequence.notes.add(
                start_time=start * step,
                end_time=end * step,
                pitch=pitch,
                velocity=velocity,
                instrument=DRUM_INSTRUMENT if track.is_drum else number,
                program=track.program,
                is_drum=track.is_drum,
            )
            sequence.total_time = max(sequence.total_time, end * step)
    return sequence
