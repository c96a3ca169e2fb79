"""A representation in one file: whether any note begins at a step, whatever plays it.

It stands in a module because `prepare` reads files in other processes, which import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Generator, Tensor

from seqvae.music.reading.score import Notes
from seqvae.music.representations.alphabet import Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.phrases import frame
from seqvae.music.representations.windows import Phrase, Rejection, Rules
from seqvae.music.representations.writing import GridNote, NoteTrack
from seqvae.sequences.property import Property

WOOD_BLOCK = 76


class PulseAlphabet(Alphabet):
    """Two classes: nothing begins, or something does."""

    name = "pulse"

    def features(self, classes: int) -> np.ndarray:
        return np.eye(classes)


class PulseCodec(SequenceCodec):
    """Pulses as class indices, written as wood blocks."""

    name = "pulse"
    voices = (("pulse", PulseAlphabet()),)
    classes = 2

    def usable(self, notes: Notes, rules: Rules) -> tuple[np.ndarray, list[Rejection]]:
        return np.ones(len(notes), bool), []

    def phrases(self, notes: Notes, rules: Rules) -> Iterator[Phrase]:
        if len(notes):
            steps = np.unique(notes.start)
            shortest = self.steps if rules.relaxed else 0
            begin, length = frame(int(steps[0]), int(steps[-1]) + 1, shortest)
            events = np.zeros(length, np.int64)
            events[steps - begin] = 1
            yield Phrase(events, begin, int(notes.instrument[0]), 0)

    def tracks(self, x: np.ndarray, context: Context) -> list[NoteTrack]:
        steps = np.flatnonzero(x).tolist()
        return [NoteTrack(self.name, [GridNote(s, s + 1, WOOD_BLOCK) for s in steps], is_drum=True)]

    def properties(self) -> dict[str, Property]:
        return {"density": Property("pulses per 16th", "pulses per step", lambda x: x.mean(1))}

    def augmentations(self) -> dict[str, Callable[..., Tensor]]:
        return {"turn": turn}


def turn(x: Tensor, generator: Generator, *, steps: int) -> Tensor:
    """Move what all windows begin with to their ends, at random."""
    return x.roll(int(torch.randint(steps + 1, (), generator=generator)), 1)
