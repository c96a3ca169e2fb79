"""A network as a list of simple operations, which a page runs without knowing the network.

The network is run once on one code, and every operation on what comes from the code is noted, with
the shapes that it had. What does not come from the code, such as a product of weights with a
number, is computed here and becomes a constant. `model/recorded.js` runs the list.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode, resolve_name

from vaecore.eight_bit import quantised
from vaecore.errors import UsageError

Step = dict[str, Any]
"""One operation: `op`, the places of its `inputs` among the values, the `shape` of its result, and
what it needs besides; constants are named."""


LARGE = 4096
"""Numbers from which on a matrix is stored in 8 bits: smaller ones are no burden, and some of them,
such as that of colours, are no weights."""


class Recording:
    """The operations of a network, from one code to what is decoded.

    Attributes:
        steps: In their order; the result of step k is value k + 1, and the code is value 0.
        constants: By name.
        result: The place of what is decoded.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.constants: dict[str, Tensor] = {}
        self.result = 0

    def packed(self, others: Mapping[str, Tensor] | None = None) -> str:
        """Return the constants in base64, as safetensors: large matrices in 8 bits, others in 32.

        Args:
            others: Further tensors that the page needs, which are stored as they are.
        """
        from safetensors.torch import save

        whole = {k: t.detach().cpu() for k, t in self.constants.items()}
        large = {k: t for k, t in whole.items() if t.ndim > 1 and t.numel() >= LARGE}
        tensors = whole | quantised(large) | dict(others or {})
        return b64encode(save({k: t.contiguous() for k, t in tensors.items()})).decode()


def record(network: nn.Module, z: Tensor) -> Recording:
    """Return the operations of a network that is in evaluation mode.

    Args:
        network: From codes to what is decoded.
        z: One code, `(1, latent_dim)`.

    Raises:
        UsageError: It has an operation that pages do not have.
    """
    recorder = _Recorder(z)
    with torch.no_grad(), recorder:
        decoded = network(z)
    found = recorder.recording
    found.result = recorder.place(decoded)
    return found


class _Recorder(TorchFunctionMode):
    def __init__(self, z: Tensor) -> None:
        super().__init__()
        self.recording = Recording()
        self._places = {id(z): 0}
        self._alive: list[Tensor] = [z]  # an id is that of one tensor as long as it lives

    def place(self, value: Tensor) -> int:
        """Return where a value is that comes from the code."""
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
        elif name in _NOTED:
            _NOTED[name](self, made[0], *args, **kwargs)
        else:
            named = resolve_name(func) or name
            raise UsageError(f"a page has no operation {named}, which this network needs")

    def add(self, op: str, inputs: Any, out: Tensor, **more: Any) -> Tensor:
        """Note an operation; constants among what it needs are kept under names of their own."""
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
        """Keep a tensor that does not come from the code, and return its name."""
        if id(value) in self._places:
            raise UsageError("a page has no products of two parts of what is decoded")
        name = f"c{len(self.recording.constants)}"
        self.recording.constants[name] = value
        return name

    def known(self, value: Any) -> bool:
        """Whether a value comes from the code."""
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
"""Functions that change the shape at most; in evaluation, dropout does nothing."""


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for each in values:
        if isinstance(each, Tensor):
            found.append(each)
        elif isinstance(each, list | tuple):
            found += _tensors(each)
    return found


def _pair(value: Any) -> int:
    """Return a stride or padding that is the same in both directions."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(set(values)) != 1 or isinstance(value, str):
        raise UsageError(f"a page has no convolutions with {value!r} for their sides")
    return int(values[0])


def _linear(r: _Recorder, out: Tensor, x: Tensor, weight: Tensor, bias: Any = None) -> None:
    r.add("linear", x, out, weight=weight, **_bias(bias))


def _bias(bias: Tensor | None) -> dict[str, Tensor]:
    return {} if bias is None else {"bias": bias}


def _conv2d(
    r: _Recorder, out: Tensor, x: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> None:  # fmt: skip
    _plain(dilation, groups)
    sides = {"stride": _pair(stride), "padding": _pair(padding)}
    r.add("convolve", x, out, weight=weight, **_bias(bias), **sides)


def _conv_transpose2d(
    r: _Recorder, out: Tensor, x: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> None:  # fmt: skip
    _plain(dilation, groups)
    sides = {"stride": _pair(stride), "padding": _pair(padding)}
    r.add("deconvolve", x, out, weight=weight, **_bias(bias), **sides)


def _plain(dilation: Any, groups: int) -> None:
    if _pair(dilation) != 1 or groups != 1:
        raise UsageError("a page has no convolutions with dilation or groups")


def _batch_norm(
    r: _Recorder, out: Tensor, x: Tensor, mean: Tensor, variance: Tensor, weight: Any = None,
    bias: Any = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> None:  # fmt: skip
    if training:
        raise ValueError("the network is in training mode")
    scale = (variance + eps).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    r.add("scale", x, out, by=scale, shift=shift, dim=1)


def _layer_norm(
    r: _Recorder, out: Tensor, x: Tensor, shape: Sequence[int], weight: Tensor, bias: Tensor,
    eps: float = 1e-5,
) -> None:  # fmt: skip
    if len(shape) != 1:
        raise UsageError("a page normalises over one dimension at a time")
    r.add("normalise", x, out, weight=weight, bias=bias, eps=eps)


def _leaky(
    r: _Recorder, out: Tensor, x: Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> None:
    r.add("leaky", x, out, slope=negative_slope)


def _arithmetic(op: str) -> Callable[..., None]:
    """Return what notes `+` or `*`, of two values or of one and a constant or a number."""

    def note(r: _Recorder, out: Tensor, a: Any, b: Any) -> None:
        if r.known(a) and r.known(b):
            r.add(op, (a, b), out)
            return
        x, other = (a, b) if r.known(a) else (b, a)
        if isinstance(other, Tensor) and other.numel() > 1:
            # As a row, so that it is not stored in 8 bits.
            r.add(op, x, out, constant=other.flatten(), sides=list(other.shape))
        else:
            r.add(op, x, out, number=float(other))

    return note


def _divided(r: _Recorder, out: Tensor, x: Tensor, by: float) -> None:
    r.add("multiply", x, out, number=1 / float(by))


def _permuted(r: _Recorder, out: Tensor, x: Tensor, *order: Any) -> None:
    dims = order[0] if isinstance(order[0], tuple | list) else order
    r.add("permute", x, out, order=[int(each) % x.ndim for each in dims])


def _transposed(r: _Recorder, out: Tensor, x: Tensor, a: int, b: int) -> None:
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    r.add("permute", x, out, order=order)


def _shuffled(r: _Recorder, out: Tensor, x: Tensor, factor: int) -> None:
    n, c, h, w = x.shape
    size = (n, c // factor**2, factor, factor, h, w)
    split = r.add("view", x, torch.empty(size, device="meta"))
    order = (0, 1, 4, 2, 5, 3)
    turned = r.add("permute", split, split.permute(order), order=order)
    r.add("view", turned, out)


def _unshuffled(r: _Recorder, out: Tensor, x: Tensor, factor: int) -> None:
    n, c, h, w = x.shape
    size = (n, c, h // factor, factor, w // factor, factor)
    split = r.add("view", x, torch.empty(size, device="meta"))
    order = (0, 1, 3, 5, 2, 4)
    turned = r.add("permute", split, split.permute(order), order=order)
    r.add("view", turned, out)


def _enlarged(
    r: _Recorder, out: Tensor, x: Tensor, size: Any = None, scale_factor: Any = None,
    mode: str = "nearest", align_corners: Any = None, **more: Any,
) -> None:  # fmt: skip
    """Note a change of size: it is linear in each direction, so two matrices do it."""
    if x.ndim != 4 or mode not in ("nearest", "bilinear"):
        raise UsageError(f"a page has no {mode} change of size")
    given = {"mode": mode, "align_corners": align_corners}
    order = (0, 1, 3, 2)  # the last two change places after each matrix
    for to in (out.shape[3], out.shape[2]):
        side = x.shape[3]
        unit = torch.eye(side)[None, :, None]
        matrix = functional.interpolate(unit, size=(1, to), **given)[0, :, 0].t()
        wide = r.add("linear", x, torch.empty((*x.shape[:3], to), device="meta"), weight=matrix)
        x = r.add("permute", wide, wide.permute(order), order=order)
    r.add("view", x, out)


def _einsum(r: _Recorder, out: Tensor, equation: str, *operands: Any) -> None:
    if equation.replace(" ", "") != "ck,nkhw->nchw":
        raise UsageError(f"a page has no einsum of {equation!r}")
    matrix, x = operands if len(operands) == 2 else operands[0]
    r.add("convolve", x, out, weight=matrix[:, :, None, None], stride=1, padding=0)


def _joined(r: _Recorder, out: Tensor, parts: Sequence[Tensor], dim: int = 0) -> None:
    r.add("join", list(parts), out, dim=dim % out.ndim)


_NOTED: dict[str, Callable[..., None]] = {
    "linear": _linear,
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "leaky_relu": _leaky,
    "add": _arithmetic("add"),
    "__add__": _arithmetic("add"),
    "__radd__": _arithmetic("add"),
    "mul": _arithmetic("multiply"),
    "__mul__": _arithmetic("multiply"),
    "__rmul__": _arithmetic("multiply"),
    "div": _divided,
    "__truediv__": _divided,
    "permute": _permuted,
    "transpose": _transposed,
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    "interpolate": _enlarged,
    "einsum": _einsum,
    "cat": _joined,
}
