"""Writing steps with a decoder, free running: as few operations for each step as there can be."""

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
    """Writes segments step by step; what is known before the first step is computed once.

    Args:
        cells: Its layers.
        state: Their first states.
        tokens: How a step is given to the next.
        head: Its output layer.
        code: Codes `(rows, code_dim)`.
        control: `(rows, steps, drums)`.
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
        """How many weights each step of a row is multiplied with, but for the output layer."""
        self.control = None
        if control is not None:
            self.control = control @ self.first.weight_input[width + code_dim :]

    def write(
        self,
        rows: Tensor | slice,
        steps: int,
        before: Tensor,
        temperature: float,
        noise: Tensor | None,
        hits: Tensor | None = None,
    ) -> Tensor:
        """Return the steps of some segments, `(rows, steps, *shape)`.

        Args:
            rows: Which of them.
            steps: How many steps.
            before: The step before the first of each, `(rows, *shape)`.
            temperature: 0 takes the likeliest.
            noise: Uniform numbers `(rows, steps, ...)`; needed above temperature 0.
            hits: Hits that are taken as they are, as classes `(rows, steps)`.
        """
        one = isinstance(rows, Tensor) and len(rows) == 1
        if one:  # the kernel for one row rounds in another way
            assert isinstance(rows, Tensor)
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
    """Return x @ weight.T + bias for at least two rows, each as it is alone.

    oneDNN rounds a row in the same way however many there are, which MKL does not; and for the
    few rows of a decoder it takes half the time.
    """
    if x.device.type == "cpu" and x.dtype == torch.float32 and onednn_works():
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return found
    return functional.linear(x, weight, bias)
