"""Measurable properties of trios: all of the melody's, some of the bass's and the drums'."""

from __future__ import annotations

from dataclasses import replace

from seqvae.music.representations.drums.properties import PROPERTIES as OF_DRUMS
from seqvae.music.representations.melody.properties import properties as of_melody
from seqvae.music.representations.roles import BASS, DRUMS, MELODY
from seqvae.sequences.property import Property


def _of_voice(
    voice: str, column: int, properties: dict[str, Property], *names: str
) -> dict[str, Property]:
    def measured(prop: Property) -> Property:
        return replace(
            prop,
            description=f"{voice}: {prop.description}",
            of=lambda x: prop.of(x[..., column]),
        )

    return {f"{voice}_{name}": measured(properties[name]) for name in names}


_NOTES = of_melody()
PROPERTIES: dict[str, Property] = {
    **_of_voice(MELODY, 0, _NOTES, *_NOTES),
    **_of_voice(BASS, 1, _NOTES, "note_density", "average_pitch"),
    **_of_voice(DRUMS, 2, OF_DRUMS, *(name for name in OF_DRUMS if name.endswith("density"))),
}
"""Name -> property of trios `(n, steps, 3)`."""
