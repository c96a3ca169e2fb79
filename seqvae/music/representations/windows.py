"""Windows of class indices, where they come from, and why others were left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqvae.music.reading.score import Score
from vaecore.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

BASS_PROGRAM = 33
"""Electric bass, which the reference gives to every bass."""

REMEDIES = {
    "drums": "choose a melody model, or put the drums on MIDI channel 10",
    "melody": "choose a drum model",
    "bass": "choose a melody or a drum model",
    "program": "choose another instrument for it",
    "range": "transpose it, or choose other drum sounds",
    "meter": "only bars of 4/4 can be used",
    "tempo": "check its tempo marks",
}
OF_NOTES = ("drums", "melody", "bass", "program", "range")


@dataclass(frozen=True)
class Context:
    """What a window does not tell about its music: how fast it goes and who plays it."""

    tempo_bpm: float = 120.0
    program: int = 0
    bass_program: int = BASS_PROGRAM


@dataclass(frozen=True)
class Rules:
    """How phrases are found.

    Attributes:
        reference: Exactly as Magenta does.
        relaxed: For short or sparse music: no rest ends a phrase, and phrases are filled up to a
            full window.
        score: The whole music that a piece is of.
    """

    score: Score
    reference: bool = False
    relaxed: bool = False


@dataclass(frozen=True, eq=False)
class Phrase:
    """Events from a bar line to a bar line, before they are cut into windows.

    Attributes:
        events: Class per step, `(steps,)`, or of several voices `(steps, voices)`; of performances
            their numbers `(steps, 27)`.
        start: Step of the piece where the phrase begins, a multiple of a bar.
        instrument: Instrument number of the voice (drums: that of the first drum note).
        program: MIDI program of the voice's first note.
        held: For every bar line the class of the note that sounds there, 0 at a rest, of each
            voice if there are several; None where notes have no length (drums).
        bass_program: MIDI program of the bass, where there is one.
    """

    events: np.ndarray
    start: int
    instrument: int
    program: int
    held: np.ndarray | None = None
    bass_program: int = BASS_PROGRAM


@dataclass(frozen=True)
class Rejection:
    """Something that was left out: which rule, in words, and where (seconds into the score)."""

    rule: str
    text: str
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows of one item with their provenance, and what was left out and why.

    Attributes:
        x: Class indices, int64 `(n, *shape)`; of performances float32.
        bars: For every window the bar where it starts; the first bar of the music is 1.
        seconds: For every window its start in the score.
        contexts: For every window its tempo and program.
        instruments: For every window its instrument number.
        rejections: What was left out; `rule` is one of meter, tempo, program, range, drums,
            melody, bass, short.
        relaxed: The windows were found only by the relaxed rules for short or sparse music.
        path: The file, where there is one.
    """

    x: Tensor
    bars: tuple[int, ...]
    seconds: tuple[float, ...]
    contexts: tuple[Context, ...]
    instruments: tuple[int, ...]
    rejections: tuple[Rejection, ...]
    relaxed: bool
    path: str | None

    def __len__(self) -> int:
        return len(self.bars)

    @classmethod
    def collect(
        cls,
        windows: Sequence[Window],
        shape: tuple[int, ...],
        rejections: Sequence[Rejection],
        relaxed: bool,
        path: str | None,
        dtype: type = np.int64,
    ) -> Windows:
        """Stack windows of a shape, perhaps none."""
        import torch

        x = np.stack([w.x for w in windows]) if windows else np.zeros((0, *shape), dtype)
        return cls(
            torch.from_numpy(x),
            tuple(w.bar for w in windows),
            tuple(w.seconds for w in windows),
            tuple(w.context for w in windows),
            tuple(w.instrument for w in windows),
            tuple(rejections),
            relaxed and bool(windows),
            path,
        )

    def why_none(self, kind: str) -> DataError:
        """Say why there is no window: the first thing that was left out, in its own words."""
        if not self.rejections:
            return DataError(f"has no {kind}", path=self.path)
        main = self.rejections[0]
        more = sum(rejection.rule == main.rule for rejection in self.rejections) - 1
        text = f"{main.text} (and {more} more like it)" if more else main.text
        return DataError(text, path=self.path, remedy=REMEDIES.get(main.rule))


class Window(NamedTuple):
    """One window of class indices with its provenance; the fields are those of `Windows`."""

    x: np.ndarray
    bar: int
    seconds: float
    context: Context
    instrument: int


class Found(NamedTuple):
    """Windows before they are stacked; the fields are those of `Windows`."""

    windows: list[Window]
    rejections: list[Rejection]
    relaxed: bool


def distinct(windows: Iterable[Window]) -> list[Window]:
    """Keep the first of equal windows, in order."""
    first: dict[bytes, Window] = {}
    for window in windows:
        first.setdefault(window.x.tobytes(), window)
    return list(first.values())


def by_voice(windows: list[Window], score: Score) -> list[Window]:
    """Put tracks that are named as the tune first; the sort keeps the song's order otherwise."""
    tunes = {i for i, name in score.names.items() if is_tune(name)}
    return sorted(windows, key=lambda w: w.instrument not in tunes) if tunes else windows


def is_tune(name: str) -> bool:
    """Return whether a track of this name has the tune."""
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
