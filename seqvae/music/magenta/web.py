"""The configuration of a checkpoint of magenta.js, from its `config.json`."""

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
_TABLE = "has another table of drums (pitchClasses) than Magenta's, which seqvae cannot import"
MOST_BARS = 64
"""Most bars of a window, as for --bars."""
_KEYS = {
    "numSteps", "numSegments", "minPitch", "maxPitch", "pitchClasses", "melArgs", "bassArgs",
    "drumsArgs", "humanize", "tapify", "splitInstruments", "stepsPerQuarter", "quartersPerBar",
}  # fmt: skip
"""Known arguments of converters; a checkpoint with others is refused."""


def web_configuration(spec: Any, checkpoint: Checkpoint, path: Path) -> Configuration:
    """Return the configuration of a checkpoint of magenta.js.

    Args:
        spec: The content of `config.json`.
        checkpoint: The checkpoint.
        path: Path of `config.json`, for messages.

    Raises:
        DataError: `config.json` is not one of a MusicVAE, or of one that cannot be imported.
    """
    try:
        return _configuration(spec, checkpoint)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"does not describe a MusicVAE: {error!r}", path=path) from error
    except ValueError as error:
        raise DataError(str(error), path=path) from error


def _configuration(spec: Any, checkpoint: Checkpoint) -> Configuration:
    if spec["type"] != "MusicVAE":
        raise ValueError(f"is of type {spec['type']!r}, not MusicVAE")
    if spec.get("chordEncoder") or spec.get("conditionOnKey"):
        raise ValueError(CHORDS)
    if spec.get("extraControls"):
        raise ValueError("has extra controls (extraControls), which seqvae cannot import")
    if spec.get("useBooleanDecoder"):
        raise ValueError("has a boolean decoder (useBooleanDecoder), which seqvae cannot import")
    converter = spec["dataConverter"]
    kind, args = converter["type"], dict(converter.get("args") or {})
    unknown = sorted(set(args) - _KEYS)
    if kind == "MultitrackConverter":
        raise ValueError(MANY)
    if kind not in _KINDS:
        raise ValueError(f"has a {kind}, which seqvae cannot import")
    if unknown:
        raise ValueError(f"has the unknown argument {unknown[0]!r} of the {kind}")
    for name, value in (("stepsPerQuarter", 4), ("quartersPerBar", 4)):
        if args.get(name, value) != value:
            raise ValueError(f"has {name} {args[name]}; seqvae can import {value} alone")
    steps, segments = int(args["numSteps"]), args.get("numSegments")
    bars, rest = divmod(steps, STEPS_PER_BAR)
    if rest or bars < 1:
        raise ValueError(f"has windows of {steps} steps, which are not whole bars of 4/4")
    if bars > MOST_BARS:
        raise ValueError(f"has windows of {bars} bars; seqvae can import {MOST_BARS} at most")
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
    """Return drums as classes; the encoder reads a roll, or classes."""
    if _drum_kinds(args) != DRUMS:
        raise ValueError(_TABLE)
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
    """Return the number of drums of the arguments' table; 0 if the table is unknown."""
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
        raise ValueError("has a trio of other pitches than 21 to 108, which seqvae cannot import")
    if _drum_kinds(args.get("drumsArgs") or {}) != DRUMS:
        raise ValueError(_TABLE)
    return {"representation": "trio"}


def _groove(args: Mapping[str, Any], checkpoint: Checkpoint, inputs: int) -> dict[str, Any]:
    if args.get("splitInstruments"):
        raise ValueError("has split instruments (splitInstruments), which seqvae cannot import")
    if _drum_kinds(args) != DRUMS:
        raise ValueError(_TABLE)
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
