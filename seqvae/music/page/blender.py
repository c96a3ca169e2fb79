"""The page of a model: any point between four corners is decoded in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqvae.music.page.data import instruments, lengths, same_bars, voices
from seqvae.music.page.inside import checked, inside
from seqvae.music.representations.alphabet import (
    CLASS_OF_PITCH,
    DRUM_PITCHES,
    DRUM_TABLES,
    DRUMS,
    GROOVE_CLASS,
    LOWEST_PITCH,
    ROLAND,
    Alphabet,
    NoteAlphabet,
)
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.contexts import Context
from seqvae.music.representations.drums import pitches as sounds
from seqvae.music.representations.drums.codec import DrumCodec
from seqvae.music.representations.dynamics import USUAL
from seqvae.music.representations.parts import names
from seqvae.music.representations.piano.alphabet import ChordAlphabet
from seqvae.music.representations.piano.codec import REGISTERS
from seqvae.music.representations.piano.texture import LONGEST, PITCHES
from seqvae.music.representations.writing import RESOLUTION
from vaecore.codec import Example
from vaecore.config import about_attribute
from vaecore.errors import UsageError
from vaecore.page import MODEL_STYLE, filled, page
from vaecore.space import LatentSpace

HERE = Path(__file__).parent
CORNERS = 4
SPARE = 16


def blender_page(
    space: LatentSpace[Any],
    inputs: Sequence[tuple[str, Example]] = (),
    seed: int = 0,
    spare: int = SPARE,
) -> str:
    """Return the HTML of a page with a model inside.

    Args:
        space: The model.
        inputs: Names and examples of the corners, at most four; the other corners are samples.
        seed: Seed of the samples.
        spare: Number of further samples that the visitor can put into corners.

    Raises:
        UsageError: Pages do not have the model's networks, there are more than four inputs, or
            their bars differ in length.
    """
    codec = space.codec
    if not isinstance(codec, SequenceCodec):
        raise UsageError(f"{space.name}: a page is for models of music on a grid")
    model = checked(space.model, space.name)
    held = inside(model, space.name)
    if len(inputs) > CORNERS:
        raise UsageError(f"a page has four corners; {len(inputs)} files are too many")
    same_bars(codec, [example for _, example in inputs])
    missing = CORNERS - len(inputs)
    drawn = space.draw(missing + spare, seed=seed).x if missing + spare else ()
    draws = [Example(x, codec.context) for x in drawn]
    invented = [(f"Invented {k}", draws.pop()) for k in range(1, missing + 1)]
    corners = [*inputs, *invented]
    placed = [{"name": name, **corner(codec, example)} for name, example in corners]
    others = [corner(codec, example) for example in draws]
    if held["worker"]:  # a large model would take long to encode them in the page
        examples = [*(example for _, example in corners), *draws]
        codes = space.posterior_of(torch.stack([torch.as_tensor(e.x) for e in examples])).mean
        for each, code in zip([*placed, *others], codes.tolist(), strict=True):
            each["code"] = [round(value, 6) for value in code]
    form, bar = _form(codec, corners[0][1]), lengths(codec, corners[0][1])
    data = {
        "model": space.name,
        **held,
        "form": form,
        "reading": _reading(codec, form, bar["bar"] / RESOLUTION) if held["whole"] else None,
        **bar,
        "corners": placed,
        "draws": others,
        "attributes": [
            {
                "name": name,
                "description": about_attribute(space.config, name).get("description", ""),
                "vector": [round(float(v), 5) for v in vector],
            }
            for name, vector in space.attributes.items()
        ],
        "instruments": instruments(placed),
    }
    title = f"{space.name} – a page that plays it"
    text = f"{codec.bars} bars between four corners, decoded in this page"
    body = filled(HERE / "blender.html", {"title": escape(space.name), "about": escape(text)})
    styles = [HERE / "style.css", MODEL_STYLE, HERE / "blender.css"]
    return page(title, body, HERE / "blender.js", data, styles, text)


def corner(codec: SequenceCodec, example: Example) -> dict[str, Any]:
    """Return an example as JSON: its window, dynamics, tempo and instruments."""
    x = np.asarray(example.x)
    context: Context = example.context or codec.context
    played = context.played[0] if context.played else None
    numbers = x.round(4) if x.dtype.kind == "f" else x
    return {
        "window": [int(v) if v == int(v) else v for v in numbers.flatten().tolist()],
        "velocity": [] if played is None else played.velocity.flatten().tolist(),
        "pitch": [] if played is None else played.pitch.flatten().tolist(),
        "tempo": context.tempo_bpm,
        "programs": [track.program for track in codec.tracks(x, context)],
    }


def _form(codec: SequenceCodec, example: Example) -> dict[str, Any]:
    """Return as JSON how windows become notes."""
    context: Context = example.context or codec.context
    shown = voices(codec, example)
    return {
        "steps": codec.steps,
        "ticks": RESOLUTION // context.per_quarter,
        "meter": list(context.meter),
        "performed": codec.keeps_timing,
        "voices": [
            {**each, **_voice(name, alphabet, codec.steps_per_bar)}
            for each, (name, alphabet) in zip(shown, codec.voices, strict=True)
        ],
    }


def _voice(name: str, alphabet: Alphabet, bar: int) -> dict[str, Any]:
    usual = [[row[step * len(row) // bar] for step in range(bar)] for row in USUAL[name]]
    if isinstance(alphabet, ChordAlphabet):
        keys = {"keys": PITCHES // REGISTERS, "lowest": LOWEST_PITCH, "longest": LONGEST}
        return {"kinds": REGISTERS, "usual": usual, **keys}
    if isinstance(alphabet, NoteAlphabet):
        return {"kinds": 1, "usual": usual, "lowest": alphabet.lowest}
    if isinstance(alphabet, sounds.DrumPitchAlphabet):
        pitches = list(sounds.PITCHES)
        own = [usual[drum] for drum in DRUM_TABLES["2018"][pitches]]
        return {"kinds": len(pitches), "usual": own, "pitches": pitches, "apart": True}
    roland = alphabet.simplifies  # performances have the pitches of the Roland kit
    pitches = [own[0] for own in ROLAND] if roland else list(DRUM_PITCHES)
    return {"kinds": DRUMS, "usual": usual, "pitches": pitches}


def _drum_of_pitch(codec: SequenceCodec) -> np.ndarray:
    """Return the drum class of every MIDI pitch, as the codec reads it; -1 for none."""
    found: np.ndarray = GROOVE_CLASS if codec.keeps_timing else CLASS_OF_PITCH
    if isinstance(codec, DrumCodec):
        found = codec.drum_of_pitch
    elif isinstance(codec, sounds.DrumPitchCodec):
        found = sounds.PLACE
    return found


def _reading(codec: SequenceCodec, form: dict[str, Any], bar: float) -> dict[str, Any] | None:
    """Return as JSON how the page reads MIDI files; None for several voices and for chords.

    Args:
        codec: The model's codec.
        form: From `_form`.
        bar: Length of the page's bars in quarter notes; other bars are left out.
    """
    if len(codec.voices) > 1 or codec.polyphonic:
        return None
    (voice,) = form["voices"]
    lowest = voice.get("lowest", 0)
    classes = codec.classes if isinstance(codec.classes, int) else 0
    return {
        "drums": voice["drum"],
        "performed": codec.keeps_timing,
        "apart": voice.get("apart", False),
        "kinds": voice["kinds"],
        "drumOf": _drum_of_pitch(codec).tolist(),
        "lowest": lowest,
        "highest": lowest + classes - 3,
        "steps": codec.steps,
        "bars": codec.bars,
        "bar": codec.steps_per_bar,
        "lengths": {f"{bar:g}": codec.grid.lengths[bar]},
        "mostSteps": codec.max_steps,
        "names": {
            "drums": names._DRUMS.pattern,
            "pitched": names._PITCHED_DRUMS.pattern,
            "melody": names._TUNE.pattern,
            "basic": names.BASIC,
            "kit": names.KIT,
        },
    }
