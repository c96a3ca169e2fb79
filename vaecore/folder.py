"""A model on disk: a folder of JSON and safetensors, without pickle.

config.json             architecture, representation, training recipe, versions; see `config`
weights.safetensors     float16, or the matrices in 8 bits; see `eight_bit`
attributes.safetensors  one vector per named attribute
prior.safetensors       optional: the prior fitted to the codes of training examples
directions.safetensors  optional: attribute steps that depend on the code; see `directions`
README.md               the model card
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from vaecore.eight_bit import SCALE, quantised, restored
from vaecore.errors import DataError, printable
from vaecore.files import replacing
from vaecore.reading import TENSORS, read_bytes
from vaecore.tensor_header import Declared, tensor_header

WEIGHTS, ATTRIBUTES = "weights.safetensors", "attributes.safetensors"
PRIOR, CARD = "prior.safetensors", "README.md"
DIRECTIONS = "directions.safetensors"
SPARE = 1 << 22
"""Elements that a network may allocate beside its weights, for tensors that are not stored."""
MOST_VECTORS, LONGEST_NAME = 1000, 100
"""Limits of a file of named vectors: their number, and characters of a name."""

Value = TypeVar("Value")
Fits = Callable[[Mapping[str, Declared]], "str | None"]
"""A check of the header of a tensor file: returns the problem, None if there is none."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], bits: int = 16) -> None:
    """Write named tensors as safetensors; integers keep their type.

    Args:
        path: The file.
        tensors: Any shapes, by name.
        bits: Bits of a floating-point number: 16, 32, or 8 for matrices (see `eight_bit`).

    Raises:
        DataError: The file cannot be written.
    """
    if bits == 8:
        tensors = quantised(tensors)
    number = torch.float32 if bits == 32 else torch.float16
    write_exactly(
        path, {name: t.to(number) if t.is_floating_point() else t for name, t in tensors.items()}
    )


def write_exactly(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write named tensors as safetensors, in their own types."""
    from safetensors.torch import save

    ready = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with replacing(path) as temporary:
        temporary.write_bytes(save(ready, metadata))


def read_tensors(path: Path, fits: Fits | None = None) -> dict[str, Tensor]:
    """Read named tensors, sorted by name; all but integers become float32.

    Args:
        path: A safetensors file.
        fits: A check of its header, called before any tensor is read.

    Raises:
        DataError: The file is missing, is no safetensors file, fails the check, holds NaN or
            infinity, or 8-bit scales that do not fit their matrix.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    declared, _ = read_header(path)
    problem = fits(declared) if fits is not None else None
    if problem is not None:
        raise _refused(problem, path)
    try:
        # The order of safetensors differs from process to process.
        tensors = dict(sorted(load(read_bytes(path, TENSORS)).items()))
    except (SafetensorError, ValueError) as error:
        raise _refused(f"is no readable safetensors file ({error})", path) from error
    try:
        tensors = restored(tensors)
    except ValueError as error:
        raise _refused(str(error), path) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor = tensor.float()
            if not torch.isfinite(tensor).all():
                raise _refused(f"tensor {name!r} is not finite", path)
    return tensors


def _refused(problem: str, path: Path) -> DataError:
    return DataError(problem, path=path, remedy=TENSORS.remedy)


def read_header(path: Path) -> tuple[dict[str, Declared], dict[str, str]]:
    """Return the header of a file of a model folder; see `vaecore.tensor_header`.

    Raises:
        DataError: The file is missing, or is no safetensors file.
    """
    if not path.exists():
        raise DataError("is missing", path=path, remedy="the model folder is incomplete")
    return tensor_header(path)


class Shaped(Protocol):
    """A tensor, or its entry in a header."""

    @property
    def shape(self) -> tuple[int, ...]: ...


def mismatch(expected: Mapping[str, Shaped], found: Mapping[str, Shaped]) -> str | None:
    """Return the first difference in names and shapes of tensors; None if there is none."""
    for name in sorted(expected.keys() - found.keys()):
        return f"lacks tensor {name!r} for this architecture"
    for name in sorted(found.keys() - expected.keys()):
        return f"has unknown tensor {name!r} for this architecture"
    for name, tensor in sorted(found.items(), key=lambda pair: pair[0]):
        ours, theirs = tuple(expected[name].shape), tuple(tensor.shape)
        if ours != theirs:
            return f"tensor {name!r} has shape {theirs}, the architecture needs {ours}"
    return None


def fits_model(model: nn.Module, without: tuple[str, ...] = ()) -> Fits:
    """Return the check that a file holds the weights of a model.

    Args:
        model: The model.
        without: Names that begin so do not count.
    """
    expected = _except(model.state_dict(), without)

    def problem(declared: Mapping[str, Declared]) -> str | None:
        declared = _except(_restored(declared), without)
        difference = mismatch(expected, declared)
        for name, tensor in declared.items():
            if difference is None and tensor.floating != expected[name].is_floating_point():
                wanted = str(expected[name].dtype).removeprefix("torch.")
                difference = f"tensor {name!r} holds {tensor.dtype}, not {wanted}"
        return difference

    return problem


def _except(named: Mapping[str, Value], without: tuple[str, ...]) -> dict[str, Value]:
    """Return what has other names than those that begin so."""
    return {name: value for name, value in named.items() if not name.startswith(without)}


def _restored(declared: Mapping[str, Declared]) -> dict[str, Declared]:
    """Return a header as it is after 8-bit matrices are multiplied by their scales."""
    found = dict(declared)
    for name, (dtype, shape) in declared.items():
        scale = declared.get(name + SCALE)
        if dtype == "I8" and len(shape) > 1 and scale == Declared("F16", shape[:1]):
            del found[name + SCALE]
            found[name] = Declared("F16", shape)
    return found


def fits_vectors(latent_dim: int, what: str = "attribute") -> Fits:
    """Return the check that a file holds named vectors `(latent_dim,)`."""

    def problem(declared: Mapping[str, Declared]) -> str | None:
        if len(declared) > MOST_VECTORS:
            return f"holds {len(declared):,} vectors, more than {MOST_VECTORS:,}"
        for name, (dtype, shape) in declared.items():
            if not name or len(name) > LONGEST_NAME or printable(name) != name:
                return f"has {what} {name[:LONGEST_NAME]!r}, which is no name"
            if shape != (latent_dim,):
                return f"{what} {name!r} has shape {shape}, not ({latent_dim},)"
            if not declared[name].floating:
                return f"{what} {name!r} holds {dtype}, not floating-point numbers"
        return None

    return problem


def room(*paths: Path) -> int:
    """Return how many elements a network may allocate, given the files of its weights."""
    shapes = [tensor.shape for path in paths for tensor in read_header(path)[0].values()]
    return 2 * sum(map(math.prod, shapes)) + SPARE


def load_weights(
    model: nn.Module, path: Path, shared: Path | None = None, *, without: tuple[str, ...] = ()
) -> None:
    """Load weights into a model.

    Args:
        model: Changed in place.
        path: The file of weights.
        shared: File of another model, for the weights that `path` lacks.
        without: Weights whose names begin so stay as they are, whatever the files hold.

    Raises:
        DataError: A tensor is missing, unknown or misshapen; it is named.
    """
    expected = model.state_dict()
    fits = fits_model(model, without)
    if shared is None:
        tensors = read_tensors(path, fits)
    else:
        theirs, _ = read_header(shared)
        tensors = read_tensors(path, lambda ours: fits({**theirs, **ours}))
        tensors = read_tensors(shared) | tensors
    tensors = _except(tensors, without)
    ready = {name: value.to(expected[name].dtype) for name, value in tensors.items()}
    # A model on the meta device takes over the tensors: assigning saves a copy.
    assign = any(each.is_meta for each in expected.values())
    model.load_state_dict(ready, strict=not without, assign=assign)
