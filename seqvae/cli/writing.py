"""Writing music: MIDI files, and pictures, sound and films of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from seqvae.music.reading.score import minutes
from vaecore.cli import options as shared
from vaecore.cli.echo import progress
from vaecore.cli.job import counted
from vaecore.cli.presentation import Result, Written
from vaecore.codec import Example
from vaecore.errors import UsageError, printable
from vaecore.film import check_video

if TYPE_CHECKING:
    from seqvae.music.presentation import Grid
    from seqvae.music.representations.base import SequenceCodec
    from vaecore.cli.outputs import Outputs

PANELS = 256
"""Largest number of windows that are drawn in one PNG."""

ORIGINAL = "original"
"""Title of an input that results are compared with."""

PAGE = ".html"
"""Ending of an interactive page of blends."""
FILM = ".mp4"
"""Ending of a film of results."""

BARS = {"4/4": 4.0, "3/4": 3.0, "6/8": 3.0, "12/8": 6.0}
"""Quarter notes of a bar, of the meters that models know."""

SOUNDFONT = "Another SoundFont (.sf2) for the sound"
SEPARATE = click.Option(["--separate"], is_flag=True, help="Write one file for each result.")
PNG = click.Option(["--png"], is_flag=True, help="Also draw a piano roll.")
PLAYED = (
    click.Option(["--wav"], is_flag=True, help="Also render the sound."),
    click.Option(["--soundfont"], type=shared.FILE, help=f"{SOUNDFONT}; implies --wav."),
    click.Option(
        ["--bpm"],
        type=shared.Finite(10, 1000),
        help="Tempo of the result in quarter notes per minute. [default: that of the inputs]",
    ),
    click.Option(
        ["--loop"],
        type=click.IntRange(1, 100),
        default=1,
        show_default=True,
        help="Number of times that each result is played before the next one.",
    ),
)


def write(result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
    """Write all items as one MIDI file or film, or one for each, with pictures and sound.

    Args:
        result: The verb's result.
        outputs: Where to write.
        options: Values of the options above; options that the verb lacks are absent.

    Raises:
        UsageError: An option does not go with the results.
    """
    from seqvae.music.presentation import join, piano_roll, render, write_film, write_midi

    assert outputs.main is not None  # all verbs of music write a file
    result = _played(result, options.get("bpm"), options.get("meter"))
    if options.get("all_windows"):
        result = _with_rests(result)
    if outputs.main.suffix.lower() == PAGE:
        return _write_page(result, outputs, options)
    film = outputs.main.suffix.lower() == FILM
    if film:
        check_video("write a .mid")
    loop, font = options.get("loop", 1), options.get("soundfont")
    codec = cast("SequenceCodec", result.codec)
    length, every = codec.bars, result.items
    seconds, tempi = _lasting(result.examples, codec)
    titles: list[str] | None = list(result.titles) * len(result.rounds)
    files, each = [outputs.main], 1
    if options.get("separate"):
        files, each, titles = numbered(outputs.main, len(result.titles)), len(result.titles), None
    for k, place in enumerate(files):
        items, lasting = every[k::each], seconds[k::each]
        if film:
            write_film(
                items,
                outputs.add(place),
                lasting,
                [result.titles[k]] if titles is None else result.titles,
                columns=result.columns,
                repeat=loop,
                soundfont=font,
                shown=progress("picture"),
            )
            continue
        write_midi(items, outputs.add(place), lasting, repeat=loop, titles=titles)
    if options.get("png"):
        grids, names = compared(result)
        if len(grids) > PANELS:
            raise UsageError(f"--png draws at most {PANELS} windows, not {len(grids)}")
        piano_roll(grids, outputs.beside(".png"), names, columns=result.columns)
    sounds = [p.with_suffix(".wav") for p in files if options["wav"] or (font and not film)]
    for k, place in enumerate(sounds):
        joined = join(every[k::each], seconds[k::each], repeat=loop)
        render(joined, outputs.add(place), soundfont=font)
    bars, total = loop * length * len(every), loop * sum(seconds)
    facts = {
        "bars": bars,
        "seconds": round(total, 3),
        "tempo_bpm": [round(tempo, 3) for tempo in tempi],
        "loop": loop,
    }
    listen = "" if sounds or film else f"listen: seqvae render {printable(outputs.written[0])}"
    text = f"{counted(bars, 'bar')} · {minutes(total)} · {between(tempi)} bpm"
    return Written(text, facts, listen)


def _lasting(examples: Sequence[Example], codec: SequenceCodec) -> tuple[list[float], list[float]]:
    """Return the duration of each example in seconds, and the first and the last tempo in bpm."""
    contexts = [example.context or codec.context for example in examples]
    seconds = [context.seconds(codec.steps) for context in contexts]
    return seconds, [contexts[0].tempo_bpm, contexts[-1].tempos[-1][1]]


def _write_page(result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
    """Write an interactive page of the blends of a result."""
    from seqvae.music.page import palette_page

    assert outputs.main is not None
    others = {"separate": 0, "png": 0, "wav": 0, "soundfont": None, "loop": 1}
    for name, usual in others.items():
        if options.get(name, usual) not in (usual, None):
            raise UsageError(f"--{name} goes with MIDI files, not with {outputs.main.name}")
    corners = [(place, title) for place, title in enumerate(result.titles) if title]
    if not corners:
        raise UsageError("a page of whole songs needs the number of blends; choose --steps")
    codec = cast("SequenceCodec", result.codec)
    columns = result.columns or len(result.titles)
    data = palette_page(codec, result.rounds, columns, corners).encode()
    outputs.add(outputs.main).write_bytes(data)
    size = f"{len(data) / 1000:.0f} kB"
    return Written(f"a page, {size}", {"bytes": len(data)}, "open it in a browser, also offline")


def compared(result: Result) -> tuple[list[Grid], list[str]]:
    """Return the grids to draw, one for each window, and their titles, with originals first."""
    from seqvae.music.presentation import grid_of_window

    examples, titles = result.examples, list(result.titles) * len(result.rounds)
    if len(result.rounds) == 1 and len(result.originals) > 1:  # several, each above its result
        pairs = zip(result.originals, examples, strict=True)
        examples = [example for pair in pairs for example in pair]
        titles = [name for title in titles for name in (title, "reconstruction")]
    elif len(result.rounds) == 1 and result.originals:
        examples = [*result.originals, *examples]
        titles = [ORIGINAL, *titles]
        if result.verb == "reconstruct":
            titles[1] = "reconstruction"
    codec = cast("SequenceCodec", result.codec)
    grids = [
        replace(grid_of_window(codec, each.x, each.context), steps=codec.steps) for each in examples
    ]
    return grids, titles


def _with_rests(result: Result) -> Result:
    """Return the windows of a song, with windows of silence where it rests."""
    length = cast("SequenceCodec", result.codec).bars
    rounds: list[Sequence[Example]] = []
    for made in result.rounds:
        now = made[0].context
        before = rounds[-1][0].context if rounds else None
        if before and before.bar is not None and now.bar is not None:
            silence = [replace(each, x=each.x * 0) for each in rounds[-1]]
            for k in range(1, (now.bar - before.bar) // length):
                bar = before.bar + k * length
                rounds.append([replace(e, context=replace(e.context, bar=bar)) for e in silence])
        rounds.append(made)
    return replace(result, rounds=rounds)


def _played(result: Result, bpm: float | None, meter: tuple[int, int] | None) -> Result:
    """Return a result with one tempo, and one meter, for all items; None leaves them as they are.

    Raises:
        UsageError: The model has no bars of the meter's length.
    """
    codec = cast("SequenceCodec", result.codec)
    changes: dict[str, Any] = {} if bpm is None else {"tempo_bpm": bpm, "changes": ()}
    if meter is not None:
        lengths, quarters = codec.grid.lengths, 4 * meter[0] / meter[1]
        if quarters not in lengths:
            known = ", ".join(name for name, length in BARS.items() if length in lengths)
            text = "--meter: the model has no bars of {}/{}; choose ".format(*meter)
            raise UsageError(text + known)
        changes |= {"meter": meter, "per_quarter": lengths[quarters]}
    if not changes:
        return result

    def changed(example: Example) -> Example:
        return replace(example, context=replace(example.context or codec.context, **changes))

    return replace(result, rounds=[[changed(each) for each in made] for made in result.rounds])


def numbered(path: Path, count: int) -> list[Path]:
    """Return a numbered file name for each of `count` results."""
    digits = max(2, len(str(count)))
    return [path.with_stem(f"{path.stem}_{k:0{digits}d}") for k in range(1, count + 1)]


def between(tempi: Sequence[float]) -> str:
    """Return the first and the last of some tempos as text: "120 to 90"."""
    first, last = f"{tempi[0]:.4g}", f"{tempi[-1]:.4g}"
    return first if first == last else f"{first} to {last}"
