"""Segments of which each is given the last step of the one before, written in parallel."""

from __future__ import annotations

import torch
from torch import Tensor

from seqvae.music.magenta.tokens import Classes
from seqvae.music.magenta.writer import Writer

MORE_ROWS, FEWER_ROWS = 48, 8
"""A round of fewer rows is filled up with guesses, which may save a later round. With a small
network, a step of 48 rows takes hardly longer than one of few; from a million weights on it does,
and rounds are filled up to 8 rows at least."""


class Chain:
    """The segments (bars) of windows.

    Args:
        writer: Writes segments; it has `windows * segments` codes.
        segments: Number of segments of a window.
        length: Number of steps of a segment.
        temperature: Temperature of the draws.
        noise: Uniform numbers `(windows * segments, length, ...)`; None at temperature 0.
        hits: Fixed hits, as classes `(windows * segments, length)`; None where they are chosen.
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
        self.room = max(FEWER_ROWS, MORE_ROWS * 1_000_000 // max(writer.weights, 1_000_000))
        self.rounds: list[int] = []
        """Number of segments that were written in each round of `at_once`."""

    def in_order(self) -> Tensor:
        """Return all segments `(windows * segments, length, ...)`, written one after the other."""
        before = self.writer.tokens.none(len(self.rows) // self.segments, self.writer.of_code)
        found = []
        for segment in range(self.segments):
            found.append(self._write(self.rows[segment :: self.segments], before))
            before = found[-1][:, -1]
        return torch.stack(found, dim=1).flatten(0, 1)

    def at_once(self) -> Tensor:
        """Return the same as `in_order`, with segments written in parallel.

        The first round guesses that the step before each segment is no event. Each later round
        writes the segments whose true step before turned out to be another one, until every
        segment of a window is written for the last step of the one before it. A segment uses the
        random numbers that `in_order` uses for it, so the result is the same.
        """
        tokens = self.writer.tokens
        if self.segments == 1 or not isinstance(tokens, Classes) or tokens.several:
            return self.in_order()
        (classes,) = tokens.classes
        # For each row and each step before it: the index in `written`, or -1. The last class stands
        # for no step, at the start of a window.
        place = self.rows.new_full((len(self.rows), classes + 1), -1)
        first = self.rows % self.segments == 0
        asked, before = self.rows, torch.where(first, classes, 0)
        written = self.rows.new_zeros(0, self.length)
        ended = self.writer.of_code.new_zeros(place.shape)
        while True:
            place[asked, before] = len(written) + torch.arange(len(asked), device=asked.device)
            written = torch.cat([written, self._write(asked, before)])
            last = written[-len(asked) :, -1]
            ended.index_put_((asked, last), ended.new_ones(len(asked)), accumulate=True)
            self.rounds.append(len(asked))
            chosen, asked, before = self._walk(place, written[:, -1], classes)
            if not len(asked):
                return written[chosen]
            asked, before = self._with_more(place, ended, asked, before)

    def _walk(self, place: Tensor, last: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor]:
        """Follow each window from segment to segment by their last steps.

        Returns:
            For each row the index of the segment that was taken; and the rows that must be written,
            with the step before each. In a window the first of these is certain, and the others
            depend on it.
        """
        begun = place.amax(dim=1).view(-1, self.segments)  # the newest segment of each row
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
        self, place: Tensor, ended: Tensor, asked: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the rows to write, filled up with likely ones to `room` rows.

        A segment that is written again may end otherwise, and then the next one needs another step
        before it. Likely are the last steps that the segment before had in earlier rounds, then
        those that are frequent in all segments.

        Args:
            place: As in `at_once`.
            ended: How often a segment was written that ends with a class, `(rows, classes + 1)`.
            asked: The rows that must be written.
            before: The step before each of them.
        """
        room = self.room - len(asked)
        if room < 1:
            return asked, before
        first = place.new_full((len(self.rows) // self.segments,), self.segments)
        first.scatter_reduce_(0, asked // self.segments, asked % self.segments, "amin")
        behind = self.rows % self.segments > first[self.rows // self.segments]
        likely = ended.roll(1, 0) + ended.sum(0) / (1 + ended.sum())
        likely = likely * (behind[:, None] & (place < 0))
        likely[asked, before] = 0
        score, more = likely.flatten().topk(min(room, likely.numel()))
        more = more[score > 0]
        rows, classes = more // place.shape[1], more % place.shape[1]
        return torch.cat([asked, rows]), torch.cat([before, classes])

    def _write(self, rows: Tensor, before: Tensor) -> Tensor:
        noise = None if self.noise is None else self.noise[rows]
        hits = None if self.hits is None else self.hits[rows]
        return self.writer.write(rows, self.length, before, self.temperature, noise, hits)
