"""Output heads: from the decoder's hidden state to a distribution over the classes of one step."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.sequences.sampling import choose


class Head(nn.Module, ABC):
    """A linear layer, and what it means for the classes.

    Args:
        hidden_dim: Width of the head's inputs.
        numbers: How many numbers the linear layer gives to each step.
    """

    def __init__(self, hidden_dim: int, numbers: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden_dim, numbers)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits `(..., classes)` of inputs `(..., hidden_dim)`."""
        return self.logits(self.numbers(hidden))

    def numbers(self, hidden: Tensor) -> Tensor:
        """Return what the linear layer gives, `(..., numbers)`."""
        return self.projection(hidden)

    @abstractmethod
    def logits(self, numbers: Tensor) -> Tensor:
        """Return logits `(..., classes)`, given what the linear layer gave."""

    @abstractmethod
    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class in nats, shaped like `target`."""

    def choose(self, numbers: Tensor, temperature: float, noise: Tensor | None) -> Tensor:
        """Return a class for each row of what the linear layer gave; see `sampling.choose`."""
        return choose(self.logits(numbers), temperature, noise)

    @property
    def bias(self) -> Tensor:
        """The linear layer's bias, `(numbers,)`."""
        return self.projection.bias

    def share(self, inputs: Tensor) -> Tensor:
        """Return what the last inputs `(..., width)` add to the linear layer, without its bias.

        When a window is decoded they are known before it begins.
        """
        return inputs @ self.projection.weight[:, -inputs.shape[-1] :].t()

    def rest(self, width: int) -> Tensor:
        """Return the weights of the first `width` inputs, `(numbers, width)`."""
        return self.projection.weight[:, :width].contiguous()


class SoftmaxHead(Head):
    """One logit per class."""

    def __init__(self, hidden_dim: int, classes: int) -> None:
        super().__init__(hidden_dim, classes)

    def logits(self, numbers: Tensor) -> Tensor:
        """Return logits `(..., classes)`."""
        return numbers

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class in nats, shaped like `target`."""
        logits = self(hidden).float()
        loss = functional.cross_entropy(logits.flatten(0, -2), target.flatten(), reduction="none")
        return -loss.view(target.shape)


class ChainHead(Head):
    """A set of binary parts, decided one after the other: p(c) = prod_k p(c_k | c_0 .. c_{k-1}, h).

    Each decision's logit is linear in the hidden state plus a bias of its own for every outcome of
    the decisions before it, so parts are shared between classes (a rare combination of drums is
    made of frequent drums) while their joint habits are still learned. The classes number
    `2 ** parts` and part k is bit k, so the chain is an exact distribution over the classes: its
    logits are normalised log-probabilities and every sampler works on them as on a softmax.
    """

    def __init__(self, hidden_dim: int, classes: int) -> None:
        parts = (classes - 1).bit_length()
        if classes != 1 << parts:
            raise ValueError(f"a chain needs a power of two of classes, got {classes}")
        super().__init__(hidden_dim, parts)
        self.parts = parts
        # The node of part k after the outcomes `prefix` of the parts before it: 2**k - 1 + prefix.
        self.node_bias = nn.Parameter(torch.zeros(classes - 1))

    def logits(self, numbers: Tensor) -> Tensor:
        """Return log-probabilities of all classes `(..., 2 ** parts)`."""
        return chain_logits(numbers.float(), self.node_bias)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class, walking its path of the chain only."""
        return chain_log_prob(self.projection(hidden).float(), self.node_bias, target)


def chain_logits(numbers: Tensor, node_bias: Tensor) -> Tensor:
    """Return log-probabilities `(..., 2 ** parts)`, given a number for each part `(..., parts)`."""
    total = numbers.new_zeros(*numbers.shape[:-1], 1)
    for k in range(numbers.shape[-1]):
        nodes = numbers[..., k : k + 1] + node_bias[(1 << k) - 1 : (2 << k) - 1]
        off, on = functional.logsigmoid(-nodes), functional.logsigmoid(nodes)
        total = torch.cat([total + off, total + on], dim=-1)  # bit k is the new highest bit
    return total


def chain_log_prob(numbers: Tensor, node_bias: Tensor, target: Tensor) -> Tensor:
    """Return the log-probability of target classes `(...)`, given numbers `(..., parts)`."""
    part = torch.arange(numbers.shape[-1], device=target.device)
    bits = (target.unsqueeze(-1) >> part) & 1
    prefix = target.unsqueeze(-1) & ((1 << part) - 1)
    logits = numbers + node_bias[(1 << part) - 1 + prefix]
    return functional.logsigmoid(torch.where(bits == 1, logits, -logits)).sum(-1)


HEADS = {"softmax": SoftmaxHead, "chain": ChainHead}
"""Those of class indices; an alphabet may have others. See `Alphabet.head`."""
