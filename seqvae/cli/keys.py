"""The options --key and --scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import numpy as np

from vaecore.cli.presentation import Source

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec

KEY = click.Option(
    ["--key"],
    type=click.Choice(["keep", "common"]),
    default="common",
    show_default=True,
    help="common: inputs that clash with the first one are transposed into its key, also in the "
    "results. keep: all inputs stay in their keys.",
)
SCALE = click.Option(
    ["--scale"],
    help="Use only notes of this scale, such as 'C major', 'Am' or 'D dorian'; keep: only notes of "
    "the inputs.",
)


def in_one_key(codec: SequenceCodec, rounds: Sequence[Sequence[Source]]) -> list[list[Source]]:
    """Return sources in the key of the first input; their texts give the transpositions.

    An input is transposed by the same interval in every round.
    """
    from seqvae.music.representations import keys

    inputs = list(zip(*rounds, strict=True))
    counts = [
        np.sum([keys.pitch_classes(codec.by_voice(s.example.x[None])) for s in of_input], axis=0)
        for of_input in inputs
    ]
    home, moves = keys.name(counts[0]), keys.shifts(counts)
    found = [
        [_moved(codec, source, move, home, k == 0) for source in of_input]
        for k, (of_input, move) in enumerate(zip(inputs, moves, strict=True))
    ]
    return [list(sources) for sources in zip(*found, strict=True)]


def _moved(codec: SequenceCodec, source: Source, move: int, home: str, first: bool) -> Source:
    """Return a transposed source; its text gives the interval, that of the first input the key.

    Args:
        codec: The codec of the model.
        source: The source.
        move: Semitones; negative is down.
        home: Name of the key.
        first: Whether it is of the first input.
    """
    from seqvae.music.representations import keys

    facts = {**source.facts, "transposed": move}
    about = f"in {home}" if first else f"{move:+d} semitones, to {home}" if move else ""
    example = replace(source.example, x=keys.moved(codec, source.example.x, move))
    place = " · ".join(part for part in (source.place, about) if part)
    return replace(source, example=example, place=place, facts=facts)
