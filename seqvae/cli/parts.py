"""Parts of a file: the options that choose one, and the list of `show --tracks`."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from seqvae.cli.reading import warn
from vaecore.cli.echo import echo, style
from vaecore.cli.job import counted
from vaecore.cli.presentation import Input
from vaecore.errors import UsageError, printable

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score
    from seqvae.music.representations.parts import Part

ROLES = ("melody", "bass", "drums")
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
T = TypeVar("T")


def options() -> list[click.Option]:
    """Return the options that choose a part of each input."""
    each = "Once for all inputs, or once for each."
    return [
        click.Option(
            ["--track"],
            multiple=True,
            metavar="NAME|N",
            help=f"Use this part: its name, or its number in `show --tracks`. {each} [default: the "
            "likeliest melody, which is printed]",
        ),
        click.Option(
            ["--channel"],
            multiple=True,
            type=click.IntRange(1, 16),
            help=f"Use the notes on this MIDI channel. {each}",
        ),
        click.Option(
            ["--part"],
            multiple=True,
            type=click.Choice(ROLES),
            help=f"Use the part with this role. {each}",
        ),
        click.Option(
            ["--top-line"],
            is_flag=True,
            help="Use the highest notes of chords, such as a piano's, as a melody.",
        ),
        click.Option(
            ["--drums"], is_flag=True, help="Read the part as drums, whatever its channel."
        ),
        click.Option(
            ["--drum-map"],
            multiple=True,
            metavar="NAME|FILE",
            help="Meaning of the keys of drums: general_midi, roland, alesis, ableton, or a YAML "
            f"file with lines such as 36: kick. {each}",
        ),
    ]


def each_of(values: Sequence[T], count: int, name: str) -> list[T | None]:
    """Return the value of a repeatable option for each input, None if it was not given.

    Args:
        values: The values that were given: none, one for all inputs, or one for each.
        count: Number of inputs.
        name: Name of the option, for the message.

    Raises:
        UsageError: There is another number of values.
    """
    if len(values) <= 1:
        return [values[0] if values else None] * count
    if len(values) != count:
        raise UsageError(f"--{name}: got {len(values)} for {count} inputs; give one, or as many")
    return list(values)


class Chosen(NamedTuple):
    """The content of an input of music.

    Attributes:
        whole: The whole file.
        parts: Its parts.
        score: The part that the options choose, or the whole file.
    """

    whole: Score
    parts: tuple[Part, ...]
    score: Score


def read(paths: Sequence[Path], given: Mapping[str, Any]) -> list[Input]:
    """Return the inputs, each read once; the content is a `Chosen`.

    Repairs and reinterpretations of a file are reported on stderr.

    Raises:
        UsageError: An option has the wrong number of values.
        DataError: An input cannot be read, or has no such part.
    """
    from seqvae.music.reading.midi import read_score
    from seqvae.music.representations.parts import Selection, kit, parts, select

    scores, count = [], len(paths)
    for path in paths:
        scores.append(read_score(path))
        warn(scores[-1], path)
    names = ("track", "channel", "part", "drum-map")
    chosen = [each_of(given.get(name.replace("-", "_")) or (), count, name) for name in names]
    kits = {name: kit(name) for name in chosen[-1] if name is not None}
    asked = [
        Selection(track, channel, role, bool(given.get("drums")), kits.get(name or ""))
        for track, channel, role, name in zip(*chosen, strict=True)
    ]
    return [
        Input(path, Chosen(score, parts(score), select(score, wish)))
        for path, score, wish in zip(paths, scores, asked, strict=True)
    ]


def show_tracks(path: Path, score: Score, as_json: bool) -> None:
    """Print the parts of a file, and the uses of each."""
    from seqvae.music.representations.parts import parts

    found = parts(score)
    if as_json:
        rows = [part_facts(part) for part in found]
        echo(json.dumps({"verb": "show", "file": str(path), "tracks": rows}))
        return
    table = [("#", "track", "ch", "name", "notes", "range", "voices", "bars", "use")]
    for part in found:
        row = part_facts(part)
        table.append(
            (
                str(part.place),
                str(part.track + 1),
                str(part.channel or ""),
                printable(part.name.strip()[:24]),
                str(part.notes),
                f"{pitch_name(part.low)}-{pitch_name(part.high)}",
                f"{part.polyphony:.1f}",
                str(part.bars),
                row["use"] + (f" ({part.why})" if part.why else ""),
            )
        )
    widths = [max(_width(row[k]) for row in table) for k in range(len(table[0]))]
    left = {3, 5, 8}
    echo(f"{style(path.name, bold=True)}  {counted(len(found), 'part')}")
    for line in table:
        cells = []
        for k, (cell, width) in enumerate(zip(line, widths, strict=True)):
            room = " " * (width - _width(cell))
            cells.append(cell + room if k in left else room + cell)
        echo("  ".join(cells).rstrip())
    echo("\ntake one with --track N or --track NAME")


def _width(text: str) -> int:
    """Return the columns of a text on a terminal: two for each wide character."""
    return len(text) + sum(unicodedata.east_asian_width(each) in "WF" for each in text)


def part_facts(part: Part) -> dict[str, Any]:
    """Return the facts about a part, for `--json`."""
    return {
        "number": part.place,
        "track": part.track + 1,
        "channel": part.channel or None,
        "name": part.name,
        "program": part.program,
        "drums": part.is_drum,
        "notes": part.notes,
        "lowest": part.low,
        "highest": part.high,
        "notes_per_onset": round(part.polyphony, 3),
        "bars": part.bars,
        "taken_for": part.role or None,
        "use": _use(part),
        "why": part.why,
    }


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch; C4 is 60."""
    return f"{_NOTES[pitch % 12]}{pitch // 12 - 1}"


def _use(part: Part) -> str:
    """Return the possible uses of a part, the likeliest first."""
    if part.role:
        return part.role
    if part.polyphony > 1.5:
        return "chords; their top line as a melody"
    return "bass, melody" if part.middle < 52 else "melody"
