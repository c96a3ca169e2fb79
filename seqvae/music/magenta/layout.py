"""The layers of a checkpoint: the tensors that it must have, and their conversion to PyTorch's.

In TensorFlow, an LSTM's cell has one matrix. Its rows are the inputs and then the hidden state; its
columns are four blocks: input gate, candidate, forget gate, output gate. PyTorch has two transposed
matrices, one for the inputs and one for the hidden state, with the blocks in the order input,
forget, candidate, output. TensorFlow adds 1 to the forget gate when it runs; here it is part of the
bias.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, NoReturn

import numpy as np

from seqvae.music.magenta.checkpoint import Checkpoint
from seqvae.music.magenta.tfjs import CONFIG
from vaecore.errors import DataError

IGNORED = re.compile(r"(^|/)(global_step|beta[12]_power|Adam(_\d+)?|opaque_kernel)(/|$)")
"""Tensors of a training that are no weights of the model."""
_BLOCKS = (0, 2, 1, 3)
"""TensorFlow's block for each of PyTorch's: input, forget, candidate, output."""
FORGET = 1.0
"""TensorFlow's addition to the forget gate."""

Arrays = Iterator[tuple[str, np.ndarray]]


class Cell(NamedTuple):
    """A cell of an LSTM: TensorFlow's tensors `source/kernel` and `source/bias`."""

    source: str
    target: str
    inputs: int
    units: int
    reverse: bool = False

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the checkpoint's tensors, by name."""
        rows, columns = self.inputs + self.units, 4 * self.units
        return {f"{self.source}/kernel": (rows, columns), f"{self.source}/bias": (columns,)}

    def made(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the converted tensors, by name."""
        gates = 4 * self.units
        shapes = ((gates, self.inputs), (gates, self.units), (gates,), (gates,))
        return dict(zip(self._names(), shapes, strict=True))

    def convert(self, name: str, array: np.ndarray) -> Arrays:
        """Yield the converted tensors of one of the checkpoint's, with their names."""
        weight_in, weight_hidden, bias_in, bias_hidden = self._names()
        if name.endswith("/bias"):
            bias = np.concatenate([self._block(array, block) for block in _BLOCKS])
            bias[self.units : 2 * self.units] += np.float32(FORGET)
            yield bias_in, bias
            yield bias_hidden, np.zeros_like(bias)
            return
        # No variable holds a converted tensor, so that it is freed before the next one is made.
        yield weight_in, self._gates(array[: self.inputs])
        yield weight_hidden, self._gates(array[self.inputs :])

    def _gates(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of the matrix transposed, with the blocks in PyTorch's order."""
        out = np.empty((4 * self.units, len(rows)), np.float32)
        for place, block in enumerate(_BLOCKS):
            out[place * self.units : (place + 1) * self.units] = self._block(rows, block).T
        return out

    def _block(self, array: np.ndarray, block: int) -> np.ndarray:
        return array[..., block * self.units : (block + 1) * self.units]

    def _names(self) -> list[str]:
        way = "_reverse" if self.reverse else ""
        kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        return [f"{self.target}.{kind}{way}" for kind in kinds]


class Dense(NamedTuple):
    """A linear layer, whose outputs may be split over several layers here."""

    source: str
    targets: tuple[str, ...]
    inputs: int
    outputs: tuple[int, ...]

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the checkpoint's tensors, by name."""
        width = sum(self.outputs)
        return {f"{self.source}/kernel": (self.inputs, width), f"{self.source}/bias": (width,)}

    def made(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the converted tensors, by name."""
        found: dict[str, tuple[int, ...]] = {}
        for target, width in zip(self.targets, self.outputs, strict=True):
            found |= {f"{target}.weight": (width, self.inputs), f"{target}.bias": (width,)}
        return found

    def convert(self, name: str, array: np.ndarray) -> Arrays:
        """Yield the converted tensors of one of the checkpoint's, with their names."""
        kind = "bias" if name.endswith("/bias") else "weight"
        bounds = np.cumsum(self.outputs)[:-1].tolist()
        parts = zip(self.targets, np.split(array.T, bounds), strict=True)
        yield from ((f"{target}.{kind}", part) for target, part in parts)


class Plain(NamedTuple):
    """A tensor that keeps its values, in another shape."""

    source: str
    target: str
    shape: tuple[int, ...]
    becomes: tuple[int, ...]

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of the checkpoint's tensor, by name."""
        return {self.source: self.shape}

    def made(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of the converted tensor, by name."""
        return {self.target: self.becomes}

    def convert(self, name: str, array: np.ndarray) -> Arrays:
        """Yield the converted tensor with its name."""
        yield self.target, array.reshape(self.becomes)


Part = Cell | Dense | Plain


class Names:
    """Reads sizes from the shapes of a checkpoint's tensors, and checks these shapes.

    Args:
        checkpoint: The checkpoint.
        name: Name of the configuration, for messages.
    """

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self.path, self.name = checkpoint.path, name
        self.shapes: Mapping[str, tuple[int, ...]] = {
            tensor: shape
            for tensor, shape in checkpoint.shapes.items()
            if not IGNORED.search(tensor)
        }

    def layers(self, pattern: str) -> list[int]:
        """Return the units of each layer of a stack.

        Args:
            pattern: Name of a cell, with `{}` for its number.

        Raises:
            DataError: There is no layer, or a layer below another is missing.
        """
        before, _, after = pattern.partition("{}")
        found = re.compile(f"^{re.escape(before)}(\\d+){re.escape(after)}/")
        numbers = [int(match[1]) for match in map(found.match, self.shapes) if match]
        units: list[int] = []
        for number in range(max(numbers, default=0) + 1):
            cell = pattern.format(number)
            kernel, bias = self.shapes.get(f"{cell}/kernel"), self.shapes.get(f"{cell}/bias")
            width = kernel[-1] if kernel else bias[-1] if bias else 0
            if width % 4 or not width:
                self._missing(f"{cell}/kernel", "one of four blocks of columns")
            units.append(width // 4)
        return units

    def width(self, tensor: str) -> int:
        """Return the last length of a tensor's shape.

        Raises:
            DataError: There is no such tensor, or it has no dimension.
        """
        shape = self.shapes.get(tensor)
        if not shape:
            self._missing(tensor, "one with a dimension")
        return shape[-1]

    def check(self, parts: list[Part]) -> None:
        """Check that the checkpoint has exactly the tensors of some layers.

        Raises:
            DataError: A tensor is missing, of another shape, or unknown.
        """
        expected = {name: shape for part in parts for name, shape in part.expected().items()}
        for tensor, shape in expected.items():
            if self.shapes.get(tensor) != shape:
                self._missing(tensor, f"shape {shape}")
        for tensor in self.shapes:
            if tensor not in expected:
                self._refuse(f"has the tensor {tensor!r}, which {self.name} does not have")

    def _missing(self, tensor: str, what: str) -> NoReturn:
        """Raise DataError about a tensor that is missing or has another shape."""
        there = self.shapes.get(tensor)
        if there is None:
            self._refuse(f"has no tensor {tensor!r}, which {self.name} needs with {what}")
        self._refuse(f"tensor {tensor!r} has shape {there}, {self.name} needs {what}")

    def _refuse(self, text: str) -> NoReturn:
        remedy = "choose another --config, or a whole checkpoint"
        if self.name == CONFIG:
            remedy = "get the folder again"
        raise DataError(text, path=self.path, remedy=remedy)
