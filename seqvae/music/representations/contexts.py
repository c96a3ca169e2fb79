"""What a window leaves out: tempo, instruments, how it was played and where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

from seqvae.music.reading.score import STEPS_PER_QUARTER
from seqvae.music.representations.dynamics import Played, weighted
from seqvae.music.representations.timing import mixed

BASS_PROGRAM = 33
"""Electric bass, which the reference gives to every bass."""


@dataclass(frozen=True)
class Context:
    """The context of a window: tempo, instruments, and where it is from.

    Attributes:
        tempo_bpm: Quarter notes per minute, at the beginning.
        program: MIDI program of the window's voice; of a trio that of the melody.
        bass_program: MIDI program of the bass of a trio.
        played: How it was played; of a blend how each input was. Empty for samples.
        bar: Bar of the music where the window begins, 1 is the first; None for samples.
        of_bars: Length of that music in bars.
        source: The file, if there is one.
        changes: Later tempos, `(step, quarter notes per minute)`.
        markers: Of a whole piece, `(step, text)`.
        late: How late each step is played, in steps; empty if notes are to be on the grid.
        meter: Its time signature.
        per_quarter: Steps of a quarter note.
    """

    tempo_bpm: float = 120.0
    program: int = 0
    bass_program: int = BASS_PROGRAM
    played: tuple[Played, ...] = field(default=(), compare=False, repr=False)
    bar: int | None = field(default=None, compare=False)
    of_bars: int | None = field(default=None, compare=False)
    source: str | None = field(default=None, compare=False)
    changes: tuple[tuple[int, float], ...] = ()
    markers: tuple[tuple[int, str], ...] = field(default=(), compare=False)
    late: tuple[float, ...] = field(default=(), compare=False, repr=False)
    meter: tuple[int, int] = (4, 4)
    per_quarter: int = STEPS_PER_QUARTER

    @property
    def tempos(self) -> list[tuple[int, float]]:
        """All tempos with the steps where they begin; the first is 0."""
        return [(0, self.tempo_bpm), *self.changes]

    @property
    def beat(self) -> int:
        """Steps of a beat: of a quarter, or of 6/8 and 12/8 of three eighths."""
        compound = self.meter[1] >= 8 and self.meter[0] % 3 == 0
        return self.per_quarter * 3 // 2 if compound else self.per_quarter

    def seconds(self, steps: int) -> float:
        """Return how long the first steps last."""
        tempos = [(min(step, steps), tempo) for step, tempo in self.tempos]
        bounds = [*(step for step, _ in tempos), steps]
        lengths = (after - before for before, after in pairwise(bounds))
        step = 60.0 / self.per_quarter
        return sum(n * step / bpm for n, (_, bpm) in zip(lengths, tempos, strict=True))

    @classmethod
    def mean(
        cls, contexts: Sequence[Context], weights: Sequence[float]
    ) -> tuple[float, tuple[tuple[int, float], ...]]:
        """Return the weighted mean of the steps a minute of some contexts, and its changes."""
        total = sum(weights)
        steps = sorted({step for context in contexts for step, _ in context.tempos})

        def at(context: Context, step: int) -> float:
            tempo = [tempo for begin, tempo in context.tempos if begin <= step][-1]
            return tempo * context.per_quarter

        tempos = [
            sum(at(each, step) * weight for each, weight in zip(contexts, weights, strict=True))
            / total
            for step in steps
        ]
        return tempos[0], tuple(zip(steps[1:], tempos[1:], strict=True))


def blended(contexts: Sequence[tuple[Context, float]]) -> Context:
    """Return the weighted mean of contexts; see `SequenceCodec.blend`.

    Args:
        contexts: At least one, with weights of at least 0.
    """
    known = [(context, float(weight)) for context, weight in contexts]
    if not any(weight for _, weight in known):
        known = [(context, 1.0) for context, _ in known]
    tempo, changes = Context.mean(*zip(*known, strict=True))
    total = sum(weight for _, weight in known)
    played = [weighted(context.played, w / total) for context, w in known if w]
    main = max(known, key=lambda pair: pair[1])[0]
    first = known[0][0]
    every = tuple(chain.from_iterable(played))
    main = replace(main, bar=first.bar, of_bars=first.of_bars, source=first.source)
    late = mixed([context.late for context, _ in known], [weight for _, weight in known])
    unit = main.per_quarter
    changes = tuple((step, pace / unit) for step, pace in changes)
    return replace(main, tempo_bpm=tempo / unit, changes=changes, played=every, late=late)
