"""Loops over time that can be exported: written once, run by Python, kept as a loop in a file."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Step = Callable[[Tensors, Tensors], tuple[Tensors, Tensors]]
"""From what is carried and one row of each input to what is carried on and one row of outputs."""


def exporting() -> bool:
    """Return whether operations are being recorded for a file, to be run on other machines."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_exporting()


def loop(step: Step, carry: Tensors, inputs: Tensors) -> tuple[Tensors, Tensors]:
    """Repeat a step for every row of the inputs, in order.

    While `torch.export` runs, the loop becomes one operation, so that a file has the step once and
    not as often as there are steps. Otherwise it is a loop of Python.

    Args:
        step: Of pure tensor operations: it changes nothing in place, and neither shapes nor types
            of what it carries depend on values.
        carry: What the first step gets.
        inputs: Each `(steps, ...)`, at least one.

    Returns:
        What the last step carried, and all outputs, each `(steps, ...)`.
    """
    if torch.compiler.is_exporting():
        from torch._higher_order_ops.scan import scan

        def body(carry: Tensors, rows: Tensors) -> tuple[Tensors, Tensors]:
            carried, output = step(carry, rows)
            # An output may be carried on as well, but must not be the same tensor.
            return carried, tuple(each.clone() for each in output)

        # What is carried must lie in memory as it does after a step.
        carry = tuple(each.clone(memory_format=torch.contiguous_format) for each in carry)
        found: tuple[Tensors, Tensors] = scan(body, carry, inputs)
        return tuple(found[0]), tuple(found[1])
    outputs = []
    for rows in zip(*(each.unbind(0) for each in inputs), strict=True):
        carry, output = step(carry, rows)
        outputs.append(output)
    return carry, tuple(torch.stack(each) for each in zip(*outputs, strict=True))
