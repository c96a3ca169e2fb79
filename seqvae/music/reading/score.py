"""A piece of music as plain arrays: notes in seconds, tempos, meters; and its quantised pieces.

Time follows the reference system (note_seq): a score is cut wherever its tempo or its meter
changes, each piece starts again at 0, and inside a piece a second is a fixed number of steps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

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
        return 4.0 * max(1, self.numerator) / max(1, self.denominator)


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
    """A stretch of a score with one tempo and one meter, its notes on the sixteenth grid.

    Attributes:
        notes: In order of their start in seconds; `start` and `end` are steps of the piece.
        offset: Where the piece begins in the score, in seconds.
        tempo: Quarter notes per minute.
        meter: Its time signature.
        bars: Its length, rounded to whole bars, at least 1.
        problem: Why no window can come from this piece (`(rule, text)`), or None.
    """

    notes: Notes
    offset: float
    tempo: float
    meter: Meter
    bars: int
    problem: tuple[str, str] | None = None

    def seconds(self, step: int) -> float:
        """Return the time of a step of this piece in the score, in seconds."""
        return self.offset + step * 60.0 / (self.tempo * STEPS_PER_QUARTER)


@dataclass(frozen=True, eq=False)
class Score:
    """Music as arrays of notes in seconds, with its tempo changes and time signatures.

    Attributes:
        notes: All notes, instrument by instrument.
        tempos: `(seconds, quarter notes per minute)` changes; 120 is implied at 0.
        meters: Time signature changes; 4/4 is implied at 0.
        names: Instrument number -> track name, where there is one.
        path: The file this was read from.
    """

    notes: Notes
    tempos: tuple[tuple[float, float], ...] = ()
    meters: tuple[Meter, ...] = ()
    names: dict[int, str] = field(default_factory=dict)
    path: str | None = None

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
        at_start = [qpm for time, qpm in self.tempos if time <= 0]
        return at_start[-1] if at_start else DEFAULT_TEMPO

    def pieces(self, keep: np.ndarray | None = None) -> Iterator[Piece]:
        """Cut at every change of tempo or meter and quantise each piece to sixteenths.

        Args:
            keep: The notes to use, boolean `(notes,)`; all by default.
        """
        index = np.arange(len(self.notes)) if keep is None else np.flatnonzero(keep)
        index = index[np.argsort(self.notes.start[index], kind="stable")]
        notes = self.notes[index]
        splits = self._split_times()
        bounds = np.searchsorted(notes.start, splits).tolist()
        # The last change at or before the cut holds, as in the reference.
        tempos = [DEFAULT_TEMPO, *(qpm for _, qpm in self.tempos)]
        meters = [Meter(0.0, 4, 4), *self.meters]
        tempo_times = [time for time, _ in self.tempos]
        meter_times = [meter.time for meter in self.meters]
        for (begin, stop), (first, last) in zip(pairwise(splits), pairwise(bounds), strict=True):
            tempo = tempos[bisect_right(tempo_times, begin)]
            meter = meters[bisect_right(meter_times, begin)]
            yield _quantise(notes[first:last], begin, stop, tempo, meter)

    def _split_times(self) -> list[float]:
        """Return the cut times, from 0 to the total time; empty without notes."""
        total = self.total_time
        if total <= 0:
            return []
        events: list[tuple[float, str, object]]
        events = [(m.time, "meter", (m.numerator, m.denominator)) for m in self.meters]
        events += [(time, "tempo", qpm) for time, qpm in self.tempos]
        now: dict[str, object] = {"meter": (4, 4), "tempo": DEFAULT_TEMPO}
        splits = [0.0]
        for time, what, value in sorted(events, key=lambda event: event[0]):
            if time >= total or value == now[what]:
                continue
            if time > splits[-1]:
                splits.append(time)
            now[what] = value
        return [*splits, total]

    def in_four(self) -> Score:
        """Return the score in 4/4, two bars as one, if it is in 2/4 throughout; or as it is."""
        if {(meter.numerator, meter.denominator) for meter in self.meters} != {(2, 4)}:
            return self
        return replace(self, meters=(Meter(0.0, 4, 4),))

    def on_tempo_map(self) -> Score:
        """Return the score at one steady tempo, with every note at the same beat as before."""
        if len({qpm for _, qpm in self.tempos}) < 2:
            return self
        changes = sorted(dict([(0.0, DEFAULT_TEMPO), *self.tempos]).items())
        times = np.array([time for time, _ in changes])
        qpm = np.array([tempo for _, tempo in changes])
        quarters = np.concatenate([[0.0], np.cumsum(np.diff(times) * qpm[:-1] / 60.0)])
        steady = self.tempo

        def warp(seconds: np.ndarray) -> np.ndarray:
            k = np.searchsorted(times, seconds, side="right") - 1
            at = (quarters[k] + (seconds - times[k]) * qpm[k] / 60.0) * (60.0 / steady)
            return np.asarray(at)

        meters = [replace(m, time=float(warp(np.array(m.time)))) for m in self.meters]
        return self._warped(warp, steady, meters)

    def with_beats(self, times: np.ndarray, downbeats: np.ndarray) -> Score:
        """Return the score with its bars taken from beat annotations.

        Time is warped piecewise linearly so that every beat is one quarter at one steady tempo
        (the median) and every downbeat starts a bar; bars of other than four beats become
        meters of their own. Existing tempos and time signatures are dropped.

        Args:
            times: Beat times in seconds, ascending, at least two.
            downbeats: Which of the beats begin a bar, boolean, at least one.
        """
        times, downbeats = np.asarray(times, float), np.asarray(downbeats, bool)
        if len(times) < 2 or times.shape != downbeats.shape or not downbeats.any():
            raise ValueError("with_beats needs two or more beats and at least one downbeat")
        if (np.diff(times) <= 0).any():
            raise ValueError("beat times must ascend")
        gaps = np.diff(times)
        beat = float(np.median(gaps))
        firsts = np.flatnonzero(downbeats)
        # Whole bars are inserted before the first downbeat, so that no note lies before time 0.
        early = firsts[0] + max(0.0, times[0] - self.notes.start.min(initial=times[0])) / gaps[0]
        lead = int(np.ceil(early / 4)) * 4 - firsts[0]

        def warp(seconds: np.ndarray) -> np.ndarray:
            k = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, len(gaps) - 1)
            return np.asarray((lead + k + (seconds - times[k]) / gaps[k]) * beat)

        meters, lengths = [Meter(0.0, 4, 4)], np.diff(firsts)
        for first, length in zip(firsts, lengths, strict=False):
            if length != meters[-1].numerator:
                meters.append(Meter(float((lead + first) * beat), int(length), 4))
        return self._warped(warp, 60.0 / beat, meters)

    def _warped(
        self, warp: Callable[[np.ndarray], np.ndarray], tempo: float, meters: Sequence[Meter]
    ) -> Score:
        notes = replace(self.notes, start=warp(self.notes.start), end=warp(self.notes.end))
        return replace(self, notes=notes, tempos=((0.0, tempo),), meters=tuple(meters))


def minutes(seconds: float) -> str:
    """Return seconds as minutes and seconds, as a player shows them ("1:05")."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _quantise(notes: Notes, begin: float, stop: float, tempo: float, meter: Meter) -> Piece:
    """Put the notes of one piece, cut at `stop`, on the grid; halves go up."""
    quarters = (stop - begin) * tempo / 60.0
    problem = None
    if not meter.usable:
        problem = "meter", f"is in {meter}"
    elif not 0 < quarters <= MAX_BARS * 4:
        problem = "tempo", f"has a tempo of {tempo:g}"
    if problem:
        rule, text = problem
        problem = rule, f"{text} from {minutes(begin)} to {minutes(stop)}"
        bars = quarters / meter.quarters if 0 < quarters <= MAX_BARS * 4 else 1
        return Piece(notes[:0], begin, tempo, meter, max(1, round(bars)), problem)
    steps_per_second = STEPS_PER_QUARTER * tempo / 60.0
    struck = (notes.start - begin) * steps_per_second
    start = (struck + 0.5).astype(np.int64)
    end = ((np.minimum(notes.end, stop) - begin) * steps_per_second + 0.5).astype(np.int64)
    end = np.where(end == start, end + 1, end)
    notes = replace(notes, start=start, end=end, late=struck - start)
    return Piece(notes, begin, tempo, meter, max(1, round(quarters / 4)))
