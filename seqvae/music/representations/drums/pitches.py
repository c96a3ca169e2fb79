"""Drums by their 61 General MIDI sounds, each by itself, as a NADE model of Magenta's has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.alphabet import DRUM_TABLES, DRUMS, Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.drums.codec import known_drums
from seqvae.music.representations.dynamics import USUAL, Played, velocities
from seqvae.music.representations.measuring import shares
from seqvae.music.representations.phrases import frame, runs
from seqvae.music.representations.windows import Phrase, Rejection, Rules
from seqvae.music.representations.writing import GridNote, NoteTrack

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.measuring import Bools, Floats, Ints
    from seqvae.sequences.embedding import Embedding
    from seqvae.sequences.heads import Head

PITCHES = (
    36, 35, 38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85, 42, 44, 54, 68, 69, 70, 71,
    73, 78, 80, 46, 67, 72, 74, 79, 81, 45, 29, 41, 61, 64, 84, 48, 47, 60, 63, 77, 86, 87, 50, 30,
    43, 62, 76, 83, 49, 55, 57, 58, 51, 52, 53, 59, 82,
)  # fmt: skip
"""The MIDI pitch of each number of a step: those of the table of 2018, drum after drum."""
PLACE = np.full(128, -1)
PLACE[list(PITCHES)] = np.arange(len(PITCHES))


class DrumPitchAlphabet(Alphabet):
    """Steps that are as many zeros and ones as there are sounds."""

    name = "drum_pitches"
    sets = True
    heads = ()
    most = 62  # a step fits an integer

    def shape(self, classes: int) -> tuple[int, ...]:
        """Return the shape of a step."""
        return (classes,)

    def indices(self, x: Tensor) -> Tensor:
        """Return the sounds of each step as a bit mask, `(n, steps)`."""
        import torch

        return ((x > 0.5).long() << torch.arange(x.shape[-1], device=x.device)).sum(-1)

    def embedding(self, classes: int, dim: int) -> Embedding:
        raise ValueError("tokens drum_pitches are for imported networks")

    def head(self, name: str, hidden_dim: int, classes: int) -> Head:
        raise ValueError("tokens drum_pitches are for imported networks")

    def onsets(self, x: Any) -> Ints:
        """Return how many sounds begin at each step."""
        found: Ints = (np.asarray(x) > 0.5).sum(-1)
        return found

    def histograms(self, x: Any, bar: int = SIXTEEN.steps_per_bar) -> dict[str, Floats]:
        """Return `onsets`, and `drums`: over the nine drums that the sounds are of."""
        hits: Bools = np.asarray(x) > 0.5
        drums = np.bincount(DRUM_TABLES["2018"][list(PITCHES)], hits.sum((0, 1)), DRUMS)
        return {**super().histograms(hits.astype(np.int64), bar), "drums": shares(drums)}

    def kept(self, x: Tensor, y: Tensor) -> tuple[str, dict[str, float]]:
        """Compare reconstructions with windows: how many of the hits were kept."""
        hits, others = x > 0.5, y > 0.5
        count, kept = int(hits.sum()), int((hits & others).sum())
        added = int((others & ~hits).sum())
        text = f"kept {kept} of {count} hits, added {added}"
        return text, {"hits_kept": kept / max(count, 1), "hits_added": float(added)}


SOUNDS = DrumPitchAlphabet()


class DrumPitchCodec(SequenceCodec):
    """Drum patterns as zeros and ones, float32 `(steps, 61)`: which sounds are hit at each step.

    Args as for `SequenceCodec`.
    """

    name = "drum_pitches"
    title = "drums, each sound by itself"
    prepared_as = "drums"
    voices = (("drums", SOUNDS),)
    classes = len(PITCHES)
    dtype = np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example: `(steps, 61)`."""
        return (self.steps, len(PITCHES))

    @property
    def packed_classes(self) -> np.ndarray:
        """How many values each number of a packed window may have, `(width,)`."""
        return np.full(self.width, 2)

    @classmethod
    def suits(cls, scores: Sequence[Score], grid: StepGrid = SIXTEEN) -> int | None:
        """Return None: such a model is never chosen, and has to be named."""
        return None

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        """Return which notes are hits of a known sound; see `SequenceCodec.usable`."""
        return known_drums(notes, PLACE)

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        """Yield the stretches of drumming; see `SequenceCodec.phrases`."""
        if not len(notes):
            return
        notes = notes[np.argsort(notes.start, kind="stable")]
        shortest = self.steps if rules.relaxed else 0
        for first, stop in runs(notes.start, notes.start + 1, rules.relaxed):
            own = notes[first:stop]
            begin, length = frame(int(own.start[0]), int(own.start[-1]) + 1, shortest)
            place = PLACE[own.pitch]
            events = np.zeros((length, len(PITCHES)), np.float32)
            events[own.start - begin, place] = 1
            played = Played.of(own, place, begin, length, len(PITCHES))
            yield Phrase(events, begin, int(notes.instrument[0]), 0, played=played)

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        """Return the hits of a window as one track; see `SequenceCodec.tracks`."""
        usual = [USUAL["drums"][drum] for drum in DRUM_TABLES["2018"][list(PITCHES)]]
        loud = velocities(x > 0.5, context.played, usual)
        notes = [
            GridNote(step, step + 1, PITCHES[place], int(loud[step, place]))
            for step, place in np.argwhere(x > 0.5).tolist()
        ]
        return [NoteTrack("drums", notes, is_drum=True)]

    def checked(self, windows: Any) -> np.ndarray:
        """Return windows `(n, steps, 61)` as an array."""
        return np.asarray(windows)

    def _checked(self, x: Tensor) -> np.ndarray:
        array = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        if array.ndim != 2 or array.shape[1] != len(PITCHES):
            raise ValueError(f"a step is {len(PITCHES)} numbers, got an array {array.shape}")
        return array.astype(np.float32)
