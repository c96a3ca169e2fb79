"""Codecs: the way between music and class indices, one class per sixteenth and voice.

`DrumCodec`, `MelodyCodec` and `TrioCodec` follow the converters of Magenta's MusicVAE, and
`GrooveCodec`, whose examples are numbers, that of GrooVAE. `make_codec` builds the codec that a
model folder describes; `detect` looks at files and tells which one fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.detection import Detection, candidates, detect
from seqvae.music.representations.drums.codec import DRUM_CLASSES, DRUM_PITCHES, DrumCodec
from seqvae.music.representations.groove.codec import GrooveCodec
from seqvae.music.representations.melody.codec import MelodyCodec
from seqvae.music.representations.trio.codec import TrioCodec
from seqvae.music.representations.windows import Context, Rejection, Windows
from seqvae.sequences.registry import build_codec

__all__ = [
    "DRUM_CLASSES",
    "DRUM_PITCHES",
    "Context",
    "Detection",
    "DrumCodec",
    "GrooveCodec",
    "MelodyCodec",
    "Rejection",
    "SequenceCodec",
    "TrioCodec",
    "Windows",
    "candidates",
    "detect",
    "make_codec",
]

CODECS: dict[str, type[SequenceCodec]] = {
    codec.name: codec for codec in (DrumCodec, GrooveCodec, MelodyCodec, TrioCodec)
}


def make_codec(config: Mapping[str, Any]) -> SequenceCodec:
    """Build a codec from its `config`; see `seqvae.sequences.registry.build_codec`."""
    return build_codec(CODECS, config)
