"""Writing notes on a grid as music objects."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vaecore.errors import DataError

if TYPE_CHECKING:
    import pretty_midi

    from seqvae.music.representations.contexts import Context

VELOCITY = 80
"""Velocity of every decoded note in the reference."""


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

    def at(self, velocity: int) -> NoteTrack:
        """Return the track with one velocity for all notes."""
        return self._replace(notes=[note._replace(velocity=velocity) for note in self.notes])


RESOLUTION = 480
"""Ticks per quarter note of the objects; a sixteenth is 120."""


def to_pretty_midi(tracks: Sequence[NoteTrack], context: Context) -> pretty_midi.PrettyMIDI:
    """Return notes on a grid as a PrettyMIDI.

    Args:
        tracks: The voices.
        context: Tempos, time signature and markers.
    """
    import pretty_midi

    tempos = context.tempos

    midi = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=tempos[0][1])
    if tempos[1:]:
        # There is no public way to change the tempo of a PrettyMIDI; its reader does the same.
        tick = RESOLUTION // context.per_quarter
        midi._tick_scales = [(at * tick, 60.0 / (bpm * RESOLUTION)) for at, bpm in tempos]
        midi._update_tick_to_time(max(tempos[-1][0], *_last_steps(tracks)) * tick)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(*context.meter, 0.0))
    seconds = _seconds(tempos, context.per_quarter)
    midi.text_events += [pretty_midi.Text(text, seconds(at)) for at, text in context.markers]
    for track in tracks:
        instrument = pretty_midi.Instrument(track.program, track.is_drum, track.name)
        for start, end, pitch, velocity in track.notes:
            note = pretty_midi.Note(velocity, pitch, seconds(start), seconds(end))
            instrument.notes.append(note)
        midi.instruments.append(instrument)
    return midi


def _last_steps(tracks: Sequence[NoteTrack]) -> list[int]:
    ends = [note.end for track in tracks for note in track.notes]
    return [math.ceil(max(ends, default=0))]


def _seconds(tempos: Sequence[tuple[int, float]], per_quarter: int) -> Callable[[float], float]:
    """Return the function from steps, so many in a quarter note, to seconds."""
    begins, times = [0], [0.0]
    steps = [60.0 / bpm / per_quarter for _, bpm in tempos]
    for (at, _), step in zip(tempos[1:], steps, strict=False):
        times.append(times[-1] + (at - begins[-1]) * step)
        begins.append(at)

    def seconds(at: float) -> float:
        k = max(bisect_right(begins, at) - 1, 0)
        return times[k] + (at - begins[k]) * steps[k]

    return seconds


def to_note_sequence(tracks: Sequence[NoteTrack], context: Context) -> Any:
    """Return notes on a grid as a `note_seq.NoteSequence`, with the values of Magenta.

    Arguments as for `to_pretty_midi`.

    Raises:
        DataError: The package note-seq is not installed.
    """
    try:
        from note_seq import NoteSequence
    except ImportError as error:
        remedy = "pip install 'seqvae[note-seq]'"
        raise DataError("the package note-seq is not installed", remedy=remedy) from error
    sequence = NoteSequence(ticks_per_quarter=220)
    tempos = context.tempos
    seconds = _seconds(tempos, context.per_quarter)
    for at, bpm in tempos:
        sequence.tempos.add(time=seconds(at), qpm=bpm)
    for number, track in enumerate(tracks):
        instrument = DRUM_INSTRUMENT if track.is_drum else number
        if len(tracks) > 1:
            sequence.instrument_infos.add(instrument=instrument, name=track.name)
        for start, end, pitch, velocity in track.notes:
            sequence.notes.add(
                start_time=seconds(start),
                end_time=seconds(end),
                pitch=pitch,
                velocity=velocity,
                instrument=instrument,
                program=track.program,
                is_drum=track.is_drum,
            )
            sequence.total_time = max(sequence.total_time, seconds(end))
    return sequence
