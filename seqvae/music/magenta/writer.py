"""Fast free-running decoding: everything that can be computed before the first step, is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from seqvae.music.magenta.tokens import Tokens
from seqvae.music.networks.voices import VoicesHead
from seqvae.sequences.affine import onednn_works
from seqvae.sequences.heads import Head
from seqvae.sequences.lstm import Cell, State, after_gates


class Writer:
    """Writes segments step by step.

    Args:
        cells: The layers.
        state: Their first states.
        tokens: How a step is an input of the next one.
        head: The output layer.
        code: Codes `(rows, code_dim)`.
        control: Hits `(rows, steps, drums)`, if the model is controlled.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        state: State,
        tokens: Tokens,
        head: Head | VoicesHead,
        code: Tensor,
        control: Tensor | None,
    ) -> None:
        width, code_dim = tokens.width, code.shape[1]
        self.first, self.others, self.tokens, self.head = cells[0], cells[1:], tokens, head
        self.from_token = tokens.product(self.first.weight_input[:width])
        of_code = self.first.weight_input[width : width + code_dim]
        self.of_code = code @ of_code + self.first.bias
        self.state = state
        self.weights = self.first.weight_hidden.numel() + sum(c.weight.numel() for c in self.others)
        """Number of weights that a step of a row is multiplied with, without the output layer."""
        self.control = None
        if control is not None:
            self.control = control @ self.first.weight_input[width + code_dim :]

    def write(
        self,
        rows: Tensor,
        steps: int,
        before: Tensor,
        temperature: float,
        noise: Tensor | None,
        hits: Tensor | None = None,
    ) -> Tensor:
        """Return the steps of some segments, `(rows, steps, *shape)`.

        Args:
            rows: Indices of the segments among the codes.
            steps: Number of steps.
            before: The step before the first one of each segment, `(rows, *shape)`.
            temperature: 0 takes the likeliest value of each step.
            noise: Uniform numbers `(rows, steps, ...)`; needed above temperature 0.
            hits: Fixed hits, as classes `(rows, steps)`.
        """
        one = len(rows) == 1
        if one:  # the kernel for one row rounds in another way
            rows, before = rows.repeat(2), before.repeat_interleave(2, 0)
            noise = None if noise is None else noise.repeat_interleave(2, 0)
            hits = None if hits is None else hits.repeat_interleave(2, 0)
        of_code = self.of_code[rows]
        state = [(hidden[rows], cell[rows]) for hidden, cell in self.state]
        written = []
        for t in range(steps):
            gates = self.from_token(before) + of_code
            if self.control is not None:
                gates = gates + self.control[rows, t]
            hidden, cell = state[0]
            gates = gates.add_(_product(hidden, self.first.weight_hidden))
            state[0] = after_gates(gates, cell)
            for layer, own in enumerate(self.others, start=1):
                hidden, cell = state[layer]
                inputs = torch.cat([state[layer - 1][0], hidden], dim=-1)
                state[layer] = after_gates(_product(inputs, own.weight, own.bias), cell)
            projected = self.head.project(state[-1][0])
            given = {} if hits is None else {"hits": hits[:, t]}
            drawn = None if noise is None else noise[:, t]
            before = self.head.choose(projected, temperature, drawn, **given)
            written.append(before)
        return torch.stack(written, dim=1)[: 1 if one else None]


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x @ weight.T + bias for two rows or more, each with the same result in any batch.

    oneDNN rounds a row in the same way in every batch, which MKL does not; and for the few rows of
    a decoder it takes half the time.
    """
    if x.device.type == "cpu" and x.dtype == torch.float32 and onednn_works():
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return found
    return functional.linear(x, weight, bias)
