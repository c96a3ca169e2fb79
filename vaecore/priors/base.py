"""The interface of all priors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
import torch
from torch import Generator, Tensor

from vaecore.seeds import check_seed

if TYPE_CHECKING:
    from typing_extensions import Self

Source: TypeAlias = "Generator | Sequence[Generator] | None"
"""Source of randomness: one generator for all codes, one for each, or None for torch's own."""


def streams(seed: int, n: int) -> list[Generator]:
    """Return a generator for each of n codes; that of code i depends on the seed and i alone.

    Raises:
        UsageError: The seed is out of range; see `vaecore.seeds`.
    """
    seed = check_seed(seed)
    seeds = (np.random.SeedSequence((seed, i)).generate_state(1)[0] for i in range(n))
    return [Generator().manual_seed(int(each)) for each in seeds]


def drawn(n: int, source: Source, draw: Callable[[int, Generator | None], Tensor]) -> Tensor:
    """Return n rows of random numbers.

    Args:
        n: Number of rows; equal to that of the generators, if there is one for each code.
        source: Source of randomness.
        draw: Draws a number of rows with a generator.
    """
    if isinstance(source, Sequence):
        return torch.cat([draw(1, generator) for generator in source])
    return draw(n, source)


class Prior(ABC):
    """A distribution from which codes are drawn.

    A *conditional* prior first draws a condition, and then a code given the condition. An
    *invertible* prior maps codes back to noise.
    """

    kind: ClassVar[str]
    """Name in commands and in `config.json`: "normal", "mixture" or "flow"."""
    latent_dim: int
    groups: int = 1
    """Number of parts of a code; conditions are relations between parts."""
    conditional: bool = False
    """Whether codes are drawn given a condition."""
    invertible: bool = False
    """Whether there are `to_noise` and `from_noise`."""

    @abstractmethod
    def sample(
        self,
        n: int,
        generator: Source = None,
        temperature: float = 1.0,
        condition: Tensor | None = None,
    ) -> Tensor:
        """Return n codes, `(n, latent_dim)`.

        Args:
            n: Number of codes.
            generator: Source of the noise; with one for each code, a code does not depend on n.
            temperature: Factor on the noise: below 1 more typical codes, above 1 less typical ones.
            condition: Condition of each code, `(n, groups, groups)`, for conditional priors; None
                draws conditions.
        """

    def draw_condition(self, n: int, generator: Source = None) -> Tensor | None:
        """Return n conditions, `(n, groups, groups)`; None if the prior is not conditional."""
        return None

    def to_noise(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the noise `(n, latent_dim)` that `from_noise` maps to codes."""
        raise NotImplementedError(f"a {self.kind} prior is not invertible")

    def from_noise(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the codes `(n, latent_dim)` of noise `(n, latent_dim)`, given conditions."""
        raise NotImplementedError(f"a {self.kind} prior is not invertible")

    def draw(self, noise: Tensor, choice: Tensor) -> tuple[Tensor, ...]:
        """Return codes as a function of random numbers, in operations that can be exported.

        Args:
            noise: Standard normal numbers `(n, latent_dim)`.
            choice: Uniform numbers in [0, 1), `(n,)`, which choose the component of a mixture, or
                the condition.

        Returns:
            Codes `(n, latent_dim)`; of a conditional prior also their conditions.
        """
        raise NotImplementedError(f"a {self.kind} prior is not exported")

    def state(self) -> dict[str, Tensor]:
        """Return the prior as plain tensors, for safetensors and `from_state`."""
        raise NotImplementedError(f"a {self.kind} prior is not stored")

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Self:
        """Return the prior that `state` describes.

        Raises:
            ValueError: A tensor is missing, unknown or misshapen.
        """
        raise NotImplementedError(f"a {cls.kind} prior is not stored")
