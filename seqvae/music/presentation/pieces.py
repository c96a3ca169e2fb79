"""Long music cut into pieces, which are rendered one after the other with the sound of the whole.

midirenderer returns the sound of a file as a whole, half a megabyte for each second. A piece is
rendered from some seconds earlier on, from the first note that still sounds at its begin, and the
sound before its begin is dropped. midirenderer starts notes at blocks of 1.3 ms; a note at the very
end of a block may start one block later in a piece than in the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pretty_midi import ControlChange, Instrument

LENGTH = 120.0
"""Least length of a piece in seconds."""
EARLIEST = 60.0
"""Most seconds that a piece may be rendered from before its begin; otherwise it begins later."""
PERIOD = 2.5
"""Pieces begin at multiples of this many seconds: a whole number of periods of midirenderer's
chorus (0.4 Hz), of its blocks of 64 samples, and of milliseconds."""
RING = 8.0
"""Seconds for which a note may still be heard after its end, with its reverberation."""
_PEDAL = 64
_KEPT = {6, 38, *range(96, 102), *range(120, 128)}
"""Controllers of which every message counts, not only the last: parameter numbers and their data,
and channel mode messages."""


class Piece(NamedTuple):
    """A piece of music, in seconds.

    Attributes:
        start: The time from which it is rendered.
        first: The time from which it is heard.
        last: Its end.
    """

    start: float
    first: float
    last: float


def pieces(parts: Sequence[Instrument], seconds: float) -> Iterator[Piece]:
    """Yield the pieces of some parts; a single one for short music, or if notes never end.

    Args:
        parts: The parts.
        seconds: Their length in seconds.
    """
    spans = [span for part in parts for span in _spans(part)]
    begins, ends = np.array(spans, float).reshape(-1, 2).T
    start = first = 0.0
    place = LENGTH
    while place < seconds - LENGTH / 2:
        heard = (begins < place) & (ends + RING > place)
        early = min(place - RING, begins[heard].min(initial=place))
        early = max(float(early // PERIOD) * PERIOD, 0.0)
        if place - early <= EARLIEST:
            yield Piece(start, first, place)
            start, first = early, place
            place += LENGTH
        else:
            place += PERIOD
    yield Piece(start, first, seconds)


def _spans(part: Instrument) -> Iterator[tuple[float, float]]:
    """Yield begin and end of each note, which the sustain pedal prolongs."""
    pedal = sorted((c.time, c.value >= 64) for c in part.control_changes if c.number == _PEDAL)
    times = np.array([time for time, _ in pedal])
    ups = np.array([time for time, down in pedal if not down])
    for note in part.notes:
        end = note.end
        before = int(np.searchsorted(times, end, "right")) - 1
        if before >= 0 and pedal[before][1]:
            after = int(np.searchsorted(ups, end, "left"))
            end = ups[after] if after < len(ups) else np.inf
        yield note.start, end


def cut(part: Instrument, piece: Piece) -> Instrument:
    """Return the events of a part in a piece, in seconds after the piece's `start`."""
    from pretty_midi import ControlChange, Note, PitchBend

    found = copy(part)
    found.notes = [
        Note(n.velocity, n.pitch, n.start - piece.start, min(n.end, piece.last) - piece.start)
        for n in part.notes
        if piece.start <= n.start < piece.last
    ]
    found.control_changes = [
        ControlChange(c.number, c.value, max(c.time - piece.start, 0.0))
        for c in _counting(part.control_changes, piece.start)
        if c.time < piece.last
    ]
    bends = sorted(part.pitch_bends, key=lambda bend: bend.time)
    earlier = [bend for bend in bends if bend.time < piece.start][-1:]
    later = [bend for bend in bends if piece.start <= bend.time < piece.last]
    found.pitch_bends = [
        PitchBend(bend.pitch, max(bend.time - piece.start, 0.0)) for bend in [*earlier, *later]
    ]
    return found


def _counting(changes: Sequence[ControlChange], start: float) -> list[ControlChange]:
    """Return the control changes, without those before `start` that a later one has replaced."""
    ordered = sorted(changes, key=lambda change: change.time)
    replaced, found = set[int](), []
    for change in reversed(ordered):
        if change.time < start and change.number not in _KEPT:
            if change.number in replaced:
                continue
            replaced.add(change.number)
        found.append(change)
    return found[::-1]
