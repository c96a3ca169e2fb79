"""The description of a network of Magenta's: plain data, stored in the model folder."""

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

    Lists of levels are outermost first; lists of layers have the units of each layer, the lowest
    first. Lists of voices have one entry for each voice.
    """

    steps: int
    """Length of a window, in steps."""
    classes: int | Sequence[int]
    """Classes of a step, of each voice where there are several; of performances and of sets of
    drums that are given as numbers: how many drums."""
    tokens: str | Sequence[str]
    """The name of the `Alphabet` of each voice."""
    latent_dim: int
    encoder_dims: Sequence[int]
    """LSTM units per direction of each layer, the same on every level."""
    decoder_dims: Sequence[int]
    conductor_dims: Sequence[int] = ()
    encoder_levels: Sequence[int] = ()
    """Lengths of the encoder's levels; empty: a flat encoder."""
    levels: Sequence[int] = ()
    """Lengths of the decoder's levels, all but the last those of conductors; empty: flat."""
    head: str = "softmax"
    """"softmax"; "nade" for sets of drums; "groove" for performances."""
    nade_dim: int = 128
    """Hidden units of "nade"."""
    inputs: str = "classes"
    """What the encoder reads: "classes", one-hot; or "roll": the drums that are hit, and whether
    none is. Performances are read as they are."""
    hides: str = ""
    """What the encoder is not shown of a performance: its "feel" (velocities and timing), its
    "velocities", all but the rhythm ("tapped"), or the "closed hi-hat"."""
    controlled: bool = False
    """Whether encoder and decoder are given the hits of a performance at each step."""
    joint: bool = False
    """Whether one decoder writes all voices; otherwise each has its own."""
    network: str = NAME

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # as JSON has it
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
            raise ValueError("encoder_dims and decoder_dims must have a layer")
        if bool(self.conductor_dims) != (len(self.levels) > 1):
            raise ValueError("conductor_dims are for levels, and levels need them")
        for name in ("levels", "encoder_levels"):
            lengths = getattr(self, name)
            if lengths and math.prod(lengths) != self.steps:
                product = " x ".join(map(str, lengths))
                raise ValueError(f"the product of {name} must be {self.steps}, got {product}")
        if len(listed(self.classes)) != len(listed(self.tokens)):
            raise ValueError("tokens must be one for each of the voices of classes")
        if self.head != "softmax" and isinstance(self.classes, tuple):
            raise ValueError(f"head {self.head} is for one voice")
        for voice in listed(self.voices):
            shape = voice.shape
            if (self.head == "groove") != (voice.tokens == "groove") or (
                shape and self.head == "softmax"
            ):
                raise ValueError(f"head {self.head} is not for tokens {voice.tokens}")

    @property
    def voices(self) -> Voice | tuple[Voice, ...]:
        """The one voice of an example, or its several voices where `classes` is a list."""
        rows = zip(listed(self.classes), listed(self.tokens), strict=True)
        voices = tuple(Voice(classes, tokens, self.head) for classes, tokens in rows)
        return voices if isinstance(self.classes, tuple) else voices[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example, as the codec has it."""
        voices = self.voices
        return (self.steps, *(voices.shape if isinstance(voices, Voice) else (len(voices),)))

    @property
    def input_width(self) -> int:
        """Numbers of a step that the encoder reads."""
        voices: tuple[Voice, ...] = listed(self.voices)
        if self.inputs == "roll":
            return members(voices[0]) + 1
        width: int = sum(v.shape[0] if v.shape else v.classes for v in voices)
        return width + int(voices[0].classes if self.controlled else 0)


def members(voice: Voice) -> int:
    """Return the number of members that a voice's sets may have."""
    return voice.shape[0] if voice.shape else (voice.classes - 1).bit_length()


def fed_back_width(voices: Sequence[Voice]) -> int:
    """Return the numbers of a step that a decoder of some voices is given of the step before."""
    if voices[0].head == "softmax":
        return sum(voice.classes for voice in voices)
    return members(voices[0])
