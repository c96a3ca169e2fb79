"""Drums: which of nine kinds of drum are hit at every step, as one of 512 classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, TWELVE, StepGrid
from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.alphabet import (
    DRUM_PITCHES,
    DRUM_TABLES,
    DRUMS,
    HITS,
    LATEST_TABLE,
)
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.drums.properties import ON_ANY_GRID, PROPERTIES
from seqvae.music.representations.dynamics import USUAL, Played, sounds, velocities
from seqvae.music.representations.phrases import frame, listed, runs, span
from seqvae.music.representations.windows import Phrase, Rejection, Rules
from seqvae.music.representations.writing import GridNote, NoteTrack

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.sequences.property import Property


class DrumCodec(SequenceCodec):
    """Drum patterns as class indices: the sum of 2^k over the drum classes k hit at a step.

    All drum tracks of a file are taken together. 0 is silence, 1 the kick alone, 5 kick and
    closed hi-hat.

    Args:
        bars: Length of a window in bars.
        max_bars: A phrase is cut after this many bars; None keeps all.
        grid: Steps of a bar; see `SequenceCodec`.
        table: Which pitches are which drum: "2019" as note_seq today, or "2018" as Magenta before
            and magenta.js, where four pitches are of other drums or of none.
    """

    name = "drums"
    grids = (SIXTEEN.name, TWELVE.name)
    title = "drums"
    voices = (("drums", HITS),)
    classes = 2**DRUMS

    def __init__(
        self,
        bars: int = 2,
        max_bars: int | None = 100,
        grid: str = SIXTEEN.name,
        table: str = LATEST_TABLE,
    ) -> None:
        super().__init__(bars, max_bars, grid)
        if table not in DRUM_TABLES:
            raise ValueError(f"table must be one of {', '.join(DRUM_TABLES)}, not {table!r}")
        self.table = table
        self.drum_of_pitch = DRUM_TABLES[table]

    @property
    def config(self) -> dict[str, Any]:
        return super().config | ({"table": self.table} if self.table != LATEST_TABLE else {})

    @property
    def context(self) -> Context:
        """The context of a pattern without any: 4/4, of twelve steps in triplets."""
        return Context(per_quarter=self.grid.lengths[4.0])

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return the bars of the shortest if one of them has only drums; see `SequenceCodec`."""
        if not any(score.notes.is_drum.all() for score in scores):
            return None
        return min(span(score, score.notes.is_drum, grid) for score in scores)

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes are hits of a known drum; see `SequenceCodec.usable`."""
        return known_drums(notes, self.drum_of_pitch)

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the stretches of drumming; see `SequenceCodec.phrases`."""
        steps, hits = struck(notes, self.drum_of_pitch)
        shortest = self.steps if rules.relaxed else 0
        for first, stop in runs(steps, steps + 1, rules.relaxed, bar=self.steps_per_bar):
            step, hit = steps[first:stop], hits[first:stop]
            ends = int(step[0]), int(step[-1]) + 1
            begin, length = frame(*ends, shortest, self.steps_per_bar)
            events = np.zeros(length, np.int64)
            events[step - begin] = hit
            played = Played.of(notes, self.drum_of_pitch[notes.pitch], begin, length, DRUMS)
            yield Phrase(events, begin, int(notes.instrument[0]), 0, played=played)

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the hits of a window as one track; see `SequenceCodec.tracks`."""
        return [NoteTrack(self.name, self.notes(x, context.played), is_drum=True)]

    def notes(self, x: np.ndarray, played: Sequence[Played] = ()) -> list[GridNote]:
        """Return the hits of a window, each one step long, in order.

        Args:
            x: The window.
            played: How the inputs that it was made of were played.
        """
        struck = (x[:, None] >> np.arange(DRUMS) & 1).astype(np.bool_)
        loud = velocities(struck, played, USUAL["drums"], self.steps_per_bar)
        sound = sounds(len(x), played, DRUM_PITCHES)
        return [
            GridNote(step, step + 1, int(sound[step, drum]), int(loud[step, drum]))
            for step, drum in np.argwhere(struck).tolist()
        ]

    def properties(self) -> dict[str, Property]:
        return PROPERTIES if self.grid is SIXTEEN else ON_ANY_GRID

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        from seqvae.music.representations.drums.augment import drop, mix

        return {"mix": mix, "drop": drop}

    def windows_from_notes(self, starts: Any, pitches: Any, **options: Any) -> Tensor:
        """Return the windows of drum hits that are on the grid, int64 `(n, steps)`.

        Args:
            starts: Step of every hit, in any order.
            pitches: General MIDI drum pitch of every hit.
            options: `reference`, `hop_bars` and `deduplicate`, as for `windows`.
        """
        # At 120 bpm a step is an eighth of a second: exact in binary, so nothing is rounded.
        start = np.asarray(starts) / 8.0
        meter = (4, 4) if self.grid is SIXTEEN else (3, 4)
        score = Score.from_notes(start, start + 1 / 8, pitches, is_drum=True, meter=meter)
        return self.windows(score, **options)


def struck(notes: Notes, drum_of_pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which known drums are hit, ascending, and the class of each.

    Args:
        notes: In order of their start.
        drum_of_pitch: The drum of every MIDI pitch.
    """
    onset = np.flatnonzero(np.diff(notes.start, prepend=-1))
    return notes.start[onset], np.bitwise_or.reduceat(1 << drum_of_pitch[notes.pitch], onset)


def known_drums(notes: Notes, drum_of_pitch: np.ndarray) -> tuple[np.ndarray, list[Rejection]]:
    """Return which notes are hits of a drum in a table, and what is left out and why.

    Args:
        notes: Any notes.
        drum_of_pitch: The drum of every MIDI pitch, -1 where there is none.
    """
    drums = notes.is_drum & (notes.velocity > 0)
    if not drums.any():
        return drums, [Rejection("drums", "has no drum notes")]
    known = drum_of_pitch[notes.pitch] >= 0
    others = notes.pitch[drums & ~known]
    if not len(others):
        return drums, []
    text = f"has drum notes of no known drum (pitch {listed(np.unique(others))})"
    return drums & known, [Rejection("range", text)]
