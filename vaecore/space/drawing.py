"""New items, drawn from a prior."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaecore.codec import Item
from vaecore.draws import ROUNDS, Draws, draw
from vaecore.errors import UsageError
from vaecore.priors import Prior, StandardNormal
from vaecore.priors.base import streams
from vaecore.seeds import check_seed, following
from vaecore.space.coding import Coding, check_number

_NEXT = 7919
"""Added to the seed in each further round of draws."""


class Drawing(Coding[Item]):
    """The part of a latent space that draws from priors; see `LatentSpace`."""

    def sample(
        self,
        n: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        prior: str | None = None,
        keep_all: bool = False,
    ) -> list[Item]:
        """Return n new items.

        Item i depends on the seed and i alone, not on n. A conditional prior first draws a
        condition, which the item meets, and then a code.

        Args:
            n: Number of items, at least 1.
            temperature: Temperature of the decoder, or of the codes if the decoder is
                deterministic; at least 0. None takes the codec's `default_temperature`.
            seed: Seed of codes and decoder, from 0 to 2**63 - 1.
            prior: "normal" for N(0, I), "mixture" or "flow" for the fitted prior, whose codes are
                nearer to those of real items. None takes the fitted one if there is one.
            keep_all: Whether to keep samples that are empty, nearly empty or chaotic (see
                `Codec.poor`), and not to choose among draws (see `VAE.preference`). Otherwise
                they are drawn again, and the best of several draws is kept.

        Raises:
            UsageError: n, the temperature or the seed is out of range, or the model has no such
                prior.
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
        check_count(n)
        seed = check_seed(seed)
        known, perception = self._prior(prior), self.codec.perception
        chosen = self.codec.default_temperature if temperature is None else temperature
        typical = self.config.prior_temperature if self.config and known is self.prior else 1.0
        spread = typical if self.model.draws else chosen

        def once(sources: Sequence[torch.Generator], number: int) -> Tensor:
            candidates = 1 if keep_all else self.model.candidates
            codes, condition = self._drawn(len(sources), sources, known, spread, candidates)
            if condition is None and self.codec.settles_samples:
                codes = self.posterior_of(self.decode_to_examples(codes), refine=False).mean
            x = self.decode_to_examples(codes, chosen, following(seed, _NEXT * number), condition)
            return x if perception is None else self._allowed(perception.mended(x), x)

        return draw(n, seed, once, self.codec.poor, 0 if keep_all else ROUNDS)

    def _allowed(self, mended: Tensor, decoded: Tensor) -> Tensor:
        """Return corrected examples, uncorrected where `within` forbids the correction.

        Args:
            mended: `(n, ...)`; several voices are the last dimension.
            decoded: The same before the correction.
        """
        never = self.model.never
        if not any(never):
            return mended
        voices = mended.unsqueeze(-1) if len(never) == 1 else mended
        wrong = [
            torch.isin(voices[..., k], torch.tensor(each, dtype=torch.long))
            for k, each in enumerate(never)
        ]
        return torch.where(torch.stack(wrong, -1).view_as(mended), decoded, mended)

    def sample_codes(
        self, n: int, seed: int = 0, prior: str | None = None, temperature: float = 1.0
    ) -> Tensor:
        """Return n codes `(n, latent_dim)` drawn from a prior (see `sample`).

        They are those of the samples with the same seed: the best of several draws, where the model
        has a preference.

        Args:
            n: Number of codes.
            seed: Seed of the draw, from 0 to 2**63 - 1.
            prior: "normal", "mixture" or "flow"; see `sample`.
            temperature: Factor on the prior's noise, at least 0.
        """
        known, candidates = self._prior(prior), self.model.candidates
        return self._drawn(n, streams(seed, n), known, temperature, candidates)[0]

    def _prior(self, name: str | None) -> Prior:
        """Return the prior of a name; for None the fitted one, if there is one."""
        normal = StandardNormal(self.latent_dim)
        known: dict[str, Prior] = {p.kind: p for p in (normal, self.prior) if p is not None}
        if name is not None and name not in known:
            have = " and ".join(known)
            raise UsageError(f"model {self.name!r} has no prior {name!r}; it has {have}")
        return (self.prior or normal) if name is None else known[name]

    def _drawn(
        self,
        n: int,
        source: Sequence[torch.Generator],
        prior: Prior,
        temperature: float,
        candidates: int,
    ) -> tuple[Tensor, Tensor | None]:
        """Return n codes of a prior, and the conditions that they were drawn under, if any.

        Args:
            n: Number of codes.
            source: A generator for each.
            prior: What is drawn from.
            temperature: Factor on its noise.
            candidates: Draws for each code, of which the model's preference chooses one. A prior
                that was not fitted, or has conditions, is drawn from once.
        """
        check_number("temperature", temperature)
        if candidates > 1 and prior is self.prior and not prior.conditional:
            # All draws for a code are from its own generator, so that it is the same for any n.
            z = prior.sample(n * candidates, list(source) * candidates, temperature)
            best = self.model.preference(z).view(candidates, n).argmax(0)
            return z.view(candidates, n, -1)[best, torch.arange(n)], None
        condition = prior.draw_condition(n, source)
        z = prior.sample(n, source, temperature, condition)
        return self.settle(z, condition), condition

    def settle(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Return codes near those of a conditional prior, whose examples meet their conditions.

        Codes are decoded, the examples changed to meet the condition, and encoded again.

        Args:
            z: Codes `(n, latent_dim)`.
            condition: `(n, groups, groups)`, see `vaecore.priors.Flow`; None changes nothing.
        """
        if condition is None:
            return z
        x = self.decode_to_examples(z, condition=condition)
        return self.posterior_of(x, refine=False).mean


def check_count(n: int) -> None:
    """Check that a number of results is a whole number of at least 1.

    Raises:
        UsageError: It is not.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n must be a whole number of at least 1, got {n!r}")
