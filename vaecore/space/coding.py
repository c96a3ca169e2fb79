"""Items to codes, and codes to items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Generic, cast

import torch
from torch import Tensor, nn

from vaecore.codec import Codec, Example, Examples, Item
from vaecore.config import ModelConfig
from vaecore.device import pad
from vaecore.directions import Directions
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import UsageError
from vaecore.model import VAE
from vaecore.priors import Prior
from vaecore.refinement import refined
from vaecore.seeds import check_seed
from vaecore.threads import threads_for

ENCODED_AT_ONCE = 64
"""Examples that are encoded together."""


class Coding(Generic[Item]):
    """The part of a latent space that encodes and decodes; see `LatentSpace`."""

    model: VAE
    codec: Codec[Item]
    attributes: dict[str, Tensor]
    directions: Directions | None
    _of_directions: dict[str, Tensor | None]
    prior: Prior | None
    config: ModelConfig | None
    _gives_examples = False

    @property
    def name(self) -> str:
        """The model's name, empty if it has none."""
        return self.config.name if self.config else ""

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return self.model.latent_dim

    def examples(self, items: Any) -> Examples:
        """Return all examples of one item or several, such as every window of a song.

        The result is accepted wherever an item is, so that a file is read only once.

        Raises:
            DataError: An item cannot be read.
        """
        found = [self._all(item) for item in listed(items, self.codec)]
        if len(found) == 1:
            return found[0]
        contexts = [context for each in found for context in each.contexts]
        return Examples(torch.cat([each.x for each in found]), contexts)

    def encode(self, items: Any) -> Tensor:
        """Return posterior means `(n, latent_dim)` of one item or several."""
        return self.posterior(items).mean

    def posterior(self, items: Any) -> DiagonalGaussian:
        """Return the posteriors of one item or several.

        Args:
            items: One item, a list of items, `Examples`, or a batch of example tensors.

        Raises:
            DataError: An item cannot be used; the message names it and the reason.
        """
        return self.posterior_of(stacked(self._each(items)))

    def posterior_of(self, x: Tensor, refine: bool = True) -> DiagonalGaussian:
        """Return the posteriors of example tensors `(n, ...)`.

        Args:
            x: Examples.
            refine: Whether to apply the model's refinement (see `vaecore.refinement`), which is
                slow for many examples.
        """
        with torch.no_grad(), threads_for(self.model.encoder, ENCODED_AT_ONCE):
            encoder, device = self.model.encoder, self.model.device
            parts = [
                torch.stack(encoder(_padded(rows.to(device), encoder)), 1)[: len(rows)]
                for rows in x.split(ENCODED_AT_ONCE)
            ]
            posterior = DiagonalGaussian(*torch.cat(parts).unbind(1))
            if refine:
                posterior = refined(self.model, x.to(device), posterior)
        return DiagonalGaussian(posterior.mean.cpu(), posterior.stddev.cpu())

    def decode(
        self,
        z: Tensor,
        temperature: float = 0.0,
        seed: int = 0,
        contexts: Sequence[Any] | None = None,
        condition: Tensor | None = None,
    ) -> list[Item]:
        """Return one item per row of z.

        Args:
            z: Latent codes `(n, latent_dim)`.
            temperature: 0 gives the most likely item, 1 a draw from p(x|z); at least 0.
            seed: Seed of that draw, from 0 to 2**63 - 1; item i depends on the seed and i alone.
            contexts: Contexts of the items, such as tempo and instrument, one per row.
            condition: See `decode_to_examples`.

        Raises:
            UsageError: z is not finite or misshapen, or the temperature or seed is out of range.
        """
        return self._items(self.decode_to_examples(z, temperature, seed, condition), contexts)

    def decode_to_examples(
        self, z: Tensor, temperature: float = 0.0, seed: int = 0, condition: Tensor | None = None
    ) -> Tensor:
        """Return one example tensor per row of z, `(n, ...)`.

        Args:
            z: Latent codes `(n, latent_dim)`.
            temperature: See `decode`.
            seed: See `decode`.
            condition: `(n, groups, groups)`, see `vaecore.priors.Flow`; the examples are changed
                to meet it (bars of a phrase that must be equal are copied).
        """
        _check_codes(z, self.latent_dim)
        check_number("temperature", temperature)
        seed = check_seed(seed)
        padded = _padded(z.to(self.model.device, torch.float32), self.model.decoder)
        with torch.no_grad(), threads_for(self.model.decoder, len(padded)):
            x = self.model.decode(padded, temperature, seed)[: len(z)].cpu()
        return x if condition is None else self.codec.conditioned(x, condition)

    def reconstruct(self, items: Any, temperature: float = 0.0, seed: int = 0) -> list[Item]:
        """Return the reconstruction of each item: its posterior mean, decoded; see `decode`."""
        examples = self._each(items)
        z = self.posterior_of(stacked(examples)).mean
        return self.decode(z, temperature, seed, contexts_of(examples))

    def _items(self, x: Tensor, contexts: Sequence[Any] | None) -> list[Item]:
        """Return a result for each example `(n, ...)`."""
        return [
            self._made(row, context)
            for row, context in zip(x, contexts or [None] * len(x), strict=True)
        ]

    def _made(self, x: Tensor, context: Any) -> Item:
        """Return an item, or an example if this space gives examples."""
        if self._gives_examples:
            return cast(Item, Example(x, context))
        return self.codec.decode(x, context)

    def _all(self, item: Any) -> Examples:
        """Return the examples of an item for statistics over many items."""
        if isinstance(item, Examples):
            return item
        if isinstance(item, Tensor):
            return Examples.of(self._checked(item).unsqueeze(0))
        if isinstance(item, Example):
            return Examples(item.x.unsqueeze(0), [item.context])
        return self.codec.read(item).counted()

    def _example(self, item: Any) -> Example:
        """Return the first example of an item."""
        if isinstance(item, Example):
            return item
        if isinstance(item, Tensor):
            return Example(self._checked(item))
        return (item if isinstance(item, Examples) else self.codec.read(item)).first

    def _checked(self, x: Tensor) -> Tensor:
        """Return an example's tensor after a check of its shape.

        Raises:
            UsageError: It is not the codec's.
        """
        shape = self.codec.shape
        if shape is not None and x.shape != shape:
            many = f"(n, {', '.join(map(str, shape))})"
            raise UsageError(f"tensors must be examples {shape} or {many}; got {tuple(x.shape)}")
        return x

    def _each(self, items: Any) -> list[Example]:
        return [self._example(item) for item in listed(items, self.codec)]


def listed(items: Any, codec: Codec[Any]) -> list[Any]:
    """Return a list of one item or several; a batch of tensors counts as several."""
    if isinstance(items, Tensor):
        batched = codec.shape is not None and items.ndim == len(codec.shape) + 1
        return list(items) if batched else [items]
    return list(items) if isinstance(items, list | tuple | Examples) else [items]


def stacked(examples: Iterable[Example]) -> Tensor:
    """Return the tensors of examples as one, `(n, ...)`.

    Raises:
        UsageError: There are none.
    """
    rows = [example.x for example in examples]
    if not rows:
        raise UsageError("there are no items: give one or more")
    return torch.stack(rows)


def contexts_of(examples: Iterable[Example]) -> list[Any]:
    """Return the context of each example."""
    return [example.context for example in examples]


def _padded(rows: Tensor, network: nn.Module) -> Tensor:
    return pad(rows, getattr(network, "segments", 1))


def _check_codes(z: Tensor, latent_dim: int) -> None:
    if not isinstance(z, Tensor) or z.ndim != 2 or z.shape[1] != latent_dim or not len(z):
        shape = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
        raise UsageError(f"codes must be a tensor (n, {latent_dim}), n at least 1; got {shape}")
    if not z.is_floating_point() or not torch.isfinite(z).all():
        raise UsageError("codes must be finite numbers of floating point")


def check_number(name: str, value: float, least: float = 0.0) -> None:
    """Check that a value is a finite number of at least `least`.

    Raises:
        UsageError: It is not; the message has the name.
    """
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= least):
        limit = "" if least == -math.inf else f" of at least {least:g}"
        raise UsageError(f"{name} must be a number{limit}, got {value!r}")
