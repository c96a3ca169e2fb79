"""What the `config.json` of magenta.js says of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqvae.music.magenta.checkpoint import Checkpoint
from seqvae.music.magenta.configurations import CHORDS, MANY, Configuration
from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations.alphabet import DRUM_TABLES, DRUMS
from seqvae.music.representations.drums.pitches import PITCHES
from vaecore.errors import DataError

_LSTM = "multi_rnn_cell/cell_0/lstm_cell/kernel"
MOST_BARS = 64
"""Bars of a window, as for --bars."""
_KEYS = {
    "numSteps", "numSegments", "minPitch", "maxPitch", "pitchClasses", "melArgs", "bassArgs",
    "drumsArgs", "humanize", "tapify", "splitInstruments", "stepsPerQuarter", "quartersPerBar",
}  # fmt: skip
"""Arguments of converters that are understood."""


def web_configuration(spec: Any, checkpoint: Checkpoint, path: Path) -> Configuration:
    """Return what a checkpoint of magenta.js is of.

    Args:
        spec: The content of `config.json`.
        checkpoint: Its tensors.
        path: The file, for messages.

    Raises:
        DataError: It is of something that cannot be imported.
    """
    try:
        return _configuration(spec, checkpoint)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"is no description of a MusicVAE: {error!r}", path=path) from error
    except ValueError as error:
        raise DataError(str(error), path=path) from error


def _configuration(spec: Any, checkpoint: Checkpoint) -> Configuration:
    if spec["type"] != "MusicVAE":
        raise ValueError(f"is of type {spec['type']!r}, not MusicVAE")
    if spec.get("chordEncoder") or spec.get("conditionOnKey"):
        raise ValueError(CHORDS)
    if spec.get("extraControls"):
        raise ValueError("has controls of its own (extraControls), which seqvae does not know")
    if spec.get("useBooleanDecoder"):
        raise ValueError("has a boolean decoder, which seqvae does not have")
    converter = spec["dataConverter"]
    kind, args = converter["type"], dict(converter.get("args") or {})
    unknown = sorted(set(args) - _KEYS)
    if kind == "MultitrackConverter":
        raise ValueError(MANY)
    if kind not in _KINDS:
        raise ValueError(f"is of the {kind}, which seqvae cannot import")
    if unknown:
        raise ValueError(f"has the unknown argument {unknown[0]!r} of the {kind}")
    for name, value in (("stepsPerQuarter", 4), ("quartersPerBar", 4)):
        if args.get(name, value) != value:
            raise ValueError(f"has {name} {args[name]}; seqvae's is {value}")
    steps, segments = int(args["numSteps"]), args.get("numSegments")
    bars, rest = divmod(steps, STEPS_PER_BAR)
    if rest or bars < 1:
        raise ValueError(f"has windows of {steps} steps, which are no whole bars of 4/4")
    if bars > MOST_BARS:
        raise ValueError(f"has windows of {bars} bars; seqvae's have at most {MOST_BARS}")
    levels = (int(segments), steps // int(segments)) if segments else ()
    if levels and levels[0] * levels[1] != steps:
        raise ValueError(f"has {segments} segments, which do not divide its {steps} steps")
    place = "encoder/hierarchical_level_0/cell_0" if levels else "encoder/cell_0"
    kernel = checkpoint.shapes.get(f"{place}/bidirectional_rnn/fw/{_LSTM}", (0, 4))
    inputs = kernel[0] - kernel[-1] // 4
    made = _KINDS[kind](args, checkpoint, inputs)
    return Configuration(bars=bars, layers=(0, 0), encoder_levels=levels, levels=levels, **made)


def _melody(args: Mapping[str, Any], checkpoint: Checkpoint, inputs: int) -> dict[str, Any]:
    return {"representation": "melody", "options": _range(args)}


def _range(args: Mapping[str, Any]) -> dict[str, int]:
    return {"min_pitch": int(args["minPitch"]), "max_pitch": int(args["maxPitch"])}


def _drums(args: Mapping[str, Any], checkpoint: Checkpoint, inputs: int) -> dict[str, Any]:
    """Return drums in classes, read as a roll or as one class of a step."""
    if _drum_kinds(args) != DRUMS:
        raise ValueError("has a table of drums of its own (pitchClasses)")
    roll = inputs == DRUMS + 1
    nade = any(name.endswith("nade/w_enc") for name in checkpoint.shapes)
    return {
        "representation": "drums",
        "inputs": "roll" if roll else "classes",
        "head": "nade" if nade else "softmax",
    }


def _rolls(args: Mapping[str, Any], checkpoint: Checkpoint, inputs: int) -> dict[str, Any]:
    if _drum_kinds(args) == len(PITCHES):
        return {"representation": "drum_pitches", "inputs": "roll", "head": "nade"}
    return _drums(args, checkpoint, inputs)


def _drum_kinds(args: Mapping[str, Any]) -> int:
    """Return the number of drums of a table that is known, else 0."""
    classes = args.get("pitchClasses")
    if classes is None:
        return DRUMS
    if [list(each) for each in classes] == [[pitch] for pitch in PITCHES]:
        return len(PITCHES)
    found = {int(pitch): drum for drum, pitches in enumerate(classes) for pitch in pitches}
    for table in DRUM_TABLES.values():
        if found == {pitch: int(drum) for pitch, drum in enumerate(table) if drum >= 0}:
            return DRUMS
    return 0


def _trio(args: Mapping[str, Any], checkpoint: Checkpoint, inputs: int) -> dict[str, Any]:
    usual = {"min_pitch": 21, "max_pitch": 108}
    if _range(args["melArgs"]) != usual or _range(args["bassArgs"]) != usual:
        raise ValueError("has a trio of other pitches than 21 to 108")
    if _drum_kinds(args.get("drumsArgs") or {}) != DRUMS:
        raise ValueError("has a table of drums of its own (pitchClasses)")
    return {"representation": "trio"}


def _groove(args: Mapping[str, Any], checkpoint: Checkpoint, inputs: int) -> dict[str, Any]:
    if args.get("splitInstruments"):
        raise ValueError("has its drums one after the other (splitInstruments)")
    if args.get("pitchClasses") is not None and _drum_kinds(args) != DRUMS:
        raise ValueError("has a table of drums of its own (pitchClasses)")
    hides = "tapped" if args.get("tapify") else "feel" if args.get("humanize") else ""
    return {"representation": "groove", "head": "groove", "hides": hides}


_KINDS = {
    "MelodyConverter": _melody,
    "DrumsConverter": _drums,
    "DrumsOneHotConverter": _drums,
    "DrumRollConverter": _rolls,
    "TrioConverter": _trio,
    "GrooveConverter": _groove,
}
