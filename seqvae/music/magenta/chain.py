"""Segments that begin each with the last step of the one before, written all at once."""

from __future__ import annotations

import torch
from torch import Tensor

from seqvae.music.magenta.tokens import Classes
from seqvae.music.magenta.writer import Writer

MORE_ROWS = 48
"""Up to so many rows, further beginnings are tried: a step of so many takes hardly longer than one
of few, and they may save a round."""


class Chain:
    """The segments (bars) of windows.

    Args:
        writer: Writes segments, `(windows * segments)` of them.
        segments: Of a window.
        length: Steps of a segment.
        temperature: Of the draws.
        noise: Uniform numbers `(windows * segments, length, ...)`, or None.
        hits: Hits that are given, `(windows * segments, length)`, or None.
    """

    def __init__(
        self,
        writer: Writer,
        segments: int,
        length: int,
        temperature: float,
        noise: Tensor | None = None,
        hits: Tensor | None = None,
    ) -> None:
        self.writer, self.segments, self.length = writer, segments, length
        self.temperature, self.noise, self.hits = temperature, noise, hits
        self.rows = torch.arange(len(writer.of_code), device=writer.of_code.device)
        self.rounds: list[int] = []
        """How many segments were written in each round of `at_once`."""

    def in_order(self) -> Tensor:
        """Return all segments `(windows * segments, length, ...)`, one written after the other."""
        before = self.writer.tokens.none(len(self.rows) // self.segments, self.writer.of_code)
        found = []
        for segment in range(self.segments):
            found.append(self._write(self.rows[segment :: self.segments], before))
            before = found[-1][:, -1]
        return torch.stack(found, dim=1).flatten(0, 1)

    def at_once(self) -> Tensor:
        """Return the same, with all segments written at once.

        The step before each segment is guessed: no event. What comes of it says what the steps
        before may be in truth. Segments are written for those, until every segment of a window is
        known for the last step of the one before it. As each is written as `in_order` writes it,
        with the same random numbers, so is the whole.
        """
        tokens = self.writer.tokens
        if self.segments == 1 or not isinstance(tokens, Classes) or tokens.several:
            return self.in_order()
        (classes,) = tokens.classes
        # Which of the segments written so far begins a row with a class; the last one is none.
        place = self.rows.new_full((len(self.rows), classes + 1), -1)
        first = self.rows % self.segments == 0
        asked, before = self.rows, torch.where(first, classes, 0)
        written = self.rows.new_zeros(0, self.length)
        while True:
            place[asked, before] = len(written) + torch.arange(len(asked), device=asked.device)
            written = torch.cat([written, self._write(asked, before)])
            self.rounds.append(len(asked))
            chosen, asked, before = self._walk(place, written[:, -1], classes)
            if not len(asked):
                return written[chosen]
            asked, before = self._with_more(place, written[:, -1], asked, before)

    def _walk(self, place: Tensor, last: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor]:
        """Go through each window by the last steps of its segments.

        Returns:
            For each row the segment that was taken; and the rows, with their beginnings, of which
            there is none yet. Beyond the first of them in a window, the others are guesses.
        """
        begun = place.amax(dim=1).view(-1, self.segments)  # the newest of a row
        by_window = place.view(-1, self.segments, classes + 1)
        before = torch.full_like(begun[:, 0], classes)
        taken, wanted = [], []
        for segment in range(self.segments):
            found = by_window[:, segment].gather(1, before[:, None])[:, 0]
            taken.append(torch.where(found < 0, begun[:, segment], found))
            wanted.append(torch.where(found < 0, before, -1))
            before = last[taken[-1]]
        missing = torch.stack(wanted, dim=1).flatten()
        asked = (missing >= 0).nonzero()[:, 0]
        return torch.stack(taken, dim=1).flatten(), asked, missing[asked]

    def _with_more(
        self, place: Tensor, last: Tensor, asked: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what is asked for and, if it is little, with the most frequent last steps, too."""
        each = MORE_ROWS // len(asked) - 1
        if each < 1:
            return asked, before
        counts = last.bincount(minlength=place.shape[1])
        frequent = counts.topk(min(each, int((counts > 0).sum()))).indices
        wanted = torch.zeros_like(place, dtype=torch.bool)
        wanted[asked[:, None], frequent] = True
        wanted[asked, before] = True
        pairs = (wanted & (place < 0)).nonzero()
        return pairs[:, 0], pairs[:, 1]

    def _write(self, rows: Tensor, before: Tensor) -> Tensor:
        noise = None if self.noise is None else self.noise[rows]
        hits = None if self.hits is None else self.hits[rows]
        return self.writer.write(rows, self.length, before, self.temperature, noise, hits)
