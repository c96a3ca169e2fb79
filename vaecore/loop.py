"""Loops over time that run in Python and are exported as one operation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Step = Callable[[Tensors, Tensors], tuple[Tensors, Tensors]]
"""Maps the carried state and one row of each input to the next state and one row of each output."""


def exporting() -> bool:
    """Return whether the model is being traced or exported to a file."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_exporting()


def loop(step: Step, carry: Tensors, inputs: Tensors) -> tuple[Tensors, Tensors]:
    """Repeat a step for every row of the inputs, in order.

    Under `torch.export` the loop becomes one `scan` operation, so that the file holds the step
    once. Otherwise it is a Python loop.

    Args:
        step: Pure tensor operations, without in-place changes; shapes and types of its state do
            not depend on values.
        carry: The state before the first step.
        inputs: At least one tensor, each `(steps, ...)`.

    Returns:
        The state after the last step, and the outputs, each `(steps, ...)`.
    """
    if torch.compiler.is_exporting():
        from torch._higher_order_ops.scan import scan

        def body(carry: Tensors, rows: Tensors) -> tuple[Tensors, Tensors]:
            carried, output = step(carry, rows)
            # `scan` does not allow an output that is the same tensor as a part of the state.
            return carried, tuple(each.clone() for each in output)

        # The first state must have the memory layout of those after a step.
        carry = tuple(each.clone(memory_format=torch.contiguous_format) for each in carry)
        found: tuple[Tensors, Tensors] = scan(body, carry, inputs)
        return tuple(found[0]), tuple(found[1])
    outputs = []
    for rows in zip(*(each.unbind(0) for each in inputs), strict=True):
        carry, output = step(carry, rows)
        outputs.append(output)
    return carry, tuple(torch.stack(each) for each in zip(*outputs, strict=True))
