"""The presentation of faces: how pictures are read, written and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facevae.cli import photographs
from facevae.images import SUFFIXES, read_image
from vaecore.cli import options as shared
from vaecore.cli.echo import progress
from vaecore.cli.presentation import Choice, Input, Presentation, Result, Source, Written
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from facevae.codec import FaceCodec
    from vaecore.cli.outputs import Outputs
    from vaecore.space import LatentSpace

DEFAULT_MODEL = "faces_64"
"""The model without --model, if it is shipped."""

FILMS, SHEETS = (".gif", ".webp", ".mp4"), (".png", ".jpg", ".jpeg", ".webp")
"""Endings of films of a morph, and of sheets; the WebP of a morph is a film."""
FRAME = 256
"""Default height and width of a film, in pixels."""
LARGEST = 1024
"""Largest height and width of a face in a result, in pixels."""
PAGE = ".html"
"""Ending of an interactive page of a palette."""
PLANE = 15
"""Default number of rows and columns of such a page."""

MOST_HELD = 100_000_000
"""Largest number of pixels of photographs that are kept in memory after opening."""
_TAKING = ("morph", "palette", "reconstruct", "edit", "similar")
_WRITING = (*_TAKING, "sample")


class FacePresentation(Presentation):
    """Photographs in; a film, a sheet or a folder of pictures out, by the ending of the output."""

    outputs: Mapping[str, str] = {
        "morph": "morph.gif",
        "palette": "palette.png",
        "sample": "samples.png",
        "reconstruct": "reconstruction.png",
        "edit": "edited.png",
        "similar": "similar.png",
    }
    reads = SUFFIXES
    suffixes = SHEETS
    draws = True
    evaluates = True
    _held = 0
    """Pixels of the photographs opened so far."""
    defaults: Mapping[str, Mapping[str, Any]] = {
        # Texts are words for the help; the codec has the values.
        "sample": {"n": 16, "temperature": "1"},
        "morph": {"steps": "25; on a sheet 9", "path": "flow", "timing": "perceived"},
        "palette": {"path": "flow"},
    }

    def options(self, verb: str) -> Sequence[click.Option]:
        """Return the options of photographs, of films, and of pictures."""
        taking = [
            click.Option(
                ["--no-align"],
                is_flag=True,
                help="Use photographs as they are. By default the face is found, turned upright "
                "and cut out, unless the photograph is framed already.",
            ),
            click.Option(
                ["--face"],
                type=click.IntRange(1),
                multiple=True,
                metavar="N",
                help="Use the Nth face from the left. Once for all photographs, or once for each. "
                "[default: the largest and most central]",
            ),
        ]
        film = [
            click.Option(
                ["--hold"],
                type=shared.Finite(0, 60),
                default=0.6,
                show_default=True,
                help="Extra time for which each input is shown, in seconds.",
            ),
            click.Option(["--bounce"], is_flag=True, help="Play the film backwards after its end."),
            click.Option(
                ["--fps"],
                type=shared.Finite(1, 50),
                default=12.5,
                show_default=True,
                help="Frames per second.",
            ),
        ]
        writing = [
            click.Option(
                ["--size"],
                type=click.IntRange(16, LARGEST),
                help="Height and width of a face in the result, in pixels. [default: 256 in films; "
                "by the number of faces on sheets; the model's size in folders]",
            )
        ]
        return film * (verb == "morph") + writing * (verb in _WRITING) + taking * (verb in _TAKING)

    def endings(self, verb: str) -> tuple[str, ...]:
        """Return the endings of sheets, of films for `morph`, of a page for `palette`, and ""."""
        more = {"morph": FILMS, "palette": (PAGE,)}.get(verb, ())
        return (*dict.fromkeys((*more, *SHEETS)), "")

    def grid(self, output: Path | None) -> tuple[int, int]:
        """Return a finer grid for a page, so that it changes smoothly."""
        page = output is not None and output.suffix.lower() == PAGE
        return (PLANE, PLANE) if page else super().grid(output)

    def steps(self, inputs: int, output: Path | None) -> int:
        """Return the default number of steps: 24 from each input to the next, 8 on a sheet."""
        suffix = "" if output is None else output.suffix.lower()
        each = 8 if suffix in SHEETS and suffix not in FILMS else 24
        return each * (inputs - 1) + 1

    def open(self, path: Path | str) -> Image.Image | Path | str:
        """Return a photograph, read before torch is imported.

        Beyond `MOST_HELD` pixels, the path is returned, and the file is read again later.
        """
        super().open(path)  # refuses a missing file before Pillow is imported
        image = read_image(path)
        self._held += image.width * image.height
        return image if self._held <= MOST_HELD else path

    def choose_model(self, inputs: Sequence[Input], options: Mapping[str, Any]) -> Choice:
        """Return the default model.

        Raises:
            DataError: The box is empty.
        """
        names = self.domain.shipped()
        if not names:
            remedy = "name a model folder with --model"
            raise DataError("there is no model in the box", remedy=remedy)
        return Choice(DEFAULT_MODEL if DEFAULT_MODEL in names else names[0], "")

    def sources(
        self, codec: FaceCodec, inputs: Sequence[Input], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return one face of each photograph, framed as the model needs it.

        Raises:
            UsageError: --face comes with --no-align, or not as often as there are photographs.
            DataError: A photograph cannot be read, or shows no face.
        """
        faces = options["face"] or (None,)
        if len(faces) == 1:
            faces *= len(inputs)
        if options["no_align"] and options["face"]:
            raise UsageError("--face does not go with --no-align; leave one of them out")
        if len(faces) != len(inputs):
            text = f"--face: got {len(faces)} for {len(inputs)} photographs; give one, or as many"
            raise UsageError(text)
        take = photographs.as_it_is if options["no_align"] else photographs.framed
        return [[take(codec, *each) for each in zip(inputs, faces, strict=True)]]

    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write a film, a sheet, or a folder of pictures."""
        main, side = outputs.main, options["size"]
        if main is None:
            raise ValueError("pictures need an output to write to")
        suffix = main.suffix.lower()
        if result.verb == "morph" and suffix in FILMS:
            return _write_film(result, outputs.add(main), suffix, options)
        if suffix == PAGE:
            return _write_page(result, outputs.add(main), side)
        if suffix in SHEETS:
            from facevae.cli.pages import page

            picture = page(result, side)
            _save(picture, outputs.add(main))
            size = {"width": picture.width, "height": picture.height}
            return Written(f"{picture.width} x {picture.height} pixels", size)
        names = _names(result)
        return _write_folder(result, outputs.folder(main, names), side)

    def fidelity(self, codec: FaceCodec, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Return PSNR and SSIM of reconstructions."""
        from facevae.measures import as_saved, psnr, ssim

        saved = as_saved(y)
        figures = {"psnr": psnr(saved, x).mean().item(), "ssim": ssim(saved, x).mean().item()}
        return f"PSNR {figures['psnr']:.1f} dB · SSIM {figures['ssim']:.2f}", figures

    def evaluate(
        self, space: LatentSpace[Any], paths: Sequence[Any], seed: int, split: str | None = None
    ) -> dict[str, Any]:
        """Return the figures of a model on pictures; see `facevae.evaluate`."""
        from facevae.evaluate import evaluate

        return evaluate(space, paths, seed, split=split)


def _write_film(result: Result, place: Path, suffix: str, options: Mapping[str, Any]) -> Written:
    from facevae.presentation import Enlarged, Film, write_gif, write_mp4, write_webp

    side = options["size"] or FRAME
    stops = [k for k, title in enumerate(result.titles) if title]
    frames = Enlarged(result.items, side, shown=progress("picture"))
    film = Film.of(
        frames, fps=options["fps"], hold=options["hold"], stops=stops, bounce=options["bounce"]
    )
    {".gif": write_gif, ".webp": write_webp, ".mp4": write_mp4}[suffix](film, place)
    facts = {
        "width": side,
        "height": side,
        "frames": len(film.frames),
        "seconds": round(film.length, 3),
    }
    return Written(f"{side} x {side} pixels · {film.length:.1f} seconds", facts)


def _write_page(result: Result, place: Path, side: int | None) -> Written:
    from facevae.page import palette_page
    from facevae.presentation import enlarge

    side = side or result.items[0].width
    faces = [enlarge(item, side) for item in result.items]
    corners = [(k, title) for k, title in enumerate(result.titles) if title]
    data = palette_page(faces, result.columns or len(faces), corners).encode()
    place.write_bytes(data)
    facts = {"width": side, "height": side, "bytes": len(data)}
    return Written(
        f"a page, {len(data) / 1000:.0f} kB", facts, "open it in a browser, also offline"
    )


def _names(result: Result) -> list[str]:
    """Return the file names of a folder, in the order of the results."""
    stem, count = "frame" if result.verb == "morph" else "face", len(result.examples)
    digits = max(2, len(str(count)))
    return [f"{stem}_{k:0{digits}d}.png" for k in range(1, count + 1)]


def _write_folder(result: Result, places: Sequence[Path], side: int | None) -> Written:
    from facevae.presentation import Enlarged

    side = side or result.items[0].width
    for item, place in zip(
        Enlarged(result.items, side, shown=progress("picture")), places, strict=True
    ):
        item.save(place)
    return Written(f"{side} x {side} pixels", {"width": side, "height": side})


def _save(picture: Image.Image, place: Path) -> None:
    """Save a picture in the format of its ending."""
    picture.save(place, quality=95)
