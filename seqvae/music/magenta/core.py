"""The LSTM stacks of Magenta's decoders: conductors, and cores that write steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.heads import make_output
from seqvae.music.magenta.tokens import fed_back
from seqvae.music.magenta.writer import Writer
from seqvae.music.networks.architecture import Voice
from seqvae.music.networks.voices import VoicesHead
from seqvae.sequences.heads import Head
from seqvae.sequences.layers import Layers
from seqvae.sequences.lstm import LSTM, State
from vaecore.loop import Tensors, loop


class Stack(nn.Module):
    """LSTM layers, which may differ in width; a code gives their first states by a tanh layer.

    Args:
        code_dim: Width of the code.
        input_dim: Width of a step's input.
        dims: Units of each layer.
    """

    def __init__(self, code_dim: int, input_dim: int, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims
        self.initial = nn.Linear(code_dim, 2 * sum(dims))
        pairs = zip((input_dim, *dims), dims, strict=False)
        self.layers = Layers[LSTM](LSTM(width, dim, 1) for width, dim in pairs)

    def run(self, code: Tensor, inputs: Tensor) -> Tensor:
        """Return the top's outputs `(steps, batch, units)` for inputs `(steps, batch, input)`."""
        for layer, (hidden, cell) in zip(self.layers, self.first(code), strict=True):
            inputs = layer.run(inputs, [(hidden, cell)])
        return inputs

    def first(self, code: Tensor) -> State:
        """Return the first hidden and cell state of each layer.

        Of a layer's outputs of `initial`, the cell state comes first.
        """
        sizes = [dim for dim in self.dims for _ in range(2)]
        parts = torch.tanh(self.initial(code)).split(sizes, dim=-1)
        return list(zip(parts[1::2], parts[0::2], strict=True))


class Conductor(Stack):
    """Turns a code into one for each of `length` segments; its input at each step is a zero."""

    def __init__(self, code_dim: int, length: int, dims: tuple[int, ...]) -> None:
        super().__init__(code_dim, 1, dims)
        self.length = length

    def forward(self, code: Tensor) -> Tensor:
        """Return codes `(batch * length, units)`, row by row, for codes `(batch, code_dim)`."""
        zeros = code.new_zeros(self.length, code.shape[0], 1)
        return self.run(code, zeros).transpose(0, 1).flatten(0, 1)


class Core(Stack):
    """Writes the steps of a segment, of one voice or of several together.

    The input of a step is the step before it and the segment's code; and the step's hits if the
    model is controlled.
    """

    def __init__(self, a: MagentaArchitecture, code_dim: int, voices: Voice | tuple[Voice, ...]):
        self.tokens = fed_back((voices,) if isinstance(voices, Voice) else voices)
        self.controls = voices.classes if a.controlled and isinstance(voices, Voice) else 0
        dims = tuple(a.decoder_dims)
        super().__init__(code_dim, self.tokens.width + code_dim + self.controls, dims)
        self.head: Head | VoicesHead = make_output(voices, dims[-1], a.nade_dim)

    def hidden(self, code: Tensor, before: Tensor, control: Tensor | None) -> Tensor:
        """Return the top's outputs `(steps, rows, units)`.

        Args:
            code: `(rows, code_dim)`.
            before: The step before each step, `(rows, steps, width)`.
            control: The hits of each step, `(rows, steps, drums)`, if the model is controlled.
        """
        parts = [before, code.unsqueeze(1).expand(-1, before.shape[1], -1)]
        if control is not None:
            parts.append(control)
        return self.run(code, torch.cat(parts, dim=-1).transpose(0, 1))

    def draw(
        self,
        code: Tensor,
        segments: int,
        temperature: Tensor,
        noise: Tensor,
        control: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return windows, written step by step, in operations that can be exported.

        Args:
            code: The code of every segment, `(rows * segments, code_dim)`, window by window.
            segments: Number of segments of a window.
            temperature: See `MagentaDecoder.draw`.
            noise: Uniform numbers, `(rows, steps, ...)`.
            control: Hits, `(rows, steps, drums)`, if the model is controlled.

        Returns:
            Windows `(rows, steps, *shape)`, and the outputs of the linear layer.
        """
        length, width = noise.shape[1] // segments, self.tokens.width

        def at_each_step(x: Tensor) -> Tensor:
            """Repeat values of segments `(rows * segments, n)` at each step, `(steps, rows, n)`."""
            whole: Tensor = x.unflatten(0, (-1, segments)).transpose(0, 1).unsqueeze(1)
            return whole.expand(-1, length, -1, -1).flatten(0, 1)

        weights = [layer.all_weights[0] for layer in self.layers]
        weight, _, bias, _ = weights[0]
        from_token = self.tokens.product(weight.t()[:width])
        of_code = slice(width, width + code.shape[-1])
        known = at_each_step(functional.linear(code, weight[:, of_code], bias))
        if control is not None:
            known = known + functional.linear(control.transpose(0, 1), weight[:, of_code.stop :])
        begun = [at_each_step(part) for pair in self.first(code) for part in pair]
        begins = torch.arange(segments * length, device=code.device) % length == 0

        def step(carry: Tensors, given: Tensors) -> tuple[Tensors, Tensors]:
            (token, *states), (gates, begins, noise, *fresh) = carry, given
            states = [torch.where(begins, f, s) for f, s in zip(fresh, states, strict=True)]
            gates = gates + from_token(token)
            for k, layer in enumerate(self.layers):
                if k:
                    gates = functional.linear(states[2 * k - 2], weights[k][0], weights[k][2])
                hidden, cell = layer.advance(gates, states[2 * k][None], states[2 * k + 1][None])
                states[2 * k], states[2 * k + 1] = hidden[0], cell[0]
            projected = self.head.project(states[-2])
            token = self.head.choose(projected, temperature, noise)
            return (token, *states), (token, projected)

        none = self.tokens.none(noise.shape[0], code)
        carry = (none, *(torch.zeros_like(each[0]) for each in begun))
        inputs = (known, begins, noise.transpose(0, 1), *begun)
        _, (tokens, outputs) = loop(step, carry, inputs)
        return tokens.transpose(0, 1), outputs.transpose(0, 1)

    def writer(self, code: Tensor, control: Tensor | None = None) -> Writer:
        """Return a writer of segments with codes `(rows, code_dim)`, free running."""
        cells = [layer.cells()[0] for layer in self.layers]
        return Writer(cells, self.first(code), self.tokens, self.head, code, control)
