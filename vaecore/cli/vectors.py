"""Attribute vectors that users make: one safetensors file each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.errors import DataError
from vaecore.folder import read_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.space import LatentSpace

_REMEDY = "make one with the `attribute` verb"


def save_vector(path: Path, name: str, vector: Tensor, model: str) -> None:
    """Write a named vector `(latent_dim,)` and the name of its model."""
    from safetensors.torch import save_file

    save_file({name: vector.float().cpu().contiguous()}, path, metadata={"model": model})


def load_vectors(path: Path, space: LatentSpace[Any]) -> dict[str, Tensor]:
    """Read named vectors for a model.

    Raises:
        DataError: The file holds no vectors, or those of another model.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise DataError("does not exist" if not path.exists() else "is a folder", path=path,
                        remedy=_REMEDY)  # fmt: skip
    vectors = read_tensors(path)
    with safe_open(path, "pt") as file:
        model = (file.metadata() or {}).get("model", "")
    if model and space.name and model != space.name:
        raise DataError(f"is made for {model}, not for {space.name}", path=path, remedy=_REMEDY)
    for name, vector in vectors.items():
        if tuple(vector.shape) != (space.latent_dim,):
            text = f"vector {name!r} has shape {tuple(vector.shape)}, not ({space.latent_dim},)"
            raise DataError(text, path=path, remedy=_REMEDY)
    return vectors
