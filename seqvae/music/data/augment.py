"""Random changes of a training batch, as a recipe names them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Generator, Tensor

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.sequences.loader import Augmentation


def make_augmentation(
    config: Mapping[str, Mapping[str, Any]], codec: SequenceCodec
) -> Augmentation:
    """Return a function that applies the augmentations of a recipe one after the other.

    Args:
        config: The arguments of each augmentation by its name: `{"transpose": {"semitones": 5}}`.
        codec: The codec of the batches, which has the augmentations.

    Raises:
        ValueError: A name or an argument is unknown or missing.
    """
    known = codec.augmentations() if config else {}
    functions = []
    for name, arguments in config.items():
        if name not in known:
            names = ", ".join(known) or "none"
            raise ValueError(f"unknown augmentation {name!r}; known are {names}")
        _check_arguments(name, arguments)
        functions.append(partial(known[name], **arguments))
        try:
            row = codec.unpack(np.zeros((1, codec.width), np.uint16))
            functions[-1](torch.from_numpy(row), Generator())
        except (TypeError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"augmentation {name}: {reason}") from error

    def augment(x: Tensor, generator: Generator) -> Tensor:
        for function in functions:
            x = function(x, generator)
        return x

    return augment


def _check_arguments(name: str, arguments: Any) -> None:
    """Refuse arguments that are neither semitones (0 to 48) nor shares (0 to 1)."""
    if not isinstance(arguments, Mapping):
        raise ValueError(f"augmentation {name} needs its arguments, got {arguments!r}")
    for key, value in arguments.items():
        most = 48 if type(value) is int else 1
        if type(value) not in (int, float) or not 0 <= value <= most:
            raise ValueError(f"augmentation {name}: {key} must be in 0..{most}, got {value!r}")
