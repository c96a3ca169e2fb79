"""The alphabet of performances: drums that are hit, their velocities and their timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.alphabet import HITS, ROLAND, Alphabet, kit
from seqvae.music.representations.groove.performance import (
    blocks,
    hit_classes,
    offset_histogram,
    velocity_histogram,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from seqvae.music.representations.measuring import Floats, Ints
    from seqvae.music.representations.perception.voice import VoicePerception
    from seqvae.sequences.embedding import Embedding
    from seqvae.sequences.heads import Head
    from vaecore.model import VAE


class PerformanceAlphabet(Alphabet):
    """Hits, velocities and offsets of nine drums, or fewer; `classes` is the number of drums.

    Accuracies, onsets and the histogram of drums are those of the hits alone.
    """

    name = "groove"
    sets = True
    heads = ("groove",)
    real = True
    most = 12
    simplifies = True

    def shape(self, classes: int) -> tuple[int, ...]:
        """Return the shape of a step: three numbers for each drum."""
        return (3 * classes,)

    def outcomes(self, classes: int) -> int:
        """Return the number of a step's logits, one for each set of hits."""
        return 1 << classes

    def indices(self, x: Tensor) -> Tensor:
        """Return the hits as class indices of drums, `(n, steps)`."""
        return hit_classes(x)

    def legend(self, classes: int) -> dict[str, Any]:
        """Return the drums, and which numbers of a step are what of them."""
        return {
            "tokens": self.name,
            "about": "of each drum 1 where it is hit, its velocity / 127, and how much before its "
            "step it is played, in halves of a step: -1..1, late to early; 0 without a hit",
            "drums": kit(ROLAND[:classes]),
            "numbers": {
                "hit": [0, classes],
                "velocity": [classes, 2 * classes],
                "offset": [2 * classes, 3 * classes],
            },
        }

    def embedding(self, classes: int, dim: int) -> Embedding:
        """Return an untrained embedding of steps."""
        from seqvae.music.representations.groove.networks import PerformanceEmbedding

        return PerformanceEmbedding(classes, dim)

    def head(self, name: str, hidden_dim: int, classes: int) -> Head:
        """Return an untrained head."""
        from seqvae.music.representations.groove.networks import PerformanceHead

        return PerformanceHead(hidden_dim, classes)

    def onsets(self, x: NDArray[Any]) -> Ints:
        """Return how many drums are hit."""
        return HITS.onsets(hit_classes(x))

    def histograms(self, x: NDArray[Any], bar: int = SIXTEEN.steps_per_bar) -> dict[str, Floats]:
        """Return `onsets` and `drums` of the hits, their `velocities` and their `offsets`."""
        return {
            **HITS.histograms(hit_classes(x), bar),
            "velocities": velocity_histogram(x),
            "offsets": offset_histogram(x),
        }

    def perception(self, grid: StepGrid = SIXTEEN) -> VoicePerception:
        """Return how performances are perceived."""
        from seqvae.music.representations.groove.perception import PerformancePerception

        return PerformancePerception()

    def kept(self, x: Tensor, y: Tensor) -> tuple[str, dict[str, float]]:
        """Compare reconstructions with performances: hits, velocities and timing."""
        from seqvae.music.representations.groove.evaluate import STEP_MS, errors

        hits, others = (blocks(each)[0] > 0.5 for each in (x, y))
        share = int((hits & others).sum()) / max(int(hits.sum()), 1)
        velocity, timing = (float(each.mean()) if len(each) else 0.0 for each in errors(x, y))
        text = (
            f"kept {share:.0%} of {int(hits.sum())} hits, to {velocity:.0f} of 127 velocities "
            f"and {timing:.0%} of a 16th"
        )
        return text, {
            "hits_kept": share,
            "velocity_error": velocity,
            "timing_error_ms": timing * STEP_MS,
        }

    def figures(self, model: VAE, x: Tensor, seed: int) -> dict[str, float]:
        """Return a model's errors of velocity and timing; see `groove.evaluate.measure`."""
        from seqvae.music.representations.groove.evaluate import measure

        return measure(model, x, seed)


PERFORMED = PerformanceAlphabet()
