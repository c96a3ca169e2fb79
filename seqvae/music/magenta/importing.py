"""From a checkpoint of Magenta's to a model folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.domain import DOMAIN
from seqvae.music.magenta.checkpoint import Checkpoint
from seqvae.music.magenta.configurations import (
    CONFIGURATIONS,
    OLD_TABLE,
    REFUSED,
    Configuration,
)
from seqvae.music.magenta.conversion import Conversion
from seqvae.music.magenta.places import is_web, open_bundle
from seqvae.music.magenta.tfjs import CONFIG, WebCheckpoint, read_json
from seqvae.music.magenta.web import web_configuration
from seqvae.music.representations import make_codec
from seqvae.music.representations.alphabet import LATEST_TABLE
from vaecore import __version__
from vaecore.config import ModelConfig, write_config
from vaecore.errors import DataError, UsageError
from vaecore.files import replacing, replacing_folder

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec

WEIGHTS, CARD = "weights.safetensors", "README.md"
TABLE_OPTION = {"drums": "table", "trio": "drum_table"}
"""Name of the codec's argument that chooses the table of drums, by representation."""


def import_checkpoint(
    path: Path,
    output: Path,
    config: str | None = None,
    drum_table: str | None = None,
    bars: int | None = None,
) -> dict[str, Any]:
    """Write a model folder from a checkpoint.

    Args:
        path: A checkpoint of TensorFlow (see `open_bundle`), or a folder of magenta.js.
        output: The model folder; it must not exist.
        config: Name of Magenta's configuration; None for magenta.js.
        drum_table: "2018" or "2019", the table of drums. By default "2018" for magenta.js and for
            released archives that were trained with it, otherwise "2019".
        bars: Bars of a window, if they are not those of the configuration.

    Returns:
        Facts of the model: `source`, `configuration`, `representation`, `description`, and
        `weights`, their number.

    Raises:
        UsageError: The configuration is not named, or is unknown.
        DataError: The checkpoint cannot be used, or the folder exists.
    """
    if output.exists():
        raise DataError("is there already", path=output, remedy="choose another -o/--output")
    checkpoint: Checkpoint
    if is_web(path):
        if config:
            raise UsageError(f"--config is not for magenta.js, whose {CONFIG} has it; leave it out")
        name, old = path.resolve().name, True
        described = read_json(path / CONFIG)
        checkpoint = WebCheckpoint(path)
        known = web_configuration(described, checkpoint, path / CONFIG)
        title = CONFIG
    else:
        known, name = _configuration(config), str(config)
        checkpoint = open_bundle(path)
        old, title = path.name.removesuffix(".tar") in OLD_TABLE, name
    if bars is not None:
        known = replace(known, bars=bars)
    table = drum_table or ("2018" if old else LATEST_TABLE)
    codec = _codec(known, table if known.representation in TABLE_OPTION else None, drum_table)
    conversion = Conversion(checkpoint, title, known, codec, sure=bars is not None or is_web(path))
    count = sum(math.prod(shape) for shape in conversion.shapes.values())
    facts = {
        "source": path.resolve().name,
        "configuration": name,
        "representation": codec.config,
        "description": f"{codec.title or codec.name}, {codec.bars} bars; Magenta's {name}",
        "weights": count,
    }
    with replacing_folder(output) as folder:
        write_weights(folder / WEIGHTS, conversion.shapes, conversion.weights())
        write_config(folder, _config(name, codec, conversion, facts))
        (folder / CARD).write_text(_card(name, codec, facts), encoding="utf-8")
    return facts


def _configuration(name: str | None) -> Configuration:
    """Return a configuration by its name, refusing those that are unknown or cannot be imported."""
    known = ", ".join(CONFIGURATIONS)
    if name is None:
        raise UsageError(f"name the checkpoint's configuration with --config: one of {known}")
    if name in REFUSED:
        remedy = "docs/magenta.md lists the configurations that can be imported"
        raise DataError(f"{name} {REFUSED[name]}", remedy=remedy)
    if name not in CONFIGURATIONS:
        raise UsageError(f"--config {name}: no such configuration; known are {known}")
    return CONFIGURATIONS[name]


def _codec(known: Configuration, table: str | None, asked: str | None) -> SequenceCodec:
    """Return the codec of a configuration.

    Args:
        known: The configuration.
        table: The table of drums; None where the representation has no choice of it.
        asked: The table that the user named, if any.

    Raises:
        UsageError: The user named a table where there is no choice.
    """
    settings: dict[str, Any] = {"name": known.representation, "bars": known.bars}
    settings |= known.options or {}
    if table is not None:
        settings[TABLE_OPTION[known.representation]] = table
    elif asked is not None:
        raise UsageError(f"--drum-table is not for {known.representation}")
    return make_codec(settings)


def write_weights(
    path: Path, shapes: Mapping[str, tuple[int, ...]], weights: Iterator[tuple[str, np.ndarray]]
) -> None:
    """Write tensors to a safetensors file one by one, so that they are never all in memory.

    Args:
        path: The file.
        shapes: The shape of every tensor.
        weights: The tensors with their names, float32, in any order.
    """
    header: dict[str, Any] = {}
    offset = 0
    for name, shape in shapes.items():
        end = offset + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, array in weights:
            assert array.shape == shapes[name]
            file.seek(8 + len(text) + header[name]["data_offsets"][0])
            file.write(np.ascontiguousarray(array, "<f4").data)
            del array  # before the next one is read


def _config(
    name: str, codec: SequenceCodec, conversion: Conversion, facts: Mapping[str, Any]
) -> ModelConfig:
    return ModelConfig(
        domain=DOMAIN.name,
        name=name,
        representation=codec.config,
        architecture=asdict(conversion.architecture),
        objective={},
        description=facts["description"],
        training={"imported": {key: facts[key] for key in ("source", "configuration")}},
        versions={"seqvae": __version__},
        bits=32,
    )


def _card(name: str, codec: SequenceCodec, facts: Mapping[str, Any]) -> str:
    return f"""# {name}

A model of {codec.title or codec.name} in windows of {codec.bars} bars, trained with Magenta and
imported from `{facts["source"]}` as `{facts["configuration"]}`. {facts["weights"]:,} weights,
stored as float32; its results are Magenta's.

Its quality was not measured: `seqvae evaluate {name} FILES` does that.

## Data

The data are known to those who trained the checkpoint. The licence of the weights depends on the
licence of the data.
"""
