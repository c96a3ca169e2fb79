"""The steps of examples as inputs of the networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from seqvae.music.magenta.architecture import set_size
from seqvae.music.networks.architecture import Voice
from seqvae.sequences.affine import affine


class Tokens(ABC):
    """Turns the steps `(..., *shape)` of an example into inputs of a network.

    Args:
        width: Number of inputs of a step.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    @abstractmethod
    def dense(self, x: Tensor) -> Tensor:
        """Return the inputs of steps, `(..., width)`."""

    @abstractmethod
    def none(self, rows: int, like: Tensor) -> Tensor:
        """Return steps `(rows, *shape)` whose inputs are all 0, for the start of a window."""

    @abstractmethod
    def product(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """Return a function from steps `(rows, *shape)` to `dense(x) @ weight`.

        Args:
            weight: `(width, outputs)`.
        """


class Classes(Tokens):
    """Class indices as one-hot vectors, which are concatenated for several voices.

    Args:
        classes: Number of classes of each voice.
        several: Whether steps have a dimension of voices.
    """

    def __init__(self, classes: Sequence[int], several: bool) -> None:
        super().__init__(sum(classes))
        self.classes, self.several = classes, several

    def dense(self, x: Tensor) -> Tensor:
        voices = x.unbind(-1) if self.several else (x,)
        pairs = zip(voices, self.classes, strict=True)
        return torch.cat([functional.one_hot(v, n) for v, n in pairs], dim=-1).float()

    def none(self, rows: int, like: Tensor) -> Tensor:
        """Return the class index after the last one, for each voice."""
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
    """Steps that are numbers already, such as those of performances."""

    def dense(self, x: Tensor) -> Tensor:
        return x.float()

    def none(self, rows: int, like: Tensor) -> Tensor:
        return like.new_zeros(rows, self.width)

    def product(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        transposed = weight.t().contiguous()
        return lambda x: affine(self.dense(x), transposed)


class Bits(Numbers):
    """Class indices that are sets, as one bit for each member."""

    def dense(self, x: Tensor) -> Tensor:
        return bits(x, self.width)

    def none(self, rows: int, like: Tensor) -> Tensor:
        return torch.zeros(rows, dtype=torch.long, device=like.device)


def bits(x: Tensor, count: int) -> Tensor:
    """Return the lowest `count` bits of integers `(...)`, as 0 and 1, `(..., count)`."""
    place = torch.arange(count, device=x.device)
    return (torch.bitwise_right_shift(x.unsqueeze(-1), place) & 1).float()


def integers(bits_: Tensor) -> Tensor:
    """Return the integers `(...)` of bits `(..., count)`, the lowest bit first: undoes `bits`."""
    place = torch.arange(bits_.shape[-1], device=bits_.device)
    found: Tensor = torch.bitwise_left_shift(bits_.long(), place).sum(-1)
    return found


def set_tokens(voice: Voice) -> Tokens:
    """Return the tokens of a voice whose steps are sets of drums, or numbers already."""
    return (Numbers if voice.shape else Bits)(set_size(voice))


def fed_back(voices: Sequence[Voice]) -> Tokens:
    """Return how a decoder of some voices reads the step before."""
    first = voices[0]
    if first.head == "softmax":
        return Classes([voice.classes for voice in voices], len(voices) > 1)
    return set_tokens(first)
