"""The base class of music's codecs: from a score to windows on a grid, and back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.reading.score import Score
from seqvae.music.representations.contexts import Context, blended
from seqvae.music.representations.finding import WindowFinder
from seqvae.music.representations.measuring import checked
from seqvae.music.representations.timing import played_late
from seqvae.music.representations.writing import (
    VELOCITY,
    NoteTrack,
    to_note_sequence,
    to_pretty_midi,
)
from vaecore.codec import Example
from vaecore.errors import UsageError

if TYPE_CHECKING:
    import pretty_midi
    from torch import Tensor

    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.perception.whole import MusicPerception
    from seqvae.sequences.property import Property

SHORT = 4
"""Windows of up to so many bars are walked evenly, and their samples settled, by default."""
COMPARED_AT_ONCE = 4096
"""Windows whose bars are compared together."""


class SequenceCodec(WindowFinder):
    """Base of codecs whose example has one class index of each voice at every step.

    Args:
        bars: Length of a window in bars.
        max_bars: A phrase is cut after this many bars (100 in the reference); None keeps all.
        grid: Steps of a bar, "16" or "12"; see `seqvae.music.reading.grids`.

    Raises:
        ValueError: `bars` is not 1 to `max_bars`, or the representation has no such grid.
    """

    title: ClassVar[str] = ""
    """Its name in messages ("a melody"); by default `name`."""
    prepared_as: ClassVar[str] = ""
    """The representation that `prepare` chooses for such files; by default `name`."""
    keeps_timing: ClassVar[bool] = False
    """Whether notes may lie off the grid, so that sixteenths keep triplets, too."""
    classes: int | tuple[int, ...]
    """Number of classes of a step; a tuple if there are several voices."""
    polyphonic: ClassVar[bool] = False
    """Whether it takes chords whole, of which others take the top line."""
    calm: ClassVar[float] = 0.3
    """Temperature of samples: what is drawn is the code; more noise makes wrong notes."""
    settled: ClassVar[bool] = True
    """Whether codes of short samples are decoded and encoded once more; that makes them plainer."""

    def __init__(self, bars: int = 2, max_bars: int | None = 100, grid: str = SIXTEEN.name) -> None:
        super().__init__(bars, max_bars, grid)
        if all(alphabet.perception(self.grid) for _, alphabet in self.voices):
            self.default_temperature = self.calm
            if bars <= SHORT:  # long windows take long to decode, and change evenly as they are
                self.default_timing = "perceived"
                self.settles_samples = self.settled

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

    def together(self, score: Score, instrument: int) -> tuple[int, ...]:
        """Return the instruments whose notes the windows of one instrument have, here itself."""
        return (instrument,)

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
        known = [(c, w) for c, w in zip(contexts, weights, strict=True) if c is not None]
        return blended(known) if known else self.context

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
