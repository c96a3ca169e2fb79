"""Changes of one item: variations, traversals and edits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vaecore.attributes import apply_attributes, attribute_vector, step_length, within_prior
from vaecore.calibrated import Moves, Steered
from vaecore.codec import Item
from vaecore.paths import perturb, traverse
from vaecore.seeds import check_seed, seeded
from vaecore.space.coding import check_number
from vaecore.space.drawing import Drawing, check_count

SHORTENINGS, SHORTER = 6, 0.85
"""Largest number of times, and the factor, by which an edit is shortened that is overdone."""


class Editing(Drawing[Item]):
    """The part of a latent space that changes one item; see `LatentSpace`."""

    @property
    def moves(self) -> Moves | None:
        """Moves that are measured on decoded examples; None if the codec has no `Perception`."""
        perception = self.codec.perception
        if perception is None:
            return None
        return Moves(
            perception,
            self.decode_to_examples,
            lambda x: self.posterior_of(x, refine=False).mean,
            self.sample_codes,
        )

    def similar(
        self, item: Any, n: int = 4, amount: float = 0.3, seed: int = 0, temperature: float = 0.0
    ) -> list[Item]:
        """Return n variations of an item.

        Args:
            item: The item to vary.
            n: Number of variations, at least 1.
            amount: From 0 (the reconstruction) to 1 (a sample from the prior). If the codec has a
                `Perception`, it is the share of events that differ, and variations differ from the
                item and from each other as far as possible.
            seed: Seed of the variations, from 0 to 2**63 - 1.
            temperature: See `decode`.

        Raises:
            UsageError: n is not a whole number of at least 1, or the seed is out of range.
            ValueError: The amount is not in 0..1.
            DataError: The item cannot be used.
        """
        check_count(n)
        seed = check_seed(seed)
        check_number("amount", amount)
        example = self._example(item)
        z = self.posterior_of(example.x[None]).mean[0]
        moves = self.moves
        if moves is not None:
            z = moves.vary(z, n, amount, seed)
        else:
            z = perturb(z, amount, n, seeded(seed))
        return self.decode(z, temperature, seed, [example.context] * n)

    def traverse(
        self, item: Any, dimension: int, steps: int = 9, extent: float = 3.0
    ) -> list[Item]:
        """Return `steps` items: an item with one dimension of its code set to even values.

        Args:
            item: The item to begin from.
            dimension: Index of the dimension, from 0.
            steps: Number of results, at least 2.
            extent: The values run from -extent to extent, in standard deviations of the prior.

        Raises:
            ValueError: There is no such dimension, or there are too few steps.
            DataError: The item cannot be used.
        """
        example = self._example(item)
        z = traverse(self.posterior_of(example.x[None]).mean[0], dimension, steps, extent)
        return self.decode(z, contexts=[example.context] * steps)

    def attribute_vector(self, with_items: Any, without_items: Any) -> Tensor:
        """Return the difference of mean codes `(latent_dim,)` between two sets of items.

        All examples of an item are used, such as every window of a song.
        """
        having, lacking = (
            self.posterior_of(self.examples(items).x, refine=False).mean
            for items in (with_items, without_items)
        )
        return attribute_vector(having, lacking)

    def edit(
        self,
        item: Any,
        amounts: Mapping[str, float],
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Item:
        """Return an item with attributes added (or, with negative amounts, taken away).

        Args:
            item: The item to edit.
            amounts: Strength by attribute name, a key of `attributes`; see `steered` for the unit.
            temperature: See `decode`.
            seed: See `decode`.

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
    ) -> list[Item]:
        """Return an item edited in several ways, decoded together; see `edit`."""
        example = self._example(item)
        codes = torch.stack([each.z for each in self.steered(example, amounts)])
        return self.decode(codes, temperature, seed, [example.context] * len(codes))

    def steered(self, item: Any, amounts: Sequence[Mapping[str, float]]) -> list[Steered]:
        """Return the codes of an item edited in several ways, and the change that each reached.

        If the codec has a `Perception` and the model's configuration the standard deviations of
        the attributes, a strength of 1 is one standard deviation of the data, and a search finds
        the code that decodes to this change, and to few others (`vaecore.calibrated.edits`).
        Otherwise steps are added as by `added`; they are shortened while `Codec.overdone`, and to
        the length of codes from N(0, I).

        Raises:
            UsageError: An attribute is unknown.
        """
        return self.steered_code(self.posterior_of(self._example(item).x[None]).mean, amounts)

    def steered_code(self, z: Tensor, amounts: Sequence[Mapping[str, float]]) -> list[Steered]:
        """Return the codes of a code `(1, latent_dim)` edited in several ways; see `steered`."""
        for name, amount in [pair for each in amounts for pair in each.items()]:
            check_number(name, amount, least=-math.inf)
        moves = self.moves
        if moves is None:
            return self._added(z, amounts)
        added = [apply_attributes(z, self.attributes, each)[0] for each in amounts]
        found = [Steered(code, dict(e), {}) for code, e in zip(added, amounts, strict=True)]
        changes = [{name: w for name, w in each.items() if w} for each in amounts]
        known, own = self._deviations(), self.decode_to_examples(z)
        rows = [k for k, e in enumerate(changes) if e and moves.can_steer(list(e), known, own)]
        if rows:
            asked = [changes[k] for k in rows]
            for k, each in zip(rows, moves.steer(z[0], asked, self.attributes, known), strict=True):
                found[k] = each
        return found

    def added(self, z: Tensor, amounts: Sequence[Mapping[str, float]]) -> Tensor:
        """Return a code `(1, latent_dim)` with attributes added, `(n, latent_dim)`.

        The step is that of the model's `Directions`, if they have the attribute, else its vector.
        Nothing is decoded, so that this is fast enough for sliders.

        Raises:
            UsageError: An attribute is unknown.
        """
        return torch.cat([z + self._step(z, each) for each in amounts])

    def _step(self, z: Tensor, amounts: Mapping[str, float]) -> Tensor:
        """Return the sum of the steps that add attributes to a code `(1, latent_dim)`."""
        known, vectors = self.config.attributes if self.config else {}, self.attributes
        bent = {n: a for n, a in amounts.items() if self.has_directions(n)}
        # `apply_attributes` refuses unknown names.
        straight = {
            n: step_length(z[0], vectors[n], a, known.get(n)) if n in vectors else a
            for n, a in amounts.items()
            if n not in bent
        }
        step = apply_attributes(torch.zeros_like(z), vectors, straight)
        if self.directions is not None and bent:
            step = step + self.directions.change(z, bent)
        return step

    def has_directions(self, name: str) -> bool:
        """Whether an attribute is added by the model's `Directions`."""
        own = self._of_directions.get(name)
        present = self.directions is not None and own is not None
        return present and self.attributes.get(name) is own

    def _added(self, z: Tensor, amounts: Sequence[Mapping[str, float]]) -> list[Steered]:
        """Return a code `(1, latent_dim)` with attributes added, shortened while overdone."""
        codes = self.added(z, amounts)
        own, share = self.decode_to_examples(z), torch.ones(len(codes), 1)
        if self.codec.overdone(own, own) is not None:
            change = codes - z
            for _ in range(SHORTENINGS):
                codes = within_prior(z + share * change, z)
                over = self.codec.overdone(self.decode_to_examples(codes), own)
                if over is None or not over.any():
                    break
                share = torch.where(over[:, None], SHORTER * share, share)
        reached = [
            {name: s * a for name, a in each.items()} if s < 1 else {}
            for each, s in zip(amounts, share.flatten().tolist(), strict=True)
        ]
        return [Steered(*each) for each in zip(codes, map(dict, amounts), reached, strict=True)]

    def _deviations(self) -> dict[str, float]:
        """Return the known standard deviations of attributes in the data, by name."""
        about = self.config.attributes if self.config else {}
        return {
            name: each["deviation"]
            for name, each in about.items()
            if isinstance(each, Mapping) and each.get("deviation")
        }
