"""Melodies: at every step a note begins, the note ends, or nothing happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, TWELVE, StepGrid
from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.alphabet import (
    FIRST_NOTE,
    HIGHEST_PITCH,
    LOWEST_PITCH,
    NO_EVENT,
    NOTE_OFF,
    NOTES,
    Alphabet,
    NoteAlphabet,
)
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.dynamics import USUAL, Played, velocities
from seqvae.music.representations.melody.properties import properties
from seqvae.music.representations.phrases import Framed, framed, listed, runs, span
from seqvae.music.representations.windows import Phrase, Rejection, Rules
from seqvae.music.representations.writing import GridNote, NoteTrack

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.sequences.property import Property

REFERENCE_PROGRAMS = {2: range(32)}
"""Programs that Magenta's melody configurations read, by bars of a window; others read all."""
PEDAL = 2
"""For so many bars, at most, a held note covers what is played below it."""


class MelodyCodec(SequenceCodec):
    """Melodies as class indices: 0 continues (note or rest), 1 ends a note, 2.. begin a pitch.

    Every pitched instrument of a file is a melody of its own. Where it plays chords, the top note
    of every onset is the melody, and every onset ends the note before it.

    Args:
        bars: Length of a window in bars.
        min_pitch: Lowest MIDI pitch, class 2; lower notes are left out.
        max_pitch: Highest MIDI pitch, the last class; higher notes are left out.
        programs: MIDI programs (0..127) to take notes from; None takes all.
        max_bars: A phrase is cut after this many bars (100 in the reference); None keeps all.
        grid: Steps of a bar, "16" or "12".
    """

    name = "melody"
    grids = (SIXTEEN.name, TWELVE.name)
    title = "a melody"
    voices: tuple[tuple[str, Alphabet], ...] = (("melody", NOTES),)
    classes: int

    def __init__(
        self,
        bars: int = 2,
        min_pitch: int = LOWEST_PITCH,
        max_pitch: int = HIGHEST_PITCH,
        programs: Iterable[int] | None = None,
        max_bars: int | None = 100,
        grid: str = SIXTEEN.name,
    ) -> None:
        super().__init__(bars, max_bars, grid)
        if not 0 <= min_pitch <= max_pitch <= 127:
            raise ValueError(f"need 0 <= pitches <= 127, got {min_pitch} to {max_pitch}")
        self.min_pitch = min_pitch
        self.max_pitch = max_pitch
        self.programs = None if programs is None else tuple(sorted(set(programs)))
        self.classes = max_pitch - min_pitch + 1 + FIRST_NOTE
        self.alphabet = NoteAlphabet(min_pitch)
        self.voices = (("melody", self.alphabet),)

    @property
    def config(self) -> dict[str, Any]:
        return super().config | {
            "min_pitch": self.min_pitch,
            "max_pitch": self.max_pitch,
            "programs": None if self.programs is None else list(self.programs),
        }

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return the bars of the shortest if all have pitched notes; see `SequenceCodec.suits`."""
        if any(score.notes.is_drum.all() for score in scores):
            return None
        return min(span(score, ~score.notes.is_drum, grid) for score in scores)

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes have a wanted program and pitch; see `SequenceCodec.usable`."""
        pitched = ~notes.is_drum & (notes.velocity > 0)
        if not pitched.any():
            return pitched, [Rejection("melody", "has no melody notes, only drums")]
        rejections = []
        programs: Collection[int] | None = self.programs
        if programs is None and rules.reference:
            programs = REFERENCE_PROGRAMS.get(self.bars)
        wanted = np.isin(notes.program, list(programs)) if programs is not None else pitched
        others = np.unique(notes.program[pitched & ~wanted])
        if len(others):
            text = f"has notes of unwanted instruments (program {listed(others)})"
            rejections.append(Rejection("program", text))
        within = (notes.pitch >= self.min_pitch) & (notes.pitch <= self.max_pitch)
        others = np.unique(notes.pitch[pitched & wanted & ~within])
        if len(others):
            limits = f"{self.min_pitch}..{self.max_pitch}"
            text = f"has notes outside of the pitches {limits} (pitch {listed(others)})"
            rejections.append(Rejection("range", text))
        return pitched & wanted & within, rejections

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the melodies of every instrument; see `SequenceCodec.phrases`."""
        notes = top_line(notes, PEDAL * self.steps_per_bar) if rules.chosen else skyline(notes)
        bar = self.steps_per_bar
        phrases = runs(notes.start, notes.end, rules.relaxed, notes.instrument, bar)
        shortest = self.steps if rules.relaxed else 0
        for some in framed(notes.start, notes.end, phrases, shortest, bar):
            yield from self._write(notes, some)

    def phrase(self, notes: Notes, shortest: int) -> Phrase:
        """Return one phrase of notes.

        Args:
            notes: In order of their start, no two of which begin together.
            shortest: As for `frame`.
        """
        (whole,) = framed(notes.start, notes.end, [(0, len(notes))], shortest, self.steps_per_bar)
        return next(self._write(notes, whole))

    def _write(self, notes: Notes, phrases: Sequence[Framed]) -> Iterator[Phrase]:
        """Yield phrases of notes, whose events are written together in one array.

        Args:
            notes: As `skyline` returns them.
            phrases: Phrases that follow one another.
        """
        first, stop, begin, length = np.array(phrases).T
        behind = np.cumsum(length)
        size, start = stop - first, behind - length
        notes = notes[first[0] : stop[-1]]
        move = np.repeat(start - begin, size)
        on, off = notes.start + move, notes.end + move
        off[:-1] = np.minimum(off[:-1], on[1:])
        note = notes.pitch - self.min_pitch + FIRST_NOTE
        events = np.zeros(behind[-1], np.int64)
        events[off[off < np.repeat(behind, size)]] = NOTE_OFF
        events[on] = note
        lines = np.arange(0, len(events), self.steps_per_bar)
        latest = np.searchsorted(on, lines, side="right") - 1
        sounding = (latest >= 0) & (lines < off[latest])
        held = np.where(sounding, note[latest], 0)
        velocity = np.zeros((len(events), 1), np.uint8)
        velocity[lines[sounding], 0] = notes.velocity[latest[sounding]]  # it begins again there
        velocity[on, 0] = notes.velocity
        played = Played(velocity, np.zeros_like(velocity))
        instrument, program = notes.instrument[first - first[0]], notes.program[first - first[0]]
        columns = (each.tolist() for each in (start, behind, begin, instrument, program))
        for a, b, first_step, number, played_by in zip(*columns, strict=True):
            bars = slice(a // self.steps_per_bar, b // self.steps_per_bar)
            own = played.part(a, b - a)
            yield Phrase(events[a:b], first_step, number, played_by, held[bars], played=own)

    def windows_from_notes(self, starts: Any, ends: Any, pitches: Any, **options: Any) -> Tensor:
        """Return the windows of a melody that is on the grid, int64 `(n, steps)`.

        Args:
            starts: Step of every onset, in any order.
            ends: Step at which every note ends.
            pitches: MIDI pitch of every note.
            options: `reference`, `hop_bars` and `deduplicate`, as for `windows`.
        """
        # At 120 bpm a step is an eighth of a second: exact in binary, so nothing is rounded.
        start, end = np.asarray(starts) / 8.0, np.asarray(ends) / 8.0
        meter = (4, 4) if self.grid is SIXTEEN else (3, 4)
        return self.windows(Score.from_notes(start, end, pitches, meter=meter), **options)

    def clean(self, windows: np.ndarray, held: np.ndarray | None, reference: bool) -> np.ndarray:
        """Remove note offs before the first onset of a window, and begin held notes again.

        A note held into the window begins again at its first step; the reference drops it.
        """
        if not reference and held is not None:
            resumes = (windows[:, 0] == NO_EVENT) & (held > 0)
            windows[:, 0] = np.where(resumes, held, windows[:, 0])
        before_first = np.cumsum(windows >= FIRST_NOTE, axis=1) == 0
        windows[before_first] = NO_EVENT
        return windows

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the notes of a window as one track; see `SequenceCodec.tracks`."""
        return [NoteTrack(self.name, self.notes(x, context.played), context.program)]

    def properties(self) -> dict[str, Property]:
        return properties(self.alphabet, self.grid)

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        from seqvae.music.representations.melody.augment import transposition

        return {"transpose": transposition(self.classes)}

    def notes(
        self, x: np.ndarray, played: Sequence[Played] = (), voice: str = "melody"
    ) -> list[GridNote]:
        """Return the notes of a window; a note without an end lasts to the window's end.

        Args:
            x: The window.
            played: How the inputs that it was made of were played.
            voice: Whose usual velocities it has, melody or bass.
        """
        events = np.flatnonzero(x)
        ends = np.append(events, len(x))[1:]
        loud = velocities(x[:, None] >= FIRST_NOTE, played, USUAL[voice], self.steps_per_bar)[:, 0]
        return [
            GridNote(int(s), int(e), int(x[s]) - FIRST_NOTE + self.min_pitch, int(loud[s]))
            for s, e in zip(events, ends, strict=True)
            if x[s] >= FIRST_NOTE
        ]


def skyline(notes: Notes) -> Notes:
    """Return the highest note of every onset, instrument by instrument, in order of start."""
    if not len(notes):
        return notes
    onset = notes.instrument * (notes.start.max() + 1) + notes.start
    order = np.argsort(onset * 128 - notes.pitch, kind="stable")
    return notes[order[np.flatnonzero(np.diff(onset[order], prepend=-1))]]


def top_line(notes: Notes, pedal: int = PEDAL * SIXTEEN.steps_per_bar) -> Notes:
    """Return the `skyline` without the notes below a sounding one: a held note stays the melody.

    A note is left out if at least half of it lies under a higher note of its instrument that was
    there before; at the end of a legato the next note begins earlier than that. After so many
    steps, two bars, a note is a `pedal` point, and covers nothing.
    """
    notes = skyline(notes)
    kept = np.ones(len(notes), bool)
    above: list[tuple[int, int]] = []
    instrument = -1
    columns = notes.instrument, notes.start, notes.end, notes.pitch
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for k, (number, start, end, pitch) in enumerate(rows):
        if number != instrument:
            instrument, above = number, []
        above = [note for note in above if note[1] > start]
        covered = max((min(stop, end) - start for high, stop in above if high > pitch), default=0)
        kept[k] = 2 * covered < end - start
        above.append((pitch, min(end, start + pedal)))
    return notes[np.flatnonzero(kept)]
