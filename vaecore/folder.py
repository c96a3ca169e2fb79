"""A model on disk: a folder of JSON and safetensors, and no pickle anywhere.

config.json             architecture, representation, training recipe, versions
weights.safetensors     float16
attributes.safetensors  one vector per named attribute
prior.safetensors       optional: a Gaussian mixture fitted to the aggregate posterior
README.md               the model card
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaecore.config import build
from vaecore.errors import DataError
from vaecore.files import replacing

CONFIG, WEIGHTS, ATTRIBUTES = "config.json", "weights.safetensors", "attributes.safetensors"
PRIOR, CARD = "prior.safetensors", "README.md"
FORMAT = 1
MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelConfig:
    """The content of `config.json`."""

    domain: str
    """Which package reads it: "seqvae", "facevae" or another."""
    name: str
    representation: dict[str, Any]
    """The codec's `config`."""
    architecture: dict[str, Any]
    """The network's description, in the domain's terms."""
    objective: dict[str, Any]
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    """How it was trained: data, recipe, steps."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What each attribute vector changes, by name."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of the software that trained it."""
    format: int = FORMAT


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write `config.json` into an existing folder."""
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")


def read_config(folder: Path) -> ModelConfig:
    """Read and check `config.json`.

    Raises:
        DataError: The folder or the file is missing, unreadable, or has unknown or missing keys.
    """
    path = folder / CONFIG
    if not folder.is_dir():
        raise DataError("no such model folder", path=folder, remedy="see the `models` command")
    if not path.is_file():
        raise DataError(f"is no model folder: it has no {CONFIG}", path=folder)
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise DataError("is too large to be a model's configuration", path=path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values, dict) and values.get("format") != FORMAT:
            raise ValueError(
                f"format {values.get('format')!r} is not {FORMAT}, which this version reads"
            )
        config = build(ModelConfig, values, "configuration")
    except (ValueError, RecursionError) as error:  # JSON and Unicode errors are ValueErrors too
        raise DataError(f"cannot be used: {error}", path=path) from error
    for key in (
        "representation",
        "architecture",
        "objective",
        "training",
        "attributes",
        "versions",
    ):
        if not isinstance(getattr(config, key), dict):
            raise DataError(f"cannot be used: {key} must be a mapping", path=path)
    return config


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write named tensors as float16 safetensors; integers keep their type."""
    from safetensors.torch import save_file

    ready = {
        name: (t.half() if t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in tensors.items()
    }
    with replacing(path) as temporary:
        save_file(ready, temporary)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read named tensors; floating point ones as float32, all of them finite.

    Raises:
        DataError: The file is missing, no safetensors file, or holds NaN or infinity.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise DataError("is missing", path=path, remedy="the model folder is incomplete")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"is no readable safetensors file ({error})", path=path) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor = tensor.float()
            if not torch.isfinite(tensor).all():
                raise DataError(f"tensor {name!r} is not finite", path=path)
    return tensors


def load_weights(model: nn.Module, path: Path) -> None:
    """Load weights into a model, refusing missing, unknown or misshapen tensors by name.

    Raises:
        DataError: The file does not hold exactly this model's weights.
    """
    tensors = read_tensors(path)
    expected = model.state_dict()
    missing = sorted(set(expected) - set(tensors))
    unknown = sorted(set(tensors) - set(expected))
    if missing or unknown:
        what = f"lacks tensor {missing[0]!r}" if missing else f"has unknown tensor {unknown[0]!r}"
        raise DataError(f"{what} for this architecture", path=path)
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise DataError(
                f"tensor {name!r} has shape {tuple(tensor.shape)}, "
                f"the architecture needs {tuple(expected[name].shape)}",
                path=path,
            )
        # Floating point tensors were read as float32.
        wanted = torch.float32 if expected[name].is_floating_point() else expected[name].dtype
        if tensor.dtype != wanted:
            raise DataError(f"tensor {name!r} holds {tensor.dtype}, not {wanted}", path=path)
    model.load_state_dict(tensors)
