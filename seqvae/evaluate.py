"""Quality of a sequence model, on windows it never saw."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.networks.model import SequenceVAE
    from vaecore.space import LatentSpace

CHUNK = 256
BINS = 20


def evaluate(
    space: LatentSpace, paths: Iterable[str | Path], seed: int = 0, limit: int | None = None
) -> dict[str, Any]:
    """Measure a model on MIDI files.

    Args:
        space: The model.
        paths: Files; every different window of every file counts once. Files without a usable
            window are counted, and named with the reason, in the result.
        seed: Of the posterior draws and of sampling.
        limit: At most this many windows, spread evenly over all; None takes every one.

    Returns:
        The figures of `measure`, with `examples`, `files` and `skipped` (reason by file).

    Raises:
        DataError: Not one file has a usable window.
    """
    windows, skipped, files = [], {}, 0
    for path in paths:
        try:
            found = space.codec.examples(path)
        except DataError as error:
            skipped[str(path)] = error.problem
            continue
        if len(found):
            files += 1
            windows.append(found)
        else:
            skipped[str(path)] = "no usable window"
    if not windows:
        reason = next(iter(skipped.values()), "there is none")
        raise DataError(
            f"no usable {space.name or 'music'} window in {len(skipped)} files ({reason})"
        )
    x = torch.unique(torch.cat(windows), dim=0)
    if limit is not None and len(x) > limit:
        x = x[torch.linspace(0, len(x) - 1, limit).long()]
    figures = measure(space.model, x, seed)
    return {"model": space.name, "files": files, **figures, "skipped": skipped}


@torch.no_grad()
def measure(model: SequenceVAE, x: Tensor, seed: int = 0) -> dict[str, Any]:
    """Measure a model on windows `(n, steps)`; the model should be in evaluation mode.

    Returns:
        `examples`: n.
        `teacher_forced_accuracy`: share of steps whose most likely class, given z and the true
            past, is the true class. z is the posterior mean here and below.
        `sampled_accuracy`: the same, free running at temperature 1.
        `greedy_accuracy`: the same, free running at temperature 0.
        `event_accuracy`: greedy, over steps whose target is an event (not class 0).
        `hit_f1` (drums): greedy, harmonic mean of precision and recall over drums and steps.
        `nll`: -log p(x|z) in nats per window, z one draw from the posterior.
        `kl_nats`: KL(q(z|x) || N(0, I)) in nats per window.
        `elbo`: -(nll + kl_nats).
    """
    generator = torch.Generator().manual_seed(seed)
    true = {"teacher_forced": 0, "sampled": 0, "greedy": 0, "event": 0}
    events = hits = predicted = both = 0
    nll = kl = 0.0
    drums = model.architecture.tokens == "drums"
    for number, part in enumerate(x.split(CHUNK)):
        rows = part.to(model.device)
        posterior = model.encode(rows)
        kl += posterior.kl().double().sum().item()
        nll -= model.log_likelihood(rows, posterior.sample(generator)).double().sum().item()
        greedy = model.decode(posterior.mean)
        true["teacher_forced"] += _count(model.logits(posterior.mean, rows).argmax(-1) == rows)
        true["sampled"] += _count(model.decode(posterior.mean, 1.0, seed + number) == rows)
        true["greedy"] += _count(greedy == rows)
        true["event"] += _count((greedy == rows) & (rows != 0))
        events += _count(rows != 0)
        if drums:
            hits += _bits(rows)
            predicted += _bits(greedy)
            both += _bits(rows & greedy)
    n, steps = x.shape
    result: dict[str, Any] = {"examples": n}
    for name in ("teacher_forced", "sampled", "greedy"):
        result[f"{name}_accuracy"] = true[name] / (n * steps)
    result["event_accuracy"] = true["event"] / max(events, 1)
    if drums:
        result["hit_f1"] = 2 * both / max(hits + predicted, 1)
    return {**result, "nll": nll / n, "kl_nats": kl / n, "elbo": -(nll + kl) / n}


def _count(mask: Tensor) -> int:
    return int(mask.sum())


def _bits(classes: Tensor) -> int:
    """Return how many bits are set in all class indices together."""
    drum = torch.arange(16, device=classes.device)
    return int(((classes.unsqueeze(-1) >> drum) & 1).sum())


def compare(representation: str, samples: Tensor, data: Tensor) -> dict[str, dict[str, float]]:
    """Compare the music of samples with that of data, property by property.

    Args:
        representation: "drums", "melody" or "trio".
        samples: Windows `(n, *shape)`, for example decoded from the prior.
        data: Windows `(m, *shape)` never trained on.

    Returns:
        By name of property and of histogram (see `seqvae.histograms`): the `divergence` of the two
        distributions (Jensen-Shannon, in bits, 0 equal to 1 disjoint) and, for properties, the
        means of both. What one of them has nothing of is left out. Two halves of the same data
        differ a little, too.
    """
    from seqvae.histograms import histograms, jensen_shannon
    from seqvae.properties import measure as properties

    ours, theirs = (histograms(representation, x) for x in (samples, data))
    result = {
        name: {"divergence": jensen_shannon(ours[name], theirs[name])}
        for name in ours
        if ours[name].any() and theirs[name].any()
    }
    ours, theirs = (properties(representation, x) for x in (samples, data))
    for name in ours:
        a, b = (values[~np.isnan(values)] for values in (ours[name], theirs[name]))
        if not len(a) or not len(b):
            continue
        edges = np.histogram_bin_edges(np.concatenate([a, b]), bins=BINS)
        divergence = jensen_shannon(*(np.histogram(v, edges)[0] for v in (a, b)))
        result[name] = {"samples": a.mean(), "data": b.mean(), "divergence": divergence}
    return result
