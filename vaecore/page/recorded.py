"""A network as a list of simple operations, which a page runs without knowing the network.

The network runs once on one code. Every operation on values that depend on the code is recorded
with its shapes; values that do not depend on it, such as a product of weights and a number, become
constants. `model/recorded.js` runs the list.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

from vaecore.eight_bit import quantised
from vaecore.errors import UsageError
from vaecore.page.operations import NOTED

Step = dict[str, Any]
"""One operation: `op`, the indices of its `inputs` among the values, the `shape` of its result, and
its settings, among them names of constants."""


LARGE = 4096
"""Least number of values of a matrix that is stored in 8 bits: smaller ones take little room, and
some of them, such as a conversion of colours, are not weights."""


class Recording:
    """The operations of a network, from one code to its output.

    Attributes:
        steps: The operations in order; the code is value 0, the result of step k is value k + 1.
        constants: Constants by name.
        result: Index of the value that is the network's output.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.constants: dict[str, Tensor] = {}
        self.result = 0

    def packed(self, others: Mapping[str, Tensor] | None = None) -> str:
        """Return the constants in base64, as safetensors: large matrices in 8 bits, others in 32.

        Args:
            others: Further tensors for the page, which are stored in their own types.
        """
        from safetensors.torch import save

        whole = {k: t.detach().cpu() for k, t in self.constants.items()}
        large = {k: t for k, t in whole.items() if t.ndim > 1 and t.numel() >= LARGE}
        tensors = whole | quantised(large) | dict(others or {})
        return b64encode(save({k: t.contiguous() for k, t in tensors.items()})).decode()


def record(network: nn.Module, z: Tensor) -> Recording:
    """Return the operations of a network that is in evaluation mode.

    Args:
        network: A function of codes, such as a decoder.
        z: One code, `(1, latent_dim)`.

    Raises:
        UsageError: It has an operation that pages cannot run.
    """
    recorder = Recorder(z)
    with torch.no_grad(), recorder:
        decoded = network(z)
    found = recorder.recording
    found.result = recorder.place(decoded)
    return found


class Recorder(TorchFunctionMode):
    """A context that records the operations on values that depend on a code."""

    def __init__(self, z: Tensor) -> None:
        super().__init__()
        self.recording = Recording()
        self._places = {id(z): 0}
        self._alive: list[Tensor] = [z]  # an id is unique only while its tensor is alive

    def place(self, value: Tensor) -> int:
        """Return the index of a value that depends on the code."""
        return self._places[id(value)]

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        made = out if isinstance(out, tuple | list) else (out,)
        if not any(isinstance(each, Tensor) for each in made):
            return out  # a shape, a type, a device
        if any(id(each) in self._places for each in _tensors((*args, *kwargs.values()))):
            self._note(func, args, kwargs, made)
        return out

    def _note(self, func: Any, args: Any, kwargs: dict[str, Any], made: Sequence[Tensor]) -> None:
        name = getattr(func, "__name__", "")
        if len(made) == 1 and id(made[0]) in self._places:
            return  # the same tensor: `contiguous`, `to`
        if name in _AS_IT_IS or (name == "__getitem__" and made[0].numel() == args[0].numel()):
            self.add("view", args[0], made[0])
        elif name in ("chunk", "split"):
            self._slices(args[0], made, kwargs.get("dim", args[2] if len(args) > 2 else 0))
        elif name in NOTED:
            NOTED[name](self, made[0], *args, **kwargs)
        else:
            named = resolve_name(func) or name
            raise UsageError(f"a page has no operation {named}, which this network needs")

    def add(self, op: str, inputs: Any, out: Tensor, **more: Any) -> Tensor:
        """Record an operation, and return its result `out`.

        Args:
            op: Its name on the page.
            inputs: Its inputs, one or a list, which depend on the code.
            out: Its result.
            **more: Its settings; tensors become constants.
        """
        inputs = inputs if isinstance(inputs, list | tuple) else [inputs]
        step: Step = {"op": op, "inputs": [self.place(each) for each in inputs]}
        for key, value in more.items():
            step[key] = self.constant(value) if isinstance(value, Tensor) else value
        step["shape"] = list(out.shape)
        self.recording.steps.append(step)
        self._places[id(out)] = len(self.recording.steps)
        self._alive.append(out)
        return out

    def constant(self, value: Tensor) -> str:
        """Keep a tensor that does not depend on the code, and return its name.

        Raises:
            UsageError: It depends on the code; a page has no product of two such tensors.
        """
        if id(value) in self._places:
            raise UsageError("a page has no products of two parts of what is decoded")
        name = f"c{len(self.recording.constants)}"
        self.recording.constants[name] = value
        return name

    def known(self, value: Any) -> bool:
        """Return whether a value depends on the code."""
        return isinstance(value, Tensor) and id(value) in self._places

    def _slices(self, x: Tensor, made: Sequence[Tensor], dim: int) -> None:
        begin, dim = 0, dim % x.ndim
        for part in made:
            self.add("slice", x, part, dim=dim, begin=begin)
            begin += part.shape[dim]


_AS_IT_IS = {
    "view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "contiguous", "to",
    "float", "clone", "detach", "dropout",
}  # fmt: skip
"""Functions that change at most the shape; in evaluation, dropout changes nothing."""


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for each in values:
        if isinstance(each, Tensor):
            found.append(each)
        elif isinstance(each, list | tuple):
            found += _tensors(each)
    return found
