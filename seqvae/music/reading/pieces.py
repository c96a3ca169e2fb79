"""Notes as plain arrays, and pieces of a score: their notes on a grid of steps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from seqvae.music.reading.clock import Clock, bar_quarters
from seqvae.music.reading.grids import SIXTEEN, StepGrid

STEPS_PER_QUARTER = 4
STEPS_PER_BAR = 16
DEFAULT_TEMPO = 120.0
MAX_BARS = 20_000
"""A piece with more bars than this has a nonsensical tempo (two hours at 300 bpm are 9,000)."""


@dataclass(frozen=True)
class Meter:
    """A time signature that holds from `time` (seconds) on."""

    time: float
    numerator: int
    denominator: int

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def usable(self) -> bool:
        """Whether a bar is four quarters long (4/4, and also 2/2 or 8/8)."""
        power_of_two = self.denominator > 0 and self.denominator & (self.denominator - 1) == 0
        return power_of_two and self.numerator == self.denominator

    @property
    def quarters(self) -> float:
        """Length of a bar in quarter notes."""
        return bar_quarters(self.numerator, self.denominator)


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes as parallel arrays; `start` and `end` are in seconds (Score) or steps (Piece).

    `late` is the onset of a note of a Piece less its step, -0.5..0.5 steps.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    instrument: np.ndarray
    program: np.ndarray
    is_drum: np.ndarray
    late: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: np.ndarray | slice) -> Notes:
        return Notes(**{name: array[index] for name, array in vars(self).items()})

    @classmethod
    def of(
        cls,
        start: Sequence[float] | np.ndarray,
        end: Sequence[float] | np.ndarray,
        pitch: Sequence[int] | np.ndarray,
        velocity: Sequence[int] | np.ndarray | int = 80,
        instrument: Sequence[int] | np.ndarray | int = 0,
        program: Sequence[int] | np.ndarray | int = 0,
        is_drum: Sequence[bool] | np.ndarray | bool = False,
        late: Sequence[float] | np.ndarray | float = 0.0,
    ) -> Notes:
        """Build notes from sequences; a value that all notes share may be one number."""
        start = np.asarray(start)

        def column(values: object, dtype: type) -> np.ndarray:
            array = np.asarray(values, dtype).view()
            array.flags.writeable = False  # scores are cached, and shared by those who read them
            return array if array.shape == start.shape else np.broadcast_to(array, start.shape)

        return cls(
            column(start, start.dtype.type if start.size else float),
            column(end, start.dtype.type if start.size else float),
            column(pitch, np.int64),
            column(velocity, np.int64),
            column(instrument, np.int64),
            column(program, np.int64),
            column(is_drum, np.bool_),
            column(late, np.float64),
        )


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of a score with one meter, its notes on a grid.

    Attributes:
        notes: In order of their start in seconds; `start` and `end` are steps of the piece.
        offset: Where the piece begins in the score, in seconds.
        tempo: Quarter notes per minute at its beginning; those of the reference have one tempo.
        meter: Its time signature.
        bars: Its length in bars, at least 1; those of the reference are rounded to whole ones.
        problem: Why no window can come from this piece (`(rule, text)`), or None.
        first_bar: The number of its first bar; 0 in the reference, which has no numbers.
        begin: Where the piece begins in the score, in quarter notes.
        clock: The tempos of the score; None in the reference.
        per_quarter: Steps of a quarter note.
    """

    notes: Notes
    offset: float
    tempo: float
    meter: Meter
    bars: int
    problem: tuple[str, str] | None = None
    first_bar: int = 0
    begin: float = 0.0
    clock: Clock | None = None
    per_quarter: int = STEPS_PER_QUARTER

    def seconds(self, step: int) -> float:
        """Return the time of a step of this piece in the score, in seconds."""
        if self.clock is not None and len(self.clock) > 1:
            return float(self.clock.to_seconds(np.array(self.begin + step / self.per_quarter)))
        return self.offset + step * 60.0 / (self.tempo * self.per_quarter)

    @cached_property
    def tempo_steps(self) -> list[tuple[int, float]]:
        """The tempos of the score with the steps of this piece where they begin."""
        if self.clock is None or len(self.clock) == 1:
            return [(0, self.tempo)]
        steps = np.floor((self.clock.quarters - self.begin) * self.per_quarter + 0.5)
        places = dict(zip(steps.astype(np.int64).tolist(), self.clock.bpm.tolist(), strict=True))
        return list(places.items())

    def tempos(self, step: int, steps: int) -> list[tuple[int, float]]:
        """Return the tempos of a window, with the steps where they begin; the first is 0."""
        known = self.tempo_steps
        first = max(bisect_right(known, step, key=lambda change: change[0]) - 1, 0)
        last = bisect_left(known, step + steps, key=lambda change: change[0])
        inside = [(at - step, tempo) for at, tempo in known[first + 1 : last]]
        found = [(0, known[first][1])]
        return found + [b for a, b in pairwise([*found, *inside]) if a[1] != b[1]]


def minutes(seconds: float) -> str:
    """Return seconds as minutes and seconds, as a player shows them ("1:05")."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def on_grid(
    piece: Piece,
    start: np.ndarray,
    end: np.ndarray,
    grid: StepGrid = SIXTEEN,
    triplets: bool = False,
) -> Piece:
    """Return a piece with its notes on a grid.

    Halves go up; a note that is shorter than a step has one.

    Args:
        piece: A piece without a grid.
        start: Where its notes start in the score, in quarter notes.
        end: Where they end.
        grid: The grid.
        triplets: Whether its bars of four quarters may have a grid of twelve steps.
    """
    per_quarter = grid.lengths.get(piece.meter.quarters)
    if per_quarter is None:
        problem = "meter", f"is in {piece.meter}"
        return replace(piece, notes=piece.notes[:0], problem=problem)
    if per_quarter == 3 and not triplets:
        problem = "grid", f"is in {piece.meter} without triplets"
        return replace(piece, notes=piece.notes[:0], problem=problem)
    if piece.bars > MAX_BARS:
        problem = "tempo", f"has a tempo of {piece.tempo:g}"
        return replace(piece, notes=piece.notes[:0], problem=problem)
    struck = (start - piece.begin) * per_quarter
    first = np.floor(struck + 0.5).astype(np.int64)
    last = np.floor((end - piece.begin) * per_quarter + 0.5).astype(np.int64)
    last = np.maximum(last, first + 1)
    notes = replace(piece.notes, start=first, end=last, late=struck - first)
    return replace(piece, notes=notes, per_quarter=per_quarter)
