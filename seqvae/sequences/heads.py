"""Output heads: from the decoder's hidden state to a distribution over the classes of one step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.sequences.sampling import choose


class Head(nn.Module, ABC):
    """A linear layer whose outputs are the parameters of a distribution over classes.

    Args:
        hidden_dim: Width of the head's inputs.
        outputs: Width of the linear layer's outputs.
    """

    def __init__(self, hidden_dim: int, outputs: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden_dim, outputs)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits `(..., classes)` of inputs `(..., hidden_dim)`."""
        return self.logits(self.project(hidden))

    def project(self, hidden: Tensor) -> Tensor:
        """Return the linear layer's outputs, `(..., outputs)`."""
        projected: Tensor = self.projection(hidden)
        return projected

    @abstractmethod
    def logits(self, projected: Tensor) -> Tensor:
        """Return logits `(..., classes)` for outputs of the linear layer."""

    @abstractmethod
    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class in nats, shaped like `target`."""

    def choose(
        self, projected: Tensor, temperature: float | Tensor, noise: Tensor | None
    ) -> Tensor:
        """Return a class for each row of the linear layer's outputs; see `sampling.choose`."""
        return choose(self.logits(projected), temperature, noise)

    def forbid(self, classes: Sequence[int]) -> None:
        """Set the biases of the logits of some classes to -inf, so that they are never chosen."""
        self.bias.data[list(classes)] = -torch.inf

    @property
    def bias(self) -> Tensor:
        """The linear layer's bias, `(outputs,)`."""
        return self.projection.bias

    def project_last(self, inputs: Tensor) -> Tensor:
        """Return the product of the last inputs `(..., width)` with their weights, without bias.

        These inputs do not depend on tokens, so their product is computed once per window.
        """
        return inputs @ self.projection.weight[:, -inputs.shape[-1] :].t()

    def first_weights(self, width: int) -> Tensor:
        """Return the weights of the first `width` inputs, `(outputs, width)`."""
        return self.projection.weight[:, :width].contiguous()


class SoftmaxHead(Head):
    """A softmax over one logit per class."""

    def __init__(self, hidden_dim: int, classes: int) -> None:
        super().__init__(hidden_dim, classes)

    def logits(self, projected: Tensor) -> Tensor:
        """Return logits `(..., classes)`."""
        return projected

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        logits = self(hidden).float()
        loss = functional.cross_entropy(logits.flatten(0, -2), target.flatten(), reduction="none")
        return -loss.view(target.shape)


class ChainHead(Head):
    """Classes as sets of binary parts, chosen in order: p(c) = prod_k p(c_k | c_0 .. c_{k-1}, h).

    The logit of a part is linear in the hidden state, plus a bias for every outcome of the parts
    before it. So classes share their parts (a rare combination of drums consists of frequent
    drums), and correlations between parts are learned, too. There are `2 ** parts` classes, and
    part k is bit k. The distribution over the classes is exact, and logits are normalised
    log-probabilities.
    """

    def __init__(self, hidden_dim: int, classes: int) -> None:
        parts = (classes - 1).bit_length()
        if classes != 1 << parts:
            raise ValueError(f"a chain needs a power of two of classes, got {classes}")
        super().__init__(hidden_dim, parts)
        self.parts = parts
        # The bias of part k after the outcomes `prefix` (as bits) has the index 2**k - 1 + prefix.
        self.node_bias = nn.Parameter(torch.zeros(classes - 1))

    def logits(self, projected: Tensor) -> Tensor:
        """Return log-probabilities of all classes `(..., 2 ** parts)`."""
        return chain_logits(projected.float(), self.node_bias)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        return chain_log_prob(self.projection(hidden).float(), self.node_bias, target)


def chain_logits(projected: Tensor, node_bias: Tensor) -> Tensor:
    """Return log-probabilities `(..., 2 ** parts)` for outputs `(..., parts)` of a linear layer."""
    total = projected.new_zeros(*projected.shape[:-1], 1)
    for k in range(projected.shape[-1]):
        nodes = projected[..., k : k + 1] + node_bias[(1 << k) - 1 : (2 << k) - 1]
        off, on = functional.logsigmoid(-nodes), functional.logsigmoid(nodes)
        total = torch.cat([total + off, total + on], dim=-1)  # bit k is the new highest bit
    return total


def chain_log_prob(projected: Tensor, node_bias: Tensor, target: Tensor) -> Tensor:
    """Return the log-probability of target classes `(...)` for outputs `(..., parts)`."""
    part = torch.arange(projected.shape[-1], device=target.device)
    bits = (target.unsqueeze(-1) >> part) & 1
    prefix = target.unsqueeze(-1) & ((1 << part) - 1)
    logits = projected + node_bias[(1 << part) - 1 + prefix]
    return functional.logsigmoid(torch.where(bits == 1, logits, -logits)).sum(-1)


HEADS: dict[str, type[SoftmaxHead | ChainHead]] = {"softmax": SoftmaxHead, "chain": ChainHead}
"""Heads for class indices by name; an alphabet may have others. See `Alphabet.head`."""
