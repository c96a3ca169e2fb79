"""The latent space: one object with which items are encoded, sampled, morphed, mixed and edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vaecore.analysis import LatentReport, analyse
from vaecore.attributes import apply_attributes, attribute_vector
from vaecore.codec import Codec
from vaecore.device import pad
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import UsageError
from vaecore.flow import Flow
from vaecore.folder import ModelConfig
from vaecore.model import VAE
from vaecore.paths import (
    bilinear_grid,
    bilinear_weights,
    interpolate,
    interpolation_weights,
    perturb,
)
from vaecore.samplers import Sampler, StandardNormal

TIMINGS = ("latent", "perceived")
"""What is even about the steps of an interpolation."""
CHUNK = 64
"""Rows that are encoded together."""


class LatentSpace:
    """A trained VAE and its codec, seen from the latent side.

    An item is a path, an in-memory object the codec knows, or an example tensor. Interpolation,
    reconstruction and attribute vectors work on posterior means; all randomness comes from `seed`.

    Args:
        model: The trained VAE; put into evaluation mode.
        codec: The representation it was trained on.
        attributes: Named attribute vectors `(latent_dim,)`.
        prior: A mixture or flow fitted to the aggregate posterior, offered beside N(0, I).
        config: What the model folder says about the model.
    """

    def __init__(
        self,
        model: VAE,
        codec: Codec,
        *,
        attributes: Mapping[str, Tensor] | None = None,
        prior: Sampler | None = None,
        config: ModelConfig | None = None,
    ) -> None:
        self.model = model.eval()
        self.codec = codec
        self.attributes = dict(attributes or {})
        self.prior = prior
        self.config = config

    @property
    def name(self) -> str:
        """The model's name, empty if it has none."""
        return self.config.name if self.config else ""

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return self.model.latent_dim

    # Items to codes

    def encode(self, items: Any) -> Tensor:
        """Return posterior means `(n, latent_dim)` of one item or several."""
        return self.posterior(items).mean

    def posterior(self, items: Any) -> DiagonalGaussian:
        """Return the posteriors of one item or several.

        A tensor is one item; for a batch of examples there is `posterior_of`.

        Raises:
            DataError: An item cannot be used; the message says which and why.
        """
        return self.posterior_of(torch.stack([self._example(item) for item in _listed(items)]))

    def posterior_of(self, x: Tensor) -> DiagonalGaussian:
        """Return the posteriors of examples `(n, ...)`."""
        parts = self._in_chunks(x, lambda rows: torch.stack(self.model.encoder(rows), dim=1))
        return DiagonalGaussian(*parts.unbind(1))

    def examples(self, items: Any) -> Tensor:
        """Return all examples of all items `(n, ...)`: every window of every file."""
        return torch.cat(
            [
                item.unsqueeze(0) if isinstance(item, Tensor) else self.codec.examples(item)
                for item in _listed(items)
            ]
        )

    # Codes to items

    def decode(
        self,
        z: Tensor,
        temperature: float = 0.0,
        seed: int = 0,
        contexts: Sequence[Any] | None = None,
        forms: Tensor | None = None,
    ) -> list[Any]:
        """Return one item per row of z.

        Args:
            z: Latent codes `(n, latent_dim)`.
            temperature: 0 gives the most likely item, 1 a draw from p(x|z).
            seed: Of that draw; item i depends on the seed and i alone.
            contexts: What the codec needs beside the example (tempo, instrument), one per row.
            forms: See `decode_to_examples`.
        """
        x = self.decode_to_examples(z, temperature, seed, forms)
        return [
            self.codec.decode(row, context)
            for row, context in zip(x, contexts or [None] * len(x), strict=True)
        ]

    def decode_to_examples(
        self, z: Tensor, temperature: float = 0.0, seed: int = 0, forms: Tensor | None = None
    ) -> Tensor:
        """Return one example per row of z, as tensors `(n, ...)`.

        Args:
            z: Latent codes `(n, latent_dim)`.
            temperature: See `decode`.
            seed: See `decode`.
            forms: `(n, groups, groups)`, see `vaecore.flow.Flow`: parts of an example that they
                call the same are written once, and repeated.
        """
        with torch.no_grad():
            padded = pad(z.to(self.model.device))
            x = self.model.decode(padded, temperature, seed)[: len(z)].cpu()
        return x if forms is None else self.codec.formed(x, forms)

    def reconstruct(self, items: Any, temperature: float = 0.0, seed: int = 0) -> list[Any]:
        """Return what the model keeps of each item: encoded to its mean and decoded."""
        items = _listed(items)
        return self.decode(self.encode(items), temperature, seed, self._contexts(items))

    def sample(
        self, n: int = 1, temperature: float = 1.0, seed: int = 0, prior: str | None = None
    ) -> list[Any]:
        """Return n new items.

        Where the prior knows forms, one is drawn first, then a code of that form, and then the
        item, which has it.

        Args:
            n: How many.
            temperature: Of the decoder; where it does not draw, of the codes.
            seed: Of codes and decoder.
            prior: "normal" draws codes from N(0, I); "mixture" or "flow" from what was fitted to
                the aggregate posterior, which is nearer to real items. None takes the fitted one
                where the model has one.
        """
        spread = 1.0 if self.model.draws else temperature
        codes, forms = self._drawn(n, seed, prior, spread)
        return self.decode(codes, temperature, seed, forms=forms)

    def sample_codes(
        self, n: int, seed: int = 0, prior: str | None = None, temperature: float = 1.0
    ) -> Tensor:
        """Return n codes `(n, latent_dim)` drawn from a prior (see `sample`).

        Args:
            n: How many.
            seed: Of the draw.
            prior: "normal", "mixture" or "flow"; see `sample`.
            temperature: Multiplies the noise that the codes are made of.
        """
        return self._drawn(n, seed, prior, temperature)[0]

    def _drawn(
        self, n: int, seed: int, prior: str | None, temperature: float
    ) -> tuple[Tensor, Tensor | None]:
        """Return n codes of a prior, and the forms that they were drawn with, if any."""
        normal = StandardNormal(self.latent_dim)
        known = {each.kind: each for each in (normal, self.prior) if each is not None}
        if prior is not None and prior not in known:
            have = " and ".join(known)
            raise UsageError(f"model {self.name!r} has no prior {prior!r}; it has {have}")
        sampler = (self.prior or normal) if prior is None else known[prior]
        generator = torch.Generator().manual_seed(seed)
        if not isinstance(sampler, Flow):
            return sampler.sample(n, generator, temperature), None
        forms = sampler.draw_forms(n, generator)
        z = self.settled(sampler.sample(n, generator, temperature, forms=forms), forms)
        return z, forms

    def settled(self, z: Tensor, forms: Tensor | None) -> Tensor:
        """Return codes near to those of a flow whose examples have these forms.

        A code of a flow is a little off what examples are encoded to, and off the form that it was
        drawn with. So it is decoded, what the form calls the same is made the same, and that is
        encoded.

        Args:
            z: Codes `(n, latent_dim)`.
            forms: `(n, groups, groups)`, see `vaecore.flow.Flow`; None changes nothing.
        """
        if forms is None:
            return z
        return self.posterior_of(self.decode_to_examples(z, forms=forms)).mean

    # Latent arithmetic

    def interpolate(
        self,
        *items: Any,
        steps: int = 9,
        path: str | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        timing: str = "latent",
    ) -> list[Any]:
        """Return `steps` items on the way from the first item through the others to the last.

        At temperature 0 the ends are the reconstructions of the ends, exactly.

        Args:
            items: Two or more.
            steps: Number of results, ends included.
            path: "slerp" or "lerp"; or "flow", where the prior is one with forms: an arc through
                the noise that it makes codes of, each step in the form of the item that is nearer.
                By default "flow" where the model has it, else "slerp".
            timing: "latent" takes steps of one length in the latent space, "perceived" such that
                the decoded items change by as much with each, where the codec can measure that.
        """
        if timing not in TIMINGS:
            raise ValueError(f"unknown timing {timing!r}; known are {', '.join(TIMINGS)}")
        x = torch.stack([self._example(item) for item in items])
        z, change = self.posterior_of(x).mean, self.change if timing == "perceived" else None
        forms = None
        if path == "flow" or (path is None and change is None and self._forms(x) is not None):
            z, forms = self._through_flow(x, z, steps, timing)
        else:
            z = interpolate(z, steps, path or "slerp", change)
        contexts = self._blended(items, interpolation_weights(len(items), steps))
        return self.decode(z, temperature, seed, contexts, forms)

    @property
    def path(self) -> str:
        """The way that `interpolate` takes by default: "flow" or "slerp"."""
        known = isinstance(self.prior, Flow) and self.prior.relations
        return "flow" if known else "slerp"

    def _forms(self, x: Tensor) -> Tensor | None:
        """Return the forms of examples, where the prior is a flow that knows some."""
        if self.path != "flow":
            return None
        return self.codec.forms(x, self.prior.groups)

    def _through_flow(self, x: Tensor, z: Tensor, steps: int, timing: str) -> tuple[Tensor, Tensor]:
        """Return codes on the way from the first code through the others to the last, and forms.

        Those of the codes that are given are none: they are decoded as they are.
        """
        forms = self._forms(x)
        if forms is None or timing != "latent":
            what = "no flow with forms" if forms is None else "no other timing on its flow"
            raise UsageError(f"model {self.name!r} has {what}; use the path slerp")
        noise = interpolate(self.prior.noise_of(z, forms), steps, "slerp")
        weight, nearest = interpolation_weights(len(z), steps).max(dim=1)
        forms = forms[nearest]
        between = self.settled(self.prior.codes_of(noise, forms), forms)
        given = weight == 1
        return torch.where(given[:, None], z[nearest], between), forms * ~given[:, None, None]

    def change(self, z: Tensor) -> Tensor:
        """Return how much what is decoded changes from each code to the next, as perceived.

        Args:
            z: Codes on a path `(n, latent_dim)`, n at least 2.

        Returns:
            `(n - 1,)`, see `Codec.change`.
        """
        return self.codec.change(self.decode_to_examples(z))

    def palette(
        self,
        items: Sequence[Any],
        rows: int = 5,
        columns: int = 5,
        path: str = "lerp",
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[list[Any]]:
        """Return a grid of items between four corners.

        Args:
            items: Top left, top right, bottom left, bottom right.
            rows: Number of rows, corners included.
            columns: Number of columns, corners included.
        """
        if len(items) != 4:
            raise UsageError(f"a palette blends four items, got {len(items)}")
        z = bilinear_grid(self.encode(list(items)), rows, columns, path).flatten(0, 1)
        contexts = self._blended(items, bilinear_weights(rows, columns).flatten(0, 1))
        flat = self.decode(z, temperature, seed, contexts)
        return [flat[row * columns : (row + 1) * columns] for row in range(rows)]

    def similar(
        self, item: Any, n: int = 4, amount: float = 0.3, seed: int = 0, temperature: float = 0.0
    ) -> list[Any]:
        """Return n variations of an item.

        Args:
            amount: How far to go, from 0 (the reconstruction) to 1 (a sample from the prior).
        """
        generator = torch.Generator().manual_seed(seed)
        z = perturb(self.encode([item])[0], amount, n, generator)
        return self.decode(z, temperature, seed, self._contexts([item]) * n)

    def attribute_vector(self, with_items: Any, without_items: Any) -> Tensor:
        """Return the difference of mean codes `(latent_dim,)` between two sets of items.

        Every example of an item counts: all windows of a song.
        """
        codes = (self.posterior_of(self.examples(i)).mean for i in (with_items, without_items))
        return attribute_vector(*codes)

    def edit(
        self,
        item: Any,
        amounts: Mapping[str, float],
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Any:
        """Return an item with attributes added (or, with negative amounts, taken away).

        Args:
            amounts: Strength by attribute name; the names are the keys of `attributes`.

        Raises:
            UsageError: An attribute is unknown.
        """
        return self.edits(item, [amounts], temperature, seed)[0]

    def edits(
        self,
        item: Any,
        amounts: Sequence[Mapping[str, float]],
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Any]:
        """Return an item edited in several ways, decoded together; see `edit`."""
        z = self.encode([item])
        codes = torch.cat([apply_attributes(z, self.attributes, each) for each in amounts])
        return self.decode(codes, temperature, seed, self._contexts([item]) * len(codes))

    def analyse(self, items: Any) -> LatentReport:
        """Return how the aggregate posterior of all examples of the items compares with N(0, I)."""
        return analyse(self.posterior_of(self.examples(items)))

    # Helpers

    def _example(self, item: Any) -> Tensor:
        return item if isinstance(item, Tensor) else self.codec.encode(item)

    def _contexts(self, items: Iterable[Any]) -> list[Any]:
        return [None if isinstance(i, Tensor) else self.codec.context(i) for i in items]

    def _blended(self, items: Sequence[Any], weights: Tensor) -> list[Any]:
        contexts = self._contexts(items)
        if any(context is None for context in contexts):
            return [None] * len(weights)
        return [self.codec.blend(contexts, row) for row in weights.tolist()]

    def _in_chunks(self, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.no_grad():
            parts = [
                function(pad(rows.to(self.model.device)))[: len(rows)] for rows in x.split(CHUNK)
            ]
        return torch.cat(parts).cpu()


def _listed(items: Any) -> list[Any]:
    """Return a list of items, also for a single one."""
    if isinstance(items, list | tuple):
        return list(items)
    return [items]
