"""The steps of examples as the networks read them: numbers for each step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from seqvae.music.networks.architecture import Voice
from seqvae.sequences.affine import affine


class Tokens(ABC):
    """How the steps `(..., *shape)` of an example are given to a network.

    Args:
        width: Numbers of a step.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    @abstractmethod
    def dense(self, x: Tensor) -> Tensor:
        """Return the numbers of steps, `(..., width)`."""

    @abstractmethod
    def none(self, rows: int, like: Tensor) -> Tensor:
        """Return what stands for no step, whose numbers are all 0, `(rows, *shape)`."""

    @abstractmethod
    def product(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """Return a function from steps `(rows, *shape)` to `dense(x) @ weight`.

        Args:
            weight: `(width, outputs)`.
        """


class Classes(Tokens):
    """Class indices as one-hot vectors; those of several voices side by side."""

    def __init__(self, classes: Sequence[int], several: bool) -> None:
        super().__init__(sum(classes))
        self.classes, self.several = classes, several

    def dense(self, x: Tensor) -> Tensor:
        voices = x.unbind(-1) if self.several else (x,)
        pairs = zip(voices, self.classes, strict=True)
        return torch.cat([functional.one_hot(v, n) for v, n in pairs], dim=-1).float()

    def none(self, rows: int, like: Tensor) -> Tensor:
        """Return one class more than there is."""
        none = torch.tensor(self.classes, device=like.device).expand(rows, -1)
        return none if self.several else none[:, 0]

    def product(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        none = weight.new_zeros(1, weight.shape[1])
        tables = [torch.cat([part, none]) for part in weight.split(list(self.classes))]

        def look_up(x: Tensor) -> Tensor:
            voices = x.unbind(-1) if self.several else (x,)
            found = tables[0][voices[0]]
            for table, voice in zip(tables[1:], voices[1:], strict=True):
                found = found + table[voice]
            return found

        return look_up


class Numbers(Tokens):
    """Steps that are numbers already, such as those of a performance."""

    def dense(self, x: Tensor) -> Tensor:
        return x.float()

    def none(self, rows: int, like: Tensor) -> Tensor:
        return like.new_zeros(rows, self.width)

    def product(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        transposed = weight.t().contiguous()
        return lambda x: affine(self.dense(x), transposed)


class Bits(Numbers):
    """Class indices that are sets, as the bits of their members."""

    def dense(self, x: Tensor) -> Tensor:
        return bits(x, self.width)

    def none(self, rows: int, like: Tensor) -> Tensor:
        return torch.zeros(rows, dtype=torch.long, device=like.device)


def bits(x: Tensor, count: int) -> Tensor:
    """Return the lowest bits of integers `(...)`, `(..., count)`."""
    place = torch.arange(count, device=x.device)
    return (torch.bitwise_right_shift(x.unsqueeze(-1), place) & 1).float()


def mask(members: Tensor) -> Tensor:
    """Return integers `(...)` of their bits, zeros and ones `(..., count)`; as `bits` has them."""
    place = torch.arange(members.shape[-1], device=members.device)
    found: Tensor = torch.bitwise_left_shift(members.long(), place).sum(-1)
    return found


def members(voice: Voice) -> Tokens:
    """Return the steps of a voice of sets as their members, of others as they are."""
    if voice.shape:
        return Numbers(voice.shape[0])
    return Bits((voice.classes - 1).bit_length())


def fed_back(voices: Sequence[Voice]) -> Tokens:
    """Return how a decoder is given its own steps."""
    first = voices[0]
    if first.head == "softmax":
        return Classes([voice.classes for voice in voices], len(voices) > 1)
    return members(first)
