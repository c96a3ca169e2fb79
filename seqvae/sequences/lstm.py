"""LSTM layers: one fused pass over time for training, one step at a time for decoding.

Hochreiter & Schmidhuber 1997. Training uses PyTorch's fused kernel for all time steps in one call.
In mixed precision the weights are cast to bfloat16 before the call. On CPUs with bfloat16 units
that is several times faster than 32 bits; `nn.LSTM` under autocast casts in every step, and is
slower than 32 bits.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.sequences.affine import affine

State = list[tuple[Tensor, Tensor]]
"""Hidden and cell state `(batch, hidden_dim)` of every layer."""


class LSTM(nn.LSTM):
    """`nn.LSTM` in time-major layout, with optional bfloat16 arithmetic and an explicit step."""

    def run(self, x: Tensor, state: State | None = None, mixed_precision: bool = False) -> Tensor:
        """Return the top layer's outputs `(steps, batch, directions * hidden)` for all steps.

        Args:
            x: Inputs `(steps, batch, input)`.
            state: Initial states, zeros by default.
            mixed_precision: Compute in bfloat16; the result is 32-bit again.
        """
        dtype = torch.bfloat16 if mixed_precision else x.dtype
        if state is None:
            rows = self.num_layers * (2 if self.bidirectional else 1)
            hidden = x.new_zeros(rows, x.shape[1], self.hidden_size, dtype=dtype)
            initial = [hidden, hidden]
        else:
            initial = [torch.stack(part).to(dtype) for part in zip(*state, strict=True)]
        with torch.autocast(x.device.type, enabled=False):
            output, _, _ = torch.lstm(
                x.to(dtype),
                initial,
                [weight.to(dtype) for weight in self._flat_weights if weight is not None],
                True,  # has biases
                self.num_layers,
                0.0,  # dropout between layers
                self.training,
                self.bidirectional,
                False,  # batch first
            )
        return output.float()

    def advance(self, gates: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states after one step, in operations that can be exported.

        Args:
            gates: The input's contribution to the first layer's gates, with its bias,
                `(batch, 4 hidden)`.
            hidden: Hidden state of every layer, `(layers, batch, hidden)`.
            cell: Cell state of every layer, `(layers, batch, hidden)`.
        """
        hiddens: list[Tensor] = []
        cells: list[Tensor] = []
        for layer, (weight, recurrent, bias, bias_hidden) in enumerate(self.all_weights):
            if layer:
                gates = functional.linear(hiddens[-1], weight, bias)
            gates = gates + functional.linear(hidden[layer], recurrent, bias_hidden)
            i, f, g, o = gates.chunk(4, dim=-1)
            cells.append(f.sigmoid() * cell[layer] + i.sigmoid() * g.tanh())
            hiddens.append(o.sigmoid() * cells[-1].tanh())
        return torch.stack(hiddens), torch.stack(cells)

    def cells(self) -> list[Cell]:
        """Return the layers as single-step cells, for decoding one token at a time."""
        return [
            Cell(
                getattr(self, f"weight_ih_l{layer}"),
                getattr(self, f"weight_hh_l{layer}"),
                getattr(self, f"bias_ih_l{layer}") + getattr(self, f"bias_hh_l{layer}"),
            )
            for layer in range(self.num_layers)
        ]


class Cell:
    """One step of one layer of an LSTM, without gradients.

    The gates are in the order input, forget, output, candidate, so that one operation computes all
    sigmoids. PyTorch's order is input, forget, candidate, output.
    """

    def __init__(self, weight_input: Tensor, weight_hidden: Tensor, bias: Tensor) -> None:
        self._given = weight_input.detach(), weight_hidden.detach()
        self.bias = _reordered(bias.detach())

    # Each is computed on first use: a copy for a large network takes milliseconds, and a layer
    # needs either the first two or the last.

    @cached_property
    def weight_input(self) -> Tensor:
        """Weights of the input, `(input, 4 hidden)`."""
        return _reordered(self._given[0]).t()

    @cached_property
    def weight_hidden(self) -> Tensor:
        """Weights of the state, `(4 hidden, hidden)`."""
        return _reordered(self._given[1])

    @cached_property
    def weight(self) -> Tensor:
        """Concatenated weights of input and state, `(4 hidden, input + hidden)`."""
        sides = [part.shape[1] for part in self._given]
        found = self._given[0].new_empty(len(self._given[0]), sum(sides))
        for own, given in zip(found.split(sides, dim=1), self._given, strict=True):
            for to, gate in zip(own.chunk(4), _in_order(given), strict=True):
                to.copy_(gate)
        return found

    def project(self, x: Tensor) -> Tensor:
        """Return the contribution of inputs `(..., input)` to the gates with the bias."""
        return x @ self.weight_input + self.bias

    def step(self, gates: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the next `(hidden, cell)` for an input's contribution to the gates."""
        hidden, cell = state
        return after_gates(affine(hidden, self.weight_hidden).add_(gates), cell)

    def take(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the next `(hidden, cell)` for an input `(batch, input)`, by one product."""
        hidden, cell = state
        return after_gates(affine(torch.cat([x, hidden], dim=-1), self.weight, self.bias), cell)


def after_gates(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Return the next `(hidden, cell)` for gates `(batch, 4 hidden)`, which it changes."""
    size = cell.shape[-1]
    gates[:, : 3 * size].sigmoid_()
    gates[:, 3 * size :].tanh_()
    i, f, o, g = gates.chunk(4, dim=-1)
    cell = torch.mul(f, cell).addcmul_(i, g)
    return cell.tanh().mul_(o), cell


def _reordered(weight: Tensor) -> Tensor:
    """Return PyTorch's weights `(4 hidden, ...)` with the gates in the order of `Cell`."""
    return torch.cat(_in_order(weight))


def _in_order(weight: Tensor) -> list[Tensor]:
    """Return the weights of each gate, in the order of `Cell`, from PyTorch's weights."""
    i, f, g, o = weight.chunk(4)
    return [i, f, o, g]
