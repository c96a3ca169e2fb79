"""The network of sentences: a bidirectional LSTM with max-pooling, z, and an LSTM decoder.

An example ends at its first `END`. The steps after it are padding, which changes neither the
likelihood nor the encoder's output.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.sequences.lstm import LSTM, State
from seqvae.sequences.sampling import choose, uniform_noise
from seqvae.sequences.sizes import LARGEST_CLASSES, LARGEST_STEPS, check_sizes
from seqvae.text.vocabulary import END
from vaecore.loop import Tensors, loop
from vaecore.model import VAE
from vaecore.objective import Objective

LARGEST = {"steps": LARGEST_STEPS, "classes": LARGEST_CLASSES}
KIND = "sentence"
"""The `kind` of this architecture in a model folder."""


@dataclass(frozen=True)
class SentenceArchitecture:
    """All sizes and options of a sentence VAE, which are stored in the model folder.

    Raises:
        ValueError: A size or an option is not possible.
    """

    steps: int
    """Most pieces of a sentence."""
    classes: int
    """Size of the vocabulary."""
    kind: str = KIND
    latent_dim: int = 64
    embedding_dim: int = 192
    encoder_dim: int = 256
    """LSTM units per direction."""
    decoder_dim: int = 512
    dropout: float = 0.0
    """Dropout, from 0 to 1, on the inputs of the LSTMs and of the head in training."""
    input_dropout: float = 0.0
    """Share of previous pieces hidden from the decoder in training (Bowman et al. 2016)."""

    def __post_init__(self) -> None:
        if self.kind != KIND:
            raise ValueError(f"kind must be {KIND}, got {self.kind!r}")
        check_sizes(self, LARGEST)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example."""
        return (self.steps,)


def counting(x: Tensor) -> Tensor:
    """Return which steps of examples `(batch, steps)` count: those up to the first `END`."""
    ended = (x == END).cumsum(dim=1) > 0
    return torch.cat([torch.ones_like(ended[:, :1]), ~ended[:, :-1]], dim=1)


class SentenceEncoder(nn.Module):
    """Returns mean and standard deviation of q(z|x) for a sentence, read in both directions.

    The outputs of the LSTMs are max-pooled over the sentence, so that a word in the middle need not
    survive the recurrence to the end, and z depends on it early in training (Long et al. 2019,
    "Preventing Posterior Collapse in Sequence VAEs with Pooling"). Each direction begins at its own
    end of the sentence and reads the padding last, so that padding changes nothing.
    """

    def __init__(self, architecture: SentenceArchitecture) -> None:
        super().__init__()
        a = architecture
        self.mixed_precision = False
        self.table = nn.Parameter(torch.randn(a.classes, a.embedding_dim) * 0.1)
        self.forwards = LSTM(a.embedding_dim, a.encoder_dim)
        self.backwards = LSTM(a.embedding_dim, a.encoder_dim)
        self.dropout = nn.Dropout(a.dropout)
        self.mean = nn.Linear(2 * a.encoder_dim, a.latent_dim)
        self.stddev = nn.Linear(2 * a.encoder_dim, a.latent_dim)
        for layer in (self.mean, self.stddev):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation `(batch, latent_dim)` for class indices `(batch, steps)`."""
        counts = counting(x)
        length = counts.sum(dim=1, keepdim=True)
        if self.training:  # the steps of the longest sentence are about half of all
            counts = counts[:, : int(length.max())]
            x = x[:, : counts.shape[1]]
        place = length - 1 - torch.arange(x.shape[1], device=x.device)
        reverse = x.gather(1, place.clamp(min=0)).masked_fill(place < 0, END)
        mixed = self.mixed_precision and self.training
        pooled = []
        for lstm, sentence in ((self.forwards, x), (self.backwards, reverse)):
            inputs = self.dropout(functional.embedding(sentence.t(), self.table))
            outputs = lstm.run(inputs, mixed_precision=mixed)
            pooled.append(outputs.masked_fill(~counts.t().unsqueeze(-1), -1).amax(dim=0))
        code = self.dropout(torch.cat(pooled, dim=-1))
        # As in `SequenceEncoder`: softplus does not overflow, and the constant keeps it above 0.
        return self.mean(code), functional.softplus(self.stddev(code)) + 1e-4


class SentenceDecoder(nn.Module):
    """p(x|z) = prod_t p(x_t | x_<t, z) by an LSTM; after `END` there is only `END`.

    z sets the initial state, and is an input of the LSTM and of the head at every step. The head's
    weights are the embeddings of the pieces, which are also the LSTM's inputs (Press & Wolf 2017),
    so that rare words are not learned twice.
    """

    def __init__(self, architecture: SentenceArchitecture) -> None:
        super().__init__()
        a = architecture
        self.steps = a.steps
        self.noise_shape = (a.steps,)
        """Shape of the uniform numbers that are needed to draw an example."""
        self.mixed_precision, self.input_dropout = False, a.input_dropout
        self.table = nn.Parameter(torch.randn(a.classes, a.embedding_dim) * 0.1)
        self.bias = nn.Parameter(torch.zeros(a.classes))
        self.initial = nn.Linear(a.latent_dim, 2 * a.decoder_dim)
        self.plan = nn.Linear(a.latent_dim, a.embedding_dim)
        self.lstm = LSTM(a.embedding_dim, a.decoder_dim)
        self.dropout = nn.Dropout(a.dropout)
        self.reading = nn.Linear(a.decoder_dim, a.embedding_dim)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats summed over the steps that count, `(batch,)`."""
        counts = counting(x)
        if self.training:
            counts = counts[:, : int(counts.sum(dim=1).max())]
            x = x[:, : counts.shape[1]]
        mixed = self.mixed_precision and self.training
        hidden = self._hidden(x, z).transpose(0, 1)[counts]
        row = counts.nonzero()[:, 0]
        with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed):
            read = self._read(hidden, self.plan(z)[row])
            logits = functional.linear(read, self.table, self.bias)
        loss = functional.cross_entropy(logits.float(), x[counts], reduction="none")
        return -loss.new_zeros(len(x)).index_add(0, row, loss)

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)` for targets `(batch, steps)`."""
        hidden = self._hidden(target, z).transpose(0, 1)
        read = self._read(hidden, self.plan(z).unsqueeze(1))
        logits = functional.linear(read, self.table, self.bias)
        return _ended(logits, ~counting(target))

    @torch.no_grad()
    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        """Return class indices `(batch, steps)`, free running; the most likely at temperature 0."""
        batch = len(z)
        noise = uniform_noise(batch, (self.steps,), seed, z.device) if temperature > 0 else None
        (cell,) = self.lstm.cells()
        plan = self.plan(z)
        z_gates = cell.project(plan)
        token_gates = self.table @ cell.weight_input
        (state,) = self._initial_state(z)
        ended = torch.zeros(batch, dtype=torch.bool, device=z.device)
        token: Tensor | None = None
        x = torch.full((batch, self.steps), END, device=z.device)
        for t in range(self.steps):
            state = cell.step(z_gates if token is None else z_gates + token_gates[token], state)
            read = self._read(state[0], plan)
            logits = _ended(functional.linear(read, self.table, self.bias), ended)
            token = choose(logits, temperature, None if noise is None else noise[:, t])
            x[:, t] = token
            ended |= token == END
            if ended.all():
                break
        return x

    def draw(self, z: Tensor, temperature: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the results of `generate` and `logits`, in operations that can be exported.

        Args:
            z: Codes `(batch, latent_dim)`.
            temperature: A tensor without dimensions; 0 takes the most likely piece.
            noise: Uniform numbers in [0, 1), `(batch, steps)`.

        Returns:
            Class indices `(batch, steps)`, and logits `(batch, steps, classes)`.
        """
        lstm, plan = self.lstm, self.plan(z)
        ((weight, _, bias, _),) = lstm.all_weights
        known = functional.linear(plan, weight, bias)
        token_gates = self.table @ weight.t()
        ((hidden, cell),) = self._initial_state(z)
        noise = noise.transpose(0, 1)
        past = (torch.arange(self.steps, device=z.device) > 0).to(z.dtype)
        first = torch.zeros_like(noise[0], dtype=torch.int64)

        def step(carry: Tensors, given: Tensors) -> tuple[Tensors, Tensors]:
            hidden, cell, token, ended = carry
            past, noise = given
            hidden, cell = lstm.advance(known + past * token_gates[token], hidden, cell)
            read = self._read(hidden[-1], plan)
            logits = _ended(functional.linear(read, self.table, self.bias), ended)
            token = choose(logits, temperature, noise)
            return (hidden, cell, token, ended | (token == END)), (token, logits)

        begun = (hidden[None], cell[None], first, first != first)
        _, (tokens, logits) = loop(step, begun, (past, noise))
        return tokens.transpose(0, 1), logits.transpose(0, 1)

    def _hidden(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the LSTM's outputs `(steps, batch, decoder_dim)`, given the previous pieces."""
        previous = functional.embedding(x.t()[:-1], self.table)
        if self.training and self.input_dropout > 0:
            keep = torch.rand(previous.shape[:2], device=x.device) >= self.input_dropout
            previous = previous * keep.unsqueeze(-1)
        previous = torch.cat([previous.new_zeros(1, *previous.shape[1:]), previous])
        inputs = self.dropout(previous + self.plan(z))
        mixed = self.mixed_precision and self.training
        return self.lstm.run(inputs, self._initial_state(z), mixed)

    def _read(self, hidden: Tensor, plan: Tensor) -> Tensor:
        """Return the inputs of the output layer, `(..., embedding_dim)`."""
        read: Tensor = self.dropout(torch.tanh(self.reading(hidden) + plan))
        return read

    def _initial_state(self, z: Tensor) -> State:
        cell, hidden = torch.tanh(self.initial(z)).chunk(2, dim=-1)
        return [(hidden, cell)]


class SentenceVAE(VAE):
    """A VAE over sentences as class indices `(batch, steps)`, int64."""

    architecture: SentenceArchitecture
    encoder: SentenceEncoder
    decoder: SentenceDecoder

    def __init__(
        self, architecture: SentenceArchitecture, objective: Objective | None = None
    ) -> None:
        super().__init__(
            SentenceEncoder(architecture),
            SentenceDecoder(architecture),
            architecture.latent_dim,
            objective,
        )
        self.architecture = architecture

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`; see `SentenceDecoder.logits`."""
        return self.decoder.logits(z, target)


def _ended(logits: Tensor, ended: Tensor) -> Tensor:
    """Return logits `(..., classes)` that allow only `END` where a sentence has ended."""
    other = torch.arange(logits.shape[-1], device=logits.device) != END
    only = torch.zeros_like(other, dtype=logits.dtype).masked_fill(other, -torch.inf)
    return torch.where(ended.unsqueeze(-1), only, logits)
