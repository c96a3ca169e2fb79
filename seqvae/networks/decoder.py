"""The flat LSTM decoder: z to a window of class indices, one token after the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqvae.networks.architecture import SequenceArchitecture
from seqvae.networks.embedding import TokenEmbedding
from seqvae.networks.heads import HEADS
from seqvae.networks.lstm import LSTM, State
from seqvae.networks.sampling import choose, uniform_noise


class SequenceDecoder(nn.Module):
    """p(x|z) = prod_t p(x_t | x_<t, z) by an LSTM.

    z sets the initial states through a tanh layer, as in the reference, and speaks at every step:
    with `conditioning="shared"` the same projection of z is added to each step's input, with
    `conditioning="steps"` each step has a projection of its own. Either is computed once per
    sequence, not once per step.

    In training, `input_dropout` hides that share of the previous tokens, and `scheduled_sampling`
    replaces that share by the model's own draws, so that the decoder learns to follow z where its
    past is missing or wrong (Bowman et al. 2016; Bengio et al. 2015, here in two parallel passes
    after Mihaylova & Martins 2019: the draws come from a first teacher-forced pass).
    """

    def __init__(self, architecture: SequenceArchitecture) -> None:
        super().__init__()
        a = architecture
        self.steps, self.classes = a.steps, a.classes
        self.mixed_precision = False
        self.input_dropout, self.scheduled_sampling = a.input_dropout, a.scheduled_sampling
        self.embedding = TokenEmbedding(a.tokens, a.classes, a.embedding_dim)
        self.position = nn.Parameter(torch.randn(a.steps, 1, a.embedding_dim) * 0.1)
        self.initial = nn.Linear(a.latent_dim, 2 * a.decoder_layers * a.decoder_dim)
        if a.conditioning == "steps":
            self.plan = nn.Sequential(
                nn.Linear(a.latent_dim, a.steps * a.summary_dim),
                nn.Unflatten(1, (a.steps, a.summary_dim)),
                nn.Linear(a.summary_dim, a.embedding_dim),
            )
        else:
            self.plan = nn.Sequential(
                nn.Linear(a.latent_dim, a.embedding_dim), nn.Unflatten(1, (1, a.embedding_dim))
            )
        self.lstm = LSTM(a.embedding_dim, a.decoder_dim, a.decoder_layers)
        self.dropout = nn.Dropout(a.dropout)
        # The head also sees what position and z say about the step, past the recurrence.
        self.head = HEADS[a.head](a.decoder_dim + a.embedding_dim, a.classes)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats summed over steps, `(batch,)`, teacher-forced."""
        hidden = self._hidden(self._training_inputs(x, z), z)
        mixed = self.mixed_precision and self.training
        with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed):
            return self.head.log_prob(self.dropout(hidden), x.t()).sum(0)

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)` for targets `(batch, steps)`."""
        return self.head(self._hidden(self._tokens(target), z)).transpose(0, 1)

    @torch.no_grad()
    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        """Return class indices `(batch, steps)`, free running: argmax at temperature 0 or draws."""
        batch = z.shape[0]
        noise = uniform_noise(batch, self.steps, seed, z.device) if temperature > 0 else None
        first, *others = self.lstm.cells()
        # What is known before the first token is chosen goes through the gates and the head at
        # once: tokens, positions, and z (for all steps in one if it says the same to all).
        table = self.embedding.table() @ first.weight_input
        plan = self.plan(z).transpose(0, 1)
        place, said = self.position @ first.weight_input, first.project(plan)
        heard_place, heard = self.head.share(self.position), self.head.share(plan)
        from_hidden, bias = self.head.rest(self.lstm.hidden_size), self.head.projection.bias
        state = self._initial_state(z)
        token: Tensor | None = None
        chosen = []
        for t in range(self.steps):
            of_z = t if len(plan) > 1 else 0
            gates = said[of_z] + place[t]
            if token is not None:
                gates += table[token]
            state[0] = first.step(gates, state[0])
            for layer, cell in enumerate(others, start=1):
                state[layer] = cell.take(state[layer - 1][0], state[layer])
            known = heard[of_z] + (heard_place[t] + bias)
            logits = self.head.logits(known.addmm_(state[-1][0], from_hidden))
            token = choose(logits, temperature, None if noise is None else noise[t])
            chosen.append(token)
        return torch.stack(chosen, dim=1)

    def _training_inputs(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the embedded previous tokens, with dropout and scheduled sampling in training."""
        if not self.training:
            return self._tokens(x)
        if self.scheduled_sampling > 0:
            with torch.no_grad():
                logits = self.head(self._hidden(self._tokens(x), z))
                own = torch.distributions.Categorical(logits=logits).sample().t()
            x = torch.where(torch.rand(x.shape, device=x.device) < self.scheduled_sampling, own, x)
        tokens = self._tokens(x)
        if self.input_dropout > 0:
            keep = torch.rand(tokens.shape[:2], device=x.device) >= self.input_dropout
            tokens = tokens * keep.unsqueeze(-1)
        return tokens

    def _tokens(self, x: Tensor) -> Tensor:
        """Return embeddings of the previous tokens `(steps, batch, embedding)`, zeros at first."""
        previous = self.embedding(x.t()[:-1])
        return torch.cat([previous.new_zeros(1, *previous.shape[1:]), previous])

    def _hidden(self, tokens: Tensor, z: Tensor) -> Tensor:
        """Return the head's inputs `(steps, batch, hidden)` for embedded previous tokens."""
        guide = self._guide(z)
        inputs = self.dropout(tokens + guide)
        outputs = self.lstm.run(
            inputs, self._initial_state(z), self.mixed_precision and self.training
        )
        return torch.cat([outputs, guide], dim=-1)

    def _guide(self, z: Tensor) -> Tensor:
        """Return what position and z say about each step, `(steps, batch, embedding)`."""
        return self.position + self.plan(z).transpose(0, 1)

    def _initial_state(self, z: Tensor) -> State:
        parts = torch.tanh(self.initial(z)).chunk(2 * self.lstm.num_layers, dim=-1)
        return [(parts[i + 1], parts[i]) for i in range(0, len(parts), 2)]  # stored c0, h0, c1, h1
