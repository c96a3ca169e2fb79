"""Magenta's decoders: a core that writes steps, under conductors that plan bars."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.chain import Chain
from seqvae.music.magenta.heads import drawn_numbers, make_output
from seqvae.music.magenta.tokens import bits, fed_back
from seqvae.music.magenta.writer import Writer
from seqvae.music.networks.architecture import Voice
from seqvae.music.networks.levels import fold
from seqvae.music.networks.voices import VoicesHead
from seqvae.music.representations.groove.performance import blocks
from seqvae.sequences.heads import Head
from seqvae.sequences.layers import Layers
from seqvae.sequences.lstm import LSTM, State
from seqvae.sequences.sampling import uniform_noise
from vaecore.loop import Tensors, loop


class Stack(nn.Module):
    """LSTM layers, which may differ in width, whose first states are a tanh layer of a code.

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
        """Return the first states, hidden and cell of each layer; the layer has cells first."""
        sizes = [dim for dim in self.dims for _ in range(2)]
        parts = torch.tanh(self.initial(code)).split(sizes, dim=-1)
        return list(zip(parts[1::2], parts[0::2], strict=True))


class Conductor(Stack):
    """Unrolls a code into one for each segment; its only input is a zero."""

    def __init__(self, code_dim: int, length: int, dims: tuple[int, ...]) -> None:
        super().__init__(code_dim, 1, dims)
        self.length = length

    def forward(self, code: Tensor) -> Tensor:
        """Return `(batch * length, units)`, the segments of a row as neighbours."""
        zeros = code.new_zeros(self.length, code.shape[0], 1)
        return self.run(code, zeros).transpose(0, 1).flatten(0, 1)


class Core(Stack):
    """Writes the steps of a segment, one voice or several together.

    The input of a step is the step before, the segment's code, and the hits if it is controlled.
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
            before: The step before each, `(rows, steps, width)`.
            control: `(rows, steps, drums)`.
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
        """Return whole windows, step after step, in operations that can be exported.

        Args:
            code: Of every segment, `(rows * segments, code_dim)`, window by window.
            segments: Of a window.
            temperature: See `MagentaDecoder.draw`.
            noise: Uniform numbers of the windows, `(rows, steps, ...)`.
            control: Of the windows, `(rows, steps, drums)`, if it is controlled.

        Returns:
            Windows `(rows, steps, *shape)`, and the outputs of the linear layer.
        """
        length, width = noise.shape[1] // segments, self.tokens.width

        def at_each_step(x: Tensor) -> Tensor:
            """Return what belongs to segments, `(rows * segments, n)`, as `(steps, rows, n)`."""
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
        """Return what writes segments with these codes, free running."""
        cells = [layer.cells()[0] for layer in self.layers]
        return Writer(cells, self.first(code), self.tokens, self.head, code, control)


class MagentaDecoder(nn.Module):
    """p(x|z) as Magenta has it: bar after bar, each beginning with the last step before it."""

    def __init__(self, architecture: MagentaArchitecture) -> None:
        super().__init__()
        a = architecture
        *above, self.length = a.levels or (a.steps,)
        self.segments = math.prod(above)
        """Segments (bars) of a window; 1 if the decoder is flat."""
        width, dims = a.latent_dim, tuple(a.conductor_dims)
        conductors = []
        for length in above:
            conductors.append(Conductor(width, length, dims))
            width = dims[-1]
        self.conductors = Layers[Conductor](conductors)
        voices = a.voices
        apart = isinstance(voices, tuple) and not a.joint
        self.cores = Layers[Core](
            Core(a, width, own)
            for own in (voices if apart else (voices,))  # type: ignore[union-attr]
        )
        self.apart = apart
        self.controlled = a.controlled
        self.drums = voices.classes if isinstance(voices, Voice) else 0
        self.noise_shape = (a.steps, *drawn_numbers(voices))
        """Shape of the uniform numbers of a window."""
        self.control_shape = (a.steps, self.drums) if a.controlled else None
        """Shape of the hits of a window that it is given, if it is controlled."""

    @property
    def heads(self) -> list[Head]:
        """The head of each voice."""
        found: list[Head] = []
        for core in self.cores:
            found += core.head if isinstance(core.head, VoicesHead) else [core.head]
        return found

    def codes(self, z: Tensor) -> Tensor:
        """Return the code of every segment, `(batch * segments, width)`, window by window."""
        for conductor in self.conductors:
            z = conductor(z)
        return z

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats summed over steps and voices, `(batch,)`, teacher-forced.

        It is minus Magenta's reconstruction loss, which is no density of performances.
        """
        parts = zip(self.cores, self._voices(x), self._hidden(x, z), strict=True)
        found = reduce(
            add,
            (
                core.head.log_prob(hidden, fold(own, self.segments).transpose(0, 1)).sum(0)
                for core, own, hidden in parts
            ),
        )
        return found.view(len(x), -1).sum(1)

    def logits(self, z: Tensor, target: Tensor, control: Tensor | None = None) -> Tensor:
        """Return the teacher-forced outputs of the linear layers, `(batch, steps, width)`.

        Args:
            z: Codes.
            target: The examples.
            control: The hits that it is given, if it is controlled; by default the target's.
        """
        pairs = zip(self.cores, self._hidden(target, z, control), strict=True)
        found = torch.cat([core.head.project(hidden) for core, hidden in pairs], dim=-1)
        return self._whole(found.transpose(0, 1), len(z))

    def forced(self, z: Tensor, target: Tensor) -> Tensor:
        """Return the likeliest of every step given z and the true steps before it, like targets.

        With NADE the likeliest of each drum given those before it.
        """
        pairs = zip(self.cores, self._hidden(target, z), strict=True)
        voices = []
        for core, hidden in pairs:
            chosen = core.head.choose(core.head.project(hidden).flatten(0, 1), 0.0, None)
            voices.append(
                self._whole(chosen.unflatten(0, hidden.shape[:2]).transpose(0, 1), len(z))
            )
        return torch.stack(voices, dim=-1) if self.apart else voices[0]

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        temperature: float,
        seed: int,
        hits: Tensor | None = None,
        control: Tensor | None = None,
    ) -> Tensor:
        """Return examples `(batch, *shape)`, free running.

        Args:
            z: Codes `(batch, latent_dim)`.
            temperature: 0 takes the likeliest of every step.
            seed: Of the draw.
            hits: Hits of performances, as classes of drums `(batch, steps)`, which are taken as
                they are; by default they are chosen.
            control: The hits that the decoder is given, `(batch, steps, drums)`, if it is
                controlled; by default the hits, or silence without them.
        """
        noise = None
        if temperature > 0:
            noise = uniform_noise(len(z), self.noise_shape, seed, z.device)
        if noise is None and hits is None and control is None:  # equal codes, as of padded batches
            z, place = torch.unique_consecutive(z, dim=0, return_inverse=True)
            return self.unroll(z)[place]
        return self.unroll(z, temperature, noise, hits, control)

    @torch.no_grad()
    def unroll(
        self,
        z: Tensor,
        temperature: float = 0.0,
        noise: Tensor | None = None,
        hits: Tensor | None = None,
        control: Tensor | None = None,
        parallel: bool = True,
    ) -> Tensor:
        """Return examples like `generate`.

        Args:
            z: Codes.
            temperature: 0 takes the likeliest.
            noise: Uniform numbers `(batch, *noise_shape)`; needed above temperature 0.
            hits: See `generate`.
            control: See `generate`.
            parallel: Write all bars at once; otherwise one after the other, with the same result.
        """
        if self.controlled and control is None:
            drums = self.drums
            blank = z.new_zeros(len(z), self.segments * self.length, drums)
            control = blank if hits is None else bits(hits, drums)
        codes = self.codes(z)
        noises = [None] * len(self.cores) if noise is None else self._voices(noise)
        voices = []
        for core, own in zip(self.cores, noises, strict=True):
            drawn = None if own is None else fold(own, self.segments)
            told = control if self.controlled else None
            writer = core.writer(codes, None if told is None else fold(told, self.segments))
            given = None if hits is None else fold(hits, self.segments)
            chain = Chain(writer, self.segments, self.length, temperature, drawn, given)
            written = chain.at_once() if parallel else chain.in_order()
            voices.append(self._whole(written, len(z)))
        return torch.stack(voices, dim=-1) if self.apart else voices[0]

    def draw(
        self, z: Tensor, temperature: Tensor, noise: Tensor, control: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what `unroll` does, and `logits`, in operations that can be exported.

        Args:
            z: Codes `(batch, latent_dim)`.
            temperature: Without dimensions; 0 takes the likeliest.
            noise: Uniform numbers `(batch, *noise_shape)`.
            control: `(batch, *control_shape)`, 1 where a drum is hit and 0 elsewhere; needed if it
                is controlled.
        """
        codes = self.codes(z)
        pairs = zip(self.cores, self._voices(noise), strict=True)
        found = [core.draw(codes, self.segments, temperature, own, control) for core, own in pairs]
        voices, outputs = zip(*found, strict=True)
        x = torch.stack(voices, dim=-1) if self.apart else voices[0]
        return x, torch.cat(outputs, dim=-1)

    def _hidden(self, x: Tensor, z: Tensor, control: Tensor | None = None) -> list[Tensor]:
        """Return the teacher-forced outputs of the top of each core, `(steps, rows, units)`."""
        codes = self.codes(z)
        if self.controlled:
            control = fold(blocks(x)[0].float() if control is None else control, self.segments)
        found = []
        for core, own in zip(self.cores, self._voices(x), strict=True):
            steps = core.tokens.dense(own)
            before = torch.cat([torch.zeros_like(steps[:, :1]), steps[:, :-1]], dim=1)
            found.append(core.hidden(codes, fold(before, self.segments), control))
        return found

    def _voices(self, x: Tensor) -> list[Tensor]:
        """Return what each core writes of windows."""
        return list(x.unbind(-1)) if self.apart else [x]

    def _whole(self, segments: Tensor, rows: int) -> Tensor:
        """Return windows `(rows, steps, ...)` of their segments, which are neighbours."""
        return segments.reshape(rows, -1, *segments.shape[2:])
