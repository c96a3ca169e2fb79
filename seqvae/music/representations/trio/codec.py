"""Trios: melody, bass and drums together, each an index per sixteenth."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.reading.score import STEPS_PER_BAR, Notes, Score
from seqvae.music.representations.alphabet import DRUMS as HIT_KINDS
from seqvae.music.representations.alphabet import HITS, LATEST_TABLE, NOTES, Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import BASS_PROGRAM, Context
from seqvae.music.representations.drums.codec import DrumCodec, struck
from seqvae.music.representations.dynamics import Played, beside, silence
from seqvae.music.representations.melody.codec import MelodyCodec, skyline, top_line
from seqvae.music.representations.parts.choice import voices
from seqvae.music.representations.phrases import bar_ceil, frame, span
from seqvae.music.representations.roles import BASS, DRUMS, MELODIES, MELODY, reference_roles, roles
from seqvae.music.representations.trio.properties import PROPERTIES
from seqvae.music.representations.windows import Phrase, Rejection, Rules
from seqvae.music.representations.writing import NoteTrack

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.perception.whole import MusicPerception
    from seqvae.sequences.property import Property

GAP_BARS = 2
"""Bars that a voice may rest before or after it plays; twice as many in between."""

LAST_INSTRUMENT = 127
"""The reference leaves out instruments of a higher number."""


class TrioVoice(NamedTuple):
    """One voice of a piece, from its first step to a bar line.

    Attributes:
        events: Class of every step.
        held: Class of the note that sounds at every bar line; 0 for drums.
        covered: Whether a note of the voice lies in a bar, for every bar.
        first: Step of the first onset.
        last: Step where the last note ends.
        instrument: Instrument number.
        program: MIDI program of the first note.
        played: How it was played.
    """

    events: np.ndarray
    held: np.ndarray
    covered: np.ndarray
    first: int
    last: int
    instrument: int
    program: int
    played: Played


class TrioCodec(SequenceCodec):
    """Melody, bass and drums as class indices, `(steps, 3)`: those of melodies and of drums.

    In a window all three play: none of them rests for more than four bars. Every melody of a file
    is combined with every bass; all drums are taken together (the reference takes each track of
    drums by itself).

    Args:
        bars: Length of a window in bars.
        max_bars: Music is cut after this many bars (1024 in the reference); None keeps all.
        melodies: Which tracks may be the melody: of "programs" 0..31, as in the reference,
            "lines" of any program that play one note at a time, or "either". Programs 32..39 are
            the bass; without one, the lowest line is.
        named: A track's name decides before its program: one called melody, vocal or the like is a
            melody, one called bass is a bass.
        drum_table: The `table` of `DrumCodec`.
    """

    name = "trio"
    title = "melody, bass and drums"
    classes: tuple[int, ...]
    voices = ((MELODY, NOTES), (BASS, NOTES), (DRUMS, HITS))
    repeats = True

    def __init__(
        self,
        bars: int = 16,
        max_bars: int | None = 1024,
        melodies: str = "either",
        named: bool = True,
        drum_table: str = LATEST_TABLE,
    ) -> None:
        super().__init__(bars, max_bars)
        if melodies not in MELODIES:
            raise ValueError(f"melodies must be one of {', '.join(MELODIES)}, not {melodies!r}")
        self.melodies, self.named = melodies, named
        self.melody, self.drums = MelodyCodec(bars), DrumCodec(bars, table=drum_table)
        self.classes = (self.melody.classes, self.melody.classes, self.drums.classes)

    @property
    def config(self) -> dict[str, Any]:
        own: dict[str, Any] = {"melodies": self.melodies, "named": self.named}
        if self.drums.table != LATEST_TABLE:
            own["drum_table"] = self.drums.table
        return super().config | own

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return the bars of the shortest if all have three voices; see `SequenceCodec.suits`."""
        if not all({name for name, _ in cls.voices} <= set(voices(s).values()) for s in scores):
            return None
        return min(map(span, scores))

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return every note as usable, and the voices that are missing."""
        there = self._roles(notes, rules).values()
        missing = [kind for kind in self.voice_names if kind not in there]
        rejections = [Rejection(kind, f"has no {kind}") for kind in missing]
        return np.ones(len(notes), bool), rejections

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the passages in which melody, bass and drums play, for every choice of the three.

        By the relaxed rules a phrase is the whole piece, and voices may be missing.
        """
        if not len(notes):
            return
        total = bar_ceil(int(notes.end.max()))
        if self.max_steps is not None:
            total = min(total, self.max_steps)
        if rules.relaxed:
            total = max(total, self.steps)
        there = self._voices(notes, rules, total)
        if rules.relaxed:
            missing: list[TrioVoice | None] = [None]
            for choice in itertools.product(*(group or missing for group in there)):
                if any(choice):
                    yield self._filled(choice)
            return
        for choice in itertools.product(*there):
            joint = _joint([voice.covered for voice in choice])
            for first, stop in _runs(joint):
                yield self._phrase(choice, first * STEPS_PER_BAR, stop * STEPS_PER_BAR)

    def _roles(self, notes: Notes, rules: Rules) -> dict[int, str]:
        if rules.reference:
            return reference_roles(notes[notes.instrument <= LAST_INSTRUMENT])
        if rules.chosen:
            return voices(rules.score)
        return roles(rules.score, self.named, self.melodies, rules.relaxed)

    def _voices(self, notes: Notes, rules: Rules, total: int) -> list[list[TrioVoice]]:
        """Return the melodies, the basses and the drums of a piece of `total` steps."""
        roles_of = self._roles(notes, rules)
        pitched = notes[
            (notes.velocity > 0)
            & (notes.pitch >= self.melody.min_pitch)
            & (notes.pitch <= self.melody.max_pitch)
        ]
        hits = notes[(notes.velocity > 0) & (self.drums.drum_of_pitch[notes.pitch] >= 0)]
        found: list[list[TrioVoice]] = []
        for kind, alphabet in self.voices:
            numbers = [[number] for number, k in roles_of.items() if k == kind]
            if not alphabet.pitched and numbers and not rules.reference:
                numbers = [[number for (number,) in numbers]]
            played: list[TrioVoice] = []
            for group in numbers:
                own = pitched if alphabet.pitched else hits
                own = own[np.isin(own.instrument, group)]
                if len(own):
                    covered = _covered(notes[np.isin(notes.instrument, group)], total)
                    if alphabet.pitched and rules.chosen and kind == MELODY:
                        own = top_line(own)
                    elif alphabet.pitched:
                        own = skyline(own)
                    played.append(self._voice(alphabet, own, covered))
            found.append(played)
        return found

    def _voice(self, alphabet: Alphabet, notes: Notes, covered: np.ndarray) -> TrioVoice:
        """Return the notes of one voice, one per onset, as events of the whole piece."""
        total = len(covered) * STEPS_PER_BAR
        held: np.ndarray | None
        if not alphabet.pitched:
            steps, hits = struck(notes, self.drums.drum_of_pitch)
            events = np.zeros(max(total, int(steps[-1]) + 1), np.int64)
            events[steps] = hits
            drum = self.drums.drum_of_pitch[notes.pitch]
            played = Played.of(notes, drum, 0, len(events), HIT_KINDS)
            held = np.zeros(len(covered), np.int64)
            last = int(steps[-1]) + 1
        else:
            phrase = self.melody.phrase(notes, max(total, int(notes.end[-1])))
            events, held, last = phrase.events, phrase.held, int(notes.end[-1])
            assert phrase.played is not None
            played = phrase.played
        assert held is not None  # that of a melody
        first = int(notes.start.min())
        number, program = int(notes.instrument[0]), int(notes.program[0])
        return TrioVoice(
            events[:total], held[: len(covered)], covered, first, last, number, program, played
        )

    def _phrase(self, choice: Sequence[TrioVoice | None], begin: int, stop: int) -> Phrase:
        """Combine three voices from one step to another, with silence where one is missing."""
        events = np.zeros((stop - begin, len(choice)), np.int64)
        held = np.zeros(((stop - begin) // STEPS_PER_BAR, len(choice)), np.int64)
        for column, voice in enumerate(choice):
            if voice is not None:
                part = voice.events[begin:stop]
                events[: len(part), column] = part
                bars = voice.held[begin // STEPS_PER_BAR : stop // STEPS_PER_BAR]
                held[: len(bars), column] = bars
        played = [
            silence(stop - begin, kinds)
            if voice is None
            else voice.played.part(begin, stop - begin)
            for voice, kinds in zip(choice, (1, 1, HIT_KINDS), strict=True)
        ]
        melody, bass, _ = choice
        leader = next(voice for voice in choice if voice is not None)
        return Phrase(
            events,
            begin,
            leader.instrument,
            0 if melody is None else melody.program,
            held,
            BASS_PROGRAM if bass is None else bass.program,
            beside(played),
        )

    def _filled(self, choice: Sequence[TrioVoice | None]) -> Phrase:
        """Combine the voices that there are, filled up to a full window."""
        there = [voice for voice in choice if voice is not None]
        first, last = min(v.first for v in there), max(v.last for v in there)
        begin, length = frame(first, last, self.steps)
        return self._phrase(choice, begin, begin + length)

    def clean(self, windows: np.ndarray, held: np.ndarray | None, reference: bool) -> np.ndarray:
        """Do for the melody and the bass what `MelodyCodec.clean` does; the reference does not."""
        if not reference and held is not None:
            for column in range(2):
                voice = windows[..., column]
                windows[..., column] = self.melody.clean(voice, held[:, column], reference)
        return windows

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the notes of a window, one track for each voice; see `SequenceCodec.tracks`."""
        melody, bass, drums = x.T
        first, second, third = (
            [each.kinds(kinds) for each in context.played]
            for kinds in (slice(0, 1), slice(1, 2), slice(2, None))
        )
        return [
            NoteTrack(MELODY, self.melody.notes(melody, first), context.program),
            NoteTrack(BASS, self.melody.notes(bass, second, BASS), context.bass_program),
            NoteTrack(DRUMS, self.drums.notes(drums, third), is_drum=True),
        ]

    def properties(self) -> dict[str, Property]:
        return PROPERTIES

    @property
    def _perceived(self) -> type[MusicPerception]:
        from seqvae.music.representations.trio.perception import TrioPerception

        return TrioPerception

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        from seqvae.music.representations.melody.augment import transposition

        return {"transpose": transposition(self.melody.classes, voices=2)}


def _covered(notes: Notes, total: int) -> np.ndarray:
    """Return for every bar of `total` steps whether a note lies in it."""
    bars = total // STEPS_PER_BAR
    edges = np.zeros(bars + 1, np.int64)
    np.add.at(edges, np.minimum(notes.start // STEPS_PER_BAR, bars), 1)
    np.add.at(edges, np.minimum(-(-notes.end // STEPS_PER_BAR), bars), -1)
    return np.cumsum(edges[:-1]) > 0


def _joint(covered: Sequence[np.ndarray]) -> np.ndarray:
    """Return for every bar whether all voices count as playing there.

    A voice counts if it plays within two bars of it. In the first and the last two bars it is
    enough that one voice does.
    """
    near = np.pad(np.stack(covered), ((0, 0), (GAP_BARS, GAP_BARS)))
    width = 2 * GAP_BARS + 1
    near = np.asarray(np.lib.stride_tricks.sliding_window_view(near, width, axis=1).any(axis=2))
    joint = np.asarray(near.all(axis=0))
    joint[:GAP_BARS] = near[:, :GAP_BARS].any()
    joint[-GAP_BARS:] = near[:, -GAP_BARS:].any()
    return joint


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return where runs of true values begin and stop."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]
