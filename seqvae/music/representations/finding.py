"""From a score to windows: phrases are found, and a window slides over each of them.

A *phrase* is a passage that starts and ends on a bar line and has no rest of a bar or more. The
reference is Magenta's converters; `reference=True` gives their windows exactly.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from seqvae.music.reading.container import SUFFIXES
from seqvae.music.reading.grids import GRIDS, SIXTEEN, StepGrid
from seqvae.music.reading.midi import read_score
from seqvae.music.reading.reference import pieces
from seqvae.music.reading.score import Notes, Piece, Score, minutes
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.parts.choice import best_first, heard
from seqvae.music.representations.windows import (
    OF_NOTES,
    Found,
    Phrase,
    Rejection,
    Rules,
    Window,
    Windows,
    distinct,
    tunes_first,
)
from vaecore.codec import Codec
from vaecore.errors import DataError

if TYPE_CHECKING:
    import pretty_midi  # noqa: F401  # named in a string below
    from torch import Tensor

    from seqvae.music.representations.alphabet import Alphabet

MOST_NUMBERS = 1 << 24
"""Of all windows of one file together: 65,536 of 16 bars, or half a million of two."""


class WindowFinder(Codec["pretty_midi.PrettyMIDI"]):
    """The half of `SequenceCodec` that finds windows in scores."""

    name: ClassVar[str]
    suffixes = SUFFIXES
    voices: tuple[tuple[str, Alphabet], ...]
    """The name and the alphabet of each voice."""
    dtype: ClassVar[type] = np.int64
    """Type of an example's numbers."""
    repeats = False  # whether the reference keeps equal windows of a piece
    grids: ClassVar[tuple[str, ...]] = (SIXTEEN.name,)
    """The grids that it may have."""

    def __init__(self, bars: int = 2, max_bars: int | None = 100, grid: str = SIXTEEN.name) -> None:
        if bars < 1 or (max_bars is not None and max_bars < bars):
            raise ValueError(f"need 1 <= bars <= max_bars, got {bars} and {max_bars}")
        self.bars = bars
        self.max_bars = max_bars
        if grid not in self.grids:
            raise ValueError(f"grid must be one of {', '.join(self.grids)}, got {grid!r}")
        self.grid: StepGrid = GRIDS[grid]
        self.steps_per_bar = self.grid.steps_per_bar
        self.steps = bars * self.steps_per_bar
        self.max_steps = None if max_bars is None else max_bars * self.steps_per_bar

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example: `(steps,)`, or `(steps, voices)` if there are several."""
        return (self.steps,) if len(self.voices) == 1 else (self.steps, len(self.voices))

    @property
    def width(self) -> int:
        """Numbers of a packed window."""
        return math.prod(self.shape)

    @abstractmethod
    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes this representation uses, and what is left out and why."""

    @abstractmethod
    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the phrases of a piece, voice by voice.

        Args:
            notes: Usable notes of a piece; start and end are steps.
            rules: How to find them.
        """

    def clean(self, windows: np.ndarray, held: np.ndarray | None, reference: bool) -> np.ndarray:
        """Return windows `(n, *shape)` that do not depend on what came before in their phrase."""
        return windows

    def windows(
        self,
        item: Any,
        reference: bool = False,
        hop_bars: int = 1,
        deduplicate: bool = True,
    ) -> Tensor:
        """Return every window of an item as class indices, int64 `(n, *shape)`.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.
            reference: Give exactly Magenta's windows (notes held into a window are lost, music
                shorter than a window has none, equal windows are dropped only within a passage
                of constant tempo and meter, and those of trios never; 2-bar melodies have
                programs 0..31 unless the codec has its own).
            hop_bars: Distance between the starts of neighbouring windows.
            deduplicate: Keep only the first of equal windows.
        """
        return self.explain(item, reference, hop_bars, deduplicate).x

    def explain(
        self,
        item: Any,
        reference: bool = False,
        hop_bars: int = 1,
        deduplicate: bool = True,
    ) -> Windows:
        """Return the windows of an item with their provenance and with what was left out.

        The order is that of the song, one track after the other; tracks called melody, vocal or the
        like come first. Arguments as for `windows`.
        """
        score = read_score(item, beats=not reference, reference=reference)
        found = self.find(score, reference, hop_bars, deduplicate)
        return Windows.collect(found, self, score.path)

    def read(self, item: Any) -> Windows:
        """Return every window of an item with its context, equal ones too; there may be none.

        Those of the part that is meant come first: the melody, or for trios the likeliest melody
        and bass; see `seqvae.music.representations.parts`.
        """
        return self.of_score(heard(read_score(item)))

    def of_score(self, score: Score) -> Windows:
        """Return the same of a score whose drums are known; see `parts.heard`."""
        return Windows.collect(self.find(score, deduplicate=False, chosen=True), self, score.path)

    def cover(self, item: Any, first_bar: int | None = None) -> Windows:
        """Return the windows of the part that is meant one after another, up to its end.

        Rests are windows of silence, and the last one is filled up with it. What is in a meter that
        cannot be used is left out; `rejections` has the reasons.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.
            first_bar: Where the first window starts; the first bar with notes by default.
        """
        score = heard(read_score(item))
        taken = self.of_score(score)
        if taken.problem is not None:
            return taken
        number = taken.instruments[taken.default]
        rules = Rules(score, relaxed=True, chosen=True)
        usable, rejections = self.usable(score.notes, rules)
        found: list[Window] = []
        bar = 1
        for piece in score.passages(usable, self.grid):
            if piece.problem:
                rejections.append(Rejection.of(piece, bar))
            phrases = list(self.phrases(piece.notes, rules))
            if len(self.voices) == 1 and self.voices[0][1].pitched:  # each instrument has its own
                phrases = [phrase for phrase in phrases if phrase.instrument == number]
            phrases.sort(key=lambda phrase: phrase.instrument != number)
            for phrase in phrases[:1]:
                begin = 0 if found else phrase.start
                if first_bar is not None:
                    begin = max(0, first_bar - bar) * self.steps_per_bar
                if begin < phrase.start + len(phrase.events):
                    filled = phrase.between(begin, self.steps, self.steps_per_bar)
                    found += self._cut(piece, [filled], bar, self.bars, False, [], whole=True)
            bar += piece.bars
        return Windows.collect(Found(found, rejections, False, bar - 1), self, score.path)

    def encode(self, item: Any, bar: int | None = None) -> Tensor:
        """Return one window of an item, of the codec's `shape`: the first with notes.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.
            bar: Take the window that starts at this bar instead; the first bar is 1.

        Raises:
            DataError: The item has no window, or none at this bar; the message says why.
        """
        found = self.read(item)
        return (found.first if bar is None else found[found.at(bar)]).x

    def find(
        self,
        score: Score,
        reference: bool = False,
        hop_bars: int = 1,
        deduplicate: bool = True,
        chosen: bool = False,
    ) -> Found:
        """Return the same as `explain`, unstacked and without torch; arguments as there.

        Those of the likeliest part come first if it is to be `chosen`; see `Rules`.

        Raises:
            DataError: The windows would have more than `MOST_NUMBERS` numbers together.
            ValueError: `hop_bars` is less than 1.
        """
        if hop_bars < 1:
            raise ValueError(f"hop_bars must be at least 1, got {hop_bars}")
        rules = Rules(score, reference, chosen=chosen)
        usable, rejections = self.usable(score.notes, rules)
        found: list[Window] = []
        bar = 1
        for piece in pieces(score, usable) if reference else score.passages(usable, self.grid):
            if piece.problem:
                rejections.append(Rejection.of(piece, bar))
            phrases = self.phrases(piece.notes, rules)
            try:
                cut = self._cut(piece, phrases, bar, hop_bars, reference, rejections)
                self._check_count(len(found) + len(cut))
            except DataError as error:
                raise DataError(error.problem, path=score.path, remedy=error.remedy) from None
            found += distinct(cut) if reference and deduplicate and not self.repeats else cut
            bar += piece.bars
        relaxed = not found and not reference
        if relaxed:
            found = list(self._relaxed(rules, usable, hop_bars))
        if not reference:
            found = best_first(found, score) if chosen else tunes_first(found, score)
            found = distinct(found) if deduplicate else found
        if usable.any():  # then unusable notes are not the reason why there is no window
            rejections.sort(key=lambda rejection: rejection.rule in OF_NOTES)
        return Found(found, rejections, relaxed and bool(found), bar - 1)

    def _check_count(self, count: int) -> None:
        """Refuse music of more windows than memory is meant for."""
        if count * self.width > MOST_NUMBERS:
            text = f"has more than {MOST_NUMBERS // self.width:,} windows of {self.bars} bars"
            remedy = "choose a part with --track, or cut out the bars you want"
            raise DataError(text, remedy=remedy)

    def _cut(
        self,
        piece: Piece,
        phrases: Iterable[Phrase],
        first_bar: int,
        hop_bars: int,
        reference: bool,
        rejections: list[Rejection],
        whole: bool = False,
    ) -> list[Window]:
        """Slide the window over every phrase, over the `whole` of it or up to `max_bars`."""
        window, cut, blocks, lines = np.arange(self.steps), [], [], []
        count = 0
        for phrase in phrases:
            events = phrase.events if whole else phrase.events[: self.max_steps]
            if len(events) < self.steps:
                have, start = len(events) // self.steps_per_bar, piece.seconds(phrase.start)
                text = f"has a phrase of only {have} of {self.bars} bars at {minutes(start)}"
                rejections.append(Rejection("short", text, start, have))
                continue
            starts = np.arange(0, len(events) - self.steps + 1, hop_bars * self.steps_per_bar)
            count += len(starts)
            self._check_count(count)
            blocks.append(events[starts[:, None] + window])
            if phrase.held is not None:
                lines.append(phrase.held[::hop_bars][: len(starts)])
            context = Context(
                piece.tempo,
                phrase.program,
                phrase.bass_program,
                meter=(piece.meter.numerator, piece.meter.denominator),
                per_quarter=piece.per_quarter,
            )
            for at in starts.tolist():
                step, own = at + phrase.start, context
                if phrase.played is not None:
                    own = replace(own, played=(phrase.played.part(at, self.steps),))
                cut.append((step, own, phrase.instrument))
        if not cut:
            return []
        held = np.concatenate(lines) if lines else None
        bar = self.steps_per_bar
        windows = self.clean(np.concatenate(blocks), held, reference)
        found = [
            Window(x, first_bar + step // bar, piece.seconds(step), context, instrument)
            for x, (step, context, instrument) in zip(windows, cut, strict=True)
        ]
        if len(piece.tempo_steps) == 1:
            return found
        paces = [piece.tempos(step, self.steps) for step, _, _ in cut]
        return [
            each._replace(context=replace(each.context, tempo_bpm=tempo, changes=tuple(changes)))
            for each, ((_, tempo), *changes) in zip(found, paces, strict=True)
        ]

    def _relaxed(self, rules: Rules, usable: np.ndarray, hop_bars: int) -> Iterator[Window]:
        """Yield the windows of music too short or too sparse for the reference's rules.

        Rests may have any length, and the end is filled up with silence to a full window; music no
        longer than one window starts at the first bar even if that is empty. So all results of
        `decode` can be encoded again.
        """
        bar = 1
        rules = replace(rules, relaxed=True)
        for piece in rules.score.passages(usable, self.grid):
            phrases = self.phrases(piece.notes, rules)
            yield from self._cut(piece, phrases, bar, hop_bars, False, [])
            bar += piece.bars
