"""The latent space: one object with which items are encoded, sampled, morphed, mixed and edited."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Generic, cast

import torch
from torch import Tensor

from vaecore.analysis import LatentReport, analyse
from vaecore.attributes import (
    apply_attributes,
    attribute_vector,
    step_length,
    within_prior,
)
from vaecore.calibrated import Moves, Steered
from vaecore.codec import Codec, Example, Examples, Item
from vaecore.config import ModelConfig
from vaecore.device import pad
from vaecore.distributions import DiagonalGaussian
from vaecore.draws import ROUNDS, Draws, draw
from vaecore.errors import UsageError
from vaecore.model import VAE
from vaecore.paths import (
    Path,
    bent,
    bilinear_grid,
    bilinear_weights,
    interpolate,
    interpolation_weights,
    perturb,
    traverse,
)
from vaecore.priors import Prior, StandardNormal
from vaecore.priors.base import streams
from vaecore.threads import threads_for

TIMINGS = ("latent", "perceived")
"""What is even about the steps of an interpolation."""
SHORTENINGS, SHORTER = 6, 0.85
"""How often, and by which factor, an edit is shortened that goes beyond what can be shown."""
ENCODED_AT_ONCE = 64
"""Examples that are encoded together."""
_NEXT = 7919
"""Added to a seed for the next round of draws."""


class LatentSpace(Generic[Item]):
    """A trained VAE and its codec, seen from the latent side.

    An item is a path, an in-memory object the codec knows, an example tensor, an `Example`, or the
    `Examples` of a file that was read before. Interpolation, reconstruction and attribute vectors
    work on posterior means; all randomness comes from `seed`.

    Args:
        model: The trained VAE; put into evaluation mode.
        codec: The representation it was trained on.
        attributes: Named attribute vectors `(latent_dim,)`.
        prior: A mixture or flow fitted to the aggregate posterior, offered beside N(0, I).
        config: The model folder's configuration.
    """

    def __init__(
        self,
        model: VAE,
        codec: Codec[Item],
        *,
        attributes: Mapping[str, Tensor] | None = None,
        prior: Prior | None = None,
        config: ModelConfig | None = None,
    ) -> None:
        self.model = model.eval()
        self.codec = codec
        self.attributes = dict(attributes or {})
        self.prior = prior
        self.config = config
        self._gives_examples = False

    @property
    def name(self) -> str:
        """The model's name, empty if it has none."""
        return self.config.name if self.config else ""

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return self.model.latent_dim

    def as_examples(self) -> LatentSpace[Example]:
        """Return the same space, whose results are examples (tensor and context), not items.

        What is written, drawn or encoded again need not be decoded to an item first.
        """
        space = copy(self)
        space._gives_examples = True
        return cast("LatentSpace[Example]", space)

    def within(self, limit: str, items: Any = ()) -> LatentSpace[Item]:
        """Return the same space, whose decoder chooses nothing but what a limit allows.

        Args:
            limit: What the codec knows: of music, a scale ("C major"), or "keep" for that of items.
            items: What results will be made of.

        Raises:
            UsageError: The codec knows no such limit.
        """
        space = copy(self)
        space.model = self.codec.within(self.model, limit, self._each(items)).eval()
        return space

    # Items to codes

    def examples(self, items: Any) -> Examples:
        """Return all examples of one item or several, with their contexts: every window of a song.

        The result is accepted wherever an item is, so that a file is read only once.

        Raises:
            DataError: An item cannot be read.
        """
        found = [self._all(item) for item in _listed(items, self.codec)]
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
        return self.posterior_of(_stacked(self._each(items)))

    def posterior_of(self, x: Tensor) -> DiagonalGaussian:
        """Return the posteriors of example tensors `(n, ...)`."""
        with torch.no_grad(), threads_for(self.model.encoder, ENCODED_AT_ONCE):
            parts = [
                torch.stack(self.model.encoder(pad(rows.to(self.model.device))), 1)[: len(rows)]
                for rows in x.split(ENCODED_AT_ONCE)
            ]
        return DiagonalGaussian(*torch.cat(parts).cpu().unbind(1))

    # Codes to items

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
            temperature: 0 gives the most likely item, 1 a draw from p(x|z).
            seed: Of that draw; item i depends on the seed and i alone.
            contexts: What the codec needs beside the example (tempo, instrument), one per row.
            condition: See `decode_to_examples`.
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
            condition: `(n, groups, groups)`, see `vaecore.priors.Flow`: the examples are made to
                meet it (parts of a phrase that are to be the same are written once and repeated).
        """
        _check_codes(z, self.latent_dim)
        _check_number("temperature", temperature)
        padded = pad(z.to(self.model.device, torch.float32))
        with torch.no_grad(), threads_for(self.model.decoder, len(padded)):
            x = self.model.decode(padded, temperature, seed)[: len(z)].cpu()
        return x if condition is None else self.codec.conditioned(x, condition)

    def reconstruct(self, items: Any, temperature: float = 0.0, seed: int = 0) -> list[Item]:
        """Return what the model keeps of each item: encoded to its mean and decoded."""
        examples = self._each(items)
        z = self.posterior_of(_stacked(examples)).mean
        return self.decode(z, temperature, seed, _contexts(examples))

    def sample(
        self,
        n: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        prior: str | None = None,
        keep_all: bool = False,
    ) -> list[Item]:
        """Return n new items.

        Item i depends on the seed and i alone: of 16 the first eight are those of eight. Where the
        prior is conditional, a condition is drawn first, then a code under it, and the item meets
        it.

        Args:
            n: How many.
            temperature: Of the decoder; where it does not draw, of the codes. By default the
                codec's `default_temperature`.
            seed: Of codes and decoder.
            prior: "normal" draws codes from N(0, I); "mixture" or "flow" from what was fitted to
                the aggregate posterior, which is nearer to real items. None takes the fitted one
                where the model has one.
            keep_all: Keep also what is empty, nearly empty or chaotic (see `Codec.poor`), which is
                drawn again otherwise.
        """
        draws = self.draw(n, temperature, seed, prior, keep_all)
        return [self._made(row, None) for row in draws.x]

    def draw(
        self,
        n: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        prior: str | None = None,
        keep_all: bool = False,
    ) -> Draws:
        """Return n new examples, and how many were drawn again; arguments as for `sample`."""
        _check_count(n)
        known, perception = self._prior(prior), self.codec.perception
        chosen = self.codec.default_temperature if temperature is None else temperature
        typical = self.config.prior_temperature if self.config and known is self.prior else 1.0
        spread = typical if self.model.draws else chosen

        def once(sources: Sequence[torch.Generator], number: int) -> Tensor:
            codes, condition = self._drawn(len(sources), sources, known, spread)
            if condition is None and self.codec.settles_samples:
                codes = self.posterior_of(self.decode_to_examples(codes)).mean
            x = self.decode_to_examples(codes, chosen, seed + _NEXT * number, condition)
            return x if perception is None else perception.mended(x)

        return draw(n, seed, once, self.codec.poor, 0 if keep_all else ROUNDS)

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
        return self._drawn(n, streams(seed, n), self._prior(prior), temperature)[0]

    def _prior(self, name: str | None) -> Prior:
        """Return the prior of a name, by default the fitted one where there is one."""
        normal = StandardNormal(self.latent_dim)
        known: dict[str, Prior] = {p.kind: p for p in (normal, self.prior) if p is not None}
        if name is not None and name not in known:
            have = " and ".join(known)
            raise UsageError(f"model {self.name!r} has no prior {name!r}; it has {have}")
        return (self.prior or normal) if name is None else known[name]

    def _drawn(
        self, n: int, source: Sequence[torch.Generator], prior: Prior, temperature: float
    ) -> tuple[Tensor, Tensor | None]:
        """Return n codes of a prior, and the conditions that they were drawn under, if any."""
        condition = prior.draw_condition(n, source)
        z = prior.sample(n, source, temperature, condition)
        return self.settle(z, condition), condition

    def settle(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Return codes near to those of a conditional prior whose examples meet their conditions.

        A code of a flow is a little off what examples are encoded to, and off its condition. So it
        is decoded, made to meet the condition, and encoded again.

        Args:
            z: Codes `(n, latent_dim)`.
            condition: `(n, groups, groups)`, see `vaecore.priors.Flow`; None changes nothing.
        """
        if condition is None:
            return z
        return self.posterior_of(self.decode_to_examples(z, condition=condition)).mean

    # Latent arithmetic

    def interpolate(
        self,
        *items: Any,
        steps: int = 9,
        path: str | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        timing: str | None = None,
    ) -> list[Item]:
        """Return `steps` items on the way from the first item through the others to the last.

        At temperature 0 the ends are the reconstructions of the ends, exactly.

        Args:
            items: Two or more.
            steps: Number of results, ends included.
            path: "slerp" or "lerp"; or "flow", where the prior is one: an arc through the noise
                that it makes codes of (of a conditional flow each step under the condition of the
                item that is nearer). See `path_and_timing` for the default.
            timing: "latent" takes steps of one length in the latent space, "perceived" such that
                the decoded items change by as much with each, where the codec can measure that. By
                default the codec's `default_timing`.
        """
        chosen, timing = self.path_and_timing(path, timing)
        examples = [self._example(item) for item in items]
        x = _stacked(examples)
        conditional = chosen == "flow" and self._conditional
        if path is None and conditional and self._condition(x) is None:
            chosen, conditional = self.plain_path, False
        z = self.posterior_of(x).mean
        condition = None
        if conditional:
            z, condition = self._through_flow(x, z, steps, timing)
        else:
            z = interpolate(z, steps, self._way(chosen), **self._measured_by(timing))
        weights = interpolation_weights(len(items), steps)
        between = self.mended(x, weights, self.decode_to_examples(z, temperature, seed, condition))
        return self._items(between, self._blended(examples, weights))

    @property
    def path(self) -> str:
        """The path of `interpolate` by default.

        "flow" where the prior is a conditional flow, or else the codec's `default_path`; "slerp"
        where that is the way through a flow, and the model has none.
        """
        return "flow" if self._conditional else self.plain_path

    @property
    def _conditional(self) -> bool:
        """Whether the prior has a way under conditions."""
        return self.prior is not None and self.prior.invertible and self.prior.conditional

    @property
    def plain_path(self) -> str:
        """The path by default where there are no conditions, as in a palette."""
        path, prior = self.codec.default_path, self.prior
        through = prior is not None and prior.invertible and not prior.conditional
        return "slerp" if path == "flow" and not through else path

    def path_and_timing(self, path: str | None, timing: str | None) -> tuple[str, str]:
        """Return the path and the timing of `interpolate`, the defaults in place of None.

        Raises:
            ValueError: There is no such timing.
        """
        # A conditional flow has no timing but "latent".
        if path == "flow" and self._conditional:
            timing = timing or "latent"
        timing = timing or self.codec.default_timing
        if timing not in TIMINGS:
            raise ValueError(f"unknown timing {timing!r}; known are {', '.join(TIMINGS)}")
        default = self.path if timing == "latent" else self.plain_path
        return path or default, timing

    def straightened(self, z: Tensor) -> tuple[Tensor, str, Callable[[Tensor], Tensor]]:
        """Return codes in coordinates in which the way of palettes is an arc or a line.

        For those who go many steps between the same codes: the way through a flow is long.

        Args:
            z: `(n, latent_dim)`.

        Returns:
            The coordinates, of the same shape; "slerp" or "lerp"; and the way back to codes.
        """
        path, prior = self.plain_path, self.prior
        if path != "flow" or prior is None:
            return z, path, lambda coordinates: coordinates
        return prior.to_noise(z), "slerp", prior.from_noise

    def _way(self, path: str) -> str | Path:
        """Return a path as `vaecore.paths` takes it; none is under a condition."""
        if path != "flow":
            return path
        prior = self.prior
        if prior is None or not prior.invertible or prior.conditional:
            what = "a flow under conditions, with no grid" if self._conditional else "no flow"
            raise UsageError(f"model {self.name!r} has {what}; use the path slerp")
        return bent(prior.to_noise, prior.from_noise)

    def _condition(self, x: Tensor) -> Tensor | None:
        """Return the conditions of examples, where the prior has a way under conditions."""
        if self.prior is None or not self._conditional:
            return None
        return self.codec.condition(x, self.prior.groups)

    def _through_flow(self, x: Tensor, z: Tensor, steps: int, timing: str) -> tuple[Tensor, Tensor]:
        """Return codes on the way from the first code through the others to the last.

        And their conditions; those of the codes that are given are none: they are decoded as they
        are.
        """
        condition = self._condition(x)
        if condition is None or self.prior is None or timing != "latent":
            what = "no flow for these" if condition is None else "no other timing on its flow"
            raise UsageError(f"model {self.name!r} has {what}; use the path slerp")
        noise = interpolate(self.prior.to_noise(z, condition), steps, "slerp")
        weight, nearest = interpolation_weights(len(z), steps).max(dim=1)
        condition = condition[nearest]
        between = self.settle(self.prior.from_noise(noise, condition), condition)
        given = weight == 1
        codes = torch.where(given[:, None], z[nearest], between)
        return codes, condition * ~given[:, None, None]

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
        path: str | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[list[Item]]:
        """Return a grid of items between two, three or four.

        Args:
            items: Top left, top right, bottom left, bottom right. Of three the last one is the
                whole bottom row; two make a single row.
            rows: Number of rows, corners included; of two items it does not count.
            columns: Number of columns, corners included.
            path: "lerp" or "slerp", along the edges and between them, or "flow", where the prior
                is one without conditions; see `plain_path` for the default. Where the codec has a
                `Perception` and steps are even by default, so are those of the left and right
                edge and of every row.
            temperature: See `decode`.
            seed: See `decode`.
        """
        if not 2 <= len(items) <= 4:
            raise UsageError(f"a palette blends two, three or four items, got {len(items)}")
        examples = [self._example(item) for item in items]
        if len(items) == 2:
            row = self.interpolate(
                *examples,
                steps=columns,
                path=path or self.plain_path,
                timing=self.codec.default_timing,
                temperature=temperature,
                seed=seed,
            )
            return [row]
        if len(items) == 3:
            examples.append(examples[2])
        corners = self.posterior_of(_stacked(examples)).mean
        # A distance between pictures has no jumps: their palettes stay even in the latent space.
        even = self.moves if self.codec.default_timing == "perceived" else None
        walk = None if even is None else even.walk
        way = self._way(path or self.plain_path)
        z = bilinear_grid(corners, rows, columns, way, walk)
        z = z.flatten(0, 1)
        weights = bilinear_weights(rows, columns).flatten(0, 1)
        cells = self.mended(
            _stacked(examples), weights, self.decode_to_examples(z, temperature, seed)
        )
        flat = self._items(cells, self._blended(examples, weights))
        return [flat[row * columns : (row + 1) * columns] for row in range(rows)]

    def similar(
        self, item: Any, n: int = 4, amount: float = 0.3, seed: int = 0, temperature: float = 0.0
    ) -> list[Item]:
        """Return n variations of an item.

        Args:
            item: What to vary.
            n: How many.
            amount: How far to go, from 0 (the reconstruction) to 1 (a sample from the prior).
                Where the codec has a `Perception` it is the share of events that differ, and
                variations are neither copies nor repeats of each other, if there are others.
            seed: Of the variations.
            temperature: See `decode`.
        """
        _check_count(n)
        _check_number("amount", amount)
        example = self._example(item)
        z = self.posterior_of(example.x[None]).mean[0]
        moves = self.moves
        if moves is None:
            z = perturb(z, amount, n, torch.Generator().manual_seed(seed))
        else:
            z = moves.vary(z, n, amount, seed)
        return self.decode(z, temperature, seed, [example.context] * n)

    def traverse(
        self, item: Any, dimension: int, steps: int = 9, extent: float = 3.0
    ) -> list[Item]:
        """Return an item with one dimension of its code set to `steps` values, all else kept.

        Args:
            item: What to begin from.
            dimension: Which one, from 0.
            steps: Number of results, at least 2.
            extent: The values run from -extent to extent, in standard deviations of the prior.
        """
        example = self._example(item)
        z = traverse(self.posterior_of(example.x[None]).mean[0], dimension, steps, extent)
        return self.decode(z, contexts=[example.context] * steps)

    def attribute_vector(self, with_items: Any, without_items: Any) -> Tensor:
        """Return the difference of mean codes `(latent_dim,)` between two sets of items.

        Every example of an item counts: all windows of a song.
        """
        having, lacking = (
            self.posterior_of(self.examples(items).x).mean for items in (with_items, without_items)
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
            item: What to edit.
            amounts: Strength by attribute name; the names are the keys of `attributes`. See
                `steered` for its unit.
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
        """Return the codes of an item edited in several ways, and how far each edit came.

        Where the codec has a `Perception` and the model's configuration has the attributes'
        standard deviations, 1 is one standard deviation of the data, and a search finds a code
        that is decoded to that, with as little else changed (see `vaecore.calibrated.edits`).
        Otherwise the attribute vectors are added. Where the codec says that edits can be overdone
        (`Codec.overdone`), they are shortened until they are not, and to the length of codes that
        N(0, I) has.

        Raises:
            UsageError: An attribute is unknown.
        """
        return self.steered_code(self.posterior_of(self._example(item).x[None]).mean, amounts)

    def steered_code(self, z: Tensor, amounts: Sequence[Mapping[str, float]]) -> list[Steered]:
        """Return the codes of a code `(1, latent_dim)` edited in several ways; see `steered`."""
        for name, amount in [pair for each in amounts for pair in each.items()]:
            _check_number(name, amount, least=-math.inf)
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
        """Return a code `(1, latent_dim)` with attribute vectors added, `(n, latent_dim)`.

        Quick, for what follows a hand: nothing is decoded, and so nothing is measured.

        Raises:
            UsageError: An attribute is unknown.
        """
        known, vectors = self.config.attributes if self.config else {}, self.attributes
        steps = [
            # What is unknown is refused when it is added.
            {n: step_length(z[0], vectors[n], a, known.get(n)) if n in vectors else a for n, a in e}
            for e in (each.items() for each in amounts)
        ]
        return torch.cat([apply_attributes(z, vectors, each) for each in steps])

    def _added(self, z: Tensor, amounts: Sequence[Mapping[str, float]]) -> list[Steered]:
        """Return a code `(1, latent_dim)` with attribute vectors added, as much as can be shown."""
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
        """Return the standard deviations of attributes in the data, where the model has them."""
        about = self.config.attributes if self.config else {}
        return {
            name: each["deviation"]
            for name, each in about.items()
            if isinstance(each, Mapping) and each.get("deviation")
        }

    @property
    def moves(self) -> Moves | None:
        """Moves that are measured on what is decoded, where the codec has a `Perception`."""
        perception = self.codec.perception
        if perception is None:
            return None
        return Moves(
            perception,
            self.decode_to_examples,
            lambda x: self.posterior_of(x).mean,
            self.sample_codes,
        )

    def _measured_by(self, timing: str) -> dict[str, Any]:
        """Return what makes steps even, as arguments of `interpolate`."""
        if timing == "latent":
            return {}
        moves = self.moves
        return {"change": self.change} if moves is None else {"walk": moves.walk}

    def analyse(self, items: Any) -> LatentReport:
        """Return how the aggregate posterior of all examples of the items compares with N(0, I)."""
        return analyse(self.posterior_of(self.examples(items).x))

    # Helpers

    def mended(self, x: Tensor, weights: Tensor, blends: Tensor) -> Tensor:
        """Return blends of examples, those that are not one of them mended; see `Perception`."""
        perception = self.codec.perception
        if perception is None:
            return blends
        given = (weights.max(dim=1).values == 1).view(-1, *[1] * (blends.ndim - 1))
        return torch.where(given, blends, perception.mended(blends, x))

    def _items(self, x: Tensor, contexts: Sequence[Any] | None) -> list[Item]:
        """Return a result for each example `(n, ...)`."""
        return [
            self._made(row, context)
            for row, context in zip(x, contexts or [None] * len(x), strict=True)
        ]

    def _made(self, x: Tensor, context: Any) -> Item:
        """Return a result: an item, or an example where that is wanted."""
        if self._gives_examples:
            return cast(Item, Example(x, context))
        return self.codec.decode(x, context)

    def _all(self, item: Any) -> Examples:
        """Return the examples of an item that count where many are measured."""
        if isinstance(item, Examples):
            return item
        if isinstance(item, Tensor):
            return Examples.of(item.unsqueeze(0))
        if isinstance(item, Example):
            return Examples(item.x.unsqueeze(0), [item.context])
        return self.codec.read(item).counted()

    def _example(self, item: Any) -> Example:
        """Return the example that stands for an item."""
        if isinstance(item, Example):
            return item
        if isinstance(item, Tensor):
            return Example(item)
        return (item if isinstance(item, Examples) else self.codec.read(item)).first

    def _each(self, items: Any) -> list[Example]:
        return [self._example(item) for item in _listed(items, self.codec)]

    def _blended(self, examples: Sequence[Example], weights: Tensor) -> list[Any]:
        contexts = _contexts(examples)
        if any(context is None for context in contexts):
            return [None] * len(weights)
        return [self.codec.blend(contexts, row) for row in weights.tolist()]


def _listed(items: Any, codec: Codec[Any]) -> list[Any]:
    """Return a list of items, also for a single one; a batch of tensors is as many items."""
    if isinstance(items, Tensor):
        batched = codec.shape is not None and items.ndim == len(codec.shape) + 1
        return list(items) if batched else [items]
    return list(items) if isinstance(items, list | tuple | Examples) else [items]


def _stacked(examples: Iterable[Example]) -> Tensor:
    rows = [example.x for example in examples]
    if not rows:
        raise UsageError("there are no items: give one or more")
    return torch.stack(rows)


def _check_count(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n is how many, at least 1; got {n!r}")


def _check_number(name: str, value: float, least: float = 0.0) -> None:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= least):
        limit = "" if least == -math.inf else f" of at least {least:g}"
        raise UsageError(f"{name} must be a number{limit}, got {value!r}")


def _check_codes(z: Tensor, latent_dim: int) -> None:
    if not isinstance(z, Tensor) or z.ndim != 2 or z.shape[1] != latent_dim or not len(z):
        shape = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
        raise UsageError(f"codes must be a tensor (n, {latent_dim}), n at least 1; got {shape}")
    if not z.is_floating_point() or not torch.isfinite(z).all():
        raise UsageError("codes must be finite numbers of floating point")


def _contexts(examples: Iterable[Example]) -> list[Any]:
    return [example.context for example in examples]
