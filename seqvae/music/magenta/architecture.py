"""The description of a network of Magenta's, which is stored in `config.json`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from seqvae.music.networks.architecture import Voice
from seqvae.sequences.sizes import LARGEST_CLASSES, LARGEST_STEPS, check_sizes, listed

NAME = "magenta"
"""The `network` of an architecture in `config.json`."""
INPUTS = ("classes", "roll")
HEADS = ("softmax", "nade", "groove")
HIDES = ("", "feel", "velocities", "tapped", "closed hi-hat")
LARGEST = {
    "steps": LARGEST_STEPS,
    "classes": LARGEST_CLASSES,
    "levels": LARGEST_STEPS,
    "encoder_levels": LARGEST_STEPS,
}
MOST_LAYERS, MOST_LEVELS, MOST_VOICES = 16, 4, 16


@dataclass(frozen=True)
class MagentaArchitecture:
    """All sizes and options of a network of Magenta's.

    Lists of levels begin with the outermost, lists of layers with the lowest. Lists of voices have
    one entry for each voice.

    Raises:
        ValueError: A size or an option is not possible, or some do not fit each other.
    """

    steps: int
    """Length of a window, in steps."""
    classes: int | Sequence[int]
    """Number of classes of a step, for each voice where there are several. For performances, and
    for drums as numbers: the number of drums."""
    tokens: str | Sequence[str]
    """Name of the `Alphabet`, for each voice where there are several."""
    latent_dim: int
    encoder_dims: Sequence[int]
    """LSTM units per direction of each layer; the same on every level."""
    decoder_dims: Sequence[int]
    conductor_dims: Sequence[int] = ()
    encoder_levels: Sequence[int] = ()
    """Lengths of the encoder's levels; empty for a flat encoder."""
    levels: Sequence[int] = ()
    """Lengths of the decoder's levels, all but the last of conductors; empty for a flat decoder."""
    head: str = "softmax"
    """Output layer: "softmax"; "nade" for sets of drums; "groove" for performances."""
    nade_dim: int = 128
    """Hidden units of "nade"."""
    inputs: str = "classes"
    """Input of the encoder: "classes", one-hot; or "roll", a number for each drum and one for no
    drum. Performances are read as they are."""
    hides: str = ""
    """The part of a performance that the encoder does not read: its "feel" (velocities and timing),
    its "velocities", all but the rhythm ("tapped"), or the "closed hi-hat"."""
    controlled: bool = False
    """Whether the hits of a performance are a further input of encoder and decoder at each step."""
    joint: bool = False
    """Whether one decoder writes all voices; otherwise each voice has its own."""
    network: str = NAME

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # from JSON
                object.__setattr__(self, field.name, tuple(value))
        known = (("network", (NAME,)), ("head", HEADS), ("inputs", INPUTS), ("hides", HIDES))
        for name, values in known:
            if getattr(self, name) not in values:
                raise ValueError(f"{name} must be one of {values}, got {getattr(self, name)!r}")
        check_sizes(self, LARGEST)
        for name, most in (
            ("encoder_dims", MOST_LAYERS),
            ("decoder_dims", MOST_LAYERS),
            ("conductor_dims", MOST_LAYERS),
            ("encoder_levels", MOST_LEVELS),
            ("levels", MOST_LEVELS),
            ("classes", MOST_VOICES),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) and len(value) > most:
                raise ValueError(f"{name} must have at most {most} entries, got {len(value)}")
        if not self.encoder_dims or not self.decoder_dims:
            raise ValueError("encoder_dims and decoder_dims must have at least one layer")
        if bool(self.conductor_dims) != (len(self.levels) > 1):
            raise ValueError("conductor_dims and two levels or more need each other")
        for name in ("levels", "encoder_levels"):
            lengths = getattr(self, name)
            if lengths and math.prod(lengths) != self.steps:
                product = " x ".join(map(str, lengths))
                raise ValueError(f"the product of {name} must be {self.steps}, got {product}")
        if len(listed(self.classes)) != len(listed(self.tokens)):
            raise ValueError("tokens and classes must have as many voices")
        if self.head != "softmax" and isinstance(self.classes, tuple):
            raise ValueError(f"head {self.head} is for one voice")
        for voice in listed(self.voices):
            performed = voice.tokens == "groove"
            if (self.head == "groove") != performed or (voice.shape and self.head == "softmax"):
                raise ValueError(f"head {self.head} is not for tokens {voice.tokens}")

    @property
    def voices(self) -> Voice | tuple[Voice, ...]:
        """The one voice of an example, or its several voices where `classes` is a list."""
        rows = zip(listed(self.classes), listed(self.tokens), strict=True)
        voices = tuple(Voice(classes, tokens, self.head) for classes, tokens in rows)
        return voices if isinstance(self.classes, tuple) else voices[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example of the codec."""
        voices = self.voices
        return (self.steps, *(voices.shape if isinstance(voices, Voice) else (len(voices),)))

    @property
    def input_width(self) -> int:
        """Number of the encoder's inputs at each step."""
        voices: tuple[Voice, ...] = listed(self.voices)
        if self.inputs == "roll":
            return set_size(voices[0]) + 1
        width: int = sum(v.shape[0] if v.shape else v.classes for v in voices)
        return width + int(voices[0].classes if self.controlled else 0)


def set_size(voice: Voice) -> int:
    """Return the number of drums of a voice whose steps are sets of drums."""
    return voice.shape[0] if voice.shape else (voice.classes - 1).bit_length()


def fed_back_width(voices: Sequence[Voice]) -> int:
    """Return how many inputs of a decoder come from the step before, for the voices it writes."""
    if voices[0].head == "softmax":
        return sum(voice.classes for voice in voices)
    return set_size(voices[0])
