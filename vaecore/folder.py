"""A model on disk: a folder of JSON and safetensors, and no pickle anywhere.

config.json             architecture, representation, training recipe, versions; see `config`
weights.safetensors     float16
attributes.safetensors  one vector per named attribute
prior.safetensors       optional: the prior that was fitted to the codes of training examples
README.md               the model card
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vaecore.errors import DataError
from vaecore.files import replacing

WEIGHTS, ATTRIBUTES = "weights.safetensors", "attributes.safetensors"
PRIOR, CARD = "prior.safetensors", "README.md"


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


def mismatch(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """Return the first difference in names and shapes of tensors; None if there is none."""
    for name in sorted(expected.keys() - found.keys()):
        return f"lacks tensor {name!r} for this architecture"
    for name in sorted(found.keys() - expected.keys()):
        return f"has unknown tensor {name!r} for this architecture"
    for name, tensor in sorted(found.items()):
        ours, theirs = tuple(expected[name].shape), tuple(tensor.shape)
        if ours != theirs:
            return f"tensor {name!r} has shape {theirs}, the architecture needs {ours}"
    return None


def load_weights(model: nn.Module, path: Path) -> None:
    """Load weights into a model, refusing missing, unknown or misshapen tensors by name.

    Raises:
        DataError: The file does not hold exactly this model's weights.
    """
    tensors = read_tensors(path)
    expected = model.state_dict()
    problem = mismatch(expected, tensors)
    if problem is not None:
        raise DataError(problem, path=path)
    for name, tensor in tensors.items():
        # Floating point tensors were read as float32.
        wanted = torch.float32 if expected[name].is_floating_point() else expected[name].dtype
        if tensor.dtype != wanted:
            raise DataError(f"tensor {name!r} holds {tensor.dtype}, not {wanted}", path=path)
    model.load_state_dict(tensors)
