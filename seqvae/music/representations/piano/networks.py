"""The embedding and the heads of chords and piano."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.representations.piano.texture import LONGEST, PITCHES, blocks
from seqvae.sequences.embedding import Embedding, Lookup
from seqvae.sequences.heads import Head
from seqvae.sequences.sampling import choose
from vaecore.loop import exporting


class ChordEmbedding(Embedding):
    """Embeds steps `(..., 2 notes)` as the sum of their notes' vectors `(..., embedding_dim)`.

    That of a note is the sum of those of its pitch and its length, and of their product, so that
    the lengths of the notes of a chord are not mixed up.
    """

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        self.pitch = nn.Parameter(torch.randn(PITCHES, embedding_dim) * 0.3)
        self.length = nn.Parameter(torch.randn(LONGEST, embedding_dim) * 0.2)
        self.key = nn.Parameter(torch.randn(PITCHES, embedding_dim) * 0.3)
        self.time = nn.Parameter(torch.randn(LONGEST, embedding_dim) * 0.3)
        self.none = nn.Parameter(torch.zeros(embedding_dim))

    def table(self) -> Tensor:
        """Return the vector of every note, `(1 + 88 * 32, embedding_dim)`; that of none is 0."""
        notes = self.pitch[:, None] + self.length + self.key[:, None] * self.time
        return functional.pad(notes.flatten(0, 1), (0, 0, 1, 0))

    def forward(self, x: Tensor) -> Tensor:
        return _summed(x, self.table(), self.none)

    def fused_with(self, weight: Tensor) -> Lookup:
        """Return a function equal to `embedding(x) @ weight`; see `Embedding.fused_with`."""
        table, none = self.table() @ weight, self.none @ weight
        return lambda x: _summed(x, table, none)


def _summed(x: Tensor, table: Tensor, none: Tensor) -> Tensor:
    pitch, length = blocks(x)
    place = torch.where(pitch > 0, (pitch - 1) * LONGEST + length.clamp(min=1), 0)
    silent = (pitch[..., :1] == 0).to(table.dtype)
    return functional.embedding(place, table).sum(-2) + silent * none


class NotesHead(Head):
    """The notes of a step one by one, in rising pitch: which is the next one, or none; its length.

    p(step) = prod_k p(pitch_k | notes before, h) p(length_k | pitch_k, notes before, h). The next
    pitch is one of those above the last, or the end of the step; both choices are made by a small
    network of what the linear layer says and of the notes of this step so far. So a step of three
    notes takes four choices of pitch and three of length, not the 88 of a chain over all keys.
    """

    WIDTH, LENGTH_WIDTH = 256, 128
    """Units of both networks."""

    def __init__(self, hidden_dim: int, notes: int) -> None:
        super().__init__(hidden_dim, self.WIDTH + self.LENGTH_WIDTH)
        self.notes = notes
        self.so_far = _Notes(self.WIDTH)
        self.inner = nn.Linear(self.WIDTH, self.WIDTH)
        self.pitch = nn.Linear(self.WIDTH, PITCHES + 1)
        self.before = _Notes(self.LENGTH_WIDTH)
        self.of_pitch = nn.Parameter(torch.randn(PITCHES + 1, self.LENGTH_WIDTH) * 0.1)
        self.length = nn.Linear(self.LENGTH_WIDTH, LONGEST)

    def logits(self, projected: Tensor) -> Tensor:
        """Return the logits of the lowest note, `(..., 89)`; 0 is no note."""
        return self._pitch(projected[..., : self.WIDTH])

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability in nats of steps `(..., 2 notes)`, `(...)`."""
        projected = self.projection(hidden).flatten(0, -2)
        own, lower = projected.split([self.WIDTH, self.LENGTH_WIDTH], dim=-1)
        pitch, length = blocks(target.flatten(0, -2))
        first = -_cross_entropy(self._pitch(own), pitch[:, 0])
        some = pitch[:, 0].nonzero().squeeze(-1)  # most steps have no note
        pitch, length = pitch[some], length[some]
        note = pitch > 0
        # After each note but the last that there may be: another one, or the end.
        following = functional.pad(pitch[:, 1:], (0, 1))
        chosen = note & (torch.arange(self.notes, device=note.device) < self.notes - 1)
        rows = (own[some].unsqueeze(-2) + self.so_far.each(pitch, length))[chosen]
        logits = _above(self._pitch(rows), pitch[chosen])
        others = torch.zeros_like(pitch, dtype=torch.float32)
        others = others.masked_scatter(chosen, -_cross_entropy(logits, following[chosen]))
        before = functional.pad(self.before.each(pitch, length), (0, 0, 1, -1))
        rows = (lower[some].unsqueeze(-2) + before)[note]
        lengths = -_cross_entropy(self._length(rows, pitch[note]), length[note].clamp(min=1) - 1)
        others = others + torch.zeros_like(others).masked_scatter(note, lengths)
        return first.index_add(0, some, others.sum(-1)).view(target.shape[:-1])

    def choose(
        self, projected: Tensor, temperature: float | Tensor, noise: Tensor | None
    ) -> Tensor:
        """Return a step `(batch, 2 notes)` for each row of the linear layer's outputs."""
        own, lower = projected.split([self.WIDTH, self.LENGTH_WIDTH], dim=-1)
        drawn = (None, None) if noise is None else blocks(noise)
        last = torch.zeros_like(projected[:, 0], dtype=torch.long)
        on = last == 0
        pitches, lengths = [], []
        for k in range(self.notes):
            first, second = (None if each is None else each[:, k] for each in drawn)
            logits = _above(self._pitch(own), last)
            pitch = torch.where(on, choose(logits, temperature, first), 0)
            on = pitch > 0
            if not exporting() and not on.any():
                break
            length = choose(self._length(lower, pitch), temperature, second) + 1
            length = torch.where(on, length, 0)
            pitches.append(pitch)
            lengths.append(length)
            last = torch.where(on, pitch, last)
            own = own + self.so_far.one(pitch, length)
            lower = lower + self.before.one(pitch, length)
        none = [torch.zeros_like(last)] * (self.notes - len(pitches))
        return torch.stack([*pitches, *none, *lengths, *none], dim=-1)

    def forbid(self, classes: Sequence[int]) -> None:
        """Never choose some keys, 1..88, any more."""
        self.pitch.bias.data[list(classes)] = -torch.inf

    def _pitch(self, rows: Tensor) -> Tensor:
        rows = rows.relu()
        found: Tensor = self.pitch(rows + self.inner(rows).relu())
        return found

    def _length(self, rows: Tensor, pitch: Tensor) -> Tensor:
        found: Tensor = self.length((rows + functional.embedding(pitch, self.of_pitch)).relu())
        return found


class _Notes(nn.Module):
    """What the notes of a step so far say: the sum over them, and of the last one more."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pitch = nn.Parameter(torch.randn(PITCHES + 1, width) * 0.1)
        self.length = nn.Parameter(torch.randn(LONGEST + 1, width) * 0.1)

    def one(self, pitch: Tensor, length: Tensor) -> Tensor:
        """Return what one note more adds, `(n, width)`; nothing if it is 0."""
        there = (pitch > 0).unsqueeze(-1)
        both = functional.embedding(pitch, self.pitch) + functional.embedding(length, self.length)
        return both * there

    def each(self, pitch: Tensor, length: Tensor) -> Tensor:
        """Return the sums up to each note of steps, `(..., notes)` to `(..., notes, width)`."""
        return self.one(pitch, length).cumsum(-2)


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.float(), target, reduction="none")


def _above(logits: Tensor, last: Tensor) -> Tensor:
    """Return logits `(n, 89)` without the pitches up to the last ones `(n,)`; the end stays."""
    pitch = torch.arange(logits.shape[-1], device=logits.device)
    return logits.masked_fill((pitch > 0) & (pitch <= last.unsqueeze(-1)), -torch.inf)
