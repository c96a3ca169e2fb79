"""Quality of a text model on unseen sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from seqvae.text.data import read_sentences
from seqvae.text.data import split as divide
from seqvae.text.network import counting
from seqvae.text.properties import words
from seqvae.text.vocabulary import END
from vaecore.bounds import EvidenceBound, importance_bound, total
from vaecore.errors import DataError, UsageError
from vaecore.seeds import following, seeded

if TYPE_CHECKING:
    from seqvae.text.codec import TextCodec
    from seqvae.text.network import SentenceVAE
    from vaecore.space import LatentSpace

MEASURED_AT_ONCE = 64
"""Sentences that are measured together."""
WEIGHED, SAMPLES = 500, 64
"""Most sentences whose log-likelihood is bounded, and draws of z for each of them."""


def evaluate(
    space: LatentSpace[Any],
    paths: Iterable[str | Path],
    seed: int = 0,
    limit: int | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Measure a model on text files.

    Args:
        space: The model.
        paths: Files with one sentence in each line, or sentences; equal examples count once. Files
            without a usable sentence are listed in the result.
        seed: Seed of the draws from the posterior and of the decoder.
        limit: Use at most this many sentences, evenly spread over all; None uses all.
        split: "train" or "validation": use only the sentences of this split, as `train` divides
            the files.

    Returns:
        The figures of `accuracies` and `probability`; `words_kept`, the share of words that are
        also in the greedy reconstruction, at any place; `examples`, `files`, `left_out` (sentences
        that are too long or empty), and `skipped` (the reason by file).

    Raises:
        UsageError: Text files have no such split.
        DataError: There is no usable sentence.
    """
    codec, model = cast("TextCodec", space.codec), cast("SentenceVAE", space.model)
    if split not in (None, "train", "validation"):
        raise UsageError(f"text files have no {split} split; choose --split validation")
    wanted = set(getattr(divide(read_sentences(map(Path, paths))), split)) if split else None
    found, skipped, files, lines = [], {}, 0, 0
    for path in paths:
        try:
            sentences = codec.sentences(path)
        except DataError as error:
            skipped[str(path)] = error.problem
            continue
        if wanted is not None:
            sentences = [sentence for sentence in sentences if sentence in wanted]
        files, lines = files + 1, lines + len(sentences)
        found.append(codec.encode_all(sentences))
    if not sum(map(len, found)):
        reason = next(iter(skipped.values()), "all too long")
        raise DataError(f"no usable sentence in {files + len(skipped)} files ({reason})")
    every = torch.cat(found)
    x = torch.unique(every, dim=0)
    if limit is not None and len(x) > limit:
        x = x[torch.linspace(0, len(x) - 1, limit).long()]
    rows = torch.linspace(0, len(x) - 1, min(WEIGHED, len(x))).long()
    kept = words_kept(space, x)
    figures = {**accuracies(model, x, seed), **probability(model, x[rows], seed)}
    about = {"left_out": lines - len(every), "skipped": skipped}
    return {"model": space.name, "files": files, **figures, "words_kept": kept, **about}


@torch.no_grad()
def accuracies(model: SentenceVAE, x: Tensor, seed: int = 0) -> dict[str, Any]:
    """Measure a model on examples `(n, steps)`; the model should be in evaluation mode.

    Steps up to and including the end token count; `event_accuracy` leaves out the end token.

    Returns:
        `examples`: n.
        `teacher_forced_accuracy`: share of steps whose most likely class, given z and the true
            past, is the true class. Here and below z is the posterior mean.
        `sampled_accuracy`: the same, free running at temperature 1.
        `greedy_accuracy`: the same, free running at temperature 0. An additional word at the
            beginning makes all later steps wrong; see `words_kept` of `evaluate`.
        `event_accuracy`: greedy, over steps whose target is not the end.
        `nll`: -log p(x|z) in nats per sentence, for one draw z from the posterior.
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
            "sampled": model.decode(posterior.mean, 1.0, following(seed, number)),
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
def probability(model: SentenceVAE, x: Tensor, seed: int = 0) -> dict[str, float]:
    """Bound the marginal log-likelihood of examples `(n, steps)`.

    Returns:
        `bound`: lower bound on log p(x) in nats per sentence, importance-weighted over `SAMPLES`
            draws from the posterior (`vaecore.bounds.importance_bound`).
        `perplexity`: exp(-log p(x) per step), by that bound; steps are pieces and end tokens.
    """
    generator = seeded(seed)
    bound = 0.0
    for rows in x.split(MEASURED_AT_ONCE):
        bound += total(importance_bound(model, rows.to(model.device), SAMPLES, generator))
    steps = int(counting(x).sum())
    return {"bound": bound / len(x), "perplexity": math.exp(-bound / steps)}


def words_kept(space: LatentSpace[Any], x: Tensor) -> float:
    """Return the share of the words of examples that are also in their greedy reconstructions."""
    y = space.decode_to_examples(space.posterior_of(x).mean)
    kept = total = 0
    for before, after in zip(x, y, strict=True):
        original = Counter(words(space.codec.decode(before)))
        kept += (original & Counter(words(space.codec.decode(after)))).total()
        total += original.total()
    return kept / max(total, 1)
