"""The description of a sequence VAE's architecture, which is stored in `config.json`."""

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
    """A voice of an example.

    Attributes:
        classes: Number of classes of a step; for performances, of drums.
        tokens: Name of its alphabet.
        head: Name of its output layer.
    """

    classes: int
    tokens: str
    head: str

    @property
    def alphabet(self) -> Alphabet:
        """The meaning of the classes."""
        return alphabet_of(self.tokens)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a step: `()` for a class index, `(numbers,)` for performances."""
        return self.alphabet.shape(self.classes)


@dataclass(frozen=True)
class SequenceArchitecture:
    """All sizes and options of a sequence VAE.

    `classes`, `tokens` and `head` are lists where an example has several voices: one entry for
    each voice, or one for all.

    Raises:
        ValueError: A size or an option is not possible, or some do not fit each other.
    """

    steps: int
    """Length of a window, in steps."""
    classes: int | Sequence[int]
    """Number of classes of a step; for performances, of drums."""
    tokens: str | Sequence[str] = "plain"
    """Name of the classes' `Alphabet`, such as "drums", "melody" or "plain"; "groove" for drum
    performances, whose steps are numbers instead of classes."""
    latent_dim: int = 256
    embedding_dim: int = 128
    encoder_dim: int = 256
    """LSTM units per direction."""
    encoder_layers: int = 1
    encoder_levels: Sequence[int] = ()
    """Lengths of the encoder's levels, outermost first; their product is `steps`. With (16, 16)
    one level reads the 16 steps of each bar, and another the 16 bars. Empty for a flat encoder."""
    levels: Sequence[int] = ()
    """Lengths of the decoder's levels: with (16, 16) a conductor makes 16 embeddings, and a core
    decoder writes 16 steps for each. Empty for a flat decoder."""
    conductor_dim: int = 256
    """LSTM units of each level above the last, in decoder and encoder (there per direction)."""
    conductor_layers: int = 1
    decoder_dim: int = 256
    decoder_layers: int = 2
    readout: str = "steps"
    """How the encoder's outputs are summarised: "final" or "steps"; see `Reader`."""
    conditioning: str = "steps"
    """How the decoder depends on z: "shared" or "steps"; see `ConditionedLSTM`."""
    summary_dim: int = 32
    """Width of a step's summary, and of its projection of z, for "steps"."""
    segment_dim: int = 128
    """The same for a step of a level above the last, such as a bar."""
    head: str | Sequence[str] = "softmax"
    """Output layer: "softmax"; "chain" for classes that are sets of binary parts; "groove" for
    performances."""
    dropout: float = 0.0
    """Dropout, from 0 to 1, on the inputs of all LSTMs and of the head in training."""
    input_dropout: float = 0.0
    """Share of previous tokens hidden from the decoder in training."""
    scheduled_sampling: float = 0.0
    """Share of previous tokens replaced by the model's own draws in training."""
    stiff: float = 0.0
    """Share of performances of which the encoder reads only the hits in training."""
    tapped: float = 0.0
    """Share of performances of which it reads only the rhythm; see `performance.tapped`."""
    hearing: bool = False
    """Whether the first voice is decoded first and is an input of the others; see `Hearing`."""
    harmony: Sequence[float] = ()
    """Twelve numbers that raise the logits of the notes of a bass that suit the melody; see
    `Harmony`. Empty for none."""
    blend: float = 0.0
    """Weight of the loss of blends of two windows in training; see `SequenceVAE.blended_loss`."""
    grid: str = SIXTEEN.name
    """Name of the grid, which gives blends the strong beats of a bar; see `StepGrid`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # from JSON or YAML
                object.__setattr__(self, field.name, tuple(value))
        for name, known in (("readout", "final"), ("conditioning", "shared")):
            value = getattr(self, name)
            if value not in (known, "steps"):
                raise ValueError(f"{name} must be one of {known}, steps, got {value!r}")
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
            raise ValueError(f"classes must be those of 1..{MOST_VOICES} voices, got {count}")
        for name in ("tokens", "head"):
            if len(listed(getattr(self, name))) not in (1, count):
                raise ValueError(f"{name} must be one, or one for each of {count} voices")
        voices = self._listed_voices()
        for voice in voices:
            known = voice.alphabet
            of = f"for tokens {known.name}"
            if voice.head not in known.heads:
                heads = ", ".join(known.heads)
                raise ValueError(f"head must be one of {heads} {of}, got {voice.head!r}")
            if voice.classes > known.most:
                raise ValueError(f"classes must be at most {known.most} {of}, got {voice.classes}")
            if voice.shape and isinstance(self.classes, tuple):
                raise ValueError(f"tokens {known.name} are for one voice alone")
            if (self.stiff or self.tapped) and not known.simplifies:
                raise ValueError(f"stiff and tapped are not for tokens {known.name}")
        if self.stiff + self.tapped > 1:
            raise ValueError("stiff and tapped must sum to 1 at most")
        pitched = [voice.alphabet.pitched for voice in voices]
        if self.hearing and not (count > 1 and pitched[0] and self.levels):
            raise ValueError("hearing needs levels, and several voices with notes in the first")
        if self.harmony:
            if len(self.harmony) != OCTAVE or not all(map(math.isfinite, self.harmony)):
                raise ValueError(f"harmony must be {OCTAVE} numbers, or none")
            softmax = all(voice.head == "softmax" for voice in voices[:2])
            if not (self.levels and pitched[:2] == [True, True] and softmax):
                raise ValueError("harmony needs levels, and notes in the first two voices")
        if self.blend and (count > 1 or voices[0].alphabet.perception() is None):
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
        """Shape of an example: `(steps,)`; `(steps, voices)` where `classes` is a list;
        `(steps, numbers)` for performances."""
        voices = self.voices
        return (self.steps, *(voices.shape if isinstance(voices, Voice) else (len(voices),)))
