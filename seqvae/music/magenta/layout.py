"""Which tensors a checkpoint must have, and what becomes of each of them here.

Names are TensorFlow's. An LSTM's cell has one matrix, whose rows are its inputs and then its hidden
state, and whose columns are four blocks: input gate, candidate, forget gate, output gate. Ours (as
PyTorch's) are input, forget, candidate, output, transposed, and the inputs apart. TensorFlow adds 1
to the forget gate when it runs; here it is part of the bias.
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
"""What trainings leave in checkpoints beside the weights."""
_BLOCKS = (0, 2, 1, 3)
"""Where our input, forget, candidate and output are in TensorFlow's blocks."""
FORGET = 1.0
"""What TensorFlow adds to the forget gate."""

Arrays = Iterator[tuple[str, np.ndarray]]


class Cell(NamedTuple):
    """An LSTM's cell: of TensorFlow's tensors `source/kernel`, `source/bias`."""

    source: str
    target: str
    inputs: int
    units: int
    reverse: bool = False

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that the tensors must have."""
        rows, columns = self.inputs + self.units, 4 * self.units
        return {f"{self.source}/kernel": (rows, columns), f"{self.source}/bias": (columns,)}

    def made(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what they become."""
        gates = 4 * self.units
        names = self._names()
        shapes = ((gates, self.inputs), (gates, self.units), (gates,), (gates,))
        return dict(zip(names, shapes, strict=True))

    def convert(self, name: str, array: np.ndarray) -> Arrays:
        """Yield what a tensor becomes."""
        weight_in, weight_hidden, bias_in, bias_hidden = self._names()
        if name.endswith("/bias"):
            bias = np.concatenate([self._block(array, block) for block in _BLOCKS])
            bias[self.units : 2 * self.units] += np.float32(FORGET)
            yield bias_in, bias
            yield bias_hidden, np.zeros_like(bias)
            return
        for target, rows in (
            (weight_in, array[: self.inputs]),
            (weight_hidden, array[self.inputs :]),
        ):
            yield target, self._gates(rows)  # kept by no name here, so it is gone before the next

    def _gates(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of the matrix as columns, their blocks in our order."""
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
    """A linear layer; its outputs may belong to several layers here."""

    source: str
    targets: tuple[str, ...]
    inputs: int
    outputs: tuple[int, ...]

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that the tensors must have."""
        width = sum(self.outputs)
        return {f"{self.source}/kernel": (self.inputs, width), f"{self.source}/bias": (width,)}

    def made(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what they become."""
        found: dict[str, tuple[int, ...]] = {}
        for target, width in zip(self.targets, self.outputs, strict=True):
            found |= {f"{target}.weight": (width, self.inputs), f"{target}.bias": (width,)}
        return found

    def convert(self, name: str, array: np.ndarray) -> Arrays:
        """Yield what a tensor becomes."""
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
        """Return the shape that the tensor must have."""
        return {self.source: self.shape}

    def made(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of what it becomes."""
        return {self.target: self.becomes}

    def convert(self, name: str, array: np.ndarray) -> Arrays:
        """Yield what the tensor becomes."""
        yield self.target, array.reshape(self.becomes)


Part = Cell | Dense | Plain


class Names:
    """The tensors of a checkpoint, asked for sizes that only they tell.

    Args:
        checkpoint: The checkpoint.
        name: What it is imported as, for messages.
    """

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self.path, self.name = checkpoint.path, name
        self.shapes: Mapping[str, tuple[int, ...]] = {
            tensor: shape
            for tensor, shape in checkpoint.shapes.items()
            if not IGNORED.search(tensor)
        }

    def layers(self, pattern: str) -> list[int]:
        """Return the units of the layers of a stack.

        Args:
            pattern: Name of a cell, with `{}` for its number.

        Raises:
            DataError: It has no layer, or a layer below another is missing.
        """
        units: list[int] = []
        for number in range(self.count(pattern)):
            cell = pattern.format(number)
            kernel, bias = self.shapes.get(f"{cell}/kernel"), self.shapes.get(f"{cell}/bias")
            width = kernel[-1] if kernel else bias[-1] if bias else 0
            if width % 4 or not width:
                self.missing(f"{cell}/kernel", "of four blocks of columns")
            units.append(width // 4)
        return units

    def count(self, pattern: str) -> int:
        """Return the number of layers, at least 1."""
        before, _, after = pattern.partition("{}")
        found = re.compile(f"^{re.escape(before)}(\\d+){re.escape(after)}/")
        numbers = [int(match[1]) for match in map(found.match, self.shapes) if match]
        return max(numbers, default=0) + 1

    def width(self, tensor: str) -> int:
        """Return the last length of a tensor.

        Raises:
            DataError: It is missing.
        """
        shape = self.shapes.get(tensor)
        if not shape:
            self.missing(tensor)
        return shape[-1]

    def missing(self, tensor: str, what: str = "") -> NoReturn:
        """Raise DataError about a tensor that is not as it must be."""
        there = self.shapes.get(tensor)
        if there is not None:
            text = f"tensor {tensor!r} has shape {there}, {self.name} needs one {what}"
            raise DataError(text, path=self.path, remedy=self._remedy)
        text = f"has no tensor {tensor!r}, which {self.name} needs"
        raise DataError(text, path=self.path, remedy=self._remedy)

    def check(self, parts: list[Part]) -> None:
        """Check that there are exactly the tensors of a layout.

        Raises:
            DataError: One is missing, of another shape, or unknown.
        """
        expected: dict[str, tuple[int, ...]] = {}
        for part in parts:
            expected |= part.expected()
        for tensor, shape in expected.items():
            there = self.shapes.get(tensor)
            if there is None:
                text = f"has no tensor {tensor!r}, which {self.name} needs with shape {shape}"
                raise DataError(text, path=self.path, remedy=self._remedy)
            if there != shape:
                text = f"tensor {tensor!r} has shape {there}, {self.name} needs {shape}"
                raise DataError(text, path=self.path, remedy=self._remedy)
        for tensor in self.shapes:
            if tensor not in expected:
                text = f"has the tensor {tensor!r}, which {self.name} does not have"
                raise DataError(text, path=self.path, remedy=self._remedy)

    @property
    def _remedy(self) -> str:
        if self.name == CONFIG:
            return "get the folder again"
        return "choose another --config, or a whole checkpoint"
