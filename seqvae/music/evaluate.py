"""Quality of a music model, on windows that it was not trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

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
from vaecore.seeds import following

if TYPE_CHECKING:
    from seqvae.music.networks.model import SequenceVAE
    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.base import SequenceCodec
    from vaecore.space import LatentSpace

MEASURED_AT_ONCE = 256
"""Windows that are measured together."""
BINS = 20
"""Bins of the histograms that `compare` compares."""


def evaluate(
    space: LatentSpace[Any],
    paths: Iterable[str | Path],
    seed: int = 0,
    limit: int | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Measure a model on MIDI files, or on shards.

    Args:
        space: The model.
        paths: Files; equal windows count once. Files without a usable window are counted, and
            listed with the reason, in the result.
        seed: Makes the draws from the posterior and of the decoder repeatable.
        limit: Use at most this many windows, evenly spread over all; None uses every one.
        split: "train", "validation" or "test": paths are folders of shards, whose windows of this
            split are used.

    Returns:
        The figures of `measure`, with `examples`, `files` and `skipped` (reason by file).

    Raises:
        DataError: No file has a usable window.
    """
    codec, model = cast("SequenceCodec", space.codec), cast("SequenceVAE", space.model)
    windows, skipped, files = [], {}, 0
    for path in paths:
        if split:  # an error in a folder of shards is raised
            windows.append(_windows(codec, Path(path), split))
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
    figures = measure(model, x, seed)
    return {"model": space.name, "files": files, **figures, "skipped": skipped}


def _windows(codec: SequenceCodec, shards: Path, split: str) -> Tensor:
    """Return the windows of a split of shards, which must be of the codec's representation."""
    found = read_summary(shards)["representation"]
    if found != codec.config:
        problem = f"holds {found}, the model needs {codec.config}"
        raise DataError(problem, path=shards, remedy="prepare shards for this model")
    return torch.from_numpy(codec.unpack(read_windows(shards, split, codec.packed_classes)))


@torch.no_grad()
def measure(model: SequenceVAE, x: Tensor, seed: int = 0) -> dict[str, Any]:
    """Measure a model on windows `(n, *shape)`; the model should be in evaluation mode.

    Returns:
        `examples`: n.
        `teacher_forced_accuracy`: share of steps (of all voices) whose most likely class, given z
            and the true past, is the true class. Here and below z is the posterior mean.
        `sampled_accuracy`: the same, free running at temperature 1.
        `greedy_accuracy`: the same, free running at temperature 0.
        `event_accuracy`: greedy, over steps whose target is an event (not class 0).
        `hit_f1` (drums, whose classes are sets): greedy, harmonic mean of precision and recall
            over drums and steps.
        The same of each voice where there are several, as `melody_sampled_accuracy`.
        `nll`: -log p(x|z) in nats per window, for one draw z from the posterior; of performances a
            density.
        `kl_nats`: KL(q(z|x) || N(0, I)) in nats per window.
        `elbo`: -(nll + kl_nats).
        Of performances, accuracies are those of the hits (see `Alphabet.indices`), and there are
        also the figures of `seqvae.music.representations.groove.evaluate.measure`.
    """
    voices = model.architecture.voices
    voices = voices if isinstance(voices, tuple) else (voices,)
    alphabets = [voice.alphabet for voice in voices]
    tallies = [_Tally(alphabet.sets) for alphabet in alphabets]
    indices = alphabets[0].indices  # with several voices, all examples are class indices
    bound = EvidenceBound(seed)
    for number, part in enumerate(x.split(MEASURED_AT_ONCE)):
        rows = part.to(model.device)
        posterior = bound.add(model, rows)
        forced = model.forced(posterior.mean, rows)
        decoded = (
            model.decode(posterior.mean, 1.0, following(seed, number)),
            model.decode(posterior.mean),
        )
        true, sampled, greedy = (indices(each).view_as(forced) for each in (rows, *decoded))
        for voice, tally in enumerate(tallies):
            tally.add(*(each[..., voice] for each in (true, forced, sampled, greedy)))
    result: dict[str, Any] = {"examples": len(x), **sum(tallies[1:], tallies[0]).figures()}
    if len(voices) > 1:
        for name, tally in zip(_names(alphabets), tallies, strict=True):
            result |= {f"{name}_{key}": value for key, value in tally.figures().items()}
    return {**result, **bound.figures(), **alphabets[0].figures(model, x, seed)}


def _names(alphabets: Sequence[Alphabet]) -> list[str]:
    """Return a name for each voice: its alphabet has one for the first, the second, ..."""
    names: list[str] = []
    for number, alphabet in enumerate(alphabets):
        place = alphabets[:number].count(alphabet)
        known = alphabet.names or (alphabet.name,)
        names.append(known[place] if place < len(known) else f"{alphabet.name}_{place + 1}")
    return names


class _Tally:
    """Counts of correct steps, of one voice or of several together.

    Args:
        sets: Whether classes are sets, as bit masks.
    """

    def __init__(self, sets: bool) -> None:
        self.sets = sets
        self.counts: Counter[str] = Counter()

    def add(self, true: Tensor, forced: Tensor, sampled: Tensor, greedy: Tensor) -> None:
        """Count further windows, classes `(n, steps)` each."""
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
    return sum(int(((classes >> bit) & 1).sum()) for bit in range(62))


def fidelity(codec: SequenceCodec, x: Tensor, y: Tensor) -> tuple[str, dict[str, float]]:
    """Compare reconstructions with windows, in words and as figures, also voice by voice.

    Args:
        codec: The windows' codec.
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
        codec: The windows' codec.
        samples: Windows `(n, *shape)`, for example decoded from the prior.
        data: Windows `(m, *shape)` that the model was not trained on.

    Returns:
        By name of property and of histogram (see `histograms`): the `divergence` of the two
        distributions (Jensen-Shannon divergence in bits, 0 for equal to 1 for disjoint) and, for
        properties, the means of both. A property that is undefined for all samples or all data is
        left out. Two halves of the same data differ a little, too.
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
