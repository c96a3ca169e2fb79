"""The frames of a film: a piano roll that moves past a line, at which its notes sound.

A second is `SPEED` pixels at every tempo, so that picture and sound stay together. The roll is
drawn in tiles, of which the last few stay in memory.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from seqvae.music.presentation.grid import LANE_NAMES, pitch_name
from seqvae.music.presentation.rows import Colour, Drawn, Step, beats, laid_out
from seqvae.music.reading.score import Score
from vaecore.page import screen_colour

Pixels = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720
RATE, SPEED = 30, 180
"""Frames and pixels a second; a frame is a whole number of pixels, so that motion is even."""
TOP, BOTTOM = 112, 684
"""Upper and lower edge of the roll in pixels."""
GUTTER, LINE = 96, 384
"""Left edge of the roll, and the line at which notes sound, in pixels."""
GROUND, PANEL = (17, 20, 26), (24, 28, 36)
INK, QUIET = (238, 241, 245), (150, 160, 174)
TILE, TILES = 1024, 4
_BAR = WIDTH - GUTTER - 28  # width of the progress bar
_FINE = 2  # tiles are drawn at this scale and then reduced, for smooth edges
_HALO = 60  # radius in pixels of the light around a note that begins
_FADE = 0.22  # seconds in which the light falls to 1/e
_PLAYED = 0.55  # brightness of the roll behind the line
_BLACK_KEYS = (1, 3, 6, 8, 10)


class Scene:
    """The frames of a film.

    Args:
        score: The music.
        steps: The parts of the film, in order.
        shape: Rows and columns of the grid of results.
        seconds: Length of the film in seconds.
    """

    def __init__(
        self, score: Score, steps: Sequence[Step], shape: tuple[int, int], seconds: float
    ) -> None:
        self.steps, self.shape, self.seconds = steps, shape, seconds
        self._bands, self._notes = laid_out(score, steps, BOTTOM - TOP)
        self._starts = [note.start for note in self._notes]
        self._longest = max((note.end - note.start for note in self._notes), default=0) + 4 * _FADE
        self._lines = beats(score, seconds + WIDTH / SPEED)
        self._tiles: OrderedDict[int, tuple[Pixels, Pixels]] = OrderedDict()
        self._gutter = self._named()
        self._bar = self._progress(0.38), self._progress(0.8)
        self._head: tuple[int, Pixels] | None = None

    def __len__(self) -> int:
        return math.ceil(self.seconds * RATE)

    def __iter__(self) -> Iterator[Pixels]:
        return (self.picture(number) for number in range(len(self)))

    def picture(self, number: int) -> Pixels:
        """Return a frame by its number, from 0, as uint8 `(HEIGHT, WIDTH, 3)`."""
        now = number / RATE
        frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        at = max((k for k, step in enumerate(self.steps) if step.begin <= now + 1e-6), default=0)
        if self._head is None or self._head[0] != at:
            self._head = at, self._header(at)
        frame[:TOP] = self._head[1]
        roll = frame[TOP:BOTTOM]
        line = number * SPEED // RATE
        self._copy(roll[:, GUTTER:LINE], line - (LINE - GUTTER), played=True)
        self._copy(roll[:, LINE:], line)
        roll[:, :GUTTER] = self._gutter
        roll[:, LINE - 1 : LINE + 1] = INK
        first = bisect_right(self._starts, now - self._longest)
        for note in self._notes[first : bisect_right(self._starts, now)]:
            self._light(roll, note, now)
        frame[BOTTOM:] = GROUND
        bar, done = frame[BOTTOM + 18 : BOTTOM + 22], round(_BAR * now / self.seconds)
        bar[:, GUTTER : GUTTER + _BAR] = self._bar[0]
        bar[:, GUTTER : GUTTER + done] = self._bar[1][:done]
        return frame

    # The roll

    def _copy(self, part: Pixels, left: int, played: bool = False) -> None:
        """Fill a part of the frame with the roll from pixel `left` on."""
        at = 0
        while at < part.shape[1]:
            tile, begin = divmod(left + at, TILE)
            width = min(TILE - begin, part.shape[1] - at)
            part[:, at : at + width] = self._tile(tile)[played][:, begin : begin + width]
            at += width

    def _tile(self, number: int) -> tuple[Pixels, Pixels]:
        """Return a tile of the roll, bright as before the line, and dark as behind it."""
        if number not in self._tiles:
            tile = self._drawn(number * TILE)
            self._tiles[number] = tile, (tile * np.float32(_PLAYED)).astype(np.uint8)
            if len(self._tiles) > TILES:
                self._tiles.popitem(last=False)
        self._tiles.move_to_end(number)
        return self._tiles[number]

    def _drawn(self, left: int) -> Pixels:
        """Draw a tile of the roll from pixel `left` on."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (TILE * _FINE, (BOTTOM - TOP) * _FINE), GROUND)
        draw = ImageDraw.Draw(picture)

        def box(x0: float, y0: float, x1: float, y1: float) -> list[float]:
            return [_FINE * (x0 - left), _FINE * y0, _FINE * (x1 - left) - 1, _FINE * y1 - 1]

        for band in self._bands:
            for row in band.rows:
                black = not band.drums and row % 12 in _BLACK_KEYS
                y, gap = band.y(row), min(1.0, band.height / 8)
                colour = tuple(v - 4 for v in PANEL) if black else PANEL
                draw.rectangle(box(left, y + gap, left + TILE, y + band.height - gap), colour)
        for seconds, kind in self._lines:
            x = seconds * SPEED
            if left - 2 <= x <= left + TILE + 2:
                draw.rectangle(
                    box(x - 0.5, 0, x + 0.5, BOTTOM - TOP), (74, 82, 96) if kind else (40, 46, 56)
                )
        for step in self.steps[1:]:
            x = step.begin * SPEED
            draw.rectangle(box(x - 1, 0, x + 1, BOTTOM - TOP), screen_colour(0.72, step.tint))
        for note in self._notes:
            x0, x1 = note.start * SPEED, note.end * SPEED
            if x1 < left or x0 > left + TILE:
                continue
            radius = _FINE * min(5.0, (note.bottom - note.top) / 3)
            draw.rounded_rectangle(box(x0, note.top, x1, note.bottom), radius, note.colour)
        return np.asarray(picture.reduce(_FINE))

    def _light(self, roll: Pixels, note: Drawn, now: float) -> None:
        """Brighten a note that sounds, and add its light at the line."""
        passed = now - note.start
        glow = note.loud * math.exp(-passed / _FADE)
        sounds = now < note.end
        if sounds and not note.drum:
            glow = max(glow, 0.35 * note.loud)
        if glow < 0.03:
            return
        if sounds or note.drum:
            x0 = LINE + round((note.start - now) * SPEED)
            x1 = LINE + round((note.end - now) * SPEED)
            top, bottom = round(note.top) + 1, round(note.bottom) - 1
            part = roll[top:bottom, max(x0 + 2, GUTTER) : min(x1 - 2, WIDTH)]
            white = 255 - (255 - part.astype(np.float32)) * (1 - 0.75 * min(glow, 1.0))
            np.copyto(part, white.astype(np.uint8))
        middle = round((note.top + note.bottom) / 2)
        above, below = min(_HALO, middle), min(_HALO, len(roll) - middle)
        part = roll[middle - above : middle + below, LINE - _HALO : LINE + _HALO]
        halo = _halo(note.colour)[_HALO - above : _HALO + below]
        np.copyto(part, np.minimum(part + 0.8 * glow * halo, 255).astype(np.uint8))

    def _named(self) -> Pixels:
        """Draw the names of the rows."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (GUTTER, BOTTOM - TOP), GROUND)
        draw = ImageDraw.Draw(picture)
        for band in self._bands:
            size = int(min(15.0, band.height * (0.7 if band.drums else 0.95)))
            for row in band.rows:
                chosen = band.drums or row % 12 == 0 or (len(band.rows) < 16 and row % 12 == 7)
                if chosen and (not band.drums or size >= 6):
                    name = LANE_NAMES[row] if band.drums else pitch_name(row)
                    middle = band.y(row) + band.height / 2
                    font = _font(max(size, 11))
                    draw.text((GUTTER - 12, middle), name, QUIET, font, anchor="rm")
        return np.asarray(picture)

    # Above and below the roll

    def _header(self, at: int) -> Pixels:
        """Draw the title of a part, and its place in the grid of results."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (WIDTH, TOP), GROUND)
        draw = ImageDraw.Draw(picture)
        step, (rows, columns) = self.steps[at], self.shape
        side = min(28.0, 440 / columns, 84 / rows)
        left, top = WIDTH - 28 - columns * side, (TOP - 8 - rows * side) / 2 + 4
        title = _fitting(step.title, 30, left - GUTTER - 40 if rows * columns > 1 else WIDTH - 160)
        draw.text((GUTTER, 46), title, INK, _font(30, bold=True), anchor="lm")
        draw.text((GUTTER, 80), step.words, QUIET, _font(17), anchor="lm")
        if rows * columns > 1:
            tints = {each.cell: each.tint for each in self.steps}
            gap = max(1.0, side / 9)
            for cell in range(rows * columns):
                x, y = left + cell % columns * side, top + cell // columns * side
                here = cell == step.cell
                colour = screen_colour(0.86 if here else 0.5, tints.get(cell, (0.0, 0.0)))
                box = (x + gap, y + gap, x + side - gap, y + side - gap)
                draw.rounded_rectangle(
                    box, side / 6, colour, outline=INK if here else None, width=2 if side > 8 else 1
                )
        return np.asarray(picture)

    def _progress(self, lightness: float) -> Pixels:
        """Return the pixels of the progress bar, with the colour of each part, `(_BAR, 3)`."""
        line = np.full((_BAR, 3), GROUND, np.uint8)
        for step in self.steps:
            x0, x1 = (round(_BAR * each / self.seconds) for each in (step.begin, step.end))
            line[x0:x1] = screen_colour(lightness, step.tint)
        return line


@cache
def _halo(colour: Colour) -> npt.NDArray[np.float32]:
    """Return the light around a note, `(2 * _HALO, 2 * _HALO, 3)`."""
    away = np.hypot(*np.mgrid[-_HALO:_HALO, -_HALO:_HALO]) / _HALO
    light = np.clip(1 - away, 0, 1) ** 2.2
    return np.asarray(light[..., None] * np.array(colour), np.float32)


@cache
def _font(size: int, bold: bool = False) -> Any:
    """Return matplotlib's font, which has the letters of most languages."""
    from pathlib import Path

    from matplotlib import get_data_path
    from PIL import ImageFont

    name = f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / name, size)


def _fitting(text: str, size: int, width: float) -> str:
    """Return a title, shortened to a width in pixels."""
    font = _font(size, bold=True)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
