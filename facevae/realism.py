"""Training of the network that chooses among draws of a prior; see `facevae.networks.realism`.

Draws of the prior are decoded once. The linear score learns to tell them from photographs, and the
network from decoded codes of faces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from facevae.effects import DECODED_AT_ONCE, decoded
from facevae.networks.model import FaceVAE
from facevae.networks.realism import SMALLEST, Realism, features
from vaecore.training.small import SmallLoop, ramped_decay

if TYPE_CHECKING:
    from facevae.networks.trunk import Trunk
    from vaecore.priors import Prior
    from vaecore.space import LatentSpace

DRAWS = 40_000
"""At most so many draws, and not many more than there are faces."""
DRAWN_AT_ONCE = 1024
LINEAR, PENALTY = 12_000, 1e-4
"""Pictures of each kind that the linear score is fitted to, and scikit-learn's C for it."""
STEPS, BATCH, RATE = 3000, 64, 2e-3
"""Of the network; a batch has as many pictures of either kind."""
WARMUP = 100


def fit_realism(
    space: LatentSpace[Any],
    prior: Prior,
    means: Tensor,
    photographs: Tensor,
    seed: int = 0,
    draws: int = DRAWS,
    steps: int = STEPS,
) -> None:
    """Train the network of a model that chooses among draws, in place.

    Args:
        space: The model, with such a network.
        prior: What samples are drawn from.
        means: Posterior means of training faces, `(n, latent_dim)`.
        photographs: Training faces, uint8 `(m, 3, size, size)`, of the size that is encoded.
        seed: Of draws, batches and initial weights.
        draws: At most so many draws.
        steps: Of the network.
    """
    model = space.model
    assert isinstance(model, FaceVAE)
    assert model.realism is not None
    assert model.perceptual is not None
    generator = torch.Generator().manual_seed(seed)
    count = min(draws, 2 * max(len(means), len(photographs)))
    starts = range(0, count, DRAWN_AT_ONCE)
    codes = [prior.sample(min(DRAWN_AT_ONCE, count - k), generator) for k in starts]
    made, kept = decoded(space, torch.cat(codes)), decoded(space, means)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = model.architecture.perceptual, model.architecture.realism
        fresh = Realism(*sizes, model.architecture.core_size)
        _fit_linear(fresh, model.perceptual, photographs[:LINEAR], made[:LINEAR])
        trained = _fit_network(fresh, kept, made, generator, steps)
    model.realism.load_state_dict(trained.state_dict())
    model.realism.requires_grad_(False).eval()


def _fit_linear(realism: Realism, trunk: Trunk, photographs: Tensor, made: Tensor) -> None:
    """Fit the linear score to photographs and decoded draws, uint8."""
    from sklearn.linear_model import LogisticRegression

    x = torch.cat([_features(trunk, photographs), _features(trunk, made)])
    mean, stddev = x.mean(0), x.std(0)
    truth = torch.cat([torch.ones(len(photographs)), torch.zeros(len(made))])
    scaled = (x - mean) / stddev.clamp(min=SMALLEST)
    model = LogisticRegression(C=PENALTY, max_iter=300).fit(scaled.numpy(), truth.numpy())
    with torch.no_grad():
        realism.mean.copy_(mean)
        realism.stddev.copy_(stddev)
        realism.weight.copy_(torch.from_numpy(model.coef_[0]))
        realism.bias.fill_(float(model.intercept_[0]))


def _fit_network(
    realism: Realism, kept: Tensor, made: Tensor, generator: torch.Generator, steps: int
) -> Realism:
    """Return the network, trained to tell decoded codes of faces from decoded draws, uint8."""
    realism.train().to(memory_format=torch.channels_last)
    truth = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])

    def rows(pictures: Tensor) -> Tensor:
        return pictures[torch.randint(len(pictures), (BATCH,), generator=generator)]

    def loss(step: int) -> Tensor:
        x = torch.cat([rows(kept), rows(made)]).float() / 255
        flipped = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
        x = torch.where(flipped, x.flip(3), x)
        down, right = torch.randint(-2, 3, (2,), generator=generator).tolist()
        return F.binary_cross_entropy_with_logits(
            realism.coherence(x.roll((down, right), (2, 3))), truth
        )

    loop = SmallLoop(
        realism,
        torch.optim.AdamW(realism.network.parameters(), RATE, weight_decay=0.05),
        lambda done, step: RATE * min(1.0, (step + 1) / WARMUP) * (1 - done),
        steps=steps,
        decay=ramped_decay(0.99),
    )
    for _ in loop.run(loss):
        pass
    return loop.average.eval()


@torch.no_grad()
def _features(trunk: Trunk, pictures: Tensor) -> Tensor:
    parts = [features(x.float() / 255, trunk) for x in pictures.split(DECODED_AT_ONCE)]
    return torch.cat(parts)
