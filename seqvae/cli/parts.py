"""Which part of a file is meant: the options that say so, what was taken, and a list of parts."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vaecore.cli.echo import echo, style
from vaecore.cli.job import counted
from vaecore.errors import UsageError, printable

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.parts import Part
    from seqvae.music.representations.windows import Windows
    from vaecore.cli.presentation import Input, Source

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
            help=f"Take this part: its name, or its number in `show --tracks`. {each} Default: the "
            "likeliest melody, which is said.",
        ),
        click.Option(
            ["--channel"],
            multiple=True,
            type=click.IntRange(1, 16),
            help=f"Take what is on this MIDI channel. {each}",
        ),
        click.Option(
            ["--part"], multiple=True, type=click.Choice(ROLES), help=f"Take this part. {each}"
        ),
        click.Option(
            ["--top-line"],
            is_flag=True,
            help="Of chords, such as a piano's, take the top line as a melody.",
        ),
        click.Option(["--drums"], is_flag=True, help="What is taken is drums, on any channel."),
        click.Option(
            ["--drum-map"],
            multiple=True,
            metavar="NAME|FILE",
            help="What the keys of the drums mean: general_midi, roland, alesis, ableton, or a "
            f"YAML file of lines such as 36: kick. {each}",
        ),
    ]


def each_of(values: Sequence[T], count: int, name: str) -> list[T | None]:
    """Return the value of an option for each input, None where there is none.

    Raises:
        UsageError: There are neither none, nor one, nor as many as inputs.
    """
    if len(values) <= 1:
        return [values[0] if values else None] * count
    if len(values) != count:
        raise UsageError(f"--{name}: got {len(values)} for {count} inputs; give one, or as many")
    return list(values)


def selected(inputs: Sequence[Input], given: Mapping[str, Any]) -> list[Score]:
    """Return the part of each input that the options ask for, or all of it.

    Raises:
        UsageError: There are too many or too few of an option.
        DataError: An input has no such part.
    """
    from seqvae.music.representations.parts import Selection, kit, select

    count = len(inputs)
    tracks = each_of(given.get("track") or (), count, "track")
    channels = each_of(given.get("channel") or (), count, "channel")
    roles = each_of(given.get("part") or (), count, "part")
    maps = each_of(given.get("drum_map") or (), count, "drum-map")
    kits = {name: kit(name) for name in maps if name is not None}
    return [
        select(
            each.content,
            Selection(track, channel, role, bool(given.get("drums")), kits.get(name or "")),
        )
        for each, track, channel, role, name in zip(
            inputs, tracks, channels, roles, maps, strict=True
        )
    ]


def taken(
    codec: SequenceCodec, whole: Score, score: Score, instrument: int
) -> tuple[str, list[dict[str, Any]]]:
    """Return which parts a window is of, and why: in words and for `--json`.

    The words are empty where there was nothing to choose from.

    Args:
        codec: Of the window.
        whole: All of the file.
        score: What was asked for.
        instrument: That of the window.
    """
    from seqvae.music.representations.parts import parts

    there, asked = parts(whole), len(parts(score)) < len(parts(whole))
    places = {part.number: part.place for part in there}
    named = {part.number for part in there if part.is_drum and not _on_drum_channel(part)}
    texts, facts, first = [], [], True
    for voice, alphabet in codec.voices:
        found = parts(score)
        if not alphabet.pitched:
            found = tuple(part for part in found if part.is_drum)
        elif first:
            numbers = codec.together(score, instrument)
            found, first = tuple(p for p in found if p.number in numbers), False
        else:
            found = tuple(part for part in found if part.role == voice)[:1]
        if not found:
            continue
        why = found[0].why if not asked else "as asked"
        if found[0].is_drum and not asked:
            why = "called drums" if {p.number for p in found} & named else ""
        together = alphabet.pitched and len(found) > 1
        why = "played together" if together else why
        title = " and ".join(part.title for part in found[:2])
        texts.append(title if len(codec.voices) == 1 else f"{voice} {title}")
        if why and len(codec.voices) == 1:
            at = [str(places.get(part.number)) for part in (found if together else found[:1])]
            texts[-1] += f" (part {', '.join(at)} of {len(there)}: {why})"
        facts.append(
            {
                "voice": voice,
                "part": [places.get(part.number) for part in found],
                "name": [part.name for part in found],
                "why": why,
            }
        )
    several = len(there) > 1 or named
    return ", ".join(texts) if several else "", facts


def looped(score: Score, codec: SequenceCodec) -> tuple[Score, str]:
    """Return music of one bar repeated to a window, and a word that says so."""
    from seqvae.music.representations.parts import repeated

    known = score.stretches[0].bar in codec.grid.lengths
    if score.bars > 1 or codec.bars == 1 or len(score.tempos) > 1 or not known:
        return score, ""
    return repeated(score, codec.bars), "one bar, looped"


def tell_left_out(found: Windows, path: Path | str) -> None:
    """Tell on stderr which bars a song is without."""
    from seqvae.music.representations.windows import OF_NOTES

    for rejection in found.rejections:
        if rejection.rule not in OF_NOTES:
            echo(f"{path}: {rejection.text}, which is left out", err=True)


def tell_again(taken: Sequence[Sequence[Source]], paths: Sequence[Path | str], bars: int) -> None:
    """Tell on stderr which songs begin again, because another one is longer.

    Args:
        taken: The windows of each song.
        paths: The songs.
        bars: Of a window.
    """
    counts = list(map(len, taken))
    longest = max(counts)
    shorter = [
        f"{path} ({counted(bars * count, 'bar')})"
        for path, count in zip(paths, counts, strict=True)
        if count < longest
    ]
    if shorter:
        again = "begins again" if len(shorter) == 1 else "begin again"
        beside = f"{paths[counts.index(longest)]} ({counted(bars * longest, 'bar')})"
        echo(f"{', '.join(shorter)} {again} beside {beside}", err=True)


def rounds(taken: Sequence[Sequence[Source]]) -> list[list[Source]]:
    """Return the windows of several songs side by side; a shorter one begins again.

    Where none of them sounds there is no round.
    """
    longest = max(map(len, taken))
    found = [[windows[k % len(windows)] for windows in taken] for k in range(longest)]
    sounding = [each for each in found if any(source.example.x.any() for source in each)]
    return sounding or found[:1]


def show_tracks(path: Path, score: Score, as_json: bool) -> None:
    """Print the parts of a file, and what each could be used for."""
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
    """Return how many columns of a terminal a text takes: two for each wide character."""
    return len(text) + sum(unicodedata.east_asian_width(each) in "WF" for each in text)


def part_facts(part: Part) -> dict[str, Any]:
    """Return what is known of a part, for `--json`."""
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
    """Return what a part could be used for, the likeliest first."""
    if part.role:
        return part.role
    if part.polyphony > 1.5:
        return "chords; their top line as a melody"
    return "bass, melody" if part.middle < 52 else "melody"


def _on_drum_channel(part: Part) -> bool:
    return part.channel in (0, 10)
