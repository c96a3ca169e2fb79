"""A continuous flow from N(0, I) to the aggregate posterior: it models dependent dimensions.

The dimensions of codes are each about N(0, 1), but depend on each other in ways that neither
N(0, I) nor a few Gaussians describe; codes drawn from these decode badly. A small network learns
the velocity that carries noise to codes along straight lines (Lipman et al., Flow matching for
generative modeling, 2023; Liu et al., Flow straight and fast, 2023). It is fitted to the codes
after the VAE is trained: a second stage (Dai & Wipf, Diagnosing and enhancing VAE models, 2019).

A flow may be conditional. The code of a long example describes its parts, which repeat: a phrase
has few different bars. A condition lists which groups of a code have which relations (are equal,
are similar). First one of the training examples' conditions is drawn, then a code given it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn

from vaecore.device import Budget, autocast, pad
from vaecore.distributions import DiagonalGaussian
from vaecore.folder import SPARE, Shaped
from vaecore.loop import Tensors, loop
from vaecore.priors.base import Prior, Source, drawn
from vaecore.priors.velocity import VelocityNetwork

STEPS = 16
"""Steps of Heun's method, from noise to codes and back. Most codes of phrases differ by less than
2 % of their length from those by ten times as many steps."""

Velocity: TypeAlias = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]
"""Maps points, times and conditions to velocities, as a `VelocityNetwork` does."""

_IN_FILES = {
    ".query_key_value.": ".asked.",
    ".output.": ".told.",
    ".relation_bias": ".related",
    "conditions": "forms",
}
"""Names in code and in files, where they differ: files keep the names of their first version."""


class Flow(nn.Module, Prior):
    """The flow from N(0, I), at time 0, to codes, at time 1; a prior without a density.

    Args:
        latent_dim: Number of latent dimensions.
        width: Units of a layer, for each group.
        blocks: Number of residual blocks; see `VelocityNetwork`.
        groups: Number of parts of a code, of equally many dimensions, in the coordinates of
            `basis`.
        basis: `(latent_dim, latent_dim)`, invertible: the flow works on `(z - center) @ basis`;
            on z itself without it.
        center: `(latent_dim,)`; zeros by default.
        conditions: The conditions to draw from, integers `(n, groups, groups)` of at least 0: bit k
            of an entry is set if two parts have relation k.

    Raises:
        ValueError: A size is out of range, the basis is singular, or the conditions do not fit
            the groups.
    """

    kind = "flow"
    invertible = True
    basis: Tensor
    center: Tensor
    inverse: Tensor
    conditions: Tensor

    def __init__(
        self,
        latent_dim: int,
        width: int = 640,
        blocks: int = 3,
        groups: int = 1,
        basis: Tensor | None = None,
        center: Tensor | None = None,
        conditions: Tensor | None = None,
    ) -> None:
        super().__init__()
        relations = 0
        if conditions is not None:
            square = not conditions.is_floating_point() and conditions.shape[1:] == (groups, groups)
            if not (square and groups > 1 and len(conditions) and conditions.min() >= 0):
                text = f"conditions must be integers (n, {groups}, {groups}), at least 0"
                raise ValueError(text)
            relations = max(1, int(conditions.max()).bit_length())
            self.register_buffer("conditions", conditions)
        self.network = VelocityNetwork(latent_dim, width, blocks, groups, relations)
        self.latent_dim, self.groups, self.conditional = latent_dim, groups, relations > 0
        if basis is not None:
            self.register_buffer("basis", basis.float())
            self.register_buffer("center", torch.zeros(latent_dim) if center is None else center)
            inverse = torch.linalg.inv_ex(basis.double())
            if inverse.info or not inverse.inverse.isfinite().all():
                raise ValueError("the basis is singular")
            self.register_buffer("inverse", inverse.inverse.float(), persistent=False)

    def coordinates(self, z: Tensor) -> Tensor:
        """Return codes `(n, latent_dim)` in the coordinates of the basis, in the same shape."""
        if not hasattr(self, "basis"):
            return z
        return (pad(z - self.center) @ self.basis)[: z.shape[0]]

    def codes(self, x: Tensor) -> Tensor:
        """Return the codes `(n, latent_dim)` of coordinates; the inverse of `coordinates`."""
        return (pad(x) @ self.inverse)[: x.shape[0]] + self.center if hasattr(self, "basis") else x

    def loss(
        self,
        posterior: DiagonalGaussian,
        spread: float = 1.0,
        condition: Tensor | None = None,
        teacher: Velocity | None = None,
    ) -> Tensor:
        """Return the mean squared error of the velocity per dimension, a scalar, at random times.

        Args:
            posterior: Posteriors of examples; the targets are samples of them.
            spread: Factor on the standard deviations of the posteriors.
            condition: Conditions of the examples, if the flow is conditional.
            teacher: Says the velocity to learn; by default it is that from noise to code.
        """
        drawn = posterior.sample()
        target = self.coordinates(torch.lerp(posterior.mean, drawn, spread))
        noise = torch.randn_like(target)
        # Logit-normal times: both ends are easy (Esser et al., Scaling rectified flow, 2024).
        time = torch.randn(len(target), device=target.device).sigmoid()
        point = torch.lerp(noise, target, time[:, None])
        with autocast(target.device):
            velocity = self.network(point, time, condition)
        told = target - noise if teacher is None else teacher(point, time, condition)
        error: Tensor = velocity.float() - told
        return error.square().mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: Source = None,
        temperature: float = 1.0,
        condition: Tensor | None = None,
        steps: int = STEPS,
    ) -> Tensor:
        """Return n codes as `Prior.sample`; each of the steps evaluates the network twice."""
        if condition is None:
            condition = self.draw_condition(n, generator)

        def noise(rows: int, generator: torch.Generator | None) -> Tensor:
            return torch.randn(rows, self.latent_dim, generator=generator)

        return self.from_noise(temperature * drawn(n, generator, noise), condition, steps)

    def draw_condition(self, n: int, generator: Source = None) -> Tensor | None:
        if not self.conditional:
            return None

        def rows(count: int, generator: torch.Generator | None) -> Tensor:
            return torch.randint(len(self.conditions), (count,), generator=generator)

        return self.conditions[drawn(n, generator, rows)]

    @torch.no_grad()
    def from_noise(
        self, noise: Tensor, condition: Tensor | None = None, steps: int = STEPS
    ) -> Tensor:
        return self.codes(self._integrate(noise, condition, torch.linspace(0, 1, steps + 1)))

    @torch.no_grad()
    def to_noise(self, z: Tensor, condition: Tensor | None = None, steps: int = STEPS) -> Tensor:
        x = self.coordinates(z)
        return self._integrate(x, condition, torch.linspace(1, 0, steps + 1))

    @torch.no_grad()
    def draw(self, noise: Tensor, choice: Tensor) -> tuple[Tensor, ...]:
        index = (choice * len(self.conditions)).long() if self.conditional else None
        if index is None:
            return (self.from_noise(noise),)
        condition = self.conditions[index.clamp(max=len(self.conditions) - 1)]
        return self.from_noise(noise, condition), condition

    def _integrate(self, x: Tensor, condition: Tensor | None, times: Tensor) -> Tensor:
        """Integrate the velocity over the given times, by Heun's method."""
        n, x = x.shape[0], pad(x)
        condition = None if condition is None else pad(condition)

        def advance(carry: Tensors, given: Tensors) -> tuple[Tensors, Tensors]:
            (x,), (begin, end, step) = carry, given
            now, then = (time.expand(x.shape[0]) for time in (begin, end))
            velocity = self.network(x, now, condition)
            x = x + step / 2 * (velocity + self.network(x + step * velocity, then, condition))
            return (x,), (step,)

        steps = times.double().diff().float()
        ((x,), _) = loop(advance, (x,), (times[:-1], times[1:], steps))
        return x[:n]

    def state(self) -> dict[str, Tensor]:
        return {_stored(k): tensor.detach().contiguous() for k, tensor in self.state_dict().items()}

    @staticmethod
    def declared(state: Mapping[str, Shaped]) -> tuple[int, int, int, int]:
        """Return latent_dim, width, blocks and groups of a stored flow.

        Args:
            state: Its tensors, or their entries in a file's header.

        Raises:
            ValueError: A tensor is missing, unknown or misshapen.
        """
        if "first.weight" not in state or len(state["first.weight"].shape) != 2:
            raise ValueError("needs a matrix first.weight")
        width, part = state["first.weight"].shape
        blocks = sum(name.endswith(".inner.bias") for name in state)
        groups = state["position"].shape[0] if "position" in state else 1
        if not all(size > 0 for size in (width, part, groups)):
            raise ValueError("it has a size of 0")
        return groups * part, width, blocks, groups

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Flow:
        latent_dim, width, blocks, groups = cls.declared(state)
        basis, center = state.get("basis"), state.get("center")
        shapes = [None if part is None else tuple(part.shape) for part in (basis, center)]
        if basis is not None and shapes != [(latent_dim, latent_dim), (latent_dim,)]:
            raise ValueError(f"needs a basis of {latent_dim} dimensions, and its center")
        try:
            with Budget(2 * sum(tensor.numel() for tensor in state.values()) + SPARE):
                flow = cls(latent_dim, width, blocks, groups, basis, center, state.get("forms"))
        except MemoryError as error:
            raise ValueError("its network is larger than its weights") from error
        names = {_stored(name): name for name in flow.state_dict()}
        try:
            flow.load_state_dict({names.get(name, name): value for name, value in state.items()})
        except RuntimeError as error:
            reason = str(error).split("\n")[1].strip() if "\n" in str(error) else str(error)
            raise ValueError(reason) from error
        return flow.eval()


def _stored(name: str) -> str:
    """Return the name of a tensor in files."""
    name = name.removeprefix("network.")
    for ours, theirs in _IN_FILES.items():
        name = name.replace(ours, theirs)
    return name
