"""A piece of music as plain arrays: notes in seconds, tempos, meters; and its quantised pieces.

A score is cut into passages where its meter changes; their grid of sixteenths goes through changes
of tempo. As the reference system (note_seq) cuts, `reference.pieces` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from seqvae.music.reading.clock import Clock, Stretch, regrouped, stretches
from seqvae.music.reading.grids import GRIDS, SIXTEEN, TWELVE, StepGrid, in_triplets
from seqvae.music.reading.pieces import (
    DEFAULT_TEMPO,
    MAX_BARS,
    STEPS_PER_BAR,
    STEPS_PER_QUARTER,
    Meter,
    Notes,
    Piece,
    minutes,
    on_grid,
)
from seqvae.music.reading.smf_music import TrackFacts

__all__ = [
    "DEFAULT_TEMPO",
    "MAX_BARS",
    "STEPS_PER_BAR",
    "STEPS_PER_QUARTER",
    "Meter",
    "Notes",
    "Piece",
    "Score",
    "TrackFacts",
    "minutes",
]


@dataclass(frozen=True, eq=False)
class Score:
    """Music as arrays of notes in seconds, with its tempo changes and time signatures.

    Attributes:
        notes: All notes, instrument by instrument.
        tempos: `(seconds, quarter notes per minute)` changes; 120 is implied at 0.
        meters: Time signature changes; 4/4 is implied at 0.
        names: Instrument number -> track name, where there is one.
        path: The file this was read from.
        resolution: Ticks in a quarter note of that file; None if times are no whole ticks.
        tracks: The instruments by their numbers: their track, channel and program.
        keys: `(seconds, name)`, such as "F# minor".
        markers: `(seconds, text)`.
        words: Where words of a song stand, in seconds.
        notices: What was not read as the file has it, as ends of a sentence that begins with its
            name.
        regroup: Bars of 2/4, 6/4, 3/8 and the like are read as others; see `stretches`.
        asked: Name of the grid that was asked for; by default `grid` finds it out.
    """

    notes: Notes
    tempos: tuple[tuple[float, float], ...] = ()
    meters: tuple[Meter, ...] = ()
    names: dict[int, str] = field(default_factory=dict)
    path: str | None = None
    resolution: int | None = None
    tracks: tuple[TrackFacts, ...] = ()
    keys: tuple[tuple[float, str], ...] = ()
    markers: tuple[tuple[float, str], ...] = ()
    words: tuple[float, ...] = ()
    notices: tuple[str, ...] = ()
    regroup: bool = False
    asked: str | None = None

    @classmethod
    def from_notes(
        cls,
        start: Sequence[float] | np.ndarray,
        end: Sequence[float] | np.ndarray,
        pitch: Sequence[int] | np.ndarray,
        velocity: Sequence[int] | np.ndarray | int = 80,
        instrument: Sequence[int] | np.ndarray | int = 0,
        program: Sequence[int] | np.ndarray | int = 0,
        is_drum: Sequence[bool] | np.ndarray | bool = False,
        *,
        tempo: float = DEFAULT_TEMPO,
        meter: tuple[int, int] = (4, 4),
        path: str | None = None,
    ) -> Score:
        """Build a score in one tempo and one meter from note arrays (times in seconds)."""
        notes = Notes.of(
            np.asarray(start, float), end, pitch, velocity, instrument, program, is_drum
        )
        return cls(notes, ((0.0, tempo),), (Meter(0.0, *meter),), path=path)

    @cached_property
    def total_time(self) -> float:
        """The end of the last note in seconds, 0 if there is none."""
        return float(self.notes.end.max(initial=0.0))

    @property
    def tempo(self) -> float:
        """The tempo at the start in quarter notes per minute."""
        return self.clock.tempo(0.0)

    # Musical time

    @cached_property
    def clock(self) -> Clock:
        """The conversion between seconds and quarter notes."""
        return Clock(self.tempos)

    def to_quarters(self, seconds: np.ndarray) -> np.ndarray:
        """Return times as quarter notes from the beginning, whole ticks if the file has ticks."""
        quarters = self.clock.to_quarters(seconds)
        if self.resolution is None:
            return quarters
        return np.asarray(np.rint(quarters * self.resolution) / self.resolution)

    def to_ticks(self, seconds: np.ndarray, resolution: int | None = None) -> np.ndarray:
        """Return times as ticks of the file, or of another resolution, int64.

        Raises:
            ValueError: The score has no resolution, and none is given.
        """
        resolution = resolution or self.resolution
        if resolution is None:
            raise ValueError("the score has no ticks; give a resolution")
        ticks = np.rint(self.clock.to_quarters(seconds) * resolution)
        return np.asarray(ticks.astype(np.int64))

    @cached_property
    def starts(self) -> np.ndarray:
        """Where the notes begin, in quarter notes."""
        return self.to_quarters(self.notes.start)

    @cached_property
    def end(self) -> float:
        """Where the last note ends, in quarter notes; a hit of drums ends with its sixteenth."""
        end = self.to_quarters(self.notes.end)
        hit = self.starts + 1 / STEPS_PER_QUARTER
        return float(np.where(self.notes.is_drum, hit, end).max(initial=0.0))

    @cached_property
    def in_quarters(self) -> Notes:
        """The notes in order of their start; start and end are in quarter notes."""
        notes = replace(self.notes, start=self.starts, end=self.to_quarters(self.notes.end))
        return notes[np.argsort(self.starts, kind="stable")]

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """The stretches in one meter; they number the bars of the whole score."""
        places = self.to_quarters(np.array([meter.time for meter in self.meters]))
        signatures = [(meter.numerator, meter.denominator) for meter in self.meters]
        changes = list(zip(places.tolist(), signatures, strict=True))
        return tuple(stretches(changes, self.end, self.regroup))

    @property
    def bars(self) -> int:
        """The number of bars up to the end of the last note, at least 1."""
        last = self.stretches[-1]
        return last.first_bar + last.bars - 1

    @cached_property
    def bar_lines(self) -> np.ndarray:
        """The place of every bar line in quarter notes, `(bars + 1,)`; the last one is the end."""
        lines = [
            min(stretch.begin + bar * stretch.bar, stretch.stop)
            for stretch in self.stretches
            for bar in range(stretch.bars)
        ]
        last = self.stretches[-1]
        return np.array([*lines, last.begin + last.bars * last.bar])

    @cached_property
    def _in_four(self) -> np.ndarray:
        """Where notes begin in bars of four quarters, in quarters from a beat on."""
        start = self.starts
        four = [
            start[(start >= stretch.begin) & (start < stretch.stop)] - stretch.begin
            for stretch in self.stretches
            if stretch.bar == 4
        ]
        return np.concatenate([start[:0], *four])

    @property
    def triplets(self) -> bool:
        """Whether bars of four quarters are divided into triplets, or shall be read so."""
        return in_triplets(self._in_four) if self.asked is None else self.asked == TWELVE.name

    @cached_property
    def main_stretch(self) -> Stretch:
        """The stretch in which most notes begin."""
        start = self.starts

        def notes(stretch: Stretch) -> int:
            return int(((start >= stretch.begin) & (start < stretch.stop)).sum())

        return max(self.stretches, key=notes)

    @cached_property
    def grid(self) -> StepGrid:
        """The grid that was asked for, or that of most notes; sixteen steps if bars have none."""
        if self.asked is not None:
            return GRIDS[self.asked]
        start = self.starts
        lengths = {4.0: TWELVE if self.triplets else SIXTEEN}
        count = dict.fromkeys(GRIDS.values(), 0)
        for stretch in self.stretches:
            inside = int(((start >= stretch.begin) & (start < stretch.stop)).sum())
            found = lengths.get(stretch.bar, TWELVE if stretch.bar in TWELVE.lengths else None)
            if found is not None:
                count[found] += inside
        return max(count, key=lambda each: count[each])

    def passages(self, keep: np.ndarray | None = None, grid: StepGrid = SIXTEEN) -> list[Piece]:
        """Cut at every change of meter, and put each passage on a grid.

        Args:
            keep: The notes to use, boolean `(notes,)`; all by default.
            grid: The grid; passages whose bars do not have it are of no use.
        """
        index = np.flatnonzero(np.ones_like(self.notes.is_drum) if keep is None else keep)
        # In triplets, or without a note between beats that tells.
        allowed = self.triplets or (self.asked is None and in_triplets(self._in_four, least=0))
        start = self.starts[index]
        order = np.argsort(start, kind="stable")
        index, start = index[order], start[order]
        end = self.to_quarters(self.notes.end[index])
        notes = self.notes[index]
        begins = [stretch.begin for stretch in self.stretches]
        # A note that is a little early for the first step of a passage is at that step.
        bounds = np.searchsorted(start, np.array(begins[1:]) - 0.5 / STEPS_PER_QUARTER).tolist()
        places = [slice(*each) for each in pairwise([0, *bounds, len(index)])]
        return [
            on_grid(
                Piece(
                    notes[own],
                    float(self.clock.to_seconds(np.array(stretch.begin))),
                    self.clock.tempo(stretch.begin),
                    Meter(0.0, *stretch.metre),
                    stretch.bars,
                    first_bar=stretch.first_bar,
                    begin=stretch.begin,
                    clock=self.clock,
                ),
                start[own],
                np.minimum(end[own], stretch.stop),
                grid,
                allowed,
            )
            for stretch, own in zip(self.stretches, places, strict=True)
        ]

    # The same music with other bars

    def in_usual_bars(self) -> Score:
        """Return the score with bars of 2/4, 6/4, 3/8 and the like read as others.

        See `stretches`.
        """
        grouped = replace(self, regroup=True)
        metres = [stretch.metre for stretch in self.stretches]
        if [stretch.metre for stretch in grouped.stretches] == metres:
            return self
        found = sorted({metre for metre in metres if regrouped(metre)})
        how = [
            "{}/{}, read as {}/{}".format(*metre, *as_metre) + f", {words}"
            for metre in found
            for as_metre, words in [regrouped(metre) or (metre, "")]
        ]
        return replace(grouped, notices=(*self.notices, f"is in {' and '.join(how)}"))

    def in_meter(self, numerator: int, denominator: int) -> Score:
        """Return the score in one meter from its beginning on, whatever its time signatures say."""
        return replace(self, meters=(Meter(0.0, numerator, denominator),))
