"""The alphabets of music: the meaning of the class indices of a voice.

Notes: 0 is no event (a note or a rest continues), 1 note off, and from 2 on a note begins, one
class for each pitch. Drums: bit k is set where drum k is hit. Networks get the features of their
tokens from an `Alphabet`, by its name in an architecture; see `alphabet_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.measuring import shares

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.measuring import Bools, Floats, Ints
    from seqvae.music.representations.perception.voice import VoicePerception
    from seqvae.sequences.embedding import Embedding
    from seqvae.sequences.heads import Head
    from vaecore.model import VAE

NO_EVENT, NOTE_OFF, FIRST_NOTE = 0, 1, 2
LOWEST_PITCH, HIGHEST_PITCH = 21, 108
"""MIDI pitches of the first and the last note of melodies and basses, as on a piano."""

OCTAVE = 12

KICK, SNARE, CLOSED_HAT, OPEN_HAT, LOW_TOM, MID_TOM, HIGH_TOM, CRASH, RIDE = range(9)
DRUM_CLASSES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("kick", (36, 35)),
    ("snare", (38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85)),
    ("closed hi-hat", (42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22)),
    ("open hi-hat", (46, 67, 72, 74, 79, 81, 26)),
    ("low tom", (45, 29, 41, 43, 61, 64, 84)),
    ("mid tom", (48, 47, 60, 63, 77, 86, 87)),
    ("high tom", (50, 30, 62, 76, 83)),
    ("crash", (49, 52, 55, 57, 58)),
    ("ride", (51, 53, 59, 82)),
)
"""Name and General MIDI pitches of every class, kick first; the first pitch is decoded.

The table of note_seq since April 2019 (`DEFAULT_DRUM_TYPE_PITCHES`).
"""
DRUMS = len(DRUM_CLASSES)
DRUM_PITCHES = tuple(pitches[0] for _, pitches in DRUM_CLASSES)

CLASS_OF_PITCH = np.full(128, -1)
"""Drum of every MIDI pitch, -1 where there is none."""
for _index, (_, _pitches) in enumerate(DRUM_CLASSES):
    CLASS_OF_PITCH[list(_pitches)] = _index

LATEST_TABLE = "2019"
DRUM_TABLES = {LATEST_TABLE: CLASS_OF_PITCH, "2018": CLASS_OF_PITCH.copy()}
"""Drum of every MIDI pitch, by the year of the table; that of 2018 is older, and magenta.js's."""
for _pitch, _index in ((22, -1), (26, -1), (43, HIGH_TOM), (52, RIDE)):
    DRUM_TABLES["2018"][_pitch] = _index

ROLAND: tuple[tuple[int, ...], ...] = (
    (36,),
    (38, 37, 40),
    (42, 22, 44),
    (46, 26),
    (43, 58),
    (47, 45),
    (50, 48),
    (49, 52, 55, 57),
    (51, 53, 59),
)
"""Pitches of each drum on the kit that Groove was played on; the first is decoded.

The table of note_seq that GrooVAE was trained with; outside training it takes that of
`DRUM_CLASSES`, which are the same drums, and so does `reference=True`.
"""

GROOVE_CLASS = CLASS_OF_PITCH.copy()
"""Drum of every MIDI pitch, -1 where there is none; pitches that the kit lacks are as in General
MIDI."""
for _index, _pitches in enumerate(ROLAND):
    GROOVE_CLASS[list(_pitches)] = _index


def kit(pitches: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Return the drums of a kit: their names, the pitches read as each, the first of them written.

    Args:
        pitches: Of each drum of `DRUM_CLASSES`, or of the first ones.
    """
    return [
        {"name": name, "pitch": own[0], "pitches": list(own)}
        for (name, _), own in zip(DRUM_CLASSES, pitches, strict=False)
    ]


class Alphabet:
    """The steps of one voice; in this base class, class indices without further meaning.

    Class 0 is the absence of an event. Derived classes define features of the classes; those whose
    steps are not class indices but several numbers also have embeddings and heads of their own.
    """

    name: ClassVar[str] = "plain"
    """In an architecture, the `tokens` of a voice."""
    names: ClassVar[tuple[str, ...]] = ()
    """Names of voices that have this alphabet, in their order; by default `name`."""
    pitched: ClassVar[bool] = False
    """Whether its notes have pitches, in ascending order from `FIRST_NOTE` on."""
    sets: ClassVar[bool] = False
    """Whether a class is a set, as a bit mask."""
    heads: ClassVar[tuple[str, ...]] = ("softmax", "chain")
    """Names of the heads that a decoder may have; see `head`."""
    real: ClassVar[bool] = False
    """Whether the numbers of a step are real, not integers."""
    most: ClassVar[int] = 1 << 16
    """Largest number of classes."""
    simplifies: ClassVar[bool] = False
    """Whether an encoder may be trained on stiff and on tapped versions; see `performance`."""

    def shape(self, classes: int) -> tuple[int, ...]:
        """Return the shape of a step: one class index, or several numbers."""
        return ()

    def outcomes(self, classes: int) -> int:
        """Return the number of a step's logits."""
        return classes

    def indices(self, x: Tensor) -> Tensor:
        """Return the class indices `(n, steps)` by which accuracy is measured."""
        return x

    def features(self, classes: int) -> Floats:
        """Return the features of each class, `(classes, features)`, zeros and ones."""
        return np.zeros((classes, 0))

    def legend(self, classes: int) -> dict[str, Any]:
        """Return what the numbers of a step mean, for programs that have no alphabet."""
        return {"tokens": self.name, "classes": [{} for _ in range(classes)]}

    def embedding(self, classes: int, dim: int) -> Embedding:
        """Return an untrained embedding of steps, `(...)` to `(..., dim)`."""
        import torch

        from seqvae.sequences.embedding import TokenEmbedding

        return TokenEmbedding(torch.from_numpy(self.features(classes)).float(), dim)

    def head(self, name: str, hidden_dim: int, classes: int) -> Head:
        """Return an untrained head of a decoder, by its name."""
        from seqvae.sequences.heads import HEADS

        return HEADS[name](hidden_dim, classes)

    def onsets(self, x: Ints) -> Ints | Bools:
        """Return the number of notes that begin at each step, `(n, steps)`."""
        return np.not_equal(x, NO_EVENT)

    def histograms(self, x: Ints, bar: int = SIXTEEN.steps_per_bar) -> dict[str, Floats]:
        """Return distributions of notes, by name; each sums to 1, or to 0 without notes.

        In this base class `onsets`: over the steps of a bar.

        Args:
            x: Windows `(n, steps)`.
            bar: Steps of a bar.
        """
        count, place = self.onsets(x).sum(0), np.arange(x.shape[1]) % bar
        return {"onsets": shares(np.bincount(place, count, bar))}

    def pitch_classes(self, x: Ints) -> Floats:
        """Return how many notes of windows begin in each pitch class, C first, `(12,)`; here 0."""
        return np.zeros(OCTAVE)

    def transposed(self, x: Tensor, semitones: int, classes: int) -> Tensor:
        """Return a window so many semitones higher, an octave back if it leaves the range.

        Here it stays as it is.

        Args:
            x: `(steps, ...)`.
            semitones: How far up.
            classes: Number of classes.
        """
        return x

    def outside(self, scale: Bools, classes: int) -> list[int]:
        """Return the classes of notes outside a scale, pitch classes `(12,)`; here none."""
        return []

    def kept(self, x: Tensor, y: Tensor) -> tuple[str, dict[str, float]]:
        """Compare reconstructions y with windows x: in words, and as figures by name."""
        same, events = x == y, x != NO_EVENT
        kept, hits = int(same.sum()), int((same & events).sum())
        steps, all_hits = x.numel(), int(events.sum())
        text = f"kept {kept} of {steps} steps ({kept / steps:.0%}), {hits} of {all_hits} events"
        return text, {
            "steps_kept": kept / steps,
            "events_kept": hits / all_hits if all_hits else 1.0,
        }

    def perception(self, grid: StepGrid = SIXTEEN) -> VoicePerception | None:
        """Return how windows on a grid are perceived; None where that is not known."""
        return None

    def figures(self, model: VAE, x: Tensor, seed: int) -> dict[str, float]:
        """Return figures of a model of such windows beyond accuracies; here none."""
        return {}


@dataclass(frozen=True)
class NoteAlphabet(Alphabet):
    """One note at a time: no event, note off, and the pitches from the lowest on.

    Attributes:
        lowest: MIDI pitch of class 2.
    """

    lowest: int = LOWEST_PITCH

    name = "melody"
    names = ("melody", "bass")
    pitched = True

    def features(self, classes: int) -> Floats:
        """Return kind of event, pitch class (from the lowest pitch) and octave of each class."""
        steps = np.arange(classes)[:, None] - FIRST_NOTE  # semitones above the lowest pitch
        sounding = steps >= 0
        pitch_class = (steps % 12 == np.arange(12)) & sounding
        octave = (steps // 12 == np.arange((classes - 3) // 12 + 1)) & sounding
        event = [steps == NO_EVENT - FIRST_NOTE, steps == NOTE_OFF - FIRST_NOTE, sounding]
        return np.concatenate([*event, pitch_class, octave], axis=1, dtype=np.float64)

    def legend(self, classes: int) -> dict[str, Any]:
        """Return the event of each class, and the pitch of a note."""
        events: list[dict[str, Any]] = [{"event": "none"}, {"event": "off"}]
        notes = range(self.lowest, self.lowest + classes - FIRST_NOTE)
        events += [{"event": "note", "pitch": pitch} for pitch in notes]
        about = "none: what sounds goes on; off: it ends; note: it ends and another one begins"
        return {"tokens": self.name, "about": about, "classes": events}

    def onsets(self, x: Ints) -> Bools:
        """Return where notes begin."""
        return x >= FIRST_NOTE

    def perception(self, grid: StepGrid = SIXTEEN) -> VoicePerception:
        """Return how melodies are perceived."""
        from seqvae.music.representations.perception.notes import NotePerception

        notes = HIGHEST_PITCH - LOWEST_PITCH + 1
        return NotePerception(FIRST_NOTE, NOTE_OFF, self.lowest, notes, grid)

    def pitches(self, x: Ints) -> Ints:
        """Return the MIDI pitch of every class that is a note."""
        return x - FIRST_NOTE + self.lowest

    def pitch_classes(self, x: Ints) -> Floats:
        """Return how many notes begin in each pitch class, C first, `(12,)`."""
        own = self.pitches(x)[self.onsets(x)] % OCTAVE
        return np.bincount(own, minlength=OCTAVE).astype(np.float64)

    def transposed(self, x: Tensor, semitones: int, classes: int) -> Tensor:
        """Return a window so many semitones higher, an octave back if it leaves the range."""
        found = x.clone()
        note = found >= FIRST_NOTE
        found[note] = within(found[note] + semitones, FIRST_NOTE, classes - 1)
        return found

    def outside(self, scale: Bools, classes: int) -> list[int]:
        """Return the classes of notes outside a scale, pitch classes `(12,)`."""
        notes = np.arange(FIRST_NOTE, classes)
        found: list[int] = notes[~scale[self.pitches(notes) % OCTAVE]].tolist()
        return found

    def histograms(self, x: Ints, bar: int = SIXTEEN.steps_per_bar) -> dict[str, Floats]:
        """Return `onsets`, and `pitches`: over the 128 MIDI pitches."""
        pitches = np.bincount(self.pitches(x)[self.onsets(x)], minlength=128)
        return {**super().histograms(x, bar), "pitches": shares(pitches)}


class DrumAlphabet(Alphabet):
    """Sets of drums that are hit at the same step."""

    name = "drums"
    sets = True

    def features(self, classes: int) -> Floats:
        """Return which drums are hit, and whether none is."""
        tokens, drums = np.arange(classes)[:, None], np.arange((classes - 1).bit_length())
        bits = tokens >> drums & 1
        return np.concatenate([bits, tokens == NO_EVENT], axis=1, dtype=np.float64)

    def legend(self, classes: int) -> dict[str, Any]:
        """Return the drums, and the pitches that each class hits."""
        drums = (classes - 1).bit_length()
        pitches = [
            [DRUM_PITCHES[drum] for drum in range(drums) if token >> drum & 1]
            for token in range(classes)
        ]
        return {
            "tokens": self.name,
            "about": "bit k of a class is set where drum k is hit; pitches of General MIDI",
            "drums": kit([own for _, own in DRUM_CLASSES[:drums]]),
            "classes": [{"pitches": each} for each in pitches],
        }

    def perception(self, grid: StepGrid = SIXTEEN) -> VoicePerception:
        """Return how drum patterns are perceived."""
        from seqvae.music.representations.perception.drums import DrumPerception

        return DrumPerception(grid)

    def hits(self, x: Ints) -> Bools:
        """Return which of the nine drums are hit, `(n, steps, 9)`."""
        return (x[..., None] >> np.arange(DRUMS) & 1).astype(np.bool_)

    def onsets(self, x: Ints) -> Ints:
        """Return the number of drums that are hit at each step."""
        found: Ints = self.hits(x).sum(2)
        return found

    def histograms(self, x: Ints, bar: int = SIXTEEN.steps_per_bar) -> dict[str, Floats]:
        """Return `onsets`, and `drums`: over the nine drums."""
        return {**super().histograms(x, bar), "drums": shares(self.hits(x).sum((0, 1)))}


def within(pitches: Tensor, lowest: int, highest: int) -> Tensor:
    """Return pitches, an octave lower or higher if they leave a range, and none beyond it."""
    if len(pitches) and pitches.max() > highest:
        pitches = pitches - OCTAVE
    if len(pitches) and pitches.min() < lowest:
        pitches = pitches + OCTAVE
    return pitches.clamp(lowest, highest)


PLAIN, NOTES, HITS = Alphabet(), NoteAlphabet(), DrumAlphabet()
