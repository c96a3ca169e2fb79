"""From a checkpoint to a `MagentaArchitecture` and its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.magenta.architecture import MagentaArchitecture, fed_back_width, set_size
from seqvae.music.magenta.configurations import CONFIGURATIONS, Configuration
from seqvae.music.magenta.layout import Cell, Dense, Names, Part, Plain
from seqvae.music.networks.architecture import Voice
from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations import CODECS
from seqvae.sequences.sizes import listed
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.magenta.checkpoint import Checkpoint
    from seqvae.music.representations.base import SequenceCodec

_READER = "cell_{}/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell"
_CONDUCTOR = "decoder/hierarchical_level_{}"


class Conversion:
    """The architecture and the weights of a checkpoint.

    Args:
        checkpoint: The checkpoint.
        name: Name of the configuration, for messages; "config.json" for magenta.js.
        configuration: The configuration.
        codec: The codec of its representation.
        sure: Whether the number of bars is certain. Otherwise a checkpoint is refused whose layers
            are those of a similar configuration, perhaps of other bars.

    Raises:
        DataError: A tensor is missing, unknown, or not of the shape that the configuration needs.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        name: str,
        configuration: Configuration,
        codec: SequenceCodec,
        sure: bool = False,
    ) -> None:
        self.checkpoint = checkpoint
        names = Names(checkpoint, name)
        self.architecture = _architecture(names, configuration, codec)
        if not sure:
            _check_layers(names, configuration, self.architecture)
        self._parts = list(_parts(self.architecture))
        names.check(self._parts)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight, by name."""
        return {name: shape for part in self._parts for name, shape in part.made().items()}

    def weights(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the weights, float32, in the order in which they are read fastest."""
        part_of = {name: part for part in self._parts for name in part.expected()}
        for name in self.checkpoint.shapes:
            if name in part_of:
                yield from part_of[name].convert(name, self.checkpoint.read(name))
            else:  # an optimizer's; it is not needed, but it shows whether the file is damaged
                self.checkpoint.check(name)


def _architecture(names: Names, of: Configuration, codec: SequenceCodec) -> MagentaArchitecture:
    """Return the architecture: its sizes from the checkpoint, the rest from the configuration."""
    level = "hierarchical_level_0/" if of.encoder_levels else ""
    core = _core(of, 0)
    tokens = tuple(alphabet.name for _, alphabet in codec.voices)
    nade = names.shapes.get(f"{core}/nade/w_enc", (0, 0, 128))
    return MagentaArchitecture(
        steps=codec.steps,
        classes=codec.classes,
        tokens=tokens if len(tokens) > 1 else tokens[0],
        latent_dim=names.width("encoder/mu/bias"),
        encoder_dims=names.layers(f"encoder/{level}{_READER}"),
        decoder_dims=names.layers(f"{core}/multi_rnn_cell/cell_{{}}/lstm_cell"),
        conductor_dims=(
            names.layers(f"{_CONDUCTOR.format(0)}/cell_{{}}/lstm_cell") if of.levels else ()
        ),
        encoder_levels=_fitted(of.encoder_levels, of.bars),
        levels=_fitted(of.levels, of.bars),
        head=of.head,
        nade_dim=nade[-1] or 128,
        inputs=of.inputs,
        hides=of.hides,
        controlled=of.controlled,
        joint=of.joint,
    )


def _fitted(levels: tuple[int, ...], bars: int) -> tuple[int, ...]:
    """Return levels with the first one changed, so that their product is the steps of the bars."""
    return levels and (bars * STEPS_PER_BAR // math.prod(levels[1:]), *levels[1:])


def _core(of: Configuration | MagentaArchitecture, number: int) -> str:
    """Return the prefix of the names of a core decoder's tensors."""
    prefix = "core_decoder/" if of.levels else ""
    return f"{prefix}core_decoder_{number}/decoder" if _apart(of) else f"{prefix}decoder"


def _apart(of: Configuration | MagentaArchitecture) -> bool:
    """Return whether each voice has a decoder of its own."""
    if isinstance(of, Configuration):
        return len(CODECS[of.representation].voices) > 1 and not of.joint
    return isinstance(of.classes, tuple) and not of.joint


def _parts(a: MagentaArchitecture) -> Iterator[Part]:
    """Yield the layers of an architecture, each with its tensors in a checkpoint and here."""
    width = a.input_width
    levels = len(a.encoder_levels) or 1
    for level in range(levels):
        place = f"encoder/hierarchical_level_{level}" if a.encoder_levels else "encoder"
        for layer, units in enumerate(a.encoder_dims):
            for way in ("fw", "bw"):
                source = f"{place}/{_READER.format(layer)}".replace("/fw/", f"/{way}/")
                target = f"encoder.levels.{level}.{layer}"
                yield Cell(source, target, width, units, way == "bw")
            width = 2 * units
    yield Dense("encoder/mu", ("encoder.mean",), width, (a.latent_dim,))
    yield Dense("encoder/sigma", ("encoder.stddev",), width, (a.latent_dim,))
    width = a.latent_dim
    for level in range(len(a.levels) - 1):
        source, target = _CONDUCTOR.format(level), f"decoder.conductors.{level}"
        initial = 2 * sum(a.conductor_dims)
        yield Dense(f"{source}/initial_state", (f"{target}.initial",), width, (initial,))
        yield from _cells(f"{source}/cell_{{}}/lstm_cell", target, 1, a.conductor_dims)
        width = a.conductor_dims[-1]
    voices = listed(a.voices)
    for number, own in enumerate([(voice,) for voice in voices] if _apart(a) else [voices]):
        source, target = _core(a, number), f"decoder.cores.{number}"
        initial, top = 2 * sum(a.decoder_dims), a.decoder_dims[-1]
        yield Dense(f"{source}/z_to_initial_state", (f"{target}.initial",), width, (initial,))
        fed_back = fed_back_width(own)
        inputs = fed_back + width + (own[0].classes if a.controlled else 0)
        cells = f"{source}/multi_rnn_cell/cell_{{}}/lstm_cell"
        yield from _cells(cells, target, inputs, a.decoder_dims)
        yield from _output(a, own, f"{source}/output_projection", f"{target}.head", top)
        if a.head == "nade":
            shape = (fed_back, a.nade_dim)
            for name, ours, stored in (
                ("w_enc", "encoding", (shape[0], 1, shape[1])),
                ("w_dec_t", "decoding", (*shape, 1)),
            ):
                yield Plain(f"{source}/nade/{name}", f"{target}.head.{ours}", stored, shape)


def _cells(pattern: str, target: str, inputs: int, dims: Sequence[int]) -> Iterator[Cell]:
    """Yield the cells of a stack of LSTM layers."""
    for layer, units in enumerate(dims):
        yield Cell(pattern.format(layer), f"{target}.layers.{layer}", inputs, units)
        inputs = units


def _output(
    a: MagentaArchitecture, voices: tuple[Voice, ...], source: str, target: str, top: int
) -> Iterator[Dense]:
    """Yield the output layer of a core decoder."""
    if a.head == "nade":
        outputs: tuple[int, ...] = (a.nade_dim + set_size(voices[0]),)
    elif a.head == "groove":
        outputs = (3 * voices[0].classes,)
    else:
        outputs = tuple(voice.classes for voice in voices)
    places = [f"{target}.{k}" for k in range(len(voices))] if len(voices) > 1 else [target]
    yield Dense(source, tuple(f"{place}.projection" for place in places), top, outputs)


def _check_layers(names: Names, of: Configuration, a: MagentaArchitecture) -> None:
    """Raise DataError if the layers are those of a similar configuration, perhaps of other bars."""
    layers = len(a.encoder_dims), len(a.decoder_dims)
    if layers == of.layers:
        return
    for name, other in CONFIGURATIONS.items():
        alike = replace(other, bars=of.bars, layers=of.layers) == of
        if alike and other.layers == layers:
            read, written = (max(pair) - 1 for pair in zip(layers, of.layers, strict=True))
            cell = f"{_core(of, 0)}/multi_rnn_cell/cell_{written}/lstm_cell"
            if layers[0] != of.layers[0]:
                cell = f"encoder/{_READER.format(read)}"
            raise DataError(
                f"has {layers[0]} layers of the encoder and {layers[1]} of the decoder, as {name} "
                f"has; {names.name} has {of.layers[0]} and {of.layers[1]} "
                f"(tensor '{cell}/kernel')",
                path=names.path,
                remedy=f"choose --config {name}, or give the bars of a window with --bars",
            )
