"""A drawn portrait that networks take for a face; nobody's photograph."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFilter

HAIR, SKIN, SHADE, LIPS = (60, 40, 30), (224, 178, 150), (195, 142, 120), (180, 80, 80)


def portrait(size: int = 512) -> Image.Image:
    """Return a portrait, framed as CelebA-HQ frames faces."""
    scale = size / 128
    picture = Image.new("RGB", (size, size), (120, 140, 160))
    pen = ImageDraw.Draw(picture)

    def oval(left: float, top: float, right: float, bottom: float, colour) -> None:
        pen.ellipse([scale * v for v in (left, top, right, bottom)], fill=colour)

    def line(points, colour, width: float) -> None:
        pen.line([(scale * x, scale * y) for x, y in points], colour, round(width * scale))

    oval(14, 100, 114, 190, (60, 70, 110))
    oval(50, 95, 78, 128, SHADE)
    oval(24, 4, 104, 110, HAIR)
    oval(31, 20, 97, 118, SKIN)
    oval(31, 10, 97, 46, HAIR)
    for x in (48, 80):
        oval(x - 11, 55, x + 11, 69, SHADE)
        oval(x - 8, 58, x + 8, 67, (245, 245, 240))
        oval(x - 4, 58, x + 4, 67, (20, 15, 10))
        line([(x - 11, 53), (x, 50), (x + 11, 53)], HAIR, 3)
    oval(58, 76, 70, 86, SHADE)
    oval(50, 92, 78, 103, LIPS)
    line([(50, 97), (78, 97)], (110, 40, 40), 1.5)
    return picture.filter(ImageFilter.GaussianBlur(size / 160))
