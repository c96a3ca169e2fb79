"""Windows of class indices, where they come from, and why others were left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqvae.music.reading.score import Piece, Score
from seqvae.music.representations.contexts import BASS_PROGRAM, Context
from seqvae.music.representations.dynamics import Played
from vaecore.codec import Examples
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.representations.finding import WindowFinder

REMEDIES = {
    "drums": "choose a melody model, or put the drums on MIDI channel 10",
    "melody": "choose a drum model",
    "bass": "choose a melody or a drum model",
    "program": "choose another instrument for it",
    "range": "transpose it, or choose other drum sounds",
    "meter": "models of 16 steps a bar know 4/4, those of 12 steps 3/4, 6/8 and 12/8; "
    "if they are 4/4 in truth, add --meter 4/4",
    "grid": "choose a model of 16 steps a bar, or add --grid 12 to read it in triplets",
    "tempo": "check its tempo marks",
}
OF_NOTES = ("drums", "melody", "bass", "program", "range")


@dataclass(frozen=True)
class Rules:
    """How phrases are found.

    Attributes:
        score: The whole music, of which pieces are cut into phrases.
        reference: Exactly as Magenta does.
        relaxed: For short or sparse music: no rest ends a phrase, and phrases are filled up to a
            full window.
        chosen: For those who mean one part of the music (see `parts`): the likeliest part comes
            first, and a note below a sounding one is not of the melody. Shards are made without.
    """

    score: Score
    reference: bool = False
    relaxed: bool = False
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class Phrase:
    """Events from a bar line to a bar line, before they are cut into windows.

    Attributes:
        events: Class of every step, `(steps,)`, or of several voices `(steps, voices)`; of
            performances their numbers `(steps, 27)`.
        start: Step of the piece where the phrase begins, a multiple of a bar.
        instrument: Instrument number of the voice (drums: that of the first drum note).
        program: MIDI program of the voice's first note.
        held: For every bar line the class of the note that sounds there, 0 at a rest, of each
            voice if there are several; None where notes have no length (drums).
        bass_program: MIDI program of the bass, if there is one.
        played: How it was played, at every step.
    """

    events: np.ndarray
    start: int
    instrument: int
    program: int
    held: np.ndarray | None = None
    bass_program: int = BASS_PROGRAM
    played: Played | None = None

    def between(self, begin: int, multiple: int, bar: int) -> Phrase:
        """Return the phrase from a bar line on, with silence around it where it does not reach.

        Args:
            begin: Step of the piece, a multiple of a bar.
            multiple: The length becomes a multiple of so many steps.
            bar: Steps of a bar.
        """
        before, skipped = max(0, self.start - begin), max(0, begin - self.start)
        length = before + len(self.events) - skipped
        after = -length % multiple

        def filled(rows: np.ndarray, unit: int) -> np.ndarray:
            around = [(before // unit, after // unit)] + [(0, 0)] * (rows.ndim - 1)
            return np.pad(rows[skipped // unit :], around)

        held = None if self.held is None else filled(self.held, bar)
        played = self.played and replace(
            self.played,
            velocity=filled(self.played.velocity, 1),
            pitch=filled(self.played.pitch, 1),
        )
        return replace(self, events=filled(self.events, 1), start=begin, held=held, played=played)


@dataclass(frozen=True)
class Rejection:
    """A passage that was left out.

    Attributes:
        rule: The rule that it breaks; see `Windows`.
        text: The reason, as the end of a sentence that begins with the file's name.
        seconds: Where it begins in the score.
        bars: How many bars it has.
    """

    rule: str
    text: str
    seconds: float = 0.0
    bars: int = 0

    @classmethod
    def of(cls, piece: Piece, bar: int) -> Rejection:
        """Return why a piece, which begins at a bar, is left out."""
        assert piece.problem is not None
        rule, text = piece.problem
        if piece.clock is not None:  # of bars that have numbers
            last = bar + piece.bars - 1
            text += f" in bar {bar}" if last == bar else f" in bars {bar}-{last}"
        return cls(rule, text, piece.offset, piece.bars)


@dataclass(frozen=True, eq=False)
class Windows(Examples):
    """All windows of one item with their provenance, and what was left out and why.

    The first window with notes stands for the item.

    Attributes:
        x: Class indices, int64 `(n, *shape)`; of performances float32.
        contexts: The context of every window.
        kind: The name of such windows in messages ("2-bar melody window").
        bars: The bar where each window starts; the first bar of the music is 1.
        seconds: Where each window starts in the score.
        instruments: Instrument number of every window.
        rejections: What was left out; `rule` is one of meter, tempo, program, range, drums,
            melody, bass, short.
        relaxed: The windows were found only by the relaxed rules for short or sparse music.
        path: The file, if there is one.
    """

    kind: str = ""
    bars: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    instruments: tuple[int, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    relaxed: bool = False
    path: str | None = None

    @classmethod
    def collect(cls, found: Found, codec: WindowFinder, path: str | None) -> Windows:
        """Stack the windows that a codec found; there may be none."""
        import torch

        windows, kind = found.windows, f"{codec.bars}-bar {codec.name} window"
        none: np.ndarray = np.zeros((0, *codec.shape), codec.dtype)
        x = np.stack([w.x for w in windows]) if windows else none
        sounding = [k for k, window in enumerate(windows) if window.x.any()]
        return cls(
            torch.from_numpy(x),
            tuple(
                replace(w.context, bar=w.bar, of_bars=max(found.bars, w.bar), source=path)
                for w in windows
            ),
            default=sounding[0] if sounding else 0,
            problem=None if sounding else _why_none(found.rejections, kind, path),
            kind=kind,
            bars=tuple(w.bar for w in windows),
            seconds=tuple(w.seconds for w in windows),
            instruments=tuple(w.instrument for w in windows),
            rejections=tuple(found.rejections),
            relaxed=found.relaxed and bool(windows),
            path=path,
        )

    def counted(self) -> Examples:
        """Return the first of equal windows, in order: a repeat of a loop counts once."""
        first = {row.numpy().tobytes(): k for k, row in reversed(list(enumerate(self.x)))}
        kept = sorted(first.values())
        return Examples(self.x[kept], [self.contexts[k] for k in kept], problem=self.problem)

    def sounding(self) -> list[int]:
        """Return the indices of the windows with notes."""
        return [k for k in range(len(self)) if self.x[k].any()]

    def at(self, bar: int) -> int:
        """Return the index of the first window with notes that starts at a bar.

        If all that start there are empty, it is the first of them.

        Raises:
            DataError: No window starts there, or the item has none.
        """
        if self.problem is not None:
            raise self.problem
        there = [k for k in range(len(self)) if self.bars[k] == bar]
        if not there:
            text = f"has no {self.kind} that starts at bar {bar}"
            remedy = f"choose one of the bars {ranges(sorted(set(self.bars)))}"
            raise DataError(text, path=self.path, remedy=remedy)
        return next((k for k in there if self.x[k].any()), there[0])


class Window(NamedTuple):
    """One window of class indices with its provenance; the fields are those of `Windows`."""

    x: np.ndarray
    bar: int
    seconds: float
    context: Context
    instrument: int


class Found(NamedTuple):
    """Windows before they are stacked, what was left out, and the number of bars of the music."""

    windows: list[Window]
    rejections: list[Rejection]
    relaxed: bool
    bars: int = 0


def _why_none(rejections: Sequence[Rejection], kind: str, path: str | None) -> DataError:
    """Return an error that says why there is no window: the first thing that was left out.

    Of passages the longest one is named: the meter of the music, not that of its pick-up.
    """
    if not rejections:
        return DataError(f"has no {kind}", path=path)
    main = rejections[0]
    if main.rule not in OF_NOTES:
        main = max((r for r in rejections if r.rule not in OF_NOTES), key=lambda r: r.bars)
    more = sum(rejection.rule == main.rule for rejection in rejections) - 1
    text = f"{main.text} (and {more} more like it)" if more else main.text
    return DataError(text, path=path, remedy=REMEDIES.get(main.rule))


def distinct(windows: Iterable[Window]) -> list[Window]:
    """Keep the first of equal windows, in order."""
    first: dict[bytes, Window] = {}
    for window in windows:
        first.setdefault(window.x.tobytes(), window)
    return list(first.values())


def tunes_first(windows: list[Window], score: Score) -> list[Window]:
    """Put tracks first whose name is that of a melody; otherwise the order stays."""
    tunes = {i for i, name in score.names.items() if is_tune(name)}
    return sorted(windows, key=lambda w: w.instrument not in tunes) if tunes else windows


def is_tune(name: str) -> bool:
    """Return whether a track of this name is a melody."""
    return any(word in name.lower() for word in ("melod", "vocal", "voice", "lead", "sing"))


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as ranges ("1-4, 9")."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
