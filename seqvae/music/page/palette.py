"""The page of a grid of blends, which plays them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import torch

from seqvae.music.page.data import instruments, joined, lengths, music, same_bars, voices
from seqvae.music.representations.base import SequenceCodec
from vaecore.codec import Example
from vaecore.page import corners as corners_of
from vaecore.page import filled, page, tints

HERE = Path(__file__).parent


def palette_page(
    codec: SequenceCodec,
    rounds: Sequence[Sequence[Example]],
    columns: int,
    corners: Sequence[tuple[int, str]],
) -> str:
    """Return the HTML of the page of a grid of blends.

    Args:
        codec: The codec of the examples.
        rounds: The blends row by row: one list, or one for each window of a song.
        columns: Number of columns of the grid.
        corners: The cell of each input, from 0 row by row, and its name.

    Raises:
        UsageError: Bars differ in length.
    """
    same_bars(codec, [each for made in rounds for each in made])
    blends = [
        joined([music(codec, example) for example in cell]) for cell in zip(*rounds, strict=True)
    ]
    rows = len(blends) // columns
    names = [name for _, name in corners]
    bars = codec.bars * len(rounds)
    data = {
        "columns": columns,
        "rows": rows,
        "names": names,
        "corners": [place for place, _ in corners],
        **lengths(codec, rounds[0][0]),
        "voices": voices(codec, rounds[0][0]),
        "instruments": instruments(blends),
        "tints": tints(differences(codec, rounds)),
        "blends": blends,
    }
    about = f"{len(blends)} blends of {bars} bars"
    fields = {
        **corners_of(names, rows),
        "about": escape(about),
        "kind": "music row" if rows == 1 else "music",
        "aspect": f"{_aspect(rows, columns, bars):.3f}",
    }
    body = filled(HERE / "palette.html", fields)
    title = f"{' · '.join(names)} – a palette"
    return page(title, body, HERE / "palette.js", data, [HERE / "style.css"], about)


def _aspect(rows: int, columns: int, bars: int) -> float:
    """Return the ratio of the field's width to its height."""
    cell = 1.3 if bars <= 4 else 2.0
    return min(max(cell * columns / rows, 0.8), 5.0)


def differences(codec: SequenceCodec, rounds: Sequence[Sequence[Example]]) -> np.ndarray:
    """Return the share of events (or of numbers) that differ between blends, `(n, n)`.

    It is the mean over rounds. Events are compared where the codec has a perception.
    """
    total = np.zeros((len(rounds[0]), len(rounds[0])))
    for examples in rounds:
        x = torch.stack([example.x for example in examples])
        perception = codec.perception
        for k in range(len(x)):
            one = x[k : k + 1].expand_as(x)
            different = (one != x).flatten(1).double().mean(1)
            if perception is not None:
                different = perception.difference(one, x).double()
            total[k] += different.numpy()
    return total / len(rounds)
