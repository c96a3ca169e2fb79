"""Quality of a text model, on sentences it never saw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqvae.text.data import read_sentences
from seqvae.text.data import split as divide
from seqvae.text.network import counting
from seqvae.text.properties import words
from seqvae.text.vocabulary import END
from vaecore.bounds import EvidenceBound, importance_bound, total
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqvae.text.network import SentenceVAE
    from vaecore.space import LatentSpace

MEASURED_AT_ONCE = 64
WEIGHED, SAMPLES = 500, 64
"""Sentences whose probability is bounded, and draws of z for each of them."""


def evaluate(
    space: LatentSpace,
    paths: Iterable[str | Path],
    seed: int = 0,
    limit: int | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Measure a model on text files.

    Args:
        space: The model.
        paths: Files with one sentence in each line, or sentences themselves; every different
            example counts once. Files without a usable sentence are named in the result.
        seed: Of the posterior draws and of sampling.
        limit: At most this many sentences, spread evenly over all; None takes every one.
        split: "train" or "validation": only the sentences that a training on these files takes
            for this.

    Returns:
        The figures of `accuracies` and `probability`, with `words_kept`: the share of the words
        that are in the greedy reconstruction, too, wherever; `examples`, `files`, `left_out`
        (sentences too long or empty) and `skipped` (reason by file).

    Raises:
        DataError: There is not one usable sentence.
    """
    if split not in (None, "train", "validation"):
        raise UsageError(f"text files have no {split} split; choose --split validation")
    wanted = set(getattr(divide(read_sentences(map(Path, paths))), split)) if split else None
    found, skipped, files, lines = [], {}, 0, 0
    for path in paths:
        try:
            sentences = space.codec.sentences(path)
        except DataError as error:
            skipped[str(path)] = error.problem
            continue
        if wanted is not None:
            sentences = [sentence for sentence in sentences if sentence in wanted]
        files, lines = files + 1, lines + len(sentences)
        found.append(space.codec.encode_all(sentences))
    if not sum(map(len, found)):
        reason = next(iter(skipped.values()), "all too long")
        raise DataError(f"no usable sentence in {files + len(skipped)} files ({reason})")
    every = torch.cat(found)
    x = torch.unique(every, dim=0)
    if limit is not None and len(x) > limit:
        x = x[torch.linspace(0, len(x) - 1, limit).long()]
    rows = torch.linspace(0, len(x) - 1, min(WEIGHED, len(x))).long()
    kept = words_kept(space, x)
    figures = {**accuracies(space.model, x, seed), **probability(space.model, x[rows], seed)}
    about = {"left_out": lines - len(every), "skipped": skipped}
    return {"model": space.name, "files": files, **figures, "words_kept": kept, **about}


@torch.no_grad()
def accuracies(model: SentenceVAE, x: Tensor, seed: int = 0) -> dict[str, Any]:
    """Measure a model on examples `(n, steps)`; the model should be in evaluation mode.

    Only steps up to the end token, and it, count. The end token is a step like any other but for
    `event_accuracy`, which is over pieces of words alone.

    Returns:
        `examples`: n.
        `teacher_forced_accuracy`: share of steps whose most likely class, given z and the true
            past, is the true class. z is the posterior mean here and below.
        `sampled_accuracy`: the same, free running at temperature 1.
        `greedy_accuracy`: the same, free running at temperature 0. A word too many at the
            beginning makes all that follows wrong; see `words_kept` of `evaluate`.
        `event_accuracy`: greedy, over steps whose target is not the end.
        `nll`: -log p(x|z) in nats per sentence, z one draw from the posterior.
        `kl_nats`: KL(q(z|x) || N(0, I)) in nats per sentence.
        `elbo`: -(nll + kl_nats).
    """
    true: Counter[str] = Counter()
    bound = EvidenceBound(seed)
    for number, part in enumerate(x.split(MEASURED_AT_ONCE)):
        rows = part.to(model.device)
        counts = counting(rows)
        events = counts & (rows != END)
        posterior = bound.add(model, rows)
        found = {
            "teacher_forced": model.logits(posterior.mean, rows).argmax(-1),
            "sampled": model.decode(posterior.mean, 1.0, seed + number),
            "greedy": model.decode(posterior.mean),
        }
        for name, y in found.items():
            true[name] += int(((y == rows) & counts).sum())
        true["event"] += int(((found["greedy"] == rows) & events).sum())
        true["steps"] += int(counts.sum())
        true["events"] += int(events.sum())
    result: dict[str, Any] = {"examples": len(x)}
    for name in ("teacher_forced", "sampled", "greedy"):
        result[f"{name}_accuracy"] = true[name] / true["steps"]
    result["event_accuracy"] = true["event"] / max(true["events"], 1)
    return {**result, **bound.figures()}


@torch.no_grad()
def probability(
    model: SentenceVAE, x: Tensor, seed: int = 0, samples: int = SAMPLES
) -> dict[str, float]:
    """Bound what a model thinks of examples `(n, steps)`, whatever z they came from.

    Returns:
        `bound`: lower bound on log p(x) in nats per sentence, importance-weighted over `samples`
            draws from the posterior (`vaecore.bounds.importance_bound`).
        `perplexity`: exp(-log p(x) per step), by that bound; steps are pieces and end tokens.
    """
    generator = torch.Generator().manual_seed(seed)
    bound = 0.0
    for rows in x.split(MEASURED_AT_ONCE):
        bound += total(importance_bound(model, rows.to(model.device), samples, generator))
    steps = int(counting(x).sum())
    return {"bound": bound / len(x), "perplexity": math.exp(-bound / steps)}


def words_kept(space: LatentSpace, x: Tensor) -> float:
    """Return the share of the words of examples that their greedy reconstructions have, too."""
    y = space.decode_to_examples(space.posterior_of(x).mean)
    kept = total = 0
    for before, after in zip(x, y, strict=True):
        original = Counter(words(space.codec.decode(before)))
        kept += (original & Counter(words(space.codec.decode(after)))).total()
        total += original.total()
    return kept / max(total, 1)
