"""Music at the command line: which windows are taken, how results are written and shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from seqvae.cli.text import TextPresentation, is_text
from vaecore.cli.job import counted
from vaecore.cli.presentation import Choice, Presentation, Result, Source, Written
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI
    from torch import Tensor

    from seqvae.music.presentation import Grid
    from seqvae.music.representations.base import SequenceCodec, Windows
    from vaecore.cli.outputs import Outputs

FAVOURITE = "drums"
"""What `sample` plays if nobody says."""

PANELS = 256
"""At most this many items are drawn in one PNG."""

SHOWN = 4
"""Bars that are shown of drums that were humanized."""

LONG = 8
"""Windows of so many bars are drawn in lines of so many, with an 8th to the column."""

_ORIGINAL = "original"
_TAKING = ("interpolate", "palette", "reconstruct", "edit", "similar")
_WRITING = (*_TAKING, "sample")
_PLAYING = ("humanize", "drumify")


class MusicPresentation(Presentation):
    """MIDI in, MIDI out, with a picture in text; PNG and WAV on request."""

    outputs: ClassVar[Mapping[str, str]] = {
        "interpolate": "interpolation.mid",
        "palette": "palette.mid",
        "sample": "samples.mid",
        "reconstruct": "reconstruction.mid",
        "edit": "edited.mid",
        "similar": "similar.mid",
        "humanize": "humanized.mid",
        "drumify": "drumified.mid",
    }
    reads = suffixes = (".mid", ".midi")
    codec: SequenceCodec
    """Of the sources that were read last."""

    def fitting(self, inputs: Sequence[Path], model: str | None) -> Presentation:
        """Return this, or the presentation of sentences where these are asked for."""
        return TextPresentation() if is_text(inputs, model) else self

    def options(self, verb: str) -> Sequence[click.Option]:
        """Return the options that choose windows, and those that write other files."""
        taking = [
            click.Option(
                ["--bar"],
                multiple=True,
                type=click.IntRange(min=1),
                help="Bar where the window starts, 1 is the first; once for all inputs, or once "
                "for each. Default: the first window that is not empty.",
            ),
            click.Option(
                ["--all", "all_windows"], is_flag=True, help="Go window by window, to the end."
            ),
        ]
        writing = [
            click.Option(["--separate"], is_flag=True, help="One file per result."),
            click.Option(["--png"], is_flag=True, help="Also draw a piano roll."),
            click.Option(["--wav"], is_flag=True, help="Also render the sound."),
        ]
        if verb in _PLAYING:
            return writing[-1:]
        return taking * (verb in _TAKING) + writing * (verb in _WRITING)

    def choose_model(self, paths: Sequence[Path], options: Mapping[str, Any]) -> Choice:
        """Return the shipped model for what the files are with the longest window that fits.

        Trios shorter than any model for them are taken as melodies. What is before the bar that
        was asked for does not count.
        """
        from seqvae.music.representations import detect

        kind, bars, reason = FAVOURITE, 1, "choose another with --model"
        what = {
            "drums": "drums",
            "groove": "a drum performance",
            "melody": "a melody",
            "trio": "melody, bass and drums",
        }
        if paths:
            before = max(options.get("bar") or (1,)) - 1
            kind, bars = detect(list(paths))
            bars = max(1, bars - before)
            if kind == "trio" and min(_shipped(kind), default=bars + 1) > bars:
                kind, bars = detect(list(paths), trios=False)
                bars = max(1, bars - before)
            more = " or more" if len(paths) > 1 else ""
            reason = f"for {what[kind]}, {counted(bars, 'bar')}{more}"
        lengths = _shipped(kind)
        if not lengths:
            remedy = "name a model folder with --model"
            raise DataError(f"there is no model for {kind} in the box", remedy=remedy)
        fitting = [length for length in lengths if length <= bars]
        return Choice(lengths[max(fitting) if fitting else min(lengths)], reason)

    def sources(
        self, codec: SequenceCodec, paths: Sequence[Path], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return the windows: the first that sounds, that at --bar, or with --all one by one."""
        self.codec = codec
        bars: Sequence[int | None] = options["bar"] or (None,)
        if len(bars) == 1:
            bars = tuple(bars) * len(paths)
        if len(bars) != len(paths):
            raise UsageError(
                f"--bar: got {len(bars)} for {len(paths)} inputs; give one, or as many"
            )
        taken = []
        for path, bar in zip(paths, bars, strict=True):
            found = codec.explain(path, deduplicate=False)
            chosen = _choose(codec, found, path, bar, options["all_windows"])
            taken.append([_source(codec, found, index, path) for index in chosen])
        return [list(sources) for sources in zip(*taken, strict=False)]

    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write all items in a row as one MIDI file, or one file each."""
        from seqvae.music.presentation import join, piano_roll, render, write_midi

        titles = list(result.titles) * len(result.rounds)
        seconds = [self._seconds(result, item) for item in result.items]
        if options.get("separate"):
            for k, place in enumerate(_numbered(outputs.main, len(result.titles))):
                items = [items[k] for items in result.rounds]
                write_midi(items, outputs.add(place), [self._seconds(result, i) for i in items])
        else:
            write_midi(result.items, outputs.add(outputs.main), seconds, titles=titles)
        if options.get("png"):
            grids, names = _compared(result)
            if len(grids) > PANELS:
                raise UsageError(f"--png draws at most {PANELS} windows, not {len(grids)}")
            piano_roll(grids, outputs.beside(".png"), names, columns=result.columns)
        if options["wav"]:
            render(join(result.items, seconds), outputs.beside(".wav"))
        tempi = [_tempo(item) for item in result.items]
        bars = result.codec.bars * len(result.items)
        facts = {
            "bars": bars,
            "seconds": round(sum(seconds), 3),
            "tempo_bpm": [round(tempi[0], 3), round(tempi[-1], 3)],
        }
        first = outputs.written[0]
        listen = "" if options["wav"] else f"listen: seqvae render {first}"
        text = f"{counted(bars, 'bar')} · {_clock(sum(seconds))} · {_between(tempi)} bpm"
        return Written(text, facts, listen)

    def picture(self, result: Result, width: int) -> str:
        """Return originals above results in full, or many results as one line each."""
        from seqvae.cli.strip import strip
        from seqvae.music.presentation import text_roll

        grids, titles = _compared(result)
        if result.verb in _PLAYING:
            begun = [grid.lines(SHOWN)[0] for grid in grids]
            return text_roll(begun, width, titles)
        if result.verb in ("reconstruct", "edit") and len(result.titles) == 1:
            if result.codec.bars < LONG:
                return text_roll(grids[:2], width, titles[:2])
            lines = zip(*(grid.lines(LONG) for grid in grids[:2]), strict=True)
            parts = [part for both in lines for part in both]
            names = [f"{titles[k % 2]} · bar {part.first_bar}" for k, part in enumerate(parts)]
            return text_roll(parts, width, names, each=2)
        return strip(grids, titles, width, first=0 if titles[0] == _ORIGINAL else 1)

    def fidelity(self, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Return how many steps, and how many steps with events, are the same; of each voice."""
        from seqvae.music.evaluate import fidelity

        return fidelity(self.codec, x, y)

    @staticmethod
    def _seconds(result: Result, item: PrettyMIDI) -> float:
        """Return how long an item lasts: always its whole window."""
        return result.codec.bars * 240.0 / _tempo(item)


def _shipped(kind: str) -> dict[int, str]:
    """Return the models in the box for one representation, by the bars of their windows."""
    from seqvae.music.domain import DOMAIN

    found = {}
    for name in DOMAIN.shipped():
        # Not vaecore.folder, which imports torch: bad inputs are to be answered before that.
        config = json.loads((DOMAIN.box / name / "config.json").read_text(encoding="utf-8"))
        if config["representation"]["name"] == kind:
            found[config["representation"]["bars"]] = name
    return found


def _choose(
    codec: SequenceCodec, found: Windows, path: Path, bar: int | None, all_windows: bool
) -> list[int]:
    """Return the indices of the windows to take from a file."""
    sounding = [i for i in range(len(found)) if found.x[i].any()]
    at = [i for i in sounding if bar is None or found.bars[i] == bar]
    if not at:
        codec.encode(path, bar)  # knows why, and says so
        at = [i for i in range(len(found)) if found.bars[i] == bar]
    chosen = at[:1]
    for i in sounding if all_windows else ():
        last = chosen[-1]
        same_voice = found.instruments[i] == found.instruments[last]
        if same_voice and found.bars[i] >= found.bars[last] + codec.bars:
            chosen.append(i)
    return chosen


def _source(codec: SequenceCodec, found: Windows, index: int, path: Path) -> Source:
    from seqvae.music.reading.midi import read_score

    first, context = found.bars[index], found.contexts[index]
    last = first + codec.bars - 1
    total = max(last, sum(piece.bars for piece in read_score(path).pieces()))
    bars = f"bar {first}" if first == last else f"bars {first}-{last}"
    facts = {
        "bars": [first, last],
        "of_bars": total,
        "tempo_bpm": round(context.tempo_bpm, 3),
        "program": context.program,
        **({"bass_program": context.bass_program} if "bass" in codec.kinds else {}),
    }
    place = f"{bars} of {total} · {context.tempo_bpm:.4g} bpm"
    return Source(codec.decode(found.x[index], context), path, place, facts)


def _compared(result: Result) -> tuple[list[Grid], list[str]]:
    """Return what is drawn: with one original, it comes first; every grid a whole window."""
    from seqvae.music.presentation import grid_of_item

    items, titles = result.items, list(result.titles) * len(result.rounds)
    if len(result.rounds) == 1 and len(result.originals) > 1:  # several, each above its result
        items = [item for pair in zip(result.originals, items, strict=True) for item in pair]
        titles = [name for title in titles for name in (title, "reconstruction")]
    elif len(result.rounds) == 1 and result.originals:
        items = [*result.originals, *items]
        titles = [_ORIGINAL, *titles]
        if result.verb == "reconstruct":
            titles[1] = "reconstruction"
    return [replace(grid_of_item(item), steps=result.codec.steps) for item in items], titles


def _numbered(path: Path, count: int) -> list[Path]:
    digits = max(2, len(str(count)))
    return [path.with_stem(f"{path.stem}_{k:0{digits}d}") for k in range(1, count + 1)]


def _tempo(item: PrettyMIDI) -> float:
    return float(item.get_tempo_changes()[1][0])


def _between(tempi: Sequence[float]) -> str:
    first, last = f"{tempi[0]:.4g}", f"{tempi[-1]:.4g}"
    return first if first == last else f"{first} to {last}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
