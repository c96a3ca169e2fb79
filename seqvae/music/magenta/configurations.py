"""Magenta's configurations as data, from Magenta 2.1.4, `magenta/models/music_vae/configs.py`.

They have what the tensors of a checkpoint do not show. Sizes (units, latent dimensions, number of
layers) are read from the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Configuration:
    """A configuration of Magenta.

    Attributes:
        representation: Name of the codec.
        bars: Bars of a window.
        layers: Usual number of layers of the encoder and of the decoder.
        encoder_levels: As in `MagentaArchitecture`, like all up to `joint`.
        levels: Lengths of the decoder's levels.
        head: Output layer.
        inputs: Input of the encoder.
        hides: The part of a performance that the encoder does not read.
        controlled: Whether the hits are a further input.
        joint: Whether one decoder writes all voices.
        options: Further arguments of the codec.
    """

    representation: str
    bars: int
    layers: tuple[int, int]
    encoder_levels: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    head: str = "softmax"
    inputs: str = "classes"
    hides: str = ""
    controlled: bool = False
    joint: bool = False
    options: Mapping[str, object] | None = None


def _drums(layers: tuple[int, int]) -> Configuration:
    return Configuration("drums", 2, layers, inputs="roll")


def _groove(bars: int, hides: str, controlled: bool = False) -> Configuration:
    return Configuration("groove", bars, (1, 2), head="groove", hides=hides, controlled=controlled)


_BARS = (16, 16)

CONFIGURATIONS: Mapping[str, Configuration] = {
    "cat-mel_2bar_small": Configuration("melody", 2, (1, 2)),
    "cat-mel_2bar_big": Configuration("melody", 2, (1, 3)),
    "cat-drums_2bar_small": _drums((1, 2)),
    "cat-drums_2bar_big": _drums((1, 3)),
    "nade-drums_2bar_reduced": Configuration("drums", 2, (1, 2), head="nade", inputs="roll"),
    "nade-drums_2bar_full": Configuration("drum_pitches", 2, (1, 2), head="nade", inputs="roll"),
    "flat-mel_16bar": Configuration("melody", 16, (2, 3)),
    "hierdec-mel_16bar": Configuration("melody", 16, (2, 2), levels=_BARS),
    "hier-mel_16bar": Configuration("melody", 16, (1, 2), _BARS, _BARS),
    "flat-trio_16bar": Configuration("trio", 16, (2, 3), joint=True),
    "hierdec-trio_16bar": Configuration("trio", 16, (2, 2), levels=_BARS),
    "hier-trio_16bar": Configuration("trio", 16, (1, 2), _BARS, _BARS),
    "groovae_4bar": _groove(4, ""),
    "groovae_2bar_humanize": _groove(2, "feel"),
    "groovae_2bar_tap_fixed_velocity": _groove(2, "tapped"),
    "groovae_2bar_tap_fixed_velocity_note_dropout": _groove(2, "tapped"),
    "groovae_2bar_add_closed_hh": _groove(2, "closed hi-hat"),
    "groovae_2bar_hits_control_tfds": _groove(2, "", controlled=True),
    "groovae_2bar_hits_control": _groove(2, "", controlled=True),
}

CHORDS = "is conditioned on chords, which seqvae's models do not have"
MANY = "has up to eight instruments with polyphony, and seqvae has no representation for them"

REFUSED: Mapping[str, str] = {
    "cat-mel_2bar_med_chords": CHORDS,
    "hier-multiperf_vel_1bar_med": MANY,
    "hier-multiperf_vel_1bar_big": MANY,
    "hier-multiperf_vel_1bar_med_chords": MANY,
    "hier-multiperf_vel_1bar_big_chords": MANY,
}
"""Configurations that cannot be imported, and the reason."""

OLD_TABLE = frozenset(
    {
        "cat-drums_2bar_small.hikl",
        "cat-drums_2bar_small.lokl",
        "nade-drums_2bar_full",
        "hierdec-trio_16bar",
    }
)
"""Names of released archives that were trained with the drum table of 2018."""
