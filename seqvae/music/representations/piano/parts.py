"""Which tracks are played together: two hands, the voices of a choir, a quartet; and polyphony."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.windows import is_tune

SOUNDING, CHORDS = 1.5, 0.75
"""Music is polyphonic if so many notes sound at a time where any does, or if of its notes fewer
than this share begin one by one."""
CHORDAL = (*range(32), *range(40, 56))
"""Programs of keyboards, organs, guitars, strings and choirs."""
FAMILIES = ((range(40, 56), "strings and choirs"), (range(56, 80), "winds"))
"""Programs that play together; of the others those of the same eight do."""
_HANDS = re.compile(r"\b(left|right|hand|[lr]\.?h|upper|lower|treble|bass clef)\b", re.IGNORECASE)


def polyphonic(notes: Notes) -> bool:
    """Return whether notes are chords, or several voices; times are in seconds or steps."""
    if len(notes) < 2:
        return False
    order = np.argsort(notes.start, kind="stable")
    start, end = notes.start[order], notes.end[order]
    behind = np.maximum.accumulate(end)
    before = np.concatenate([start[:1], behind[:-1]])
    covered = (behind - np.maximum(start, before).clip(None, behind)).sum()
    together = (end - start).sum() / max(float(covered), 1e-9)
    return bool(together >= SOUNDING or len(np.unique(start)) < CHORDS * len(start))


@lru_cache(maxsize=1)  # it is called for every piece of a score
def parts(score: Score) -> tuple[tuple[tuple[int, ...], bool], ...]:
    """Return the instruments that are played together, and whether they are polyphonic.

    Two tracks of one program are two hands if their names say so, or tell nothing. In music without
    drums the tracks of one family of instruments that play one note at a time are voices of one
    part: a chorale, a quartet. Tracks called melody, vocal or the like are by themselves, and so is
    every other.
    """
    notes = score.notes
    numbers = [int(n) for n in np.unique(notes.instrument[~notes.is_drum])]
    of = {number: notes[notes.instrument == number] for number in numbers}
    many = {number: polyphonic(own) for number, own in of.items()}
    names = {number: score.names.get(number, "").strip() for number in numbers}
    free = [number for number in numbers if not is_tune(names[number])]
    groups: list[list[int]] = []
    for family in dict.fromkeys(_family(of[number]) for number in free):
        own = [number for number in free if _family(of[number]) == family]
        lines = len(own) > 1 and not notes.is_drum.any() and not any(many[n] for n in own)
        if lines or _hands(own, of, names):
            groups.append(own)
    joined = {number for group in groups for number in group}
    groups += [[number] for number in numbers if number not in joined]
    groups.sort()
    return tuple(
        (tuple(group), polyphonic(notes[np.isin(notes.instrument, group) & ~notes.is_drum]))
        for group in groups
    )


def _hands(own: list[int], of: dict[int, Notes], names: dict[int, str]) -> bool:
    """Return whether two tracks are the hands of one player."""
    if len(own) != 2:
        return False
    programs = {int(of[number].program[0]) for number in own}
    first, second = (names[number] for number in own)
    hands = all(_HANDS.search(name) for name in (first, second))
    return len(programs) == 1 and (hands or first == second)


def _family(notes: Notes) -> str:
    program = int(notes.program[0])
    return next((name for known, name in FAMILIES if program in known), f"{program // 8}")
