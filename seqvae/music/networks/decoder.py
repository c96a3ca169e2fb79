"""The flat LSTM decoder: from z to a window of class indices, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.networks.architecture import SequenceArchitecture, Voice
from seqvae.music.networks.harmony import tilted
from seqvae.music.networks.voices import VoicesHead, make_embedding, make_head
from seqvae.sequences.affine import affine
from seqvae.sequences.heads import Head
from seqvae.sequences.lstm import LSTM, State
from seqvae.sequences.sampling import uniform_noise
from vaecore.loop import Tensors, loop


class ConditionedLSTM(nn.Module):
    """An LSTM conditioned on a code.

    The code z sets the initial states through a tanh layer, as in MusicVAE, and a projection of z
    is added to the input of every step: the same one with `conditioning="shared"`, one for each
    step with `conditioning="steps"`. Projections are computed once per sequence, not per step.

    Args:
        steps: Number of steps.
        code_dim: Width of z.
        input_dim: Width of a step's input.
        hidden_dim: Units of each layer.
        layers: Number of layers.
        summary_dim: Width of a step's part of z, for "steps".
        a: The architecture: its conditioning and dropout are used.
    """

    def __init__(
        self,
        steps: int,
        code_dim: int,
        input_dim: int,
        hidden_dim: int,
        layers: int,
        summary_dim: int,
        a: SequenceArchitecture,
    ) -> None:
        super().__init__()
        self.steps = steps
        self.mixed_precision = False
        self.position = nn.Parameter(torch.randn(steps, 1, input_dim) * 0.1)
        self.initial = nn.Linear(code_dim, 2 * layers * hidden_dim)
        if a.conditioning == "steps":
            self.plan = nn.Sequential(
                nn.Linear(code_dim, steps * summary_dim),
                nn.Unflatten(1, (steps, summary_dim)),
                nn.Linear(summary_dim, input_dim),
            )
        else:
            self.plan = nn.Sequential(
                nn.Linear(code_dim, input_dim), nn.Unflatten(1, (1, input_dim))
            )
        self.lstm = LSTM(input_dim, hidden_dim, layers)
        self.dropout = nn.Dropout(a.dropout)
        self.width = hidden_dim + input_dim
        """Width of the outputs."""

    def outputs(
        self, z: Tensor, inputs: Tensor | None = None, heard: Tensor | None = None
    ) -> Tensor:
        """Return outputs `(steps, batch, width)`: the LSTM's, and the projection of z beside them.

        Args:
            z: Codes `(batch, code_dim)`.
            inputs: Further inputs of the steps, `(steps, batch, input_dim)`.
            heard: Inputs from another voice, which are added to the projection of z; see `Hearing`.
        """
        guide = self._guide(z, heard)
        mixed = self.mixed_precision and self.training
        inputs = self.dropout(guide if inputs is None else inputs + guide)
        outputs = self.lstm.run(inputs, self._initial_state(z), mixed)
        return torch.cat([outputs, guide], dim=-1)

    def _guide(self, z: Tensor, heard: Tensor | None = None) -> Tensor:
        """Return the inputs that do not depend on tokens, `(steps, batch, input_dim)`."""
        return self.position + self._planned(z, heard)

    def _planned(self, z: Tensor, heard: Tensor | None = None) -> Tensor:
        """Return the projections of z plus `heard`; one step if all steps share them."""
        plan: Tensor = self.plan(z).transpose(0, 1)
        return plan if heard is None else plan + heard

    def _initial_state(self, z: Tensor) -> State:
        parts = torch.tanh(self.initial(z)).chunk(2 * self.lstm.num_layers, dim=-1)
        return [(parts[i + 1], parts[i]) for i in range(0, len(parts), 2)]  # stored c0, h0, c1, h1


class SequenceDecoder(ConditionedLSTM):
    """p(x|z) = prod_t p(x_t | x_<t, z) by an LSTM; several voices are chosen together at each step.

    In training, `input_dropout` hides a share of the previous tokens (Bowman et al. 2016), and
    `scheduled_sampling` replaces a share by the model's own draws (Bengio et al. 2015), so that the
    decoder learns to follow z where its past is missing or wrong. The draws come from a first
    teacher-forced pass (Mihaylova & Martins 2019).

    Args:
        architecture: Sizes and options.
        steps: Number of decoded steps; by default the whole window.
        code_dim: Width of z; by default the latent dimensions.
        voices: The decoded voice, or several; by default all of the architecture's.
    """

    def __init__(
        self,
        architecture: SequenceArchitecture,
        steps: int | None = None,
        code_dim: int | None = None,
        voices: Voice | Sequence[Voice] | None = None,
    ) -> None:
        a = architecture
        super().__init__(
            steps or a.steps,
            code_dim or a.latent_dim,
            a.embedding_dim,
            a.decoder_dim,
            a.decoder_layers,
            a.summary_dim,
            a,
        )
        voices = voices or a.voices
        inner = voices.shape if isinstance(voices, Voice) else (len(voices),)
        self.shape = self.noise_shape = (self.steps, *inner)
        """Shape of an example, and of the uniform numbers that are needed to draw it."""
        numbers = isinstance(voices, Voice) and voices.alphabet.real
        self.dtype = torch.float32 if numbers else torch.int64
        self.input_dropout, self.scheduled_sampling = a.input_dropout, a.scheduled_sampling
        self.embedding = make_embedding(voices, a.embedding_dim)
        self.head = make_head(voices, self.width)

    @property
    def heads(self) -> list[Head]:
        """The head of each voice."""
        return list(self.head) if isinstance(self.head, VoicesHead) else [self.head]

    def log_likelihood(
        self, x: Tensor, z: Tensor, heard: Tensor | None = None, tilt: Tensor | None = None
    ) -> Tensor:
        """Return log p(x|z) in nats summed over steps, `(batch,)`, teacher-forced; see `logits`."""
        hidden = self.outputs(z, self._training_inputs(x, z, heard), heard)
        mixed = self.mixed_precision and self.training
        with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed):
            hidden = self.dropout(hidden)
            if tilt is None:
                return self.head.log_prob(hidden, x.transpose(0, 1)).sum(0)
            logits = tilted(self.head(hidden).float(), tilt).log_softmax(-1)
            return logits.gather(-1, x.t().unsqueeze(-1)).squeeze(-1).sum(0)

    def logits(
        self, z: Tensor, target: Tensor, heard: Tensor | None = None, tilt: Tensor | None = None
    ) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`, several voices concatenated.

        Args:
            z: Codes `(batch, code_dim)`.
            target: Examples `(batch, *shape)`.
            heard: See `outputs`.
            tilt: See `unroll`.
        """
        logits: Tensor = self.head(self.outputs(z, self._tokens(target), heard))
        return (logits if tilt is None else tilted(logits, tilt)).transpose(0, 1)

    @torch.no_grad()
    def generate(
        self, z: Tensor, temperature: float, seed: int, hits: Tensor | None = None
    ) -> Tensor:
        """Return class indices `(batch, *shape)`, or performances, free running; see `unroll`."""
        noise = uniform_noise(len(z), self.shape, seed, z.device) if temperature > 0 else None
        return self.unroll(z, temperature, noise, hits=hits)

    @torch.no_grad()
    def unroll(
        self,
        z: Tensor,
        temperature: float = 0.0,
        noise: Tensor | None = None,
        hits: Tensor | None = None,
        heard: Tensor | None = None,
        tilt: Tensor | None = None,
    ) -> Tensor:
        """Return class indices `(batch, *shape)`, or performances, free running.

        Args:
            z: Codes `(batch, code_dim)`.
            temperature: 0 takes the most likely class.
            noise: Uniform numbers in [0, 1) of the result's shape; needed above temperature 0.
            hits: Fixed hits of performances, as classes of drums `(batch, steps)`; velocities and
                timing are chosen.
            heard: See `outputs`.
            tilt: Additions to the logits of notes, `(steps, batch, classes)`; see `Harmony`.
        """
        first, *others = self.lstm.cells()
        # Tokens, positions and z are known before the first step, so their products with the
        # weights of the gates and of the head are computed once.
        token_gates = self.embedding.fused_with(first.weight_input)
        plan = self._planned(z, heard)
        place_gates, z_gates = self.position @ first.weight_input, first.project(plan)
        place_head, z_head = self.head.project_last(self.position), self.head.project_last(plan)
        from_hidden, bias = self.head.first_weights(self.lstm.hidden_size), self.head.bias
        state = self._initial_state(z)
        token: Tensor | None = None
        chosen = []
        for t in range(self.steps):
            of_z = t if len(plan) > 1 else 0
            gates = z_gates[of_z] + place_gates[t]
            if token is not None:
                gates += token_gates(token)
            state[0] = first.step(gates, state[0])
            for layer, cell in enumerate(others, start=1):
                state[layer] = cell.take(state[layer - 1][0], state[layer])
            known = z_head[of_z] + (place_head[t] + bias)
            projected = affine(state[-1][0], from_hidden).add_(known)
            if tilt is not None:
                projected = tilted(projected, tilt[t])
            drawn = None if noise is None else noise[:, t]
            given = {} if hits is None else {"hits": hits[:, t]}
            token = self.head.choose(projected, temperature, drawn, **given)
            chosen.append(token)
        return torch.stack(chosen, dim=1)

    def draw(
        self,
        z: Tensor,
        temperature: Tensor,
        noise: Tensor,
        heard: Tensor | None = None,
        tilt: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the results of `unroll` and `logits`, in operations that can be exported.

        Args:
            z: Codes `(batch, code_dim)`.
            temperature: A tensor without dimensions; 0 takes the most likely class.
            noise: Uniform numbers in [0, 1), `(batch, *noise_shape)`.
            heard: See `outputs`.
            tilt: See `unroll`.

        Returns:
            Examples `(batch, *shape)`, and logits `(batch, steps, classes)`.
        """
        lstm, head = self.lstm, self.head
        (weight, _, bias, _), *_ = lstm.all_weights
        guide = self._guide(z, heard)
        of_token = self.embedding.fused_with(weight.t())
        known = functional.linear(guide, weight, bias)
        known_head = head.project_last(guide) + head.bias
        from_hidden = head.first_weights(lstm.hidden_size)
        hidden, cell = (torch.stack(part) for part in zip(*self._initial_state(z), strict=True))
        noise = noise.transpose(0, 1)
        past = (torch.arange(self.steps, device=z.device) > 0).to(z.dtype)

        def step(carry: Tensors, given: Tensors) -> tuple[Tensors, Tensors]:
            hidden, cell, token = carry
            gates, place, past, noise, *tilts = given
            hidden, cell = lstm.advance(gates + past * of_token(token), hidden, cell)
            projected = functional.linear(hidden[-1], from_hidden) + place
            for each in tilts:
                projected = tilted(projected, each)
            token = head.choose(projected, temperature, noise)
            return (hidden, cell, token), (token, head.logits(projected))

        first = torch.zeros_like(noise[0], dtype=self.dtype)
        inputs = (known, known_head, past, noise, *(() if tilt is None else (tilt,)))
        _, (tokens, logits) = loop(step, (hidden, cell, first), inputs)
        return tokens.transpose(0, 1), logits.transpose(0, 1)

    def _training_inputs(self, x: Tensor, z: Tensor, heard: Tensor | None = None) -> Tensor:
        """Return the embedded previous tokens, with dropout and scheduled sampling in training."""
        if not self.training:
            return self._tokens(x)
        if self.scheduled_sampling > 0:
            with torch.no_grad():
                projected = self.head.project(self.outputs(z, self._tokens(x), heard))
                noise = torch.rand(x.shape, device=x.device).transpose(0, 1)
                own = self.head.choose(projected, 1.0, noise).transpose(0, 1)
            replaced = torch.rand(x.shape[:2], device=x.device) < self.scheduled_sampling
            x = torch.where(replaced if x.ndim == 2 else replaced.unsqueeze(-1), own, x)
        tokens = self._tokens(x)
        if self.input_dropout > 0:
            keep = torch.rand(tokens.shape[:2], device=x.device) >= self.input_dropout
            tokens = tokens * keep.unsqueeze(-1)
        return tokens

    def _tokens(self, x: Tensor) -> Tensor:
        """Return embeddings of the previous tokens `(steps, batch, embedding)`, zero at step 0."""
        previous = self.embedding(x.transpose(0, 1)[:-1])
        return torch.cat([previous.new_zeros(1, *previous.shape[1:]), previous])
