"""Finding out what files are: drums, drum performances, melodies or trios, and how many bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from seqvae.music.reading.grids import SIXTEEN, TWELVE, StepGrid
from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import Score
from seqvae.music.representations.parts.choice import heard
from vaecore.errors import DataError


class Detection(NamedTuple):
    """The representation and length of a group of files.

    Attributes:
        kind: Name of the representation that fits all of them.
        bars: Bars from the first to the last note of the shortest one.
    """

    kind: str
    bars: int


class Candidate(NamedTuple):
    """A representation that a group of files may be read with, and the grid of their bars."""

    kind: str
    bars: int
    grid: str


def detect(items: Any | Sequence[Any]) -> Detection:
    """Return which representation items are of, and how many bars the shortest has.

    It is the first of `candidates`.

    Args:
        items: One item or several: paths, PrettyMIDI, NoteSequence or Score.

    Raises:
        DataError: Some files have only drums and others only melodies, or one cannot be read.
    """
    first = candidates(items if isinstance(items, (list, tuple)) else [items])[0]
    return Detection(first.kind, first.bars)


def candidates(items: Sequence[Any], top_line: bool = False) -> list[Candidate]:
    """Return the representations that items may be read with, the likeliest first.

    It is the last representation of the registry that suits all items (see `SequenceCodec.suits`)
    and, if that has several voices, also the last one of a single voice that does. Files that all
    have a melody, a bass and drums are trios. Otherwise a file with only drums is drums, and one
    with only pitched notes a melody; a file with both is what the other files are, and a melody if
    there are no others. Drums with many velocities, which were played and not programmed, are a
    "groove". Files of one polyphonic part each, and nothing else, are "piano", or melodies.

    Bars of 3/4, 6/8 and 12/8 have a grid of twelve steps, and so have bars of 4/4 that are divided
    into triplets. Those can be read on sixteen steps, too, which comes last but for performances,
    which keep the timing.

    Args:
        items: Paths, PrettyMIDI, NoteSequence or Score, at least one.
        top_line: Of chords only the top line is wanted.

    Raises:
        DataError: Some files have only drums and others only melodies, their bars differ, or one
            cannot be read.
    """
    return candidates_of([heard(read_score(item)) for item in items], top_line)


def candidates_of(scores: Sequence[Score], top_line: bool = False) -> list[Candidate]:
    """Return the same as `candidates` of scores whose drums are known; see `parts.heard`.

    Raises:
        DataError: As for `candidates`.
        ValueError: There is no score.
    """
    from seqvae.music.representations import CODECS

    if not scores:
        raise ValueError("need at least one item")
    drums = [s for s in scores if s.notes.is_drum.all()]
    pitched = [s for s in scores if not s.notes.is_drum.any()]
    if drums and pitched:
        text = f"has only drums, but {_name(pitched[0])} has only pitched notes"
        remedy = "give files of one kind, or name the model with --model"
        raise DataError(text, path=_name(drums[0]), remedy=remedy)
    grid, others = _grids(scores)
    found = _on(grid, scores, top_line)
    if others:  # in triplets, which sixteenths bend but for performances
        straight = _on(others, scores, top_line)
        kept = [each for each in straight if CODECS[each.kind].keeps_timing]
        found = kept + found + [each for each in straight if each not in kept]
    if not found:
        remedy = "see what is in it: seqvae show --tracks"
        problem = "is neither drums, a melody, chords nor a band"
        raise DataError(problem, path=_name(scores[0]), remedy=remedy)
    return found


def _on(grid: StepGrid, scores: Sequence[Score], top_line: bool) -> list[Candidate]:
    """Return the representations of scores on a grid, the likeliest first."""
    from seqvae.music.representations import CODECS

    found: list[Candidate] = []
    for codec in reversed(CODECS.values()):
        several = len(codec.voices) > 1
        if grid.name not in codec.grids or (several and found):
            continue
        if top_line and codec.polyphonic:
            continue
        bars = codec.suits(scores, grid)
        if bars is not None:
            found.append(Candidate(codec.name, bars, grid.name))
            if not (several or codec.polyphonic):
                break
    return found


def _grids(scores: Sequence[Score]) -> tuple[StepGrid, StepGrid | None]:
    """Return the grid of the bars of all scores, and another one that they can be read on.

    Raises:
        DataError: The bars of some have another grid than those of others.
    """
    in_four = [score.main_stretch.bar == 4 for score in scores]
    found = {score.grid for score in scores}
    if len(found) == 1:
        (grid,) = found
        asked = any(score.asked for score in scores)
        return grid, SIXTEEN if grid is TWELVE and all(in_four) and not asked else None
    if all(in_four):
        return SIXTEEN, None
    one = next(score for score in scores if score.grid is TWELVE and score.main_stretch.bar != 4)
    other = next(score for score in scores if score.grid is SIXTEEN)
    names = ["{}/{}".format(*score.main_stretch.metre) for score in (one, other)]
    text = f"is in {names[0]}, but {_name(other)} is in {names[1]}"
    remedy = "give music of the same bars, or add --grid 12, which reads 4/4 in triplets"
    raise DataError(text, path=_name(one), remedy=remedy)


def _name(score: Score) -> str:
    return score.path or "one item"
