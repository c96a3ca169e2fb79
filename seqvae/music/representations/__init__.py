"""Codecs: the way between music and class indices, one class per sixteenth and voice.

`DrumCodec`, `MelodyCodec` and `TrioCodec` follow the converters of Magenta's MusicVAE, and
`GrooveCodec`, whose examples are numbers, that of GrooVAE; that of sentences is at home in
`seqvae.text`. `make_codec` builds the codec that a model folder describes; `detect` looks at files
and says which one fits.

A folder is a representation: its codec, what can be measured of it, how it is changed at random in
training. What they share: `alphabet` (what classes mean), `windows`, `phrases`, `writing`, `roles`
and `measuring`. See docs/domain.md for how to add one.
"""

from __future__ import annotations

import inspect
from typing import Any

from seqvae.music.representations.alphabet import DRUM_CLASSES, DRUM_PITCHES, PLAIN, Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.detection import Detection, detect
from seqvae.music.representations.drums.codec import DrumCodec
from seqvae.music.representations.groove.codec import GrooveCodec
from seqvae.music.representations.melody.codec import MelodyCodec
from seqvae.music.representations.trio.codec import TrioCodec
from seqvae.music.representations.windows import Context, Rejection, Windows
from seqvae.text.codec import TextCodec
from vaecore.codec import Codec
from vaecore.errors import DataError

__all__ = [
    "CODECS",
    "DRUM_CLASSES",
    "DRUM_PITCHES",
    "Alphabet",
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
    "alphabet_of",
    "detect",
    "make_codec",
]

CODECS: dict[str, type[SequenceCodec]] = {
    codec.name: codec for codec in (DrumCodec, GrooveCodec, MelodyCodec, TrioCodec)
}
"""The representations of music by name, the more particular ones last (see `detect`): the one place
that knows them all."""


def alphabet_of(name: str) -> Alphabet:
    """Return what the networks know of the tokens of a voice, by the name in an architecture.

    Raises:
        ValueError: No representation has such an alphabet.
    """
    known = [PLAIN, *(each for codec in CODECS.values() for _, each in codec.voices)]
    for each in known:
        if each.name == name:
            return each
    names = ", ".join(dict.fromkeys(each.name for each in known))
    raise ValueError(f"tokens must be one of {names}, got {name!r}")


def make_codec(config: dict[str, Any]) -> Codec[Any]:
    """Build a codec from its `config`, such as `{"name": "melody", "bars": 2}`.

    Raises:
        DataError: The configuration names no codec, or has unknown keys or unusable values.
    """
    name = config.get("name")
    codecs: dict[Any, type[Codec[Any]]] = {**CODECS, TextCodec.name: TextCodec}
    if name not in codecs:
        known = ", ".join(codecs)
        raise DataError(f"unknown representation {name!r}", remedy=f"known are {known}")
    options = {key: value for key, value in config.items() if key != "name"}
    unknown = set(options) - set(inspect.signature(codecs[name]).parameters)
    if unknown:
        raise DataError(f"unknown setting of the {name} representation: {', '.join(unknown)}")
    try:
        return codecs[name](**options)
    except (TypeError, ValueError) as error:
        raise DataError(f"unusable {name} representation: {error}") from error
