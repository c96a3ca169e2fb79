"""The interface of all priors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self


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
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        condition: Tensor | None = None,
    ) -> Tensor:
        """Return n codes, `(n, latent_dim)`.

        Args:
            n: How many.
            generator: Source of the noise.
            temperature: Multiplies the noise: below 1 more typical codes, above 1 stranger ones.
            condition: Of each code, `(n, groups, groups)`; a conditional prior draws its own
                where none is given, the others have none.
        """

    def draw_condition(self, n: int, generator: torch.Generator | None = None) -> Tensor | None:
        """Return n conditions, `(n, groups, groups)`; None where the prior has none."""
        return None

    def to_noise(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the noise `(n, latent_dim)` that becomes these codes, under these conditions."""
        raise NotImplementedError(f"a {self.kind} prior has no way back to its noise")

    def from_noise(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the codes `(n, latent_dim)` that noise of that shape becomes."""
        raise NotImplementedError(f"a {self.kind} prior has no way back to its noise")

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
