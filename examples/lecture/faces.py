"""Faces: arithmetic, morphs, attributes, moves along single dimensions, the five tips, N(0, I)."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

import facevae
from examples.lecture import tips as advice
from examples.lecture.figures import DATA, Setting, figure
from facevae.presentation import contact_sheet

ADA, BOB, CLEO, DAN = (DATA / f"{name}.png" for name in ("ada", "bob", "cleo", "dan"))
SUMS = {"Eyeglasses": (DAN, CLEO), "Smiling": (BOB, CLEO), "Blond_Hair": (ADA, DAN)}
"""An attribute, the face it is taken from, and the face it is added to."""
SWEPT = ("Smiling", "Blond_Hair", "Male", "Eyeglasses")
MOVED = 4
"""Latent dimensions to move along: those with the largest KL."""


@figure
def arithmetic(setting: Setting) -> dict[str, Any]:
    """Draw sums of pictures: one with an attribute, minus one without, plus another face."""
    space = facevae.load("faces_64")
    pictures, rows, found = [], [], {}
    for name, (model, other) in SUMS.items():
        shown = space.edit(model, {name: 1.0})
        with_it, without, face = space.encode([shown, model, other])
        result = space.decode((with_it - without + face)[None])[0]
        pictures += [shown, *space.reconstruct([model, other]), result]
        rows.append(name.replace("_", " ").lower())
        step, vector = with_it - without, space.attributes[name]
        found[name] = {"cosine": torch.cosine_similarity(step, vector, 0).item()}
    # The page's font has no sign for minus, nor a dash.
    captions = ["with it", "- without it", "+ another", "= the sum"]
    page = contact_sheet(pictures, 4, side=128, captions=captions * 3, rows=rows, gaps=(3,))
    page.save(setting.output / "arithmetic.jpg", quality=85)
    return found


@figure
def morph(setting: Setting) -> dict[str, Any]:
    """Draw a morph from one face to another, in steps of equal visible change."""
    space = facevae.load("faces_64")
    faces = space.interpolate(ADA, BOB, steps=9)
    contact_sheet(faces, 9, side=128).save(setting.output / "morph.jpg", quality=88)
    change = space.codec.change(torch.stack([space.codec.encode(face) for face in faces]))
    return {"largest step over smallest": (change.max() / change.min()).item()}


@figure
def attributes(setting: Setting) -> dict[str, Any]:
    """Draw four attributes, taken away and added in even steps."""
    space = facevae.load("faces_64")
    times = [-1.0, -0.5, 0.0, 0.5, 1.0]
    pictures = []
    for name in SWEPT:
        pictures += space.edits(CLEO, [{name: time} for time in times])
    rows = [name.replace("_", " ").lower() for name in SWEPT]
    captions = [f"{time:+g}" if time else "0" for time in times] * len(SWEPT)
    page = contact_sheet(pictures, len(times), side=112, captions=captions, rows=rows)
    page.save(setting.output / "attributes.jpg", quality=85)
    return {name: {"length": space.attributes[name].norm().item()} for name in SWEPT}


@figure
def dimensions(setting: Setting) -> dict[str, Any]:
    """Draw a face moved along single latent dimensions, those with the largest KL."""
    space = facevae.load("faces_64")
    kl = space.posterior([ADA, BOB, CLEO, DAN]).kl_per_dimension().mean(0)
    largest = kl.topk(MOVED).indices.tolist()
    places = [-3.0, -1.5, 0.0, 1.5, 3.0]
    codes = space.encode(CLEO).repeat(MOVED, len(places), 1)
    for row, dimension in enumerate(largest):
        codes[row, :, dimension] = torch.tensor(places)
    pictures = space.decode(codes.flatten(0, 1))
    captions = [f"{place:+g}" if place else "0" for place in places] * MOVED
    page = contact_sheet(
        pictures, len(places), side=112, captions=captions, rows=[f"z{each}" for each in largest]
    )
    page.save(setting.output / "dimensions.jpg", quality=85)
    return {f"z{each}": {"KL (nats)": kl[each].item()} for each in largest}


@figure
def tips(setting: Setting) -> dict[str, Any]:
    """Draw reconstructions of faces with all five tips, and with one of them left out."""
    known, held_out = setting.some(2048, 64), 8
    with setting.face_folder(known + held_out) as folder:
        made = advice.compare(folder, known, held_out, steps=setting.some(600, 2))
    pictures, rows = [], []
    for title, (faces, figures) in made.items():
        pictures += faces
        rows.append(f"{title}, {figures['psnr']:.1f} dB" if figures else title)
    page = contact_sheet(pictures, held_out, side=72, rows=rows)
    page.save(setting.output / "tips.jpg", quality=85)
    return {title: figures for title, (_, figures) in made.items() if figures}


@figure
def posterior(setting: Setting) -> dict[str, Any]:
    """Draw the first fifty latent dimensions of faces, and N(0, 1)."""
    space = facevae.load("faces_64")
    with setting.face_folder(setting.some(1000, 16)) as folder:
        files = sorted(folder.iterdir())
        faces = [space.codec.encode(file) for file in files[:: max(1, len(files) // 2000)]]
    report = space.analyse(faces)
    place = setting.output / "posterior.png"
    report.plot(place)
    with Image.open(place) as page:
        few = page.convert("RGB").quantize(64)
    few.save(place)
    return {"examples": report.examples, "active units": report.active_units,
            "kl": report.kl.sum().item(), "stddev": report.stddev.mean().item(),
            "ks": report.ks.mean().item()}  # fmt: skip
