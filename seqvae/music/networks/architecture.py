"""The description of a sequence VAE's architecture: plain data, stored in the model folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from seqvae.music.representations import Alphabet, alphabet_of
from seqvae.sequences.sizes import LARGEST_CLASSES, LARGEST_DIM, LARGEST_STEPS

LARGEST = {
    "steps": LARGEST_STEPS,
    "classes": LARGEST_CLASSES,
    "encoder_layers": 16,
    "conductor_layers": 16,
    "decoder_layers": 16,
    "levels": 1 << 12,
    "encoder_levels": 1 << 12,
}
MOST_VOICES, MOST_LEVELS = 16, 4


@dataclass(frozen=True)
class Voice:
    """One of the parts that sound together: an example has a class index of each at every step."""

    classes: int
    tokens: str
    head: str

    @property
    def alphabet(self) -> Alphabet:
        """What the classes mean."""
        return alphabet_of(self.tokens)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a step: one class index, or the numbers of a performance."""
        return self.alphabet.shape(self.classes)


@dataclass(frozen=True)
class SequenceArchitecture:
    """Everything that decides the shape of a sequence VAE; stored in the model folder.

    `classes`, `tokens` and `head` are lists where an example has several voices: one entry for
    each, or one for all.
    """

    steps: int
    """Length of a window, in steps."""
    classes: int | Sequence[int]
    """Number of classes of one step; of performances, of drums."""
    tokens: str | Sequence[str] = "plain"
    """What the classes are made of, by the name of an `Alphabet`: "drums", "melody" or "plain"; or
    "groove" for drum performances, whose steps are no classes but numbers."""
    latent_dim: int = 256
    embedding_dim: int = 128
    encoder_dim: int = 256
    """LSTM units per direction."""
    encoder_layers: int = 1
    encoder_levels: Sequence[int] = ()
    """Lengths of the encoder's levels, outermost first, whose product is `steps`: with (16, 16)
    it reads bars of 16 steps one by one, and then the 16 bars. Empty: all steps in one go."""
    levels: Sequence[int] = ()
    """The same of the decoder: with (16, 16) a conductor writes 16 embeddings, and a core decoder
    16 steps from each. Empty: a flat decoder."""
    conductor_dim: int = 256
    """LSTM units of each level above the last: of conductors, and of the encoder per direction."""
    conductor_layers: int = 1
    decoder_dim: int = 256
    decoder_layers: int = 2
    readout: str = "steps"
    """How the encoder's outputs become a code: "final" or "steps"."""
    conditioning: str = "steps"
    """How z speaks to the decoder: "shared" or "steps"."""
    summary_dim: int = 32
    """Width of a step's part in the code, for "steps"."""
    segment_dim: int = 128
    """Width of what a step of a level above the last, a bar, says to the code and hears of it."""
    head: str | Sequence[str] = "softmax"
    """"softmax"; "chain" for classes that are sets of binary parts; "groove" for performances."""
    dropout: float = 0.0
    """On the inputs of all LSTMs and of the head, in training."""
    input_dropout: float = 0.0
    """Share of previous tokens hidden from the decoder in training."""
    scheduled_sampling: float = 0.0
    """Share of previous tokens replaced by the model's own draws in training."""
    stiff: float = 0.0
    """Share of performances of which the encoder hears the hits alone in training."""
    tapped: float = 0.0
    """Share of performances of which it hears the rhythm alone; see `performance`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # as JSON and YAML have it
                object.__setattr__(self, field.name, tuple(value))
        for name, known in (
            ("readout", ("final", "steps")),
            ("conditioning", ("shared", "steps")),
        ):
            for value in _listed(getattr(self, name)):
                if value not in known:
                    raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        for field in fields(self):
            largest = LARGEST.get(field.name, LARGEST_DIM)
            for value in _listed(getattr(self, field.name)):
                if "int" in field.type and not (type(value) is int and 1 <= value <= largest):
                    raise ValueError(f"{field.name} must be in 1..{largest}, got {value!r}")
                if field.type == "float" and not 0 <= value <= 1:
                    raise ValueError(f"{field.name} must be in 0..1, got {value}")
        self._check_voices()
        for name in ("levels", "encoder_levels"):
            lengths = getattr(self, name)
            if not isinstance(lengths, tuple) or len(lengths) > MOST_LEVELS:
                raise ValueError(f"{name} must be a list of at most {MOST_LEVELS} lengths")
            if lengths and math.prod(lengths) != self.steps:
                product = " x ".join(map(str, lengths))
                raise ValueError(f"{name} must be {self.steps} steps in all, got {product}")

    def _check_voices(self) -> None:
        """Raise ValueError where the voices' lists do not fit together."""
        count = len(_listed(self.classes))
        if not 1 <= count <= MOST_VOICES:
            raise ValueError(f"classes must be of 1..{MOST_VOICES} voices, got {count}")
        for name in ("tokens", "head"):
            values = _listed(getattr(self, name))
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
            raise ValueError("stiff and tapped must be 1 together at most")

    @property
    def voices(self) -> Voice | tuple[Voice, ...]:
        """The one voice of an example, or its several voices where `classes` is a list."""
        voices = self._listed_voices()
        return voices if isinstance(self.classes, tuple) else voices[0]

    def _listed_voices(self) -> tuple[Voice, ...]:
        columns = (_listed(getattr(self, name)) for name in ("tokens", "head"))
        classes = _listed(self.classes)
        tokens, heads = (v * len(classes) if len(v) == 1 else v for v in columns)
        return tuple(map(Voice, classes, tokens, heads))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example: `(steps,)`; `(steps, voices)` where `classes` is a list; of
        performances `(steps, numbers)`."""
        voices = self.voices
        return (self.steps, *(voices.shape if isinstance(voices, Voice) else (len(voices),)))


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
