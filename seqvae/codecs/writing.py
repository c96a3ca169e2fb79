"""Writing notes on the sixteenth grid as music objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqvae.codecs.windows import Context
from seqvae.score import STEPS_PER_QUARTER
from vaecore.errors import DataError

if TYPE_CHECKING:
    import pretty_midi

VELOCITY = 80
"""Loudness of every decoded note, as in the reference."""

GridNote = tuple[int, int, int]
"""Start step, end step and MIDI pitch."""


def to_pretty_midi(
    notes: Sequence[GridNote], context: Context, drums: bool, name: str
) -> pretty_midi.PrettyMIDI:
    """Return notes as a one-track PrettyMIDI in 4/4."""
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=context.tempo_bpm)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(4, 4, 0.0))
    track = pretty_midi.Instrument(0 if drums else context.program, drums, name)
    step = 60.0 / context.tempo_bpm / STEPS_PER_QUARTER
    for start, end, pitch in notes:
        track.notes.append(pretty_midi.Note(VELOCITY, pitch, start * step, end * step))
    midi.instruments.append(track)
    return midi


def to_note_sequence(notes: Sequence[GridNote], context: Context, drums: bool) -> Any:
    """Return notes as a `note_seq.NoteSequence` with the values that Magenta gives them.

    Raises:
        DataError: The package note-seq is not installed.
    """
    try:
        from note_seq import NoteSequence
    except ImportError as error:
        remedy = "pip install 'seqvae[note-seq]'"
        raise DataError("the package note-seq is not installed", remedy=remedy) from error
    sequence = NoteSequence(ticks_per_quarter=220)
    sequence.tempos.add(qpm=context.tempo_bpm)
    step = 60.0 / context.tempo_bpm / STEPS_PER_QUARTER
    for start, end, pitch in notes:
        sequence.notes.add(
            start_time=start * step,
            end_time=end * step,
            pitch=pitch,
            velocity=VELOCITY,
            instrument=9 if drums else 0,
            program=0 if drums else context.program,
            is_drum=drums,
        )
        sequence.total_time = end * step
    return sequence
