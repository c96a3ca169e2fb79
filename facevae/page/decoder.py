"""The page of a model of faces: any point between four corners is decoded in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import torch

from facevae.networks.model import CENTRE, SCALE, FaceVAE
from vaecore.codec import Example
from vaecore.config import about_attribute
from vaecore.errors import UsageError
from vaecore.page import MODEL_STYLE, filled, page
from vaecore.page.recorded import record
from vaecore.paths import bilinear_grid
from vaecore.space import LatentSpace

HERE = Path(__file__).parent
CORNERS = 4
SPARE = 16
PLACES = 9
"""Rows and columns of the grid of codes between the corners; the page interpolates linearly."""


def decoder_page(
    space: LatentSpace[Any],
    inputs: Sequence[tuple[str, Example]] = (),
    seed: int = 0,
    spare: int = SPARE,
    places: int = PLACES,
) -> str:
    """Return the HTML of a page with a decoder of faces inside, with weights in 8 bits.

    Args:
        space: The model.
        inputs: Names and examples of the corners, at most four; the other corners are samples.
        seed: Seed of the samples.
        spare: Number of further samples that the visitor can put into corners.
        places: Rows and columns of the grid of codes between the corners.

    Raises:
        UsageError: It is not a model of faces, pages lack an operation of its decoder, or there are
            more than four inputs.
    """
    model = space.model
    if not isinstance(model, FaceVAE):
        raise UsageError(f"{space.name}: this page is for models of faces")
    if len(inputs) > CORNERS:
        raise UsageError(f"a page has four corners; {len(inputs)} photographs are too many")
    missing = CORNERS - len(inputs)
    drawn = space.sample_codes(missing + spare, seed=seed)
    given = [space.encode([example for _, example in inputs])] if inputs else []
    corners = torch.cat([*given, drawn[:missing]])
    names = [name for name, _ in inputs] + [f"Invented {k}" for k in range(1, missing + 1)]
    recording = record(model.decoder.network, corners[:1])
    bent = [name for name in space.attributes if space.has_directions(name)]
    bending = record(space.directions, corners[:1]) if space.directions and bent else None
    codes = {
        "corners": corners,
        "draws": drawn[missing:],
        "grid": _grid(space, corners, places),
        "vectors": torch.stack([v.float() for v in space.attributes.values()])
        if space.attributes
        else torch.zeros(0, space.latent_dim),
    }
    known = {name: about_attribute(space.config, name) for name in space.attributes}
    data = {
        "model": space.name,
        "side": model.architecture.size,
        "latent": space.latent_dim,
        "centre": CENTRE,
        "scale": SCALE,
        "decoder": {
            "steps": recording.steps,
            "result": recording.result,
            "weights": recording.packed({k: t.half() for k, t in codes.items()}),
        },
        "directions": bending
        and {"steps": bending.steps, "result": bending.result, "weights": bending.packed()},
        "names": names,
        "invented": missing,
        "attributes": [
            {
                "name": name,
                "description": known[name].get("description", ""),
                "direction": space.directions.names.index(name)
                if space.directions and name in bent
                else None,
                "about": {k: v for k, v in known[name].items() if isinstance(v, float)},
            }
            for name in space.attributes
        ],
    }
    text = "any face between four corners, decoded in this page"
    body = filled(HERE / "decoder.html", {"title": escape(space.name), "about": escape(text)})
    title = f"{space.name} – a page that decodes faces"
    return page(title, body, HERE / "decoder.js", data, [HERE / "style.css", MODEL_STYLE], text)


def _grid(space: LatentSpace[Any], corners: torch.Tensor, places: int) -> torch.Tensor:
    """Return codes between corners, `(places * places, latent_dim)`, as those of palettes."""
    coordinates, path, back = space.straightened(corners)
    rows = back(bilinear_grid(coordinates, places, places, path).flatten(0, 1))
    edge = places - 1
    for place, code in zip((0, edge, places * edge, places * places - 1), corners, strict=True):
        rows[place] = code  # through a flow and back, a code is not exact
    return rows
