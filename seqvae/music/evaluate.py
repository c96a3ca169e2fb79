"""Quality of a sequence model, on windows it never saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seqvae.music.data.shards import read_summary, read_windows
from seqvae.music.properties import histograms
from seqvae.music.properties import measure as properties
from seqvae.music.representations.alphabet import PLAIN
from seqvae.music.representations.measuring import jensen_shannon
from vaecore.bounds import EvidenceBound
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.networks.model import SequenceVAE
    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.base import SequenceCodec
    from vaecore.space import LatentSpace

MEASURED_AT_ONCE = 256
BINS = 20


def evaluate(
    space: LatentSpace,
    paths: Iterable[str | Path],
    seed: int = 0,
    limit: int | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Measure a model on MIDI files, or on shards.

    Args:
        space: The model.
        paths: Files; every different window of every file counts once. Files without a usable
            window are counted, and named with the reason, in the result.
        seed: Of the posterior draws and of sampling.
        limit: At most this many windows, spread evenly over all; None takes every one.
        split: "train", "validation" or "test": paths are folders of shards, of which the windows
            of this split count.

    Returns:
        The figures of `measure`, with `examples`, `files` and `skipped` (reason by file).

    Raises:
        DataError: Not one file has a usable window.
    """
    windows, skipped, files = [], {}, 0
    for path in paths:
        if split:  # what is wrong with a folder of shards is no matter of one file
            windows.append(_windows(space.codec, Path(path), split))
            files += 1
            continue
        try:
            found = space.examples(path).x
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


def _windows(codec: SequenceCodec, shards: Path, split: str) -> Tensor:
    """Return the windows of a split of shards, which must be of the codec's representation."""
    found = read_summary(shards)["representation"]
    if found != codec.config:
        raise DataError(f"holds {found}, the model needs {codec.config}", path=shards)
    return torch.from_numpy(codec.unpack(read_windows(shards, split)))


@torch.no_grad()
def measure(model: SequenceVAE, x: Tensor, seed: int = 0) -> dict[str, Any]:
    """Measure a model on windows `(n, *shape)`; the model should be in evaluation mode.

    Returns:
        `examples`: n.
        `teacher_forced_accuracy`: share of steps (of all voices) whose most likely class, given z
            and the true past, is the true class. z is the posterior mean here and below.
        `sampled_accuracy`: the same, free running at temperature 1.
        `greedy_accuracy`: the same, free running at temperature 0.
        `event_accuracy`: greedy, over steps whose target is an event (not class 0).
        `hit_f1` (drums, whose classes are sets): greedy, harmonic mean of precision and recall
            over drums and steps.
        The same of each voice where there are several, as `melody_sampled_accuracy`.
        `nll`: -log p(x|z) in nats per window, z one draw from the posterior; of performances a
            density.
        `kl_nats`: KL(q(z|x) || N(0, I)) in nats per window.
        `elbo`: -(nll + kl_nats).
        Of performances accuracies are those of the hits (see `Alphabet.indices`), and there is
        what `seqvae.music.representations.groove.evaluate.feel` gives (see `Alphabet.figures`).
    """
    voices = model.architecture.voices
    voices = voices if isinstance(voices, tuple) else (voices,)
    alphabets = [voice.alphabet for voice in voices]
    tallies = [_Tally(alphabet.sets) for alphabet in alphabets]
    classes = [alphabet.outcomes(v.classes) for alphabet, v in zip(alphabets, voices, strict=True)]
    indices = alphabets[0].indices  # only a voice that is alone has other examples than indices
    bound = EvidenceBound(seed)
    for number, part in enumerate(x.split(MEASURED_AT_ONCE)):
        rows = part.to(model.device)
        posterior = bound.add(model, rows)
        logits = model.logits(posterior.mean, rows).split(classes, dim=-1)
        forced = torch.stack([each.argmax(-1) for each in logits], dim=-1)
        decoded = (model.decode(posterior.mean, 1.0, seed + number), model.decode(posterior.mean))
        true, sampled, greedy = (indices(each).view_as(forced) for each in (rows, *decoded))
        for voice, tally in enumerate(tallies):
            tally.add(*(each[..., voice] for each in (true, forced, sampled, greedy)))
    result: dict[str, Any] = {"examples": len(x), **sum(tallies[1:], tallies[0]).figures()}
    if len(voices) > 1:
        for name, tally in zip(_names(alphabets), tallies, strict=True):
            result |= {f"{name}_{key}": value for key, value in tally.figures().items()}
    return {**result, **bound.figures(), **alphabets[0].figures(model, x, seed)}


def _names(alphabets: Sequence[Alphabet]) -> list[str]:
    """Return a name for each voice: that which its alphabet has for the first, the second, ..."""
    names: list[str] = []
    for number, alphabet in enumerate(alphabets):
        place = alphabets[:number].count(alphabet)
        known = alphabet.names or (alphabet.name,)
        names.append(known[place] if place < len(known) else f"{alphabet.name}_{place + 1}")
    return names


class _Tally:
    """Counts of one voice, or of several together, from which accuracies come.

    Args:
        sets: Whether classes are sets, as bit masks.
    """

    def __init__(self, sets: bool) -> None:
        self.sets = sets
        self.counts: Counter[str] = Counter()

    def add(self, true: Tensor, forced: Tensor, sampled: Tensor, greedy: Tensor) -> None:
        """Count classes of more windows, each `(n, steps)`."""
        event = true != 0
        counts: dict[str, Tensor | int] = {
            "steps": true.numel(),
            "teacher_forced": (forced == true).sum(),
            "sampled": (sampled == true).sum(),
            "greedy": (greedy == true).sum(),
            "event": ((greedy == true) & event).sum(),
            "events": event.sum(),
        }
        if self.sets:
            counts |= {
                "hits": _bits(true),
                "predicted": _bits(greedy),
                "both": _bits(true & greedy),
            }
        self.counts.update({name: int(count) for name, count in counts.items()})

    def __add__(self, other: _Tally) -> _Tally:
        total = _Tally(self.sets or other.sets)
        total.counts = self.counts + other.counts
        return total

    def figures(self) -> dict[str, float]:
        """Return the accuracies."""
        c = self.counts
        kinds = ("teacher_forced", "sampled", "greedy")
        figures = {f"{kind}_accuracy": c[kind] / c["steps"] for kind in kinds}
        figures["event_accuracy"] = c["event"] / max(c["events"], 1)
        if self.sets:
            figures["hit_f1"] = 2 * c["both"] / max(c["hits"] + c["predicted"], 1)
        return figures


def _bits(classes: Tensor) -> int:
    """Return how many bits are set in all class indices together."""
    drum = torch.arange(16, device=classes.device)
    return int(((classes.unsqueeze(-1) >> drum) & 1).sum())


def fidelity(codec: SequenceCodec, x: Tensor, y: Tensor) -> tuple[str, dict[str, float]]:
    """Return what reconstructions keep of windows, in words and as figures; of each voice, too.

    Args:
        codec: Of the windows.
        x: Windows `(n, *shape)`.
        y: Their reconstructions.
    """
    if len(codec.voices) == 1:
        ((_, alphabet),) = codec.voices
        return alphabet.kept(x, y)
    lines, facts = "", dict[str, float]()
    for (name, alphabet), a, b in zip(codec.voices, x.unbind(-1), y.unbind(-1), strict=True):
        text, of_voice = alphabet.kept(a, b)
        lines += f"{name + ':':8}{text}\n  "
        facts |= {f"{name}_{key}": value for key, value in of_voice.items()}
    text, whole = PLAIN.kept(x, y)
    return f"{lines}{'all:':8}{text}", whole | facts


def compare(codec: SequenceCodec, samples: Tensor, data: Tensor) -> dict[str, dict[str, float]]:
    """Compare the music of samples with that of data, property by property.

    Args:
        codec: Of the windows.
        samples: Windows `(n, *shape)`, for example decoded from the prior.
        data: Windows `(m, *shape)` never trained on.

    Returns:
        By name of property and of histogram (see `histograms`): the `divergence` of the two
        distributions (Jensen-Shannon, in bits, 0 equal to 1 disjoint) and, for properties, the
        means of both. What one of them has nothing of is left out. Two halves of the same data
        differ a little, too.
    """
    ours, theirs = (histograms(codec, x) for x in (samples, data))
    result = {
        name: {"divergence": jensen_shannon(ours[name], theirs[name])}
        for name in ours
        if ours[name].any() and theirs[name].any()
    }
    ours, theirs = (properties(codec, x) for x in (samples, data))
    for name in ours:
        a, b = (values[~np.isnan(values)] for values in (ours[name], theirs[name]))
        if not len(a) or not len(b):
            continue
        edges = np.histogram_bin_edges(np.concatenate([a, b]), bins=BINS)
        divergence = jensen_shannon(*(np.histogram(v, edges)[0] for v in (a, b)))
        result[name] = {"samples": a.mean(), "data": b.mean(), "divergence": divergence}
    return result
