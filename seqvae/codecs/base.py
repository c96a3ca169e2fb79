"""What all codecs of sixteenth-grid sequences share: from a score to windows, and contexts.

A codec finds *phrases* (stretches of music that start and end on a bar line and hold no rest of a
bar or more) and slides a window of some bars over each of them. The reference is Magenta's
converters; `reference=True` gives their windows exactly.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from seqvae.midi import read_score
from seqvae.score import STEPS_PER_BAR, STEPS_PER_QUARTER, Notes, Piece, Score, minutes
from vaecore.codec import Codec
from vaecore.errors import DataError

if TYPE_CHECKING:
    import pretty_midi
    from torch import Tensor

VELOCITY = 80

REMEDIES = {
    "drums": "choose a melody model, or put the drums on MIDI channel 10",
    "melody": "choose a drum model",
    "program": "choose another instrument for it",
    "range": "transpose it, or choose other drum sounds",
    "meter": "only bars of 4/4 can be used",
    "tempo": "check its tempo marks",
}
_OF_NOTES = ("drums", "melody", "program", "range")


@dataclass(frozen=True)
class Context:
    """What a window does not tell about its music: how fast it goes and who plays it."""

    tempo_bpm: float = 120.0
    program: int = 0


@dataclass(frozen=True, eq=False)
class Phrase:
    """Events of one voice from a bar line to a bar line, before it is cut into windows.

    Attributes:
        events: Class per step, `(steps,)`.
        start: Step of the piece where the phrase begins, a multiple of a bar.
        instrument: Instrument number of the voice (drums: that of the first drum note).
        program: MIDI program of the voice's first note.
        held: For every bar line the class of the note that sounds there, 0 at a rest; None where
            notes have no length (drums).
    """

    events: np.ndarray
    start: int
    instrument: int
    program: int
    held: np.ndarray | None = None


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
        x: Class indices, int64 `(n, steps)`.
        bars: For every window the bar where it starts; the first bar of the music is 1.
        seconds: For every window its start in the score.
        contexts: For every window its tempo and program.
        instruments: For every window its instrument number.
        rejections: What was left out; `rule` is one of meter, tempo, program, range, drums,
            melody, short.
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


@dataclass(frozen=True, eq=False)
class _Window:
    x: np.ndarray
    bar: int
    seconds: float
    context: Context
    instrument: int


class SequenceCodec(Codec["pretty_midi.PrettyMIDI"]):
    """Base of the codecs whose example is one class index per sixteenth step.

    Args:
        bars: Length of a window in bars.
        max_bars: A phrase is cut after this many bars (100 in the reference); None keeps all.
    """

    name: ClassVar[str]
    suffixes = (".mid", ".midi")
    steps_per_bar = STEPS_PER_BAR
    classes: int

    def __init__(self, bars: int = 2, max_bars: int | None = 100) -> None:
        if bars < 1 or (max_bars is not None and max_bars < bars):
            raise ValueError(f"need 1 <= bars <= max_bars, got {bars} and {max_bars}")
        self.bars = bars
        self.max_bars = max_bars
        self.steps = bars * STEPS_PER_BAR
        self.max_steps = None if max_bars is None else max_bars * STEPS_PER_BAR

    @property
    def config(self) -> dict[str, Any]:
        """The dictionary that `make_codec` builds this codec from."""
        return {"name": self.name, "bars": self.bars, "max_bars": self.max_bars}

    @abstractmethod
    def usable(self, notes: Notes) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes belong to this representation, and what is left out and why."""

    @abstractmethod
    def phrases(self, notes: Notes, gap: int | None, whole: bool) -> Iterator[Phrase]:
        """Yield the phrases of a piece, voice by voice.

        Args:
            notes: Usable notes of a piece; start and end are steps.
            gap: A rest of this many steps or more ends a phrase; None: no rest does.
            whole: Start every phrase at the beginning of the piece, not at its first note's bar.
        """

    @abstractmethod
    def notes(self, x: np.ndarray) -> list[tuple[int, int, int]]:
        """Return the notes of a window as `(start step, end step, pitch)`, in order of start."""

    def clean(self, windows: np.ndarray, held: np.ndarray | None, reference: bool) -> np.ndarray:
        """Return windows cut from a phrase as sequences of their own, `(n, steps)`."""
        return windows

    def windows(
        self,
        item: Any,
        reference: bool = False,
        hop_bars: int = 1,
        deduplicate: bool = True,
    ) -> Tensor:
        """Return every window of an item as class indices, int64 `(n, steps)`.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.
            reference: Give exactly Magenta's windows (notes held into a window are lost, music
                shorter than a window has none, equal windows are dropped only within a stretch
                of constant tempo and meter).
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

        The order is that of the song, one voice after the other; voices whose track is called
        melody, vocal or the like come first. Arguments as for `windows`.
        """
        if hop_bars < 1:
            raise ValueError(f"hop_bars must be at least 1, got {hop_bars}")
        score = read_score(item, beats=not reference)
        usable, rejections = self.usable(score.notes)
        found: list[_Window] = []
        bar = 1
        for piece in score.pieces(usable):
            if piece.problem:
                rejections.append(Rejection(*piece.problem, piece.offset))
            phrases = self.phrases(piece.notes, STEPS_PER_BAR, whole=False)
            cut = self._cut(piece, phrases, bar, hop_bars, reference, rejections)
            found += _distinct(cut) if reference and deduplicate else cut
            bar += piece.bars
        relaxed = not found and not reference
        if relaxed:
            found = list(self._relaxed(score, usable, hop_bars))
        if not reference:
            found = _by_voice(found, score)
            found = _distinct(found) if deduplicate else found
        if usable.any():  # what was no note of ours matters only where it was all there is
            rejections.sort(key=lambda rejection: rejection.rule in _OF_NOTES)
        return self._report(found, rejections, relaxed and bool(found), score.path)

    def examples(self, item: Any) -> Tensor:
        """Return every window of an item, `(n, steps)`; n may be 0."""
        return self.windows(item)

    def encode(self, item: Any, bar: int | None = None) -> Tensor:
        """Return one window of an item, `(steps,)`: the first that is not silent.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.
            bar: Take the window that starts at this bar instead; the first bar is 1.

        Raises:
            DataError: The item has no window (there); the message says why.
        """
        found, index = self._first(item, bar)
        return found.x[index]

    def context(self, item: Any, bar: int | None = None) -> Context:
        """Return tempo and program of the window that `encode` gives."""
        found, index = self._first(item, bar)
        return found.contexts[index]

    def blend(self, contexts: Sequence[Any], weights: Sequence[float]) -> Context:
        """Return the weighted mean tempo, and the program of the largest weight."""
        pairs = [(c or Context(), float(w)) for c, w in zip(contexts, weights, strict=True)]
        total = sum(weight for _, weight in pairs)
        if not pairs or total <= 0:
            raise ValueError("blend needs contexts with weights that sum to more than 0")
        tempo = sum(context.tempo_bpm * weight for context, weight in pairs) / total
        return Context(tempo, max(pairs, key=lambda pair: pair[1])[0].program)

    def decode(self, x: Tensor, context: Context | None = None) -> pretty_midi.PrettyMIDI:
        """Return the music of a window: velocity 80, in the tempo and program of the context.

        Args:
            x: Class indices, `(steps,)`; any number of steps is taken.
            context: Tempo and program; 120 bpm and piano without one.
        """
        import pretty_midi

        context = context or Context()
        midi = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=context.tempo_bpm)
        midi.time_signature_changes.append(pretty_midi.TimeSignature(4, 4, 0.0))
        drums = self.name == "drums"
        track = pretty_midi.Instrument(0 if drums else context.program, drums, self.name)
        step = 60.0 / context.tempo_bpm / STEPS_PER_QUARTER
        for start, end, pitch in self.notes(self._checked(x)):
            track.notes.append(pretty_midi.Note(VELOCITY, pitch, start * step, end * step))
        midi.instruments.append(track)
        return midi

    def to_note_sequence(self, x: Tensor, context: Context | None = None) -> Any:
        """Return the music of a window as a `note_seq.NoteSequence`, valued as in Magenta.

        Raises:
            DataError: The package note-seq is not installed.
        """
        try:
            from note_seq import NoteSequence
        except ImportError as error:
            remedy = "pip install 'seqvae[note-seq]'"
            raise DataError("the package note-seq is not installed", remedy=remedy) from error
        context = context or Context()
        drums = self.name == "drums"
        sequence = NoteSequence(ticks_per_quarter=220)
        sequence.tempos.add(qpm=context.tempo_bpm)
        step = 60.0 / context.tempo_bpm / STEPS_PER_QUARTER
        for start, end, pitch in self.notes(self._checked(x)):
            sequence.notes.add(
                start_time=start * step,
                end_time=end * step,
                pitch=pitch,
                velocity=VELOCITY,
                instrument=9 if drums else 0,
                program=0 if drums else context.program,
                is_drum=drums,
            )
            sequence.total_time = end * step
        return sequence

    def _checked(self, x: Tensor) -> np.ndarray:
        array = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(f"a window is one integer per step, got {array.dtype} {array.shape}")
        if array.size and not 0 <= array.min() <= array.max() < self.classes:
            raise ValueError(f"classes must lie in 0..{self.classes - 1}")
        return array.astype(np.int64)

    def _first(self, item: Any, bar: int | None) -> tuple[Windows, int]:
        found = self.explain(item, deduplicate=bar is None)
        sounding = [i for i in range(len(found)) if found.x[i].any()]
        if not sounding:
            raise self._no_window(found)
        if bar is None:
            return found, sounding[0]
        at = [i for i in range(len(found)) if found.bars[i] == bar]
        if not at:
            bars = sorted(set(found.bars))
            text = f"has no {self.bars}-bar {self.name} window that starts at bar {bar}"
            remedy = f"choose one of the bars {_ranges(bars)}"
            raise DataError(text, path=found.path, remedy=remedy)
        return found, next((i for i in at if found.x[i].any()), at[0])

    def _cut(
        self,
        piece: Piece,
        phrases: Iterable[Phrase],
        first_bar: int,
        hop_bars: int,
        reference: bool,
        rejections: list[Rejection],
    ) -> list[_Window]:
        """Slide the window over every phrase."""
        found = []
        for phrase in phrases:
            events = phrase.events[: self.max_steps]
            start = piece.seconds(phrase.start)
            if len(events) < self.steps:
                have = len(events) // STEPS_PER_BAR
                text = f"has a phrase of only {have} of {self.bars} bars at {minutes(start)}"
                rejections.append(Rejection("short", text, start))
                continue
            hop = hop_bars * STEPS_PER_BAR
            windows = np.lib.stride_tricks.sliding_window_view(events, self.steps)[::hop].copy()
            starts = range(0, len(windows) * hop, hop)
            held = None if phrase.held is None else phrase.held[::hop_bars][: len(windows)]
            windows = self.clean(windows, held, reference)
            context = Context(piece.tempo, phrase.program)
            for x, at in zip(windows, starts, strict=True):
                step = phrase.start + at
                bar = first_bar + step // STEPS_PER_BAR
                found.append(_Window(x, bar, piece.seconds(step), context, phrase.instrument))
        return found

    def _relaxed(self, score: Score, usable: np.ndarray, hop_bars: int) -> Iterator[_Window]:
        """Yield the windows of music too short or too sparse for the reference's rules.

        Tempo changes are ironed out, rests may have any length, and the end is filled with
        silence up to a full window; music no longer than one window starts at its first bar,
        silent or not. So whatever `decode` gives can be encoded again.
        """
        bar = 1
        for piece in score.on_tempo_map().pieces(usable):
            whole = bool(len(piece.notes)) and int(piece.notes.end.max()) <= self.steps
            phrases = (self._padded(p) for p in self.phrases(piece.notes, None, whole))
            yield from self._cut(piece, phrases, bar, hop_bars, False, [])
            bar += piece.bars

    def _padded(self, phrase: Phrase) -> Phrase:
        missing = max(0, self.steps - len(phrase.events))
        bars = missing // STEPS_PER_BAR
        held = None if phrase.held is None else np.pad(phrase.held, (0, bars))
        return replace(phrase, events=np.pad(phrase.events, (0, missing)), held=held)

    def _report(
        self,
        found: list[_Window],
        rejections: list[Rejection],
        relaxed: bool,
        path: str | None,
    ) -> Windows:
        import torch

        x = np.stack([w.x for w in found]) if found else np.zeros((0, self.steps), np.int64)
        return Windows(
            torch.from_numpy(x),
            tuple(w.bar for w in found),
            tuple(w.seconds for w in found),
            tuple(w.context for w in found),
            tuple(w.instrument for w in found),
            tuple(rejections),
            relaxed,
            path,
        )

    def _no_window(self, found: Windows) -> DataError:
        """Say why there is no window: the first thing that was left out, in its own words."""
        if not found.rejections:
            return DataError(f"has no {self.name} to fill {self.bars} bars", path=found.path)
        main = found.rejections[0]
        more = sum(rejection.rule == main.rule for rejection in found.rejections) - 1
        text = f"{main.text} (and {more} more like it)" if more else main.text
        return DataError(text, path=found.path, remedy=REMEDIES.get(main.rule))


def _distinct(windows: Iterable[_Window]) -> list[_Window]:
    return list({w.x.tobytes(): w for w in reversed(list(windows))}.values())[::-1]


def _by_voice(windows: list[_Window], score: Score) -> list[_Window]:
    """Put tracks that are named as the tune first; the sort keeps the song's order otherwise."""
    tunes = {i for i, name in score.names.items() if _is_tune(name)}
    return sorted(windows, key=lambda w: w.instrument not in tunes)


def _is_tune(name: str) -> bool:
    return any(word in name.lower() for word in ("melod", "vocal", "voice", "lead", "sing"))


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as ranges ("1-4, 9")."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
