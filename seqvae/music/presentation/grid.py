"""The notes of an item on its grid of 16ths, as pictures draw them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqvae.music.presentation.midi_file import BeatClock, whole_bars
from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations.alphabet import CLASS_OF_PITCH
from seqvae.music.representations.roles import BASS, roles
from seqvae.music.representations.windows import Context
from seqvae.music.representations.writing import VELOCITY

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

    from seqvae.music.representations.base import SequenceCodec

LANES = ("BD", "SD", "CH", "OH", "LT", "MT", "HT", "CR", "RD")
"""Short names of the nine drum classes, in class order."""

LANE_NAMES = ("Kick", "Snare", "Hat", "Open", "Low tom", "Mid tom", "High tom", "Crash", "Ride")


class Look(NamedTuple):
    """How one of the voices of a grid is drawn.

    Attributes:
        colours: One for all of its notes, or one for each drum.
        legend: The meaning of its signs in a line of text.
        lanes: Whether its rows are drums, and not pitches.
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
    """One note: row, start and end in 16ths (fractions are micro-timing), velocity."""

    row: int
    start: float
    end: float
    velocity: int = 100


@dataclass(frozen=True)
class Grid:
    """The notes of one item on its grid.

    Attributes:
        steps: Length in 16ths.
        drums: Hits; the row is the drum class, 0 (kick) to 8 (ride).
        melody: Notes of all pitched instruments but the bass; the row is the MIDI pitch.
        bass: Notes of the bass of an item that has other pitched instruments, too.
        steps_per_bar: 16 in 4/4.
        first_bar: The number of the first bar, for a part of a longer item.
    """

    steps: int
    drums: tuple[DrawnNote, ...] = ()
    melody: tuple[DrawnNote, ...] = ()
    bass: tuple[DrawnNote, ...] = ()
    steps_per_bar: int = STEPS_PER_BAR
    first_bar: int = 1

    @property
    def bars(self) -> int:
        return math.ceil(self.steps / self.steps_per_bar)

    def lines(self, bars: int) -> list[Grid]:
        """Return the grid in parts of at most `bars` bars."""
        return [self._cut(first, first + bars) for first in range(0, self.bars, bars)]

    def _cut(self, first: int, last: int) -> Grid:
        begin = first * self.steps_per_bar
        end = min(last * self.steps_per_bar, self.steps)

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
        )


def grid_of_item(item: PrettyMIDI) -> Grid:
    """Return the notes of an item on its grid, also through tempo changes.

    Bars are those of the first time signature (4/4 if there is none); drums that belong to none
    of the nine classes are left out.
    """
    clock = BeatClock(item)
    drums, melody, bass = list[DrawnNote](), list[DrawnNote](), list[DrawnNote]()
    low = _basses(item)
    for number, part in enumerate(item.instruments):
        for note in part.notes:
            start, end = clock.beats(note.start) * 4, clock.beats(note.end) * 4
            if not part.is_drum:
                voice = bass if number in low else melody
                voice.append(DrawnNote(note.pitch, start, end, note.velocity))
            elif CLASS_OF_PITCH[note.pitch] >= 0:
                drums.append(DrawnNote(int(CLASS_OF_PITCH[note.pitch]), start, end, note.velocity))
    metre = item.time_signature_changes[0] if item.time_signature_changes else None
    steps_per_bar = max(round(16 * metre.numerator / metre.denominator), 1) if metre else 16
    steps = math.ceil(whole_bars(item, clock) * 4 / steps_per_bar) * steps_per_bar

    def ordered(notes: list[DrawnNote]) -> tuple[DrawnNote, ...]:
        return tuple(sorted(notes, key=lambda note: (note.start, note.row)))

    return Grid(steps, ordered(drums), ordered(melody), ordered(bass), steps_per_bar)


def _basses(item: PrettyMIDI) -> set[int]:
    """Return the numbers of the instruments that are the bass; none if there is only one."""
    from seqvae.music.reading.midi import read_score

    pitched = [part for part in item.instruments if not part.is_drum]
    if len(pitched) < 2 or not any(part.notes for part in pitched):
        return set()
    return {number for number, kind in roles(read_score(item)).items() if kind == BASS}


def grid_of_window(codec: SequenceCodec, window: Any, context: Context | None = None) -> Grid:
    """Return the notes of a window; all tracks but drums and bass are drawn as melodies.

    Args:
        codec: The window's codec.
        window: `(steps, ...)` as `codec.shape`, of any number of steps.
        context: How it was played; without it all hits of a pattern look alike.
    """
    x = np.asarray(window)
    voices: dict[str, list[DrawnNote]] = {name: [] for name in LOOKS}
    tracks = codec.tracks(x, context or Context())
    if context is None and x.dtype.kind != "f":
        tracks = [track.at(VELOCITY) for track in tracks]
    for track in tracks:
        name = "drums" if track.is_drum else track.name if track.name == BASS else "melody"
        for start, end, pitch, velocity in track.notes:
            row = int(CLASS_OF_PITCH[pitch]) if track.is_drum else pitch
            voices[name].append(DrawnNote(row, start, end, velocity))
    drums, melody, bass = (tuple(voices[name]) for name in ("drums", "melody", "bass"))
    return Grid(len(x), drums, melody, bass)


def grids(pictures: Any) -> list[Grid]:
    """Return the grids of items and of grids; a single one is a list of one."""
    many = pictures if isinstance(pictures, (list, tuple)) else [pictures]
    return [p if isinstance(p, Grid) else grid_of_item(p) for p in many]


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch, at most three characters: 60 is C4, 61 is C♯4."""
    names = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
    return f"{names[pitch % 12]}{pitch // 12 - 1}"
