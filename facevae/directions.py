"""Training of directions that depend on the face: which step adds an attribute to this code.

A batch of codes gets the steps of two attributes and is decoded. Classifiers that are not trained
say whether the attribute is there (or gone); everything else is to stay: the other attributes, the
features of a perceptual loss, the pixels. How much the attribute counts is set for each step while
it is trained, so that it is just visible in nearly all faces and costs no more of the person than
that. A critic compares the edited faces with faces that have the attribute: without it a hat is
a dark band, which is all that a classifier needs to see. It sees the features of the perceptual
loss, as in Sauer et al., Projected GANs converge faster, 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from facevae.attributes import positions_of
from facevae.distance import PerceptualDistance
from facevae.effects import decoded
from facevae.networks.identity import IdentityNetwork
from facevae.networks.trunk import feature_distance
from vaecore.attributes import added_and_taken
from vaecore.device import autocast
from vaecore.directions import Directions, directions_fit, directions_from_state
from vaecore.errors import DataError, UsageError
from vaecore.folder import read_tensors
from vaecore.training.small import SmallLoop, cosine, ramped_decay

if TYPE_CHECKING:
    from facevae.classifier import FaceClassifier
    from vaecore.space import LatentSpace

FACES = 16
"""Of each of the two steps of a batch."""
STAGES, CRITIC_WIDTH = 2, 64
"""The last stages of features that the critic sees, and its width."""
SEEN = 0.97
"""Share of the faces in which both classifiers are to see a step's effect."""
WARMING = 0.05
"""Share of the training in which the learning rate rises, from as large a share of it."""
LEAST, MOST = 0.05, 8.0
"""Bounds of the weight of an attribute."""


@dataclass(frozen=True)
class DirectionSettings:
    """How directions are trained.

    Attributes:
        steps: Of the optimiser; 0 trains none.
        width: Features of a position; see `vaecore.directions.Directions`.
        blocks: See there.
        learning_rate: At first; it falls to 0 on a cosine.
        margin: Logit of a classifier from which on an attribute is visible enough.
        others: Weight of the mean change of the other attributes' probabilities.
        features: Weight of the perceptual distance.
        pixels: Weight of the mean absolute change of the pixels.
        critic: Weight of the critic.
        sameness: Weight of the template share: the energy of the mean change of the faces of a
            batch over the mean energy of their changes.
        identity: Weight, by attribute, of the distance to the face before, in the embeddings of a
            network that recognises people (1 less their cosine). Attributes that are not named
            have 0; for some, as hair and glasses, that network sees more than a change of person.
        embedder: Folder of that network's files, if any weight is given; see
            `facevae.networks.identity`.
        start: File of the directions to go on from (`directions.safetensors` of a model folder),
            of the same codes, attributes and sizes; without one, the vectors.
        seed: Of the batches.
    """

    steps: int = 0
    width: int = 192
    blocks: int = 4
    learning_rate: float = 1e-3
    margin: float = 1.0
    others: float = 6.0
    features: float = 1.5
    pixels: float = 2.0
    critic: float = 1.5
    sameness: float = 0.5
    identity: Mapping[str, float] = field(default_factory=dict)
    embedder: str = ""
    start: str = ""
    seed: int = 0


def fit_directions(
    space: LatentSpace[Any],
    codes: Tensor,
    labels: Tensor,
    names: Sequence[str],
    vectors: Mapping[str, Tensor],
    about: Mapping[str, Any],
    classifiers: Sequence[FaceClassifier],
    settings: DirectionSettings,
    report: Callable[[int, float], None] | None = None,
) -> Directions:
    """Return directions of a model's codes, in evaluation mode.

    Args:
        space: The model.
        codes: Posterior means of training faces `(n, latent_dim)`.
        labels: `(n, attributes)`, bool.
        names: The attributes in the order of the columns.
        vectors: What the steps begin with: calibrated attribute vectors, by name.
        about: What is known of steps back, by name; see `vaecore.attributes.step_length`.
        classifiers: Say whether attributes are there; not the one that is to judge the result. The
            last one's features are those of the perceptual loss.
        settings: How they are trained.
        report: Called now and then with the steps taken and the loss.

    Raises:
        DataError: The directions to start from, or the network that recognises people, cannot be
            read, or the directions have other sizes.
        UsageError: There is a weight for the person of an attribute that has no vector.
    """
    unknown = ", ".join(sorted(settings.identity.keys() - set(vectors)))
    if unknown:
        raise UsageError(f"directions.identity: no attribute {unknown}; have {', '.join(vectors)}")
    fit = _Fit(space, codes, labels, names, vectors, about, classifiers, settings)
    optimizer = torch.optim.AdamW(
        fit.directions.parameters(), settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.01
    )
    loop = SmallLoop(
        fit.directions,
        optimizer,
        lambda done, _: settings.learning_rate * min(1.0, WARMING + done / WARMING) * cosine(done),
        steps=settings.steps,
        decay=ramped_decay(0.998),
        clip=1.0,
    )
    for step in loop.run(fit.loss):
        if report is not None and step % 50 == 0:
            report(step, loop.loss)
    return loop.average.eval().requires_grad_(False)


class _Fit:
    """The loss of a batch; see `fit_directions`."""

    def __init__(
        self,
        space: LatentSpace[Any],
        codes: Tensor,
        labels: Tensor,
        names: Sequence[str],
        vectors: Mapping[str, Tensor],
        about: Mapping[str, Any],
        classifiers: Sequence[FaceClassifier],
        settings: DirectionSettings,
    ) -> None:
        self.settings, self.codes = settings, codes
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.decoder = space.model.decoder.requires_grad_(False)
        self.classifiers = [each.eval().requires_grad_(False) for each in classifiers]
        self.distance = PerceptualDistance(classifiers[-1])
        self.embed = IdentityNetwork(Path(settings.embedder)) if settings.identity else None
        self.pictures = decoded(space, codes)
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            sizes = positions_of(space), settings.width, settings.blocks
            self.directions = Directions(list(vectors), space.latent_dim, *sizes)
            widths = [each.shape[1] for each in self.distance.features(self.pictures[:1] / 255.0)]
            self.critic = _Critic(widths[-STAGES:], 2 * len(vectors))
        self.directions.start(*added_and_taken(vectors, about))
        if settings.start:
            self._go_on(Path(settings.start))
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), 1e-3, betas=(0.0, 0.99))
        own = self.directions.names
        self.columns = torch.tensor([classifiers[0].names.index(n) for n in own for _ in range(2)])
        self.signs = torch.tensor([1.0, -1.0]).repeat(len(own))
        having = [labels[:, names.index(name)].bool() for name in own]
        with_it = [each.nonzero().flatten() for each in having]
        without = [(~each).nonzero().flatten() for each in having]
        self.before = [each for pair in zip(without, with_it, strict=True) for each in pair]
        self.after = [each for pair in zip(with_it, without, strict=True) for each in pair]
        self.weights = torch.ones(2 * len(own))
        self.identity = torch.tensor([settings.identity.get(n, 0.0) for n in own for _ in range(2)])

    def _go_on(self, path: Path) -> None:
        """Take the weights of stored directions.

        Args:
            path: Their file.

        Raises:
            DataError: It cannot be read, or they have other sizes.
        """
        own = self.directions.sizes
        found = directions_from_state(read_tensors(path, directions_fit(own.latent_dim)))
        if found.sizes != own:
            remedy = "name others, or change the sizes in `directions`"
            raise DataError(
                f"directions of {found.sizes}, where the recipe has {own}", path=path, remedy=remedy
            )
        self.directions.load_state_dict(found.state_dict())

    def loss(self, step: int) -> Tensor:
        """Return the loss of a new batch: of two steps, on as many faces each."""
        settings = self.settings
        chosen = torch.randperm(len(self.weights), generator=self.generator)[:2]
        kinds = chosen.repeat_interleave(FACES)
        rows = torch.cat([self._drawn(self.before[k]) for k in chosen.tolist()])
        z, plain = self.codes[rows], self.pictures[rows] / 255.0
        edited = z + self.directions(z)[torch.arange(len(z)), kinds]
        with autocast(z.device):
            shown = self.decoder(edited)
        shown = shown.float()
        visible, others = self._attributes(plain, shown, kinds, chosen)
        with autocast(z.device):
            ours = self.distance.features(shown)
            with torch.no_grad():
                theirs = self.distance.features(plain)
        features = feature_distance(ours, theirs).mean()
        change = (shown - plain).flatten(1).view(len(chosen), FACES, -1)
        energy = change.square().sum(2).mean(1).clamp(min=1e-6)
        same = (change.mean(1).square().sum(1) / energy).mean()
        loss: Tensor = (
            visible
            + settings.others * others
            + settings.features * features
            + settings.pixels * change.abs().mean()
            + settings.sameness * same
            + self._moved(plain, shown, kinds)
            + settings.critic * self._judged(ours[-STAGES:], kinds, chosen)
            + CLIPPED * _beyond(shown, plain)
            + LONGER * _longer(edited, z)
        )
        return loss

    def _attributes(
        self, plain: Tensor, shown: Tensor, kinds: Tensor, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the weighted loss of the attributes, and the mean change of all others."""
        columns, signs = self.columns[kinds][:, None], self.signs[kinds]
        visible, others, seen = shown.new_zeros(()), shown.new_zeros(()), []
        for classifier in self.classifiers:
            with autocast(plain.device):
                with torch.no_grad():
                    before = classifier(plain)
                after = classifier(shown)
            before, after = before.float(), after.float()
            own = signs * after.gather(1, columns)[:, 0]
            missing = F.softplus(2 * (self.settings.margin - own)) / 2
            visible = visible + (self.weights[kinds] * missing).mean()
            apart = (after.sigmoid() - before.sigmoid()).scatter(1, columns, 0.0)
            others = others + apart.abs().mean()
            seen.append(own.detach() > self.settings.margin / 2)
        rates = torch.stack(seen).all(0).float().view(len(chosen), -1).mean(1)
        changed = self.weights[chosen] * (0.5 * (SEEN - rates)).exp()
        self.weights[chosen] = changed.clamp(LEAST, MOST)
        return visible, others

    def _moved(self, plain: Tensor, shown: Tensor, kinds: Tensor) -> Tensor | float:
        """Return the weighted mean of how far people moved in the embeddings of who they are."""
        if self.embed is None:
            return 0.0
        with autocast(plain.device):
            with torch.no_grad():
                before = self.embed(plain)
            after = self.embed(shown)
        moved: Tensor = 1 - (before.float() * after.float()).sum(1)
        return (self.identity[kinds] * moved).mean()

    def _judged(self, features: list[Tensor], kinds: Tensor, chosen: Tensor) -> Tensor:
        """Train the critic by a step, and return the loss that it gives to features."""
        rows = torch.cat([self._drawn(self.after[k]) for k in chosen.tolist()])
        with torch.no_grad(), autocast(rows.device):
            real = self.distance.features(self.pictures[rows] / 255.0)[-STAGES:]
        ours, theirs = ([each.detach().float() for each in part] for part in (features, real))
        loss = F.relu(1 - self.critic(theirs, kinds)).mean()
        loss = loss + F.relu(1 + self.critic(ours, kinds)).mean()
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_optimizer.step()
        score: Tensor = self.critic([each.float() for each in features], kinds).mean()
        return -score

    def _drawn(self, rows: Tensor) -> Tensor:
        """Return some of these numbers, with repeats."""
        return rows[torch.randint(len(rows), (FACES,), generator=self.generator)]


CLIPPED, LONGER = 20.0, 0.05
"""Weights of what is beyond the range of pixels, and of codes that are longer than draws are."""


def _beyond(shown: Tensor, plain: Tensor) -> Tensor:
    """Return how much further pixels are beyond [0.01, 0.99] than before, on average."""
    over = [F.relu(x - 0.99) + F.relu(0.01 - x) for x in (shown, plain)]
    return F.relu((over[0] - over[1]).mean())


def _longer(edited: Tensor, z: Tensor) -> Tensor:
    """Return by how much the mean square of codes is above that of draws, and above before."""
    most = z.square().mean(1).clamp(min=1.05)
    return F.relu(edited.square().mean(1) - most).mean()


class _Critic(nn.Module):
    """Says of features at each place, for one kind of step, whether they are of real faces.

    Args:
        widths: Channels of each stage.
        kinds: Number of kinds of step.
    """

    def __init__(self, widths: Sequence[int], kinds: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(width, CRITIC_WIDTH, 3, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(CRITIC_WIDTH, CRITIC_WIDTH, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(CRITIC_WIDTH, kinds, 1)),
            )
            for width in widths
        )

    def forward(self, features: Sequence[Tensor], kinds: Tensor) -> Tensor:
        """Return scores `(n,)`.

        Args:
            features: `(n, channels, height, width)` of each stage.
            kinds: The kind of step of each, `(n,)`.
        """
        scores = [head(each).mean((2, 3)) for head, each in zip(self.heads, features, strict=True)]
        return torch.stack(scores).sum(0).gather(1, kinds[:, None])[:, 0]
