"""The option --into: results replace the windows of the song that they were made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import numpy as np

from vaecore.cli.job import counted
from vaecore.cli.presentation import Result, Source, Written
from vaecore.errors import DataError, UsageError, printable

if TYPE_CHECKING:
    from seqvae.music.presentation.into import Change
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.parts import Kit
    from seqvae.music.representations.writing import GridNote
    from vaecore.cli.outputs import Outputs
    from vaecore.codec import Example

INTO = click.Option(
    ["--into"],
    is_flag=True,
    help="Write the whole song, with the result in place of the bars that it was made from.",
)
VERBS = ("interpolate", "reconstruct", "edit", "similar")
MIDI = (".mid", ".midi")
"""Endings of the output with --into."""
_NOT_WITH = ("png", "wav", "soundfont", "bpm")


def write(
    result: Result,
    rounds: Sequence[Sequence[Source]],
    outputs: Outputs,
    options: Mapping[str, Any],
    places: Sequence[Path],
) -> Written:
    """Write the first input, with the results in place of the windows they were made from.

    Args:
        result: The verb's result, with as many rounds as `rounds`.
        rounds: The windows that it was made from; those of the first input are replaced.
        outputs: Where to write.
        options: Values of the options.
        places: A file for each result of a round.

    Raises:
        UsageError: There are several results for a window, or options that exclude --into.
        DataError: The file's bars come from a list of beats, not from its ticks.
    """
    from seqvae.music.presentation.into import put_back
    from seqvae.music.reading.container import unpacked
    from seqvae.music.reading.midi import read_bytes
    from seqvae.music.representations.parts import kit

    wrong = next((name for name in _NOT_WITH if options.get(name)), None)
    if wrong or options.get("loop", 1) > 1:
        raise UsageError(f"--into does not go with --{wrong or 'loop'}; leave one of them out")
    if places[0].suffix.lower() not in MIDI:
        raise UsageError(f"--into writes a MIDI file; let the output end in {MIDI[0]}")
    if result.verb != "interpolate" and len(rounds[0]) > 1:
        raise UsageError("--into takes one input")
    if len(places) < len(result.rounds[0]):
        raise UsageError(
            "--into needs one result for each window: use --separate, -n 1, or interpolate --all"
        )
    source = rounds[0][0].input
    path = str(source.path)
    if source.content.whole.resolution is None:
        text = "takes its bars from a list of beats, so that --into cannot replace bars in it"
        raise DataError(text, path=path, remedy="remove the .beats.txt file")
    maps = options.get("drum_map") or ()
    given = kit(maps[0]) if maps else None
    data = unpacked(read_bytes(path), path)
    codec = cast("SequenceCodec", result.codec)
    for k, place in enumerate(places):
        changes = [
            change
            for sources, made in zip(rounds, result.rounds, strict=True)
            for change in _changes(codec, sources[0], made[k], given)
        ]
        outputs.add(place).write_bytes(put_back(data, path, changes))
    text = f"{counted(len(rounds), 'window')} of {source.name}, all else as it was"
    listen = f"listen: seqvae render {printable(outputs.written[0])}"
    return Written(text, {"into": path, "replaced": len(rounds)}, listen)


def _changes(
    codec: SequenceCodec, source: Source, made: Example, kit: Kit | None
) -> Iterator[Change]:
    """Yield the change of each voice of a window."""
    from seqvae.music.presentation.into import Change

    score, known = source.input.content.whole, source.input.content.parts
    before, after = source.example, made
    if np.array_equal(np.asarray(before.x.cpu()), np.asarray(after.x.cpu())):
        return
    there = {part.place: part for part in known}
    lines = {
        taken["voice"]: frozenset(
            (there[place].track, there[place].channel - 1) for place in taken["part"]
        )
        for taken in source.facts["parts"]
    }
    steps = codec.steps if score.bars > 1 else codec.steps_per_bar  # a loop of one bar
    tick = round(float(score.bar_lines[before.context.bar - 1]) * score.resolution)
    old, new = (codec.tracks(np.asarray(e.x.cpu()), e.context) for e in (before, after))
    for (voice, _), was, shall in zip(codec.voices, old, new, strict=True):
        if voice in lines:
            then, now = (_within(each.notes, steps) for each in (was, shall))
            per_quarter = before.context.per_quarter
            yield Change(tick, steps, lines[voice], then, now, was.is_drum, kit, per_quarter)


def _within(notes: Sequence[GridNote], steps: int) -> list[GridNote]:
    """Return the notes that begin within the first steps, cut off at their end."""
    return [note._replace(end=min(note.end, steps)) for note in notes if round(note.start) < steps]
