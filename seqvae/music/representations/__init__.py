"""Codecs: the way between music and class indices, one class per sixteenth and voice.

`DrumCodec`, `MelodyCodec` and `TrioCodec` follow the converters of Magenta's MusicVAE, and
`GrooveCodec`, whose examples are numbers, that of GrooVAE; that of sentences is at home in
`seqvae.text`. `make_codec` builds the codec that a model folder describes; `detect` looks at files
and says which one fits.
"""

from __future__ import annotations

import inspect
from typing import Any

from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.detection import Detection, detect
from seqvae.music.representations.drums.codec import DRUM_CLASSES, DRUM_PITCHES, DrumCodec
from seqvae.music.representations.groove.codec import GrooveCodec
from seqvae.music.representations.melody.codec import MelodyCodec
from seqvae.music.representations.trio.codec import TrioCodec
from seqvae.music.representations.windows import Context, Rejection, Windows
from seqvae.text.codec import TextCodec
from vaecore.codec import Codec
from vaecore.errors import DataError

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
    "TextCodec",
    "TrioCodec",
    "Windows",
    "detect",
    "make_codec",
]

CODECS: dict[str, type[Codec]] = {
    c.name: c for c in (DrumCodec, GrooveCodec, MelodyCodec, TrioCodec, TextCodec)
}


def make_codec(config: dict[str, Any]) -> Codec:
    """Build a codec from its `config`, such as `{"name": "melody", "bars": 2}`.

    Raises:
        DataError: The configuration names no codec, or has unknown keys or unusable values.
    """
    name = config.get("name")
    if name not in CODECS:
        known = ", ".join(CODECS)
        raise DataError(f"unknown representation {name!r}", remedy=f"known are {known}")
    options = {key: value for key, value in config.items() if key != "name"}
    unknown = set(options) - set(inspect.signature(CODECS[name]).parameters)
    if unknown:
        raise DataError(f"unknown setting of the {name} representation: {', '.join(unknown)}")
    try:
        return CODECS[name](**options)
    except (TypeError, ValueError) as error:
        raise DataError(f"unusable {name} representation: {error}") from error
