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
"""Where randomness comes from: one generator for all codes, or one for each."""


def streams(seed: int, n: int) -> list[Generator]:
    """Return a generator for each of n codes; that of code i depends on the seed and i alone.

    Raises:
        UsageError: The seed is none; see `vaecore.seeds`.
    """
    seed = check_seed(seed)
    seeds = (np.random.SeedSequence((seed, i)).generate_state(1)[0] for i in range(n))
    return [Generator().manual_seed(int(each)) for each in seeds]


def drawn(n: int, source: Source, draw: Callable[[int, Generator | None], Tensor]) -> Tensor:
    """Return n rows: those of `draw(n, generator)`, or of `draw(1, generator)` for each of them.

    Args:
        n: How many; with one generator for each code, as many as there are.
        source: One generator, one for each code, or None for torch's own.
        draw: A number and a generator to so many rows.
    """
    if isinstance(source, Sequence):
        return torch.cat([draw(1, generator) for generator in source])
    return draw(n, source)


class Prior(ABC):
    """What codes are drawn from.

    A prior may be *conditional*: it then draws a condition first, and a code under it second. A
    prior may be *invertible*: it then leads from a code back to the noise that it makes of it.
    """

    kind: ClassVar[str]
    """Its name for users and in `config.json`: "normal", "mixture" or "flow"."""
    latent_dim: int
    groups: int = 1
    """Parts of a code that a condition relates to each other."""
    conditional: bool = False
    """Whether codes are drawn under a condition."""
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
            n: How many.
            generator: Source of the noise; with a generator for each code, a code is the same
                whatever others it is drawn with.
            temperature: Multiplies the noise: below 1 more typical codes, above 1 stranger ones.
            condition: Of each code, `(n, groups, groups)`; a conditional prior draws its own
                where none is given, the others have none.
        """

    def draw_condition(self, n: int, generator: Source = None) -> Tensor | None:
        """Return n conditions, `(n, groups, groups)`; None where the prior has none."""
        return None

    def to_noise(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the noise `(n, latent_dim)` that becomes these codes, under these conditions."""
        raise NotImplementedError(f"a {self.kind} prior has no way back to its noise")

    def from_noise(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the codes `(n, latent_dim)` that noise of that shape becomes."""
        raise NotImplementedError(f"a {self.kind} prior has no way back to its noise")

    def draw(self, noise: Tensor, choice: Tensor) -> tuple[Tensor, ...]:
        """Return codes as a function of random numbers, in operations that can be exported.

        Args:
            noise: Of a standard normal distribution, `(n, latent_dim)`.
            choice: Uniform numbers in [0, 1), `(n,)`: the component of a mixture, or the condition.

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
