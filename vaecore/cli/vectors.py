"""Files of users' attribute vectors, in the format safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.errors import DataError
from vaecore.folder import fits_vectors, read_tensors
from vaecore.tensor_header import tensor_header

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.space import LatentSpace

_REMEDY = "make one with the command `attribute`"


def load_vectors(path: Path, space: LatentSpace[Any]) -> dict[str, Tensor]:
    """Read named vectors for a model.

    Raises:
        DataError: The file is missing, holds no vectors, or those of another model.
    """
    if not path.exists():
        raise DataError("does not exist", path=path, remedy=_REMEDY)
    try:
        model = tensor_header(path)[1].get("model", "")
        if model and space.name and model != space.name:
            raise DataError(f"is made for {model}, not for {space.name}", path=path)
        return read_tensors(path, fits_vectors(space.latent_dim, "vector"))
    except DataError as error:
        raise DataError(error.problem, path=path, remedy=_REMEDY) from error
