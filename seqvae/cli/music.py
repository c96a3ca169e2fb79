"""The presentation of music: choice of model and windows, writing and showing results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import click

from seqvae.cli import into, parts
from seqvae.cli.keys import KEY, SCALE
from seqvae.cli.reading import grid_option, meter_option, sample_meter_option
from seqvae.cli.sources import sources
from seqvae.cli.writing import (
    FILM,
    ORIGINAL,
    PAGE,
    PLAYED,
    PNG,
    SEPARATE,
    compared,
    numbered,
    write,
)
from seqvae.music.reading.container import SUFFIXES
from seqvae.music.reading.grids import GRIDS, SIXTEEN
from vaecore.cli.job import counted
from vaecore.cli.presentation import Choice, Input, Presentation, Result, Source, Written
from vaecore.config import read_config
from vaecore.errors import DataError, printable

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.base import SequenceCodec
    from vaecore.cli.outputs import Outputs
    from vaecore.space import LatentSpace

FAVOURITES = ("groove", "drums")
"""Default representation of `sample`: the first one of which there is a shipped model."""

SHOWN = 4
"""Number of bars that are shown of humanized drums."""

LONG = 8
"""Longer windows are drawn in lines of this many bars, with an eighth note in a column."""

_BLENDING = ("interpolate", "palette")
_TAKING = ("interpolate", "palette", "reconstruct", "edit", "similar")
_WRITING = (*_TAKING, "sample")
_PLAYING = ("humanize", "drumify")
_STUDYING = ("attribute", "analyze", "evaluate")


class MusicPresentation(Presentation):
    """MIDI in, MIDI out, with a picture in text; PNG and WAV on request."""

    outputs: Mapping[str, str] = MappingProxyType(
        {
            "interpolate": "interpolation.mid",
            "palette": "palette.mid",
            "sample": "samples.mid",
            "reconstruct": "reconstruction.mid",
            "edit": "edited.mid",
            "similar": "similar.mid",
            "humanize": "humanized.mid",
            "drumify": "drumified.mid",
        }
    )
    reads = SUFFIXES
    suffixes = (".mid", ".midi")
    evaluates = True
    # Words for the help; the codec has the values.
    defaults: Mapping[str, Mapping[str, Any]] = MappingProxyType(
        {
            "interpolate": {
                "timing": "perceived; beyond 4 bars only on the path flow, else latent"
            },
            "palette": {"path": "slerp"},
            "sample": {"temperature": "0.3; of drum performances 0.65"},
        }
    )

    _rounds: Sequence[Sequence[Source]] = ()
    """The sources of the last call, for --into."""

    def options(self, verb: str) -> Sequence[click.Option]:
        """Return the options that choose windows, and those that write other files."""
        taking = [
            click.Option(
                ["--bar"],
                multiple=True,
                type=click.IntRange(min=1),
                help="Bar to begin at, from 1. Once for all inputs, or once for each. [default: "
                "the first with notes]",
            ),
            click.Option(
                ["--all", "all_windows"],
                is_flag=True,
                help="Use the whole song, window after window. `interpolate` then goes from the "
                "first song to the last as they play; with --steps, in every window.",
            ),
            click.Option(
                ["--quantize"],
                type=click.Choice(["grid", "none"]),
                default="grid",
                show_default=True,
                help="grid: notes begin exactly on the steps. none: they get the timing of the "
                "inputs, such as swing or a late snare.",
            ),
        ]
        writing = [SEPARATE, PNG, *PLAYED] + [sample_meter_option()] * (verb == "sample")
        choosing = [meter_option(), grid_option(), *parts.options()]
        if verb in _PLAYING:
            return [*choosing, *PLAYED]
        if verb in _STUDYING:
            return choosing[:2]
        taking += [into.INTO] * (verb in into.VERBS)
        playing = [KEY] * (verb in _BLENDING) + [SCALE] * (verb in _WRITING)
        return (choosing + taking) * (verb in _TAKING) + playing + writing * (verb in _WRITING)

    def read(self, paths: Sequence[Path], options: Mapping[str, Any]) -> list[Input]:
        """Return the inputs; the content of each is a `Chosen`, the part by the options."""
        return parts.read(paths, options)

    def choose_model(self, inputs: Sequence[Input], options: Mapping[str, Any]) -> Choice:
        """Return the shipped model for these files with the longest window that fits.

        Trios that are too short for all models of trios are read as melodies, as are chords with
        --top-line or --part melody. Bars before --bar do not count.
        """
        from seqvae.music.representations import CODECS
        from seqvae.music.representations.detection import candidates_of

        if not inputs:
            shipped = next(filter(None, map(self._shipped, FAVOURITES)))
            return Choice(shipped[min(shipped)], "choose another with --model")
        before = max(options.get("bar") or (1,)) - 1
        top_line = options.get("top_line") or "melody" in (options.get("part") or ())
        found = candidates_of([each.content.score for each in inputs], bool(top_line))
        chords = [each for each in found if CODECS[each.kind].polyphonic]
        if any(self._shipped(each.kind, each.grid) for each in chords):
            found = chords  # even if they are shorter than a window: chords are no melody
        for kind, bars, grid in found:
            bars = max(1, bars - before)
            lengths = self._shipped(kind, grid)
            fitting = [length for length in lengths if length <= bars]
            if fitting:
                break
        if not lengths:  # a model of the other grid reports which meters it knows
            lengths = self._shipped(kind)
        if not lengths:
            remedy = "name a model folder with --model"
            raise DataError(f"there is no model for {kind} in the box", remedy=remedy)
        more = " or more" if len(inputs) > 1 else ""
        metre = GRIDS[grid].words and f", {GRIDS[grid].words}"
        reason = f"for {CODECS[kind].title or kind}, {counted(bars, 'bar')}{more}{metre}"
        reason += "; --top-line for a melody" if CODECS[kind].polyphonic else ""
        return Choice(lengths[max(fitting) if fitting else min(lengths)], reason)

    def sources(
        self, codec: SequenceCodec, inputs: Sequence[Input], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return one round of windows, or with --all a round for each; see `sources`."""
        self._rounds = rounds = sources(codec, inputs, options)
        return rounds

    def endings(self, verb: str) -> tuple[str, ...]:
        """Return the endings of MIDI files and films, and of a page for blends."""
        return (*self.suffixes, *[PAGE] * (verb in _BLENDING), FILM)

    def grid(self, output: Path | None) -> tuple[int, int]:
        """Return a finer grid for a page than for a file."""
        page = output is not None and output.suffix.lower() == PAGE
        return (9, 9) if page else super().grid(output)

    def goes_on(self, options: Mapping[str, Any]) -> bool:
        """Return whether whole songs are blended as they play."""
        return bool(options.get("all_windows"))

    def limited(
        self,
        space: LatentSpace[Any],
        rounds: Sequence[Sequence[Source]],
        options: Mapping[str, Any],
    ) -> LatentSpace[Any]:
        """Return the space within the scale of --scale."""
        if options.get("scale") is None:
            return space
        return space.within(options["scale"], [s.example for sources in rounds for s in sources])

    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write all items one after another as one MIDI file, or one file each."""
        if options.get("into"):
            assert outputs.main is not None
            separate = options.get("separate")
            places = numbered(outputs.main, len(result.titles)) if separate else [outputs.main]
            return into.write(result, self._rounds, outputs, options, places)
        return write(result, outputs, options)

    def picture(self, result: Result, width: int) -> str:
        """Return originals above results in full, or many results as one line each."""
        from seqvae.cli.strip import strip
        from seqvae.music.presentation import text_roll

        grids, titles = compared(result)
        titles = [printable(title) for title in titles]
        if result.verb in _PLAYING:
            begun = [grid.lines(SHOWN)[0] for grid in grids]
            return text_roll(begun, width, titles, colour=True)
        if result.verb in ("reconstruct", "edit") and len(result.titles) == 1:
            if cast("SequenceCodec", result.codec).bars < LONG:
                return text_roll(grids[:2], width, titles[:2], colour=True)
            lines = zip(*(grid.lines(LONG) for grid in grids[:2]), strict=True)
            parts = [part for both in lines for part in both]
            names = [f"{titles[k % 2]} · bar {part.first_bar}" for k, part in enumerate(parts)]
            return text_roll(parts, width, names, each=2, colour=True)
        return strip(grids, titles, width, first=0 if titles[0] == ORIGINAL else 1, colour=True)

    def fidelity(self, codec: SequenceCodec, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Return the shares of steps and of events that are the same, also for each voice."""
        from seqvae.music.evaluate import fidelity

        return fidelity(codec, x, y)

    def evaluate(
        self, space: LatentSpace[Any], paths: Sequence[Any], seed: int, split: str | None = None
    ) -> dict[str, Any]:
        """Return the figures of a model on files; see `seqvae.music.evaluate`."""
        from seqvae.music.evaluate import evaluate

        return evaluate(space, paths, seed, split=split)

    def _shipped(self, kind: str, grid: str = SIXTEEN.name) -> dict[int, str]:
        """Return the models in the box for a representation and grid, by bars of their windows."""
        found = {}
        for name in self.domain.shipped():
            representation = read_config(self.domain.box / name).representation
            if (representation["name"], representation.get("grid", SIXTEEN.name)) == (kind, grid):
                found[representation["bars"]] = name
        return found
