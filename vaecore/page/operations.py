"""The PyTorch operations that pages can run, and how each is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from vaecore.page.recorded import Recorder


def _pair(value: Any) -> int:
    """Return a stride or padding that is the same in both directions."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(set(values)) != 1 or isinstance(value, str):
        raise UsageError(f"a page has no convolutions with a stride or padding of {value!r}")
    return int(values[0])


def _linear(r: Recorder, out: Tensor, x: Tensor, weight: Tensor, bias: Any = None) -> None:
    r.add("linear", x, out, weight=weight, **_bias(bias))


def _bias(bias: Tensor | None) -> dict[str, Tensor]:
    return {} if bias is None else {"bias": bias}


def _conv2d(
    r: Recorder, out: Tensor, x: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> None:  # fmt: skip
    _plain(dilation, groups)
    sides = {"stride": _pair(stride), "padding": _pair(padding)}
    r.add("convolve", x, out, weight=weight, **_bias(bias), **sides)


def _conv_transpose2d(
    r: Recorder, out: Tensor, x: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> None:  # fmt: skip
    _plain(dilation, groups)
    sides = {"stride": _pair(stride), "padding": _pair(padding)}
    r.add("deconvolve", x, out, weight=weight, **_bias(bias), **sides)


def _plain(dilation: Any, groups: int) -> None:
    if _pair(dilation) != 1 or groups != 1:
        raise UsageError("a page has no convolutions with dilation or groups")


def _batch_norm(
    r: Recorder, out: Tensor, x: Tensor, mean: Tensor, variance: Tensor, weight: Any = None,
    bias: Any = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> None:  # fmt: skip
    if training:
        raise ValueError("the network is in training mode")
    scale = (variance + eps).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    r.add("scale", x, out, by=scale, shift=shift, dim=1)


def _layer_norm(
    r: Recorder, out: Tensor, x: Tensor, shape: Sequence[int], weight: Tensor, bias: Tensor,
    eps: float = 1e-5,
) -> None:  # fmt: skip
    if len(shape) != 1:
        raise UsageError("a page normalises over one dimension at a time")
    r.add("normalise", x, out, weight=weight, bias=bias, eps=eps)


def _leaky(
    r: Recorder, out: Tensor, x: Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> None:
    r.add("leaky", x, out, slope=negative_slope)


def _arithmetic(op: str) -> Callable[..., None]:
    """Return a function that records `+` or `*`, of two values, or a value and a constant."""

    def note(r: Recorder, out: Tensor, a: Any, b: Any) -> None:
        if r.known(a) and r.known(b):
            r.add(op, (a, b), out)
            return
        x, other = (a, b) if r.known(a) else (b, a)
        if isinstance(other, Tensor) and other.numel() > 1:
            # As a vector, since vectors are not stored in 8 bits.
            r.add(op, x, out, constant=other.flatten(), sides=list(other.shape))
        else:
            r.add(op, x, out, number=float(other))

    return note


def _divided(r: Recorder, out: Tensor, x: Tensor, by: float) -> None:
    r.add("multiply", x, out, number=1 / float(by))


def _permuted(r: Recorder, out: Tensor, x: Tensor, *order: Any) -> None:
    dims = order[0] if isinstance(order[0], tuple | list) else order
    r.add("permute", x, out, order=[int(each) % x.ndim for each in dims])


def _transposed(r: Recorder, out: Tensor, x: Tensor, a: int, b: int) -> None:
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    r.add("permute", x, out, order=order)


def _shuffled(r: Recorder, out: Tensor, x: Tensor, factor: int) -> None:
    n, c, h, w = x.shape
    _reordered(r, out, x, (n, c // factor**2, factor, factor, h, w), (0, 1, 4, 2, 5, 3))


def _unshuffled(r: Recorder, out: Tensor, x: Tensor, factor: int) -> None:
    n, c, h, w = x.shape
    _reordered(r, out, x, (n, c, h // factor, factor, w // factor, factor), (0, 1, 3, 5, 2, 4))


def _reordered(
    r: Recorder, out: Tensor, x: Tensor, size: tuple[int, ...], order: tuple[int, ...]
) -> None:
    """Record a view of another size, a permutation of its dimensions, and a view as the result."""
    split = r.add("view", x, torch.empty(size, device="meta"))
    turned = r.add("permute", split, split.permute(order), order=order)
    r.add("view", turned, out)


def _enlarged(
    r: Recorder, out: Tensor, x: Tensor, size: Any = None, scale_factor: Any = None,
    mode: str = "nearest", align_corners: Any = None, **more: Any,
) -> None:  # fmt: skip
    """Record a change of size as two matrix products, since it is linear in each direction."""
    if x.ndim != 4 or mode not in ("nearest", "bilinear"):
        raise UsageError(f"a page has no {mode} change of size")
    given = {"mode": mode, "align_corners": align_corners}
    order = (0, 1, 3, 2)  # the last two dimensions change places after each product
    for to in (out.shape[3], out.shape[2]):
        side = x.shape[3]
        unit = torch.eye(side)[None, :, None]
        matrix = functional.interpolate(unit, size=(1, to), **given)[0, :, 0].t()
        wide = r.add("linear", x, torch.empty((*x.shape[:3], to), device="meta"), weight=matrix)
        x = r.add("permute", wide, wide.permute(order), order=order)
    r.add("view", x, out)


def _einsum(r: Recorder, out: Tensor, equation: str, *operands: Any) -> None:
    if equation.replace(" ", "") != "ck,nkhw->nchw":
        raise UsageError(f"a page has no einsum of {equation!r}")
    matrix, x = operands if len(operands) == 2 else operands[0]
    r.add("convolve", x, out, weight=matrix[:, :, None, None], stride=1, padding=0)


def _joined(r: Recorder, out: Tensor, parts: Sequence[Tensor], dim: int = 0) -> None:
    r.add("join", list(parts), out, dim=dim % out.ndim)


NOTED: dict[str, Callable[..., None]] = {
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
