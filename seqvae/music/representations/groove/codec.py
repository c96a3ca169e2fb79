"""Drum performances: which drums are hit, how hard, and how much before or after the grid.

After GrooVAE (Gillick et al., Learning to groove with inverse sequence transformations, 2019): an
example has three blocks of nine numbers for every sixteenth, one number for each drum: 1 where it
is hit; how hard (velocity / 127); and how much *before* its step, in halves of a step, so that 1 is
half a sixteenth early and -1 half a sixteenth late. Where there is no hit, all three are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import STEPS_PER_BAR, STEPS_PER_QUARTER, Notes, Score
from seqvae.music.representations.alphabet import CLASS_OF_PITCH, DRUMS, GROOVE_CLASS, ROLAND
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.drums.codec import DrumCodec, known_drums
from seqvae.music.representations.dynamics import Played, joined, silence, sounds
from seqvae.music.representations.groove.alphabet import PERFORMED
from seqvae.music.representations.groove.performance import NUMBERS, TAP, blocks, tapped
from seqvae.music.representations.groove.properties import PROPERTIES
from seqvae.music.representations.phrases import bar_ceil, frame, runs
from seqvae.music.representations.windows import Found, Phrase, Rejection, Rules
from seqvae.music.representations.writing import GridNote, NoteTrack
from vaecore.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.sequences.property import Property

PLAYED = 6
"""Drums with at least this many different velocities count as played, not programmed."""

FURTHEST = 0.98
"""Largest offset that is written; with more a hit might be read at the step before or after."""
_LATE = 1 << 9
"""Number of offsets of a hit in shards: their distance is 0.25 ms at 120 bpm."""


class GrooveCodec(SequenceCodec):
    """Drum performances as numbers, float32 `(steps, 27)`: hits, velocities and offsets.

    All drum tracks of a file are taken together; of several hits of a drum in a step the loudest
    counts. Unlike in the reference, windows start at every bar, notes that are not drums are left
    out, drums that the kit lacks are those of General MIDI, and hits before the first step are
    written at it.

    Args as for `SequenceCodec`, but phrases have any length by default, as in the reference.
    """

    name = "groove"
    title = "a drum performance"
    prepared_as = "drums"
    keeps_timing = True
    calm = 0.65  # below, timing becomes stiff; above, hits become random
    settled = False
    voices = (("drums", PERFORMED),)
    classes = DRUMS
    dtype = np.float32
    repeats = True

    def __init__(self, bars: int = 2, max_bars: int | None = None) -> None:
        super().__init__(bars, max_bars)

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return the bars of the shortest if all are played drums; see `SequenceCodec.suits`."""
        played = all(len(np.unique(score.notes.velocity)) >= PLAYED for score in scores)
        return DrumCodec.suits(scores) if played else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example: `(steps, 27)`."""
        return (self.steps, NUMBERS)

    @property
    def width(self) -> int:
        """Numbers of a packed window, one for each step and drum."""
        return self.steps * DRUMS

    def pack(self, windows: np.ndarray) -> np.ndarray:
        """Return windows `(n, steps, 27)` as rows for shards, uint16 `(n, width)`.

        Velocities are stored as in MIDI, offsets in units of 1/256 of half a step.
        """
        hits, velocity, offset = blocks(windows)
        loudness = np.clip(np.rint(velocity * 127), 1, 127)
        time = np.clip(np.rint(offset * (_LATE // 2)) + _LATE // 2, 0, _LATE - 1)
        packed = np.where(hits > 0.5, loudness * _LATE + time, 0)
        return packed.astype(np.uint16).reshape(-1, self.width)

    def unpack(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of shards `(n, width)` as windows, float32 `(n, steps, 27)`."""
        packed = rows.reshape(-1, self.steps, DRUMS).astype(np.int32)
        hits = packed > 0
        offset = np.where(hits, packed % _LATE / (_LATE / 2) - 1, 0)
        return np.concatenate([hits, packed // _LATE / 127, offset], axis=-1, dtype=np.float32)

    @property
    def packed_classes(self) -> np.ndarray:
        return np.full(self.width, 128 * _LATE)

    def find(
        self,
        score: Score,
        reference: bool = False,
        hop_bars: int = 1,
        deduplicate: bool = True,
        chosen: bool = False,
    ) -> Found:
        """Return all windows of a score; see `SequenceCodec.find`.

        By the reference's rules windows do not overlap, whatever `hop_bars` is, and music with more
        than one tempo or meter has none.
        """
        if not reference:
            return super().find(score, reference, hop_bars, deduplicate, chosen)
        if len({tempo for _, tempo in score.tempos}) > 1 or len({*map(str, score.meters)}) > 1:
            text = "has more than one tempo or meter"
            return Found([], [Rejection("tempo", text)], False)
        return super().find(score, reference, self.bars, deduplicate)

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes are hits of a drum; see `SequenceCodec.usable`."""
        if rules.reference:  # all notes are drums, and a file with an unknown pitch has none
            known = CLASS_OF_PITCH[notes.pitch] >= 0
            return np.full(len(notes), known.all()), []
        return known_drums(notes, GROOVE_CLASS)

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the stretches of drumming; see `SequenceCodec.phrases`."""
        if not len(notes):
            return
        if rules.reference:  # all from the beginning on
            end = bar_ceil(int(notes.start.max()) + 1)
            yield self._phrase(notes, 0, end, CLASS_OF_PITCH)
            return
        notes = notes[np.argsort(notes.start, kind="stable")]
        shortest = self.steps if rules.relaxed else 0
        for first, stop in runs(notes.start, notes.start + 1, rules.relaxed):
            begin, last = int(notes.start[first]), int(notes.start[stop - 1]) + 1
            yield self._phrase(notes[first:stop], *frame(begin, last, shortest))

    def _phrase(
        self, notes: Notes, begin: int, length: int, drums: np.ndarray = GROOVE_CLASS
    ) -> Phrase:
        """Return a phrase of notes that lie in it."""
        # Later notes overwrite earlier ones: the loudest is last, and of equals the first.
        notes = notes[np.lexsort((-np.arange(len(notes)), notes.velocity))]
        step, drum = notes.start - begin, drums[notes.pitch]
        events = np.zeros((length, NUMBERS), np.float32)
        events[step, drum] = 1
        events[step, DRUMS + drum] = notes.velocity / 127
        events[step, 2 * DRUMS + drum] = -2 * notes.late
        played = Played.of(notes, drum, begin, length, DRUMS)
        return Phrase(events, begin, int(notes.instrument[0]), 0, played=played)

    def checked(self, windows: Any) -> np.ndarray:
        """Return performances `(n, steps, 27)` as an array."""
        return np.asarray(windows)

    def properties(self) -> dict[str, Property]:
        return PROPERTIES

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        from seqvae.music.representations.groove.augment import mix, shade

        return {"mix": mix, "shade": shade}

    def whole(self, item: Any) -> tuple[np.ndarray, Context]:
        """Return all drums of an item from its first bar on, and their context, the tempos.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.

        Returns:
            Float32 `(steps, 27)`, filled up with silence to whole windows.

        Raises:
            DataError: The item has no drums.
        """
        score = read_score(item)
        rules = Rules(score, relaxed=True)
        usable, problems = self.usable(score.notes, rules)
        events, step = [np.zeros((0, NUMBERS), np.float32)], 0
        kit = [silence(0, DRUMS)]
        tempos: dict[int, float] = {}
        for piece in score.passages(usable):
            length = piece.bars * STEPS_PER_BAR
            tempos |= {step + at: tempo for at, tempo in piece.tempos(0, length)}
            for phrase in self.phrases(piece.notes, rules):
                rest = step + phrase.start - sum(map(len, events))
                events += [np.zeros((rest, NUMBERS), np.float32), phrase.events]
                assert phrase.played is not None
                kit += [silence(rest, DRUMS), phrase.played]
            step += length
            problems += [Rejection(*piece.problem, piece.offset)] if piece.problem else []
        x = np.concatenate(events)
        if not x.any():
            text = problems[0].text if problems else "has no drum notes"
            raise DataError(text, path=score.path)
        x = np.concatenate([x, np.zeros((-len(x) % self.steps, NUMBERS), np.float32)])
        (_, tempo), *changes = tempos.items()
        at = score.to_quarters(np.array([time for time, _ in score.markers])) * STEPS_PER_QUARTER
        texts = [text for _, text in score.markers]
        markers = tuple(zip(np.rint(at).astype(int).tolist(), texts, strict=True))
        played = (joined(kit),)
        return x, Context(tempo, changes=tuple(changes), played=played, markers=markers)

    def taps(self, item: Any) -> tuple[np.ndarray, Context]:
        """Return the rhythm of an item's notes, of any instrument, as taps; otherwise as `whole`.

        Raises:
            DataError: The item has no notes in 4/4.
        """
        score = read_score(item)
        pitch = np.full(len(score.notes), ROLAND[TAP][0])
        notes = replace(score.notes, pitch=pitch, is_drum=np.full(len(score.notes), True))
        x, context = self.whole(replace(score, notes=notes))
        return tapped(x), context

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the hits of a performance as one track; see `SequenceCodec.tracks`."""
        hits, velocity, offset = blocks(x)
        steps, drums = np.nonzero(hits > 0.5)
        late = np.clip(offset[steps, drums], -FURTHEST, FURTHEST) / -2
        start = np.maximum(steps + late, 0)
        loudness = np.clip(np.rint(velocity[steps, drums] * 127), 1, 127).astype(int)
        end = start + 1
        for drum in range(DRUMS):  # a hit ends where the next of the same drum begins
            own = np.flatnonzero(drums == drum)
            end[own[:-1]] = np.minimum(end[own[:-1]], start[own[1:]])
        usual = [pitches[0] for pitches in ROLAND]
        pitch = sounds(len(x), context.played, usual)[steps, drums]
        columns = (start, end, pitch, loudness)
        rows = zip(*(np.asarray(column).tolist() for column in columns), strict=True)
        return [NoteTrack(self.name, [GridNote(*row) for row in rows], is_drum=True)]

    def _checked(self, x: Tensor) -> np.ndarray:
        array = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        if array.ndim != 2 or array.shape[1] != NUMBERS or array.dtype.kind != "f":
            text = f"a performance is {NUMBERS} numbers per step, got {array.dtype} {array.shape}"
            raise ValueError(text)
        hits, velocity, offset = blocks(array)
        named = {"hits": (hits, 0), "velocities": (velocity, 0), "offsets": (offset, -1)}
        for name, (part, lowest) in named.items():
            if not ((part >= lowest) & (part <= 1)).all():
                raise ValueError(f"{name} must lie in {lowest}..1")
        return array.astype(np.float32)
