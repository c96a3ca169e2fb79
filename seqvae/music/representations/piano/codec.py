"""Chords and piano: at every step the notes that are struck, and how long each of them lasts.

After PianoTree VAE (Wang et al., Learning interpretable representation for polyphonic music, 2020),
whose steps are lists of notes, too, and not 88 yeses and noes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, TWELVE, StepGrid
from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.alphabet import HIGHEST_PITCH, LOWEST_PITCH
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.dynamics import USUAL, Played, velocities
from seqvae.music.representations.phrases import frame, listed, runs, span
from seqvae.music.representations.piano.alphabet import CHORDS
from seqvae.music.representations.piano.parts import CHORDAL, parts
from seqvae.music.representations.piano.properties import properties
from seqvae.music.representations.piano.texture import (
    LONGEST,
    MOST,
    PITCHES,
    blocks,
    rolls,
    settled,
    steps_of,
)
from seqvae.music.representations.windows import Phrase, Rejection, Rules, is_tune
from seqvae.music.representations.writing import GridNote, NoteTrack

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.sequences.property import Property

_PACKED = 1 << 9
"""Number of lengths of a note in shards."""
_LATE = 1
"""What a note is longer than its bar by at most so many steps is a late release, not held."""
_HELD = 8
"""Bars that a note is held at most."""
REGISTERS = 8
"""Of the keyboard, of 11 keys each; those of how it is played."""
_FIRST = LOWEST_PITCH - 1
"""MIDI pitch less the number of a key."""


class PianoCodec(SequenceCodec):
    """Chords and piano as integers `(steps, 12)`: pitches and lengths; see `texture`.

    Tracks that are played together (two hands, the voices of a choir or a quartet; see `parts`) are
    one part; of a file the polyphonic parts are taken or, if none is, all. Of more than six notes
    struck together the three lowest and the three highest stay. A note ends where its key is struck
    again, and after 32 steps; one that is held into a window begins again there.

    Args:
        bars: Length of a window in bars.
        max_bars: A phrase is cut after this many bars; None keeps all.
        grid: Steps of a bar, "16" or "12".
    """

    name = "piano"
    grids = (SIXTEEN.name, TWELVE.name)
    title = "chords and piano"
    polyphonic = True
    voices = (("piano", CHORDS),)
    classes = MOST

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example: `(steps, 12)`."""
        return (self.steps, 2 * MOST)

    @property
    def width(self) -> int:
        """Numbers of a packed window, one for each step and note."""
        return self.steps * MOST

    def pack(self, windows: np.ndarray) -> np.ndarray:
        """Return windows `(n, steps, 12)` as rows for shards, uint16 `(n, width)`."""
        pitch, length = blocks(windows)
        packed: np.ndarray = (pitch * _PACKED + length).astype(np.uint16)
        return packed.reshape(-1, self.width)

    def unpack(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of shards `(n, width)` as windows, int64 `(n, steps, 12)`."""
        packed = rows.reshape(-1, self.steps, MOST).astype(np.int64)
        return np.concatenate([packed // _PACKED, packed % _PACKED], axis=-1)

    @property
    def packed_classes(self) -> np.ndarray:
        return np.full(self.width, (PITCHES + 1) * _PACKED)

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return the bars of the shortest if each is one polyphonic part and nothing else.

        One that is called melody, vocal or the like is none, and neither is one of winds, basses or
        synthesizers, whose lines are mostly a tune and what goes with it.
        """
        for score in scores:
            found = parts(score)
            if score.notes.is_drum.any() or len(found) != 1 or not found[0][1]:
                return None
            named = any(is_tune(score.names.get(number, "")) for number in found[0][0])
            if named or not np.isin(score.notes.program, CHORDAL).all():
                return None
        return min(span(score, None, grid) for score in scores)

    def together(self, score: Score, instrument: int) -> tuple[int, ...]:
        """Return the instruments that are one part with an instrument."""
        return next((group for group, _ in parts(score) if instrument in group), (instrument,))

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes have a pitch that a piano has; see `SequenceCodec.usable`."""
        pitched = ~notes.is_drum & (notes.velocity > 0)
        if not pitched.any():
            return pitched, [Rejection("melody", "has no pitched notes, only drums")]
        within = (notes.pitch >= LOWEST_PITCH) & (notes.pitch <= HIGHEST_PITCH)
        others = np.unique(notes.pitch[pitched & ~within])
        if not len(others):
            return pitched, []
        limits = f"{LOWEST_PITCH}..{HIGHEST_PITCH}"
        text = f"has notes outside of the pitches {limits} (pitch {listed(others)})"
        return pitched & within, [Rejection("range", text)]

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the phrases of every part; see `SequenceCodec.phrases`."""
        shortest = self.steps if rules.relaxed else 0
        for group, many in parts(rules.score):
            if not (many or rules.relaxed):
                continue
            own = _single(notes[np.isin(notes.instrument, group)])
            behind = np.maximum.accumulate(own.end) if len(own) else own.end
            for first, stop in runs(own.start, behind, rules.relaxed, bar=self.steps_per_bar):
                some, last = own[first:stop], int(behind[stop - 1])
                begin, length = frame(int(some.start[0]), last, shortest, self.steps_per_bar)
                yield self._phrase(some, begin, length, group[0])

    def _phrase(self, notes: Notes, begin: int, length: int, number: int) -> Phrase:
        """Return a phrase of notes that lie in it, in order of their start and pitch."""
        bar = self.steps_per_bar
        step, key = notes.start - begin, notes.pitch - _FIRST
        steps = (notes.end - notes.start).clip(1, _HELD * bar)
        events = _placed(step, key, steps.clip(None, LONGEST), length)
        # Of each note the bar lines at which it sounds, and for how long from there on.
        first = step // bar + 1
        count = ((step + steps - _LATE - 1) // bar - step // bar).clip(0)
        index = np.repeat(np.arange(len(step)), count)
        line = np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count) + first[index]
        inside = line < length // bar
        index, line = index[inside], line[inside]
        order = np.lexsort((key[index], line))
        index, line = index[order], line[order]
        left = (step[index] + steps[index] - line * bar).clip(None, LONGEST)
        held = _placed(line, key[index], left, length // bar)
        played = Played.of(notes, (key - 1) // (PITCHES // REGISTERS), begin, length, REGISTERS)
        return Phrase(events, begin, number, int(notes.program[0]), held, played=played)

    def clean(self, windows: np.ndarray, held: np.ndarray | None, reference: bool) -> np.ndarray:
        """Begin held notes again, and end those that would outlast their window."""
        if held is not None:
            struck, before = rolls(windows[:, 0]), rolls(held)
            windows[:, 0] = steps_of(np.where(struck > 0, struck, before), MOST)
        left = windows.shape[1] - np.arange(windows.shape[1])
        windows[..., MOST:] = np.minimum(windows[..., MOST:], left[:, None])
        return windows

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the notes of a window as one track; see `SequenceCodec.tracks`."""
        roll = rolls(settled(x))
        step, key = np.nonzero(roll)
        register = key // (PITCHES // REGISTERS)
        struck = np.zeros((len(x), REGISTERS), bool)
        struck[step, register] = True
        loud = velocities(struck, context.played, USUAL[self.name], self.steps_per_bar)
        columns = (step, step + roll[step, key], key + LOWEST_PITCH, loud[step, register])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [NoteTrack(self.name, [GridNote(*row) for row in rows], context.program)]

    def properties(self) -> dict[str, Property]:
        return properties(self.grid)

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        from seqvae.music.representations.piano.augment import transpose

        return {"transpose": transpose}

    def _checked(self, x: Tensor) -> np.ndarray:
        array = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        if array.ndim != 2 or array.shape[1] != 2 * MOST or array.dtype.kind not in "iu":
            text = f"a window is {2 * MOST} integers per step, got {array.dtype} {array.shape}"
            raise ValueError(text)
        for name, part, most in zip(
            ("pitches", "lengths"), blocks(array), (PITCHES, LONGEST), strict=True
        ):
            if part.size and not ((part >= 0) & (part <= most)).all():
                raise ValueError(f"{name} must lie in 0..{most}")
        return array.astype(np.int64)


def _single(notes: Notes) -> Notes:
    """Return notes in order of start and pitch, of equal ones the longest, each key's one by one.

    A note ends where its key is struck again.
    """
    if not len(notes):
        return notes
    notes = notes[np.lexsort((-notes.end, notes.start, notes.pitch))]
    same = (np.diff(notes.pitch) == 0) & (np.diff(notes.start) == 0)
    notes = notes[np.concatenate([[True], ~same])]
    following = np.append(notes.start[1:], 0)
    again = np.append(np.diff(notes.pitch) == 0, False)
    end = np.where(again, np.minimum(notes.end, following), notes.end)
    changed = Notes(**{**vars(notes), "end": end})
    return changed[np.lexsort((changed.pitch, changed.start))]


def _placed(step: np.ndarray, key: np.ndarray, length: np.ndarray, steps: int) -> np.ndarray:
    """Return notes, in order of step and key, as `(steps, 12)`; of too many the outer ones."""
    events = np.zeros((steps, 2 * MOST), np.int64)
    if not len(step):
        return events
    first = np.searchsorted(step, step, side="left")
    above = np.searchsorted(step, step, side="right") - np.arange(len(step))  # itself counts
    rank = np.arange(len(step)) - first
    low = MOST - MOST // 2
    kept = (rank < low) | (above <= MOST // 2)
    count = rank + above
    place = np.where(rank < low, rank, rank - (count - MOST).clip(0))
    step, place = step[kept], place[kept]
    events[step, place] = key[kept]
    events[step, MOST + place] = length[kept]
    return events
