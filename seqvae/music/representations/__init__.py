"""Codecs: the way between music and class indices, one class per sixteenth and voice.

`DrumCodec`, `MelodyCodec` and `TrioCodec` follow the converters of Magenta's MusicVAE, and
`GrooveCodec`, whose examples are numbers, that of GrooVAE. `make_codec` builds the codec that a
model folder describes; `detect` finds the one that fits some files.

A folder is a representation: its codec, its measurable properties, its random changes in training.
Modules that they share: `alphabet` (the meaning of classes), `windows`, `phrases`, `dynamics`
(velocities, and the sounds of a kit), `writing`, `roles` and `measuring`. See docs/domain.md for
how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqvae.music.representations.alphabet import DRUM_CLASSES, DRUM_PITCHES, PLAIN, Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.detection import Detection, candidates, detect
from seqvae.music.representations.drums.codec import DrumCodec
from seqvae.music.representations.drums.pitches import DrumPitchCodec
from seqvae.music.representations.groove.codec import GrooveCodec
from seqvae.music.representations.melody.codec import MelodyCodec
from seqvae.music.representations.piano.codec import PianoCodec
from seqvae.music.representations.trio.codec import TrioCodec
from seqvae.music.representations.windows import Rejection, Windows
from vaecore.codec import build_codec

__all__ = [
    "CODECS",
    "DRUM_CLASSES",
    "DRUM_PITCHES",
    "Alphabet",
    "Context",
    "Detection",
    "DrumCodec",
    "DrumPitchCodec",
    "GrooveCodec",
    "MelodyCodec",
    "PianoCodec",
    "Rejection",
    "SequenceCodec",
    "TrioCodec",
    "Windows",
    "alphabet_of",
    "candidates",
    "detect",
    "make_codec",
]

CODECS: dict[str, type[SequenceCodec]] = {
    codec.name: codec
    for codec in (DrumPitchCodec, DrumCodec, GrooveCodec, MelodyCodec, PianoCodec, TrioCodec)
}
"""All representations of music by name, the more specific ones last (see `candidates`)."""


def alphabet_of(name: str) -> Alphabet:
    """Return an alphabet by its name in an architecture.

    Raises:
        ValueError: No representation has such an alphabet.
    """
    known = [PLAIN, *(each for codec in CODECS.values() for _, each in codec.voices)]
    for each in known:
        if each.name == name:
            return each
    names = ", ".join(dict.fromkeys(each.name for each in known))
    raise ValueError(f"tokens must be one of {names}, got {name!r}")


def make_codec(config: Mapping[str, Any]) -> SequenceCodec:
    """Build a codec from its `config`; see `vaecore.codec.build_codec`."""
    return build_codec(CODECS, config)
