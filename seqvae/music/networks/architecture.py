"""The description of a sequence VAE's architecture: plain data, stored in the model folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from seqvae.music.reading.grids import SIXTEEN, grid
from seqvae.music.representations import Alphabet, alphabet_of
from seqvae.sequences.sizes import LARGEST_CLASSES, LARGEST_STEPS, check_sizes, listed

LARGEST = {
    "steps": LARGEST_STEPS,
    "classes": LARGEST_CLASSES,
    "encoder_layers": 16,
    "conductor_layers": 16,
    "decoder_layers": 16,
    "levels": 1 << 12,
    "encoder_levels": 1 << 12,
}
MOST_VOICES, MOST_LEVELS, OCTAVE = 16, 4, 12


@dataclass(frozen=True)
class Voice:
    """One of the parts that sound together: an example has one class of it at every step."""

    classes: int
    tokens: str
    head: str

    @property
    def alphabet(self) -> Alphabet:
        """The meaning of the classes."""
        return alphabet_of(self.tokens)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a step: () for one class index, or the numbers of a performance."""
        return self.alphabet.shape(self.classes)


@dataclass(frozen=True)
class SequenceArchitecture:
    """All sizes and options of a sequence VAE; stored in the model folder.

    `classes`, `tokens` and `head` are lists where an example has several voices: one entry for
    each, or one for all.
    """

    steps: int
    """Length of a window, in steps."""
    classes: int | Sequence[int]
    """Number of classes of one step; of performances, of drums."""
    tokens: str | Sequence[str] = "plain"
    """The name of the `Alphabet` of the classes: "drums", "melody" or "plain"; or "groove" for drum
    performances, whose steps are not classes but numbers."""
    latent_dim: int = 256
    embedding_dim: int = 128
    encoder_dim: int = 256
    """LSTM units per direction."""
    encoder_layers: int = 1
    encoder_levels: Sequence[int] = ()
    """Lengths of the encoder's levels, outermost first, whose product is `steps`: with (16, 16)
    one level reads the 16 steps of each bar, and another the 16 bars. Empty: a flat encoder."""
    levels: Sequence[int] = ()
    """The same of the decoder: with (16, 16) a conductor makes 16 embeddings, and a core decoder
    16 steps of each. Empty: a flat decoder."""
    conductor_dim: int = 256
    """LSTM units of each level above the last: of conductors, and of the encoder per direction."""
    conductor_layers: int = 1
    decoder_dim: int = 256
    decoder_layers: int = 2
    readout: str = "steps"
    """How the encoder's outputs become a code: "final" or "steps"; see `Reader`."""
    conditioning: str = "steps"
    """How the decoder depends on z: "shared" or "steps"; see `ConditionedLSTM`."""
    summary_dim: int = 32
    """Width of a step's part in the code, for "steps"."""
    segment_dim: int = 128
    """The same for a step of a level above the last, such as a bar, in encoder and decoder."""
    head: str | Sequence[str] = "softmax"
    """"softmax"; "chain" for classes that are sets of binary parts; "groove" for performances."""
    dropout: float = 0.0
    """On the inputs of all LSTMs and of the head, in training."""
    input_dropout: float = 0.0
    """Share of previous tokens hidden from the decoder in training."""
    scheduled_sampling: float = 0.0
    """Share of previous tokens replaced by the model's own draws in training."""
    stiff: float = 0.0
    """Share of performances of which the encoder gets only the hits in training."""
    tapped: float = 0.0
    """Share of performances of which it gets only the rhythm; see `performance.tapped`."""
    hearing: bool = False
    """Whether the voices after the first are given it, as it is decoded first; see `Hearing`."""
    harmony: Sequence[float] = ()
    """Twelve numbers by which the notes of a bass are tilted towards those that suit the melody,
    which is written before it; see `Harmony`. Empty: they are not."""
    blend: float = 0.0
    """Weight, in training, of blends of two windows being decoded from between their codes."""
    grid: str = SIXTEEN.name
    """Steps of a bar, by which blends know its strong places; see `StepGrid`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # as JSON and YAML have it
                object.__setattr__(self, field.name, tuple(value))
        for name, known in (
            ("readout", ("final", "steps")),
            ("conditioning", ("shared", "steps")),
        ):
            for value in listed(getattr(self, name)):
                if value not in known:
                    raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        grid(self.grid)
        check_sizes(self, LARGEST)
        self._check_voices()
        for name in ("levels", "encoder_levels"):
            lengths = getattr(self, name)
            if not isinstance(lengths, tuple) or len(lengths) > MOST_LEVELS:
                raise ValueError(f"{name} must be a list of at most {MOST_LEVELS} lengths")
            if lengths and math.prod(lengths) != self.steps:
                product = " x ".join(map(str, lengths))
                raise ValueError(f"the product of {name} must be {self.steps}, got {product}")

    def _check_voices(self) -> None:
        """Raise ValueError if the voices' lists do not fit together."""
        count = len(listed(self.classes))
        if not 1 <= count <= MOST_VOICES:
            raise ValueError(f"classes must be of 1..{MOST_VOICES} voices, got {count}")
        for name in ("tokens", "head"):
            values = listed(getattr(self, name))
            if len(values) not in (1, count):
                raise ValueError(f"{name} must be one, or one for each of {count} voices")
        for voice in self._listed_voices():
            known = voice.alphabet
            if voice.head not in known.heads:
                heads = ", ".join(known.heads)
                raise ValueError(
                    f"head must be one of {heads} for tokens {known.name}, got {voice.head!r}"
                )
            if voice.classes > known.most:
                raise ValueError(
                    f"classes must be at most {known.most} for tokens {known.name}, "
                    f"got {voice.classes}"
                )
            if voice.shape and isinstance(self.classes, tuple):
                raise ValueError(f"tokens {known.name} are of one voice alone")
            if (self.stiff or self.tapped) and not known.simplifies:
                raise ValueError(f"stiff and tapped are not for tokens {known.name}")
        if self.stiff + self.tapped > 1:
            raise ValueError("stiff and tapped must sum to 1 at most")
        led = count > 1 and self._listed_voices()[0].alphabet.pitched
        if self.hearing and not (led and self.levels):
            raise ValueError("hearing is for levels of several voices, the first of them of notes")
        if self.harmony:
            pitched = [
                voice.alphabet.pitched and voice.head == "softmax"
                for voice in self._listed_voices()
            ]
            if len(self.harmony) != OCTAVE or not all(map(math.isfinite, self.harmony)):
                raise ValueError(f"harmony must be {OCTAVE} numbers, or none")
            if not (self.levels and pitched[:2] == [True, True]):
                raise ValueError("harmony is for levels of several voices, two of them of notes")
        if self.blend and (count > 1 or self._listed_voices()[0].alphabet.perception() is None):
            raise ValueError("blend is for one voice whose alphabet has a perception")

    @property
    def voices(self) -> Voice | tuple[Voice, ...]:
        """The one voice of an example, or its several voices where `classes` is a list."""
        voices = self._listed_voices()
        return voices if isinstance(self.classes, tuple) else voices[0]

    def _listed_voices(self) -> tuple[Voice, ...]:
        columns = (listed(getattr(self, name)) for name in ("tokens", "head"))
        classes = listed(self.classes)
        tokens, heads = (v * len(classes) if len(v) == 1 else v for v in columns)
        return tuple(map(Voice, classes, tokens, heads))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example: `(steps,)`; `(steps, voices)` where `classes` is a list; of
        performances `(steps, numbers)`."""
        voices = self.voices
        return (self.steps, *(voices.shape if isinstance(voices, Voice) else (len(voices),)))
