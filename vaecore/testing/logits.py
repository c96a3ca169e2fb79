"""The contract of models of categories: likelihood, decoding and logits agree."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vaecore.space import LatentSpace
from vaecore.testing.under_test import Fixtures


class LogitsContract(Fixtures):
    """For models with `logits(z, x)`: teacher-forced logits of each category."""

    def categories(
        self, space: LatentSpace[Any], logits: Tensor, x: Tensor
    ) -> list[tuple[Tensor, Tensor]]:
        """Split logits and examples into independent choices.

        By default there is one choice at each position of an example. Override this for more.

        Args:
            space: The latent space.
            logits: The result of `space.model.logits(z, x)`.
            x: Examples `(n, ...)`.

        Returns:
            Pairs of logits `(n, ..., classes)` and class indices `(n, ...)`.
        """
        assert logits.shape[:-1] == x.shape
        return [(logits, x)]

    @torch.no_grad()
    def test_the_likelihood_is_that_of_the_logits(
        self, space: LatentSpace[Any], codes: Tensor, x: Tensor
    ) -> None:
        target = x.roll(1, 0)
        expected = torch.zeros(len(codes))
        for logits, true in self.categories(space, _logits(space, codes, target), target):
            log_prob = logits.log_softmax(-1)
            chosen = log_prob.gather(-1, true.unsqueeze(-1)).squeeze(-1)
            expected += chosen.flatten(1).sum(1)
        torch.testing.assert_close(
            space.model.log_likelihood(target, codes), expected, atol=1e-3, rtol=1e-5
        )

    @torch.no_grad()
    def test_greedy_decoding_follows_its_own_logits(
        self, space: LatentSpace[Any], codes: Tensor, x: Tensor
    ) -> None:
        for logits, chosen in self.categories(space, _logits(space, codes, x), x):
            best, second = logits.topk(2).values.unbind(-1)
            clear = best - second > 1e-4  # a tie may be decided either way
            assert clear.float().mean() > 0.99
            assert torch.equal(logits.argmax(-1)[clear], chosen[clear])


def _logits(space: LatentSpace[Any], z: Tensor, x: Tensor) -> Tensor:
    logits: Tensor = space.model.logits(z, x)  # type: ignore[operator]  # not of every VAE
    return logits
