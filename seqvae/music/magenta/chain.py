"""Segments that begin each with the last step of the one before, written all at once."""

from __future__ import annotations

import torch
from torch import Tensor

from seqvae.music.magenta.tokens import Classes
from seqvae.music.magenta.writer import Writer

MORE_ROWS, FEWER_ROWS = 48, 8
"""Up to so many rows, further beginnings are tried, which may save a round: of a small network, a
step of so many takes hardly longer than one of few. With a million weights or more it does, and
fewer are tried."""


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
        self.room = max(FEWER_ROWS, MORE_ROWS * 1_000_000 // max(writer.weights, 1_000_000))
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
        self, place: Tensor, ended: Tensor, asked: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what is asked for and, while that is little, likely beginnings of what follows.

        What is asked for may change the last steps, and so the beginnings behind it in its window.
        Likely are steps with which the segment before has ended, then those with which many end.

        Args:
            place: Which beginnings of which rows are written.
            ended: For each row how many were written that end with a class, `(rows, classes + 1)`.
            asked: Rows.
            before: Their beginnings.
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
