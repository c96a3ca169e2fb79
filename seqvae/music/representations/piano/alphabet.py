"""The alphabet of chords and piano: the notes that are struck at a step, and their lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.alphabet import LOWEST_PITCH, OCTAVE, Alphabet, within
from seqvae.music.representations.measuring import shares
from seqvae.music.representations.piano.texture import LONGEST, PITCHES, blocks

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.measuring import Bools, Floats, Ints
    from seqvae.music.representations.perception.voice import VoicePerception
    from seqvae.sequences.embedding import Embedding
    from seqvae.sequences.heads import Head
    from vaecore.model import VAE


class ChordAlphabet(Alphabet):
    """Notes struck together, and how long each lasts; `classes` is the number of notes at most.

    Accuracies are those of the lowest note that is struck, or of none: `figures` has those of all.
    """

    name = "piano"
    pitched = True
    heads = ("notes",)
    most = 12

    def shape(self, classes: int) -> tuple[int, ...]:
        """Return the shape of a step: the pitch and the length of each note."""
        return (2 * classes,)

    def outcomes(self, classes: int) -> int:
        """Return the number of a step's logits: no note, and the 88 keys as the lowest one."""
        return PITCHES + 1

    def indices(self, x: Tensor) -> Tensor:
        """Return the lowest note of each step, 1..88, or 0, `(n, steps)`."""
        return x[..., 0]

    def legend(self, classes: int) -> dict[str, Any]:
        """Return which numbers of a step are what."""
        return {
            "tokens": self.name,
            "about": "the notes struck at a step, in rising pitch: their pitches, 1 for the lowest "
            "key of a piano to 88, then how many steps each lasts; 0 where there is no note",
            "lowest_pitch": LOWEST_PITCH,
            "longest": LONGEST,
            "numbers": {"pitch": [0, classes], "length": [classes, 2 * classes]},
        }

    def embedding(self, classes: int, dim: int) -> Embedding:
        """Return an untrained embedding of steps."""
        from seqvae.music.representations.piano.networks import ChordEmbedding

        return ChordEmbedding(dim)

    def head(self, name: str, hidden_dim: int, classes: int) -> Head:
        """Return an untrained head."""
        from seqvae.music.representations.piano.networks import NotesHead

        return NotesHead(hidden_dim, classes)

    def onsets(self, x: Ints) -> Ints:
        """Return how many notes are struck."""
        found: Ints = (blocks(x)[0] > 0).sum(-1)
        return found

    def pitches(self, x: Ints) -> tuple[Ints, Bools]:
        """Return the MIDI pitch of every note, and which of them there are, `(n, steps, notes)`."""
        pitch = blocks(x)[0]
        return pitch + LOWEST_PITCH - 1, pitch > 0

    def pitch_classes(self, x: Ints) -> Floats:
        """Return how many notes begin in each pitch class, C first, `(12,)`."""
        pitch, note = self.pitches(x)
        return np.bincount(pitch[note] % OCTAVE, minlength=OCTAVE).astype(np.float64)

    def transposed(self, x: Tensor, semitones: int, classes: int) -> Tensor:
        """Return a window so many semitones higher, an octave back if it leaves the piano."""
        import torch

        pitch, length = blocks(x)
        moved = pitch.clone()
        moved[pitch > 0] = within(pitch[pitch > 0] + semitones, 1, PITCHES)
        return torch.cat([moved, length], dim=-1)

    def outside(self, scale: Bools, classes: int) -> list[int]:
        """Return the keys 1..88 outside a scale, pitch classes `(12,)`."""
        keys = np.arange(1, PITCHES + 1)
        found: list[int] = keys[~scale[(keys + LOWEST_PITCH - 1) % OCTAVE]].tolist()
        return found

    def histograms(self, x: Ints, bar: int = SIXTEEN.steps_per_bar) -> dict[str, Floats]:
        """Return `onsets`, `pitches`, `pitch_classes`, `chords` (notes struck together), `lengths`.

        Args:
            x: Windows `(n, steps, 2 notes)`.
            bar: Steps of a bar.
        """
        pitch, note = self.pitches(x)
        count = self.onsets(x)
        _, length = blocks(x)
        own = pitch[note]
        return {
            **super().histograms(x, bar),
            "pitches": shares(np.bincount(own, minlength=128)),
            "pitch_classes": shares(np.bincount(own % OCTAVE, minlength=OCTAVE)),
            "chords": shares(np.bincount(count[count > 0], minlength=note.shape[-1] + 1)),
            "lengths": shares(np.bincount(length[note], minlength=LONGEST + 1)),
        }

    def perception(self, grid: StepGrid = SIXTEEN) -> VoicePerception:
        """Return how such windows are perceived."""
        from seqvae.music.representations.piano.perception import ChordPerception

        return ChordPerception(grid)

    def kept(self, x: Tensor, y: Tensor) -> tuple[str, dict[str, float]]:
        """Compare reconstructions with windows: notes, and their lengths."""
        from seqvae.music.representations.piano.evaluate import figures_of

        found = figures_of(x, y)
        text = (
            f"kept {found['notes_kept']:.0%} of {int((blocks(x)[0] > 0).sum())} notes, "
            f"{found['lengths_kept']:.0%} with their length to a step"
        )
        return text, found

    def figures(self, model: VAE, x: Tensor, seed: int) -> dict[str, float]:
        """Return F1 of a model's notes; see `piano.evaluate.measure`."""
        from seqvae.music.representations.piano.evaluate import measure

        return measure(model, x, seed)


CHORDS = ChordAlphabet()
