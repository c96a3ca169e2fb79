"""The base class of music's codecs: from a score to windows on a grid, and back.

A codec finds *phrases* (passages that start and end on a bar line and have no rest of a bar or
more) and slides a window of some bars over each of them. The reference is Magenta's converters;
`reference=True` gives their windows exactly.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from seqvae.music.reading.container import SUFFIXES
from seqvae.music.reading.grids import GRIDS, SIXTEEN, StepGrid
from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import Notes, Piece, Score, minutes
from seqvae.music.representations.dynamics import weighted
from seqvae.music.representations.measuring import checked
from seqvae.music.representations.parts.choice import heard, ranks
from seqvae.music.representations.timing import mixed, played_late
from seqvae.music.representations.windows import (
    OF_NOTES,
    Context,
    Found,
    Phrase,
    Rejection,
    Rules,
    Window,
    Windows,
    distinct,
    tunes_first,
)
from seqvae.music.representations.writing import (
    VELOCITY,
    NoteTrack,
    to_note_sequence,
    to_pretty_midi,
)
from vaecore.codec import Codec, Example
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    import pretty_midi
    from torch import Tensor

    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.perception.whole import MusicPerception
    from seqvae.sequences.property import Property

SHORT = 4
"""Windows of up to so many bars are walked evenly, and their samples settled, by default."""
MOST_NUMBERS = 1 << 24
"""Of all windows of one file together: 65,536 of 16 bars, or half a million of two."""
COMPARED_AT_ONCE = 4096
"""Windows whose bars are compared together."""


class SequenceCodec(Codec["pretty_midi.PrettyMIDI"]):
    """Base of codecs whose example has one class index of each voice at every step.

    Args:
        bars: Length of a window in bars.
        max_bars: A phrase is cut after this many bars (100 in the reference); None keeps all.
        grid: Steps of a bar, "16" or "12"; see `seqvae.music.reading.grids`.

    Raises:
        ValueError: `bars` is not 1 to `max_bars`, or the representation has no such grid.
    """

    name: ClassVar[str]
    suffixes = SUFFIXES
    grids: ClassVar[tuple[str, ...]] = (SIXTEEN.name,)
    """The grids that it may have."""
    title: ClassVar[str] = ""
    """Its name in messages ("a melody"); by default `name`."""
    prepared_as: ClassVar[str] = ""
    """The representation that `prepare` chooses for such files; by default `name`."""
    voices: tuple[tuple[str, Alphabet], ...]
    """The name and the alphabet of each voice."""
    classes: int | tuple[int, ...]
    """Number of classes of a step; a tuple if there are several voices."""
    calm: ClassVar[float] = 0.3
    """Temperature of samples: what is drawn is the code; more noise makes wrong notes."""
    dtype: ClassVar[type] = np.int64
    """Type of an example's numbers."""
    repeats = False  # whether the reference keeps equal windows of a piece

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
        if all(alphabet.perception(self.grid) for _, alphabet in self.voices):
            self.default_temperature = self.calm
            if bars <= SHORT:  # long windows take long to decode, and change evenly as they are
                self.default_timing = "perceived"
                self.settles_samples = self.calm < 1

    @property
    def config(self) -> dict[str, Any]:
        """The dictionary that `make_codec` builds this codec from."""
        found = {"name": self.name, "bars": self.bars, "max_bars": self.max_bars}
        return found | ({} if self.grid is SIXTEEN else {"grid": self.grid.name})

    @property
    def context(self) -> Context:
        """The context of a window without any: 120 bpm, 4/4, or 3/4 if bars have twelve steps."""
        return Context() if self.grid is SIXTEEN else Context(meter=(3, 4))

    @property
    def voice_names(self) -> tuple[str, ...]:
        """The names of the voices, in their order."""
        return tuple(name for name, _ in self.voices)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example: `(steps,)`, or `(steps, voices)` if there are several."""
        return (self.steps,) if len(self.voices) == 1 else (self.steps, len(self.voices))

    @property
    def width(self) -> int:
        """Numbers of a packed window."""
        return math.prod(self.shape)

    def pack(self, windows: np.ndarray) -> np.ndarray:
        """Return windows `(n, *shape)` as rows for shards, uint16 `(n, width)`."""
        return windows.reshape(-1, self.width).astype(np.uint16)

    def unpack(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of shards `(n, width)` as windows `(n, *shape)`."""
        return rows.reshape(-1, *self.shape).astype(self.dtype)

    @property
    def packed_classes(self) -> np.ndarray:
        """How many values each number of a packed window may have, `(width,)`."""
        classes = np.atleast_1d(self.classes)
        return np.tile(classes, self.width // len(classes))

    @property
    def sizes(self) -> dict[str, Any]:
        found = {"steps": self.steps, "classes": self.classes}
        return found | ({} if self.grid is SIXTEEN else {"grid": self.grid.name})

    @property
    def legend(self) -> dict[str, Any]:
        """The grid, and of each voice its instrument and the meaning of its numbers."""
        usual = self.context
        meter = usual.meter
        programs = iter((usual.program, usual.bass_program))
        classes = self.classes if isinstance(self.classes, tuple) else (self.classes,)
        return {
            "representation": self.name,
            "bars": self.bars,
            "steps": self.steps,
            "steps_per_bar": self.steps_per_bar,
            "steps_per_quarter": self.grid.lengths[4 * meter[0] / meter[1]],
            "meter": list(meter),
            "tempo": usual.tempo_bpm,
            "velocity": VELOCITY,
            "voices": [
                {
                    "name": name,
                    "drum": not alphabet.pitched,
                    "program": next(programs, usual.program) if alphabet.pitched else 0,
                    **alphabet.legend(count),
                }
                for (name, alphabet), count in zip(self.voices, classes, strict=True)
            ],
        }

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

    @abstractmethod
    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the notes of a window, one track for each voice."""

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return the bars of the shortest of some scores if this codec suits all of them, or None.

        None by default: such a model is never chosen, and has to be named.

        Args:
            scores: The scores.
            grid: That they are read on, one of `grids`.
        """
        return None

    def properties(self) -> dict[str, Property]:
        """Return the measurable properties of windows `(n, *shape)`, by name; none by default."""
        return {}

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        """Return random changes of training batches, by the names in recipes; none by default.

        Each is a pure function of a batch `(n, *shape)`, a generator and keyword arguments, on the
        batch's device.
        """
        return {}

    def checked(self, windows: Any) -> np.ndarray:
        """Return windows as an array `(n, *shape)` of any number of steps.

        Raises:
            ValueError: They are not integers of this shape.
        """
        return checked(windows, *self.shape[1:])

    def by_voice(self, windows: Any) -> Iterator[tuple[str, Alphabet, np.ndarray]]:
        """Divide windows `(n, *shape)` by voice.

        Yields:
            For each voice a prefix for names such as "bass_", empty if there is only one voice; its
            alphabet; and its windows, `(n, steps)` if they are class indices.
        """
        x = self.checked(windows)
        for column, (name, alphabet) in enumerate(self.voices):
            if len(self.voices) == 1:
                yield "", alphabet, x
            else:
                yield f"{name}_", alphabet, x[..., column]

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
        return self._collected(found, score.path)

    def _collected(self, found: Found, path: str | None) -> Windows:
        kind = f"{self.bars}-bar {self.name} window"
        return Windows.collect(found, kind, path, self.shape, self.dtype)

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
        """
        if hop_bars < 1:
            raise ValueError(f"hop_bars must be at least 1, got {hop_bars}")
        rules = Rules(score, reference, chosen=chosen)
        usable, rejections = self.usable(score.notes, rules)
        found: list[Window] = []
        bar = 1
        for piece in score.pieces(usable) if reference else score.passages(usable, self.grid):
            if piece.problem:
                rejections.append(_left_out(piece, bar))
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

    def read(self, item: Any) -> Windows:
        """Return every window of an item with its context, equal ones too; there may be none.

        Those of the part that is meant come first: the melody, or for trios the likeliest melody
        and bass; see `seqvae.music.representations.parts`.
        """
        score = heard(read_score(item))
        return self._collected(self.find(score, deduplicate=False, chosen=True), score.path)

    def cover(self, item: Any, first_bar: int | None = None) -> Windows:
        """Return the windows of the part that is meant one after another, up to its end.

        Rests are windows of silence, and the last one is filled up with it. What is in a meter that
        cannot be used is left out, and told by `rejections`.

        Args:
            item: MIDI path, PrettyMIDI, NoteSequence or Score.
            first_bar: Where the first window starts; the first bar with notes by default.
        """
        score = heard(read_score(item))
        taken = self.read(score)
        if taken.problem is not None:
            return taken
        number = taken.instruments[taken.default]
        rules = Rules(score, relaxed=True, chosen=True)
        usable, rejections = self.usable(score.notes, rules)
        found: list[Window] = []
        bar = 1
        for piece in score.passages(usable, self.grid):
            if piece.problem:
                rejections.append(_left_out(piece, bar))
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
        return self._collected(Found(found, rejections, False, bar - 1), score.path)

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

    @property
    def perception(self) -> MusicPerception | None:
        """How windows are perceived, where that is known of all their voices."""
        voices = [alphabet.perception(self.grid) for _, alphabet in self.voices]
        known = [voice for voice in voices if voice is not None]
        if len(known) < len(voices):
            return None
        return self._perceived(known, self.properties(), min(1.0, (2 / self.bars) ** 0.5))

    @property
    def _perceived(self) -> type[MusicPerception]:
        """How windows are perceived whose voices are."""
        from seqvae.music.representations.perception.whole import MusicPerception

        return MusicPerception

    def change(self, x: Tensor) -> Tensor:
        """Return how much is heard to change from window to window; see `Codec.change`."""
        perception = self.perception
        return super().change(x) if perception is None else perception.change(x)

    def condition(self, x: Tensor, groups: int) -> Tensor | None:
        """Return which bars of any two parts of windows are the same; see `seqvae.music.form`."""
        import torch

        from seqvae.music.form import relations

        if self.dtype is not np.int64 or self.bars % groups:
            return None
        found = [
            relations(part, groups, bar=self.steps_per_bar) for part in x.split(COMPARED_AT_ONCE)
        ]
        return torch.from_numpy(np.concatenate(found)).int()

    def conditioned(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return windows in which bars are repeated as their conditions say; see `form`."""
        import torch

        from seqvae.music.form import repeated

        return torch.from_numpy(repeated(x, condition, self.steps_per_bar))

    def blend(self, contexts: Sequence[Any], weights: Sequence[float]) -> Context:
        """Return the weighted mean tempos, and the programs of the context of the largest weight.

        It keeps how each was played, with its weight: what comes of it depends on the notes. Its
        place is that of the first.

        Contexts that are None, of codes without an item, do not count.
        """
        known: list[tuple[Context, float]]
        known = [(c, float(w)) for c, w in zip(contexts, weights, strict=True) if c is not None]
        if not known:
            return self.context
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

    def in_one_key(self, items: Sequence[Any]) -> list[Example]:
        """Return examples of items, those that clash with the first transposed into its key.

        They are accepted wherever items are: `space.interpolate(*space.codec.in_one_key([a, b]))`.

        Args:
            items: Paths, PrettyMIDI, NoteSequence, Score or examples.
        """
        from seqvae.music.representations import keys

        found = [item if isinstance(item, Example) else self.read(item).first for item in items]
        counts = [keys.pitch_classes(self.by_voice(each.x[None])) for each in found]
        moves = keys.shifts(counts)
        return [
            replace(each, x=keys.moved(self, each.x, move))
            for each, move in zip(found, moves, strict=True)
        ]

    def within(self, model: Any, limit: str, examples: Sequence[Example]) -> Any:
        """Return a copy of a model that chooses notes of a scale alone.

        Args:
            model: A model of such windows.
            limit: Name of the scale, such as "C major" or "A minor pentatonic" (see `keys.SCALES`);
                "keep" for those of the examples.
            examples: The inputs.

        Raises:
            UsageError: There is no such scale, or no voice has pitches.
        """
        import torch

        from seqvae.music.representations import keys

        rows = [example.x for example in examples]
        x = torch.stack(rows) if rows else torch.zeros(0, *self.shape, dtype=torch.long)
        if limit == "keep" and not rows:
            raise UsageError("there is no input whose scale could be kept; name a scale")
        return model.without(keys.banned(self, limit, x))

    def decode(self, x: Tensor, context: Context | None = None) -> pretty_midi.PrettyMIDI:
        """Return the music of a window, with tempos, programs and dynamics of the context.

        Args:
            x: Class indices, of the codec's `shape` but for the number of steps.
            context: Tempo, metre, programs and how inputs were played; by default `self.context`,
                piano, electric bass and the usual velocities (see `representations.dynamics`).
        """
        context = context or self.context
        tracks = played_late(self.tracks(self._checked(x), context), context.late)
        return to_pretty_midi(tracks, context)

    def to_note_sequence(self, x: Tensor, context: Context | None = None) -> Any:
        """Return the music of a window as a `note_seq.NoteSequence`, like Magenta's.

        Without a context that tells how it was played, velocities are 80, as Magenta's.

        Raises:
            DataError: The package note-seq is not installed.
        """
        context = context or self.context
        tracks = self.tracks(self._checked(x), context)
        if not context.played and self.dtype is np.int64:
            tracks = [track.at(VELOCITY) for track in tracks]
        return to_note_sequence(tracks, context)

    def _checked(self, x: Tensor) -> np.ndarray:
        array = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        if array.ndim == 0 or array.shape[1:] != self.shape[1:] or array.dtype.kind not in "iu":
            one = "one integer" if len(self.voices) == 1 else f"{len(self.voices)} integers"
            raise ValueError(f"a window is {one} per step, got {array.dtype} {array.shape}")
        if array.size and not ((array >= 0) & (array < np.array(self.classes))).all():
            raise ValueError(f"classes must lie in 0..{np.array(self.classes) - 1}")
        return array.astype(np.int64)

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
                if len(piece.tempo_steps) > 1:
                    (_, tempo), *changes = piece.tempos(step, self.steps)
                    own = replace(own, tempo_bpm=tempo, changes=tuple(changes))
                if phrase.played is not None:
                    own = replace(own, played=(phrase.played.part(at, self.steps),))
                cut.append((step, own, phrase.instrument))
        if not cut:
            return []
        held = np.concatenate(lines) if lines else None
        bar = self.steps_per_bar
        windows = self.clean(np.concatenate(blocks), held, reference)
        return [
            Window(x, first_bar + step // bar, piece.seconds(step), context, instrument)
            for x, (step, context, instrument) in zip(windows, cut, strict=True)
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


def _left_out(piece: Piece, bar: int) -> Rejection:
    """Return why a piece, which begins at a bar, is left out."""
    assert piece.problem is not None
    rule, text = piece.problem
    if piece.clock is not None:  # of bars that have numbers
        last = bar + piece.bars - 1
        text += f" in bar {bar}" if last == bar else f" in bars {bar}-{last}"
    return Rejection(rule, text, piece.offset, piece.bars)


def best_first(windows: list[Window], score: Score) -> list[Window]:
    """Put the windows of the likeliest part first; otherwise the order stays."""
    rank = ranks(score)
    return sorted(windows, key=lambda window: rank.get(window.instrument, 0))
