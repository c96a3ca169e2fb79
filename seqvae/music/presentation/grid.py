"""The notes of an item on its grid, as pictures draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqvae.music.reading.score import STEPS_PER_BAR, Score
from seqvae.music.representations.alphabet import CLASS_OF_PITCH
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.roles import BASS, roles
from seqvae.music.representations.writing import VELOCITY

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

    from seqvae.music.representations.base import SequenceCodec

LANES = ("BD", "SD", "CH", "OH", "LT", "MT", "HT", "CR", "RD")
"""Short names of the nine drum classes, in class order."""

LANE_NAMES = ("Kick", "Snare", "Hat", "Open", "Low tom", "Mid tom", "High tom", "Crash", "Ride")


class Look(NamedTuple):
    """How a voice is drawn.

    Attributes:
        colours: One colour for all notes, or one for each drum.
        legend: The meaning of the signs of `seqvae`'s one-line picture.
        lanes: Whether rows are drums instead of pitches.
    """

    colours: tuple[str, ...]
    legend: str = "the higher the block, the higher the note"
    lanes: bool = False


# One colour per family of drums: kick, snare, hats, toms, cymbals. Melody and bass have their own.
_DRUM_COLOURS = (
    "#d1495b", "#edae49", "#00798c", "#4fb0ae", "#8d6a9f", "#8d6a9f", "#8d6a9f",
    "#6b8f3c", "#9bb53c",
)  # fmt: skip
LOOKS = {
    "melody": Look(("#2a6f97",)),
    "bass": Look(("#9c5b35",)),
    "drums": Look(_DRUM_COLOURS, "▄ kick   ▀ snare, toms   █ both   · hats, cymbals", lanes=True),
}
"""The voices of a grid, in the order from top to bottom."""


class DrawnNote(NamedTuple):
    """A note: its row (see `Grid`), start and end in steps with micro-timing, velocity (1-127)."""

    row: int
    start: float
    end: float
    velocity: int = 100


@dataclass(frozen=True)
class Grid:
    """The notes of one item on its grid.

    Attributes:
        steps: Length in steps. A step of a whole item is a 16th, or a third of a beat in music of
            triplets.
        drums: Hits; the row is the drum class, 0 (kick) to 8 (ride).
        melody: Notes of all pitched instruments but the bass; the row is the MIDI pitch.
        bass: Notes of the bass, if the item has other pitched instruments, too.
        steps_per_bar: Steps of the longest bar.
        first_bar: Number of the first bar, for a part of a longer item.
        starts: The first step of every bar, if bars differ in length.
        beat: Steps of a beat.
    """

    steps: int
    drums: tuple[DrawnNote, ...] = ()
    melody: tuple[DrawnNote, ...] = ()
    bass: tuple[DrawnNote, ...] = ()
    steps_per_bar: int = STEPS_PER_BAR
    first_bar: int = 1
    starts: tuple[int, ...] = ()
    beat: int = 4

    @property
    def bar_starts(self) -> Sequence[int]:
        """First step of every bar."""
        return self.starts or range(0, self.steps, self.steps_per_bar)

    @property
    def bars(self) -> int:
        """The number of bars."""
        return len(self.bar_starts)

    def lines(self, bars: int) -> list[Grid]:
        """Return the grid in parts of at most `bars` bars."""
        return [self._cut(first, first + bars) for first in range(0, self.bars, bars)]

    def _cut(self, first: int, last: int) -> Grid:
        bounds = [*self.bar_starts, self.steps]
        begin, end = bounds[first], bounds[min(last, self.bars)]

        def inside(notes: tuple[DrawnNote, ...]) -> tuple[DrawnNote, ...]:
            return tuple(
                n._replace(start=max(n.start, begin) - begin, end=min(n.end, end) - begin)
                for n in notes
                if n.end > begin and n.start < end
            )

        return replace(
            self,
            steps=end - begin,
            drums=inside(self.drums),
            melody=inside(self.melody),
            bass=inside(self.bass),
            first_bar=self.first_bar + first,
            starts=tuple(start - begin for start in self.starts[first:last]),
        )


def grid_of_item(item: PrettyMIDI | Score) -> Grid:
    """Return the notes of an item on its grid, also through changes of tempo and of meter.

    Drums of none of the nine classes are left out.
    """
    from seqvae.music.reading.midi import read_score

    if not isinstance(item, Score) and not any(part.notes for part in item.instruments):
        return Grid(STEPS_PER_BAR)
    score = read_score(item)
    notes = score.notes
    unit, beat = _unit(score)
    start, end = score.to_quarters(notes.start) * unit, score.to_quarters(notes.end) * unit
    pitched = ~notes.is_drum
    bass = np.isin(notes.instrument, basses(score)) & pitched
    hits = notes.is_drum & (CLASS_OF_PITCH[notes.pitch] >= 0)

    def drawn(which: np.ndarray, rows: np.ndarray) -> tuple[DrawnNote, ...]:
        columns = (rows[which], start[which], end[which], notes.velocity[which])
        found = [DrawnNote(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]
        return tuple(sorted(found, key=lambda note: (note.start, note.row)))

    lines = np.rint(score.bar_lines * unit).astype(int).tolist()
    lengths = np.diff(lines)
    return Grid(
        lines[-1],
        drawn(hits, CLASS_OF_PITCH[notes.pitch]),
        drawn(pitched & ~bass, notes.pitch),
        drawn(bass, notes.pitch),
        max(int(lengths.max()), 1),
        starts=() if (lengths == lengths[0]).all() else tuple(lines[:-1]),
        beat=beat,
    )


def _unit(score: Score) -> tuple[int, int]:
    """Return the steps of a quarter note and of a beat, which in 6/8 is three eighths."""
    in_four = all(stretch.bar == 4 for stretch in score.stretches)
    unit = 3 if in_four and score.triplets else 4
    return unit, Context(meter=score.main_stretch.metre, per_quarter=unit).beat


def basses(score: Score) -> list[int]:
    """Return the numbers of the bass instruments; none if only one instrument is pitched."""
    notes = score.notes
    if len(np.unique(notes.instrument[~notes.is_drum])) < 2:
        return []
    return [number for number, kind in roles(score).items() if kind == BASS]


def grid_of_window(codec: SequenceCodec, window: Any, context: Context | None = None) -> Grid:
    """Return the notes of a window; all tracks but drums and bass are drawn as melodies.

    Args:
        codec: The window's codec.
        window: The window, as `codec.shape`, with any number of steps.
        context: Its context; without it, all notes on the grid have the same velocity.
    """
    x = np.asarray(window)
    voices: dict[str, list[DrawnNote]] = {name: [] for name in LOOKS}
    tracks = codec.tracks(x, context or codec.context)
    if context is None and x.dtype.kind != "f":
        tracks = [track.at(VELOCITY) for track in tracks]
    for track in tracks:
        name = "drums" if track.is_drum else track.name if track.name == BASS else "melody"
        for start, end, pitch, velocity in track.notes:
            row = int(CLASS_OF_PITCH[pitch]) if track.is_drum else pitch
            voices[name].append(DrawnNote(row, start, end, velocity))
    drums, melody, bass = (tuple(voices[name]) for name in ("drums", "melody", "bass"))
    beat = (context or codec.context).beat
    return Grid(len(x), drums, melody, bass, codec.steps_per_bar, beat=beat)


def grids(pictures: Any) -> list[Grid]:
    """Return the grids of one or several items or grids."""
    many = pictures if isinstance(pictures, (list, tuple)) else [pictures]
    return [p if isinstance(p, Grid) else grid_of_item(p) for p in many]


def pitch_range(pitches: Sequence[int]) -> tuple[int, int]:
    """Return the lowest and highest pitch of an axis: with a margin, at least an octave."""
    low, high = min(pitches) - 1, max(pitches) + 1
    missing = max(12 - (high - low), 0)
    return low - missing // 2, high + missing - missing // 2


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch, at most three characters: 60 is C4, 61 is C♯4."""
    names = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
    return f"{names[pitch % 12]}{pitch // 12 - 1}"
