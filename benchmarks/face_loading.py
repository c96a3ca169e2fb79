"""Is reading images ever the bottleneck, and is memory flat however large the folder?

    python benchmarks/face_loading.py IMAGES --files 100000 --preset faces_64_residual

IMAGES is a folder of images. The script prints

- how many images a core reads in a second, from file to a batch's bytes, and where the time goes
  (by the CPU's clock, so that other work on the machine does not count), and the same for a
  photograph of twelve megapixels;
- how many a loader gives with different numbers of workers;
- the share of a training's time that is spent waiting for images;
- the memory of all processes over an epoch of a large folder, made of links to the first images.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.loader import FaceLoader
from facevae.presets import load_preset

LINKS = 10_000
"""Links to one file; file systems have a limit."""


def per_second(function: Callable[[Path], object], paths: list[Path]) -> float:
    """Return how often a function is called in a second of CPU time."""
    for path in paths:
        path.read_bytes()  # from disk, once
    begin = time.process_time()
    for path in paths:
        function(path)
    return len(paths) / (time.process_time() - begin)


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    return image


def decoding(paths: list[Path], codec: FaceCodec) -> dict[str, float]:
    """Return images per CPU second of the codec, and of its parts by themselves."""
    size = codec.size, codec.size
    with tempfile.TemporaryDirectory() as place:
        photo = Path(place, "photo.jpg")
        with Image.open(paths[0]) as image:
            image.convert("RGB").resize((4000, 3000)).save(photo, quality=90)
        return {
            "codec": per_second(codec.pixels, paths),
            "Pillow: decode": per_second(opened, paths),
            "Pillow: decode, resize": per_second(lambda path: opened(path).resize(size), paths),
            "codec, 12 megapixels": per_second(codec.pixels, [photo] * 20),
            "Pillow, 12 megapixels": per_second(lambda p: opened(p).resize(size), [photo] * 5),
        }


def loading(folder: FaceFolder, batch_size: int, count: int) -> dict[str, float]:
    """Return images per second by the number of workers; 0 is in this process."""
    rates = {}
    for workers in sorted({0, 1, len(os.sched_getaffinity(0))}):
        loader = FaceLoader(folder, batch_size, workers=workers)
        batches = iter(loader)
        next(batches)  # the workers start
        begin, seen = time.perf_counter(), 0
        while seen < count:
            x = next(batches, None)
            batches = iter(loader) if x is None else batches
            seen += 0 if x is None else len(x)
        rates[str(workers)] = seen / (time.perf_counter() - begin)
        loader.close()
    return rates


def waiting(folder: FaceFolder, preset: str, steps: int) -> dict[str, float]:
    """Return the rate of a training, and the share of its time that `next(batch)` takes."""
    recipe = load_preset(preset)
    torch.manual_seed(0)
    model = recipe.make_model().train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    batches = iter(FaceLoader(folder, recipe.make_training().batch_size))
    waited = begin = 0.0
    for step in range(steps + 1):
        if step == 1:  # after the workers' start
            waited, begin = 0.0, time.perf_counter()
        begin = time.perf_counter()
        x = next(batches)
        waited += time.perf_counter() - begin
        optimizer.zero_grad()
        model.loss(x, step).loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - begin
    return {"images_per_second": steps * len(x) / seconds, "waiting_share": waited / seconds}


def memory() -> tuple[float, float]:
    """Return MB of this process and of its children; shared pages are divided among them (PSS).

    Files, such as libraries, do not count: they are shared with whatever else is running.
    """

    def held(pid: int | str) -> float:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kinds = "Pss_Anon:", "Pss_Shmem:"
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(kinds))

    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return held("self") / 1000, sum(held(pid) for pid in children) / 1000


def epoch(paths: list[Path], codec: FaceCodec, files: int) -> dict[str, object]:
    """Return seconds to find many files, and the memory over an epoch of them."""
    with tempfile.TemporaryDirectory() as place:
        sources = []
        for number, path in enumerate(paths[: files // LINKS + 1]):
            sources.append(Path(place, f"source{number}"))
            sources[-1].write_bytes(path.read_bytes())
        for number in range(files):
            os.link(sources[number // LINKS], Path(place, f"{number:07}.jpg"))
        before = memory()[0]
        begin = time.perf_counter()
        folder = FaceFolder(place, codec)
        seconds = time.perf_counter() - begin
        names = memory()[0] - before
        loader = FaceLoader(folder, 256, workers=2)
        marks = np.linspace(0.02, 1, 6) * len(loader)
        rows = []
        for number, _ in enumerate(loader, 1):
            if number >= marks[len(rows)]:
                rows.append((number / len(loader), *memory()))
        loader.close()
    return {"files": files, "seconds_to_find": seconds, "megabytes_of_names": names, "rows": rows}


@click.command(help=__doc__)
@click.argument("images", type=click.Path(path_type=Path))
@click.option("--size", default=64, help="Height and width of the examples, in pixels.")
@click.option("--count", default=2000, help="Images to read for each rate.")
@click.option("--files", default=100_000, help="Images in the large folder; 0 leaves it out.")
@click.option("--preset", default="faces_64_residual", help="Recipe; empty trains none.")
@click.option("--steps", default=40, help="Steps of that training.")
@click.option("--json", "as_json", is_flag=True)
def main(images, size, count, files, preset, steps, as_json) -> None:
    codec = FaceCodec(size)
    folder = FaceFolder(images, codec)
    paths = [folder.path(index) for index in range(min(count, len(folder)))]
    report: dict[str, object] = {"decoding": decoding(paths, codec)}
    # Memory first: what torch keeps allocated after a training would hide that of loading.
    if files:
        report["epoch"] = epoch(paths, codec, files)
    report["loading"] = loading(folder, 64, count)
    if preset:
        report["training"] = waiting(folder, preset, steps)
    if as_json:
        print(json.dumps(report, indent=2))
        return
    print("images per second of one core's time")
    for name, rate in report["decoding"].items():
        print(f"  {name:24}{rate:8.0f}")
    print("images per second from a loader, by workers")
    for name, rate in report["loading"].items():
        print(f"  {name:24}{rate:8.0f}")
    if preset:
        rate, share = report["training"].values()
        print(f"training {preset}: {rate:.0f} images per second, {share:.1%} of the time waiting")
    if files:
        facts = report["epoch"]
        print(f"{files:,} files found in {facts['seconds_to_find']:.1f} s, their names take "
              f"{facts['megabytes_of_names']:.1f} MB; memory over an epoch, in MB:")  # fmt: skip
        for share, main_process, workers in facts["rows"]:
            print(f"  {share:6.0%}  this process {main_process:6.0f}  workers {workers:6.0f}")


if __name__ == "__main__":
    main()
