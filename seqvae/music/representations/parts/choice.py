"""The parts of a score, and what each is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.parts.names import tells_bass, tells_drums, tells_melody
from seqvae.music.representations.parts.rating import QUARTERS_PER_BAR, Rating, rate
from seqvae.music.representations.roles import BASS, DRUMS, MELODY

if TYPE_CHECKING:
    from seqvae.music.representations.windows import Window

LOW = 60
"""A bass has a lower median pitch, unless its name says that it is one."""
LINE = 1.5
"""A line has at most so many notes per onset."""
BASS_PROGRAMS = range(32, 40)
EQUAL = 0.25
"""Parts whose ratings differ by no more are equally likely: the first one is taken."""
OWN = ("its name", "its sound", "it carries the words")
"""Reasons that a part has by itself, and not only more of than others."""


class Part(NamedTuple):
    """One part: what one channel of one track plays.

    Attributes:
        place: Its number for users; 1 is the first of the file.
        number: Its instrument number in the score.
        track: Index of its track in the file, 0 is the first.
        channel: Its MIDI channel, 1 to 16; 0 where that is not known.
        name: Name of its track; may be empty.
        program: MIDI program.
        is_drum: Whether it is a drum kit, by its channel or by its name.
        notes: Number of its notes.
        low: Its lowest pitch.
        high: Its highest pitch.
        middle: Its median pitch.
        polyphony: Notes per onset.
        bars: In how many bars of four quarters it begins notes.
        role: What it is taken for: melody (the likeliest one only), bass, drums or "".
        rating: How likely it is the melody, beside the other parts; 0 for drums.
        why: What speaks for it, in words, if it is the melody or the bass.
    """

    place: int
    number: int
    track: int
    channel: int
    name: str
    program: int
    is_drum: bool
    notes: int
    low: int
    high: int
    middle: float
    polyphony: float
    bars: int
    role: str = ""
    rating: float = 0.0
    why: str = ""

    @property
    def title(self) -> str:
        """Its name, or its number if it has none."""
        return f'"{self.name.strip()}"' if self.name.strip() else f"part {self.place}"


@lru_cache(maxsize=4)
def heard(score: Score) -> Score:
    """Return a score in which parts that are called drums, and are, count as drums.

    Their channel may be any: many programs write drums on channel 1.
    """
    notes = score.notes
    is_drum = notes.is_drum.copy()
    for number, name in score.names.items():
        own = notes.instrument == number
        if own.any() and not is_drum[own].any() and tells_drums(name, notes.pitch[own]):
            is_drum |= own
    if (is_drum == notes.is_drum).all():
        return score
    is_drum.flags.writeable = False
    return replace(score, notes=replace(notes, is_drum=is_drum))


@lru_cache(maxsize=4)
def parts(score: Score) -> tuple[Part, ...]:
    """Return the parts of a score in the order of the file, with what each is taken for."""
    score = heard(score)
    words, notes = score.to_quarters(np.array(score.words)), score.in_quarters
    own = {n: notes[notes.instrument == n] for n in np.unique(notes.instrument).tolist()}
    found = [_part(score, number, each) for number, each in own.items()]
    found.sort(key=lambda part: (part.track, part.channel, part.number))
    found = [part._replace(place=k) for k, part in enumerate(found, 1)]
    pitched = [part for part in found if not part.is_drum]
    common = len({part.name for part in pitched}) == 1 < len(pitched)  # the title of the song
    given = [
        (own[part.number], 0 if common else tells_melody(part.name), part.program)
        for part in pitched
    ]
    last = float(notes.end.max(initial=0.0))
    ratings = dict(zip(pitched, rate(given, words, last), strict=True))
    bass = _bass(pitched, common, ratings)
    totals = {part: rating.total for part, rating in ratings.items()}
    tunes = [part for part in pitched if part not in bass]
    best = max((totals[part] for part in tunes), default=0.0)
    tune = next((part for part in tunes if totals[part] >= best - EQUAL), None)
    if tune is not None:
        totals[tune] = best
    named = []
    for part in found:
        role = DRUMS if part.is_drum else BASS if part in bass else ""
        why = ""
        if role == BASS:
            why = "its name" if tells_bass(part.name) and not common else "the lowest line"
        elif part is tune:
            role, why = MELODY, _why(part, ratings)
        rating = 0.0 if part.is_drum else round(totals[part], 3)
        named.append(part._replace(role=role, rating=rating, why=why))
    return tuple(named)


def voices(score: Score) -> dict[int, str]:
    """Return what the instruments of a score are taken for, the likeliest melodies first.

    Register decides, and not the program alone: the bass is the lowest line, or what is called so;
    melodies are the other lines, and the likeliest melody in any case.
    """
    found = parts(score)
    tunes = sorted((p for p in found if p.role in (MELODY, "")), key=lambda p: -p.rating)
    kinds = {p.number: MELODY for p in tunes if p.role == MELODY or p.polyphony <= LINE}
    return kinds | {p.number: p.role for p in found if p.role in (BASS, DRUMS)}


def best_first(windows: list[Window], score: Score) -> list[Window]:
    """Put the windows of the likeliest part first, those of the bass late."""
    order = sorted(parts(score), key=lambda p: (p.role == BASS, -p.rating))
    rank = {part.number: rank for rank, part in enumerate(order)}
    return sorted(windows, key=lambda window: rank.get(window.instrument, 0))


def _part(score: Score, number: int, notes: Notes) -> Part:
    onsets = len(np.unique(notes.start))
    pitch = notes.pitch
    known = score.tracks[number] if number < len(score.tracks) else None
    return Part(
        place=0,
        number=number,
        track=number if known is None else known.track,
        channel=0 if known is None else known.channel + 1,
        name=score.names.get(number, ""),
        program=int(notes.program[0]),
        is_drum=bool(notes.is_drum.any()),
        notes=len(pitch),
        low=int(pitch.min()),
        high=int(pitch.max()),
        middle=float(np.median(pitch)),
        polyphony=len(pitch) / onsets,
        bars=len(np.unique(notes.start // QUARTERS_PER_BAR)),
    )


def _bass(pitched: Sequence[Part], common: bool, ratings: dict[Part, Rating]) -> list[Part]:
    """Return the parts that are called bass, or else the one that is the lowest line."""
    called = [p for p in pitched if not common and tells_bass(p.name)]
    if called or len(pitched) < 2:
        return sorted(called, key=lambda p: p.middle)
    best = max(pitched, key=lambda p: ratings[p].total)
    most = max(p.bars for p in pitched)
    low = [
        p
        for p in pitched
        if p.middle < LOW
        and p.polyphony <= LINE
        and p.bars >= most / 8
        and (p is not best or p.program in BASS_PROGRAMS)
    ]
    # A sound of a bass counts for half an octave.
    return sorted(low, key=lambda p: p.middle - 6 * (p.program in BASS_PROGRAMS))[:1]


def _why(part: Part, ratings: dict[Part, Rating]) -> str:
    """Return what a part has more of than others, the two most important reasons."""
    others = [rating for other, rating in ratings.items() if other is not part]
    if not others:
        return "the only pitched part"
    more = {
        reason: value - sum(rating.terms[reason] for rating in others) / len(others)
        for reason, value in ratings[part].terms.items()
        if value > 0 or reason not in OWN
    }
    told = sorted((r for r in more if more[r] > 0.3), key=lambda r: -more[r])[:2]
    return " and ".join(told) or "it comes first"
