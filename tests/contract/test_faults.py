"""Killed at any moment, work begun again completes, and its result is the undisturbed one.

Nothing half-written is ever taken for a whole file, and nothing is left over. Each kill is a copy
of this process (fork) that gets SIGKILL before one of its steps on the disk; the quick test takes a
few of these steps, the slow one 200.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from faults import content, killed_at, steps_of

from vaecore import files
from vaecore.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/vaecore"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs copies of a process")

Work = Callable[[Path], None]


def _prepare(folder: Path) -> None:
    """As `seqvae prepare`, its files read in this process and not by workers."""
    from seqvae.music.data import prepare as module

    def read(journal, chunks, task, where, progress) -> None:
        for chunk in chunks:
            if not journal.has(chunk):
                files = [task.keywords["function"](file.path) for file in chunk]
                journal.add(chunk, files)

    module._read = read
    module.local = lambda workers: None
    shards = folder / "shards"
    if not shards.exists():
        module.prepare([folder / "songs"], shards, "drums", shares=(0.4, 0.3, 0.3))


def _train(folder: Path) -> None:
    """As `train`; a training that left a checkpoint goes on from it."""
    from lines import PRESETS, LinePreset, LineTask, lines, make_domain

    from vaecore.presets import CHECKPOINT
    from vaecore.training import pipeline

    (folder / "presets.yaml").write_text(PRESETS)
    preset = LinePreset.load("small", path=folder / "presets.yaml")
    resume = (folder / "model" / CHECKPOINT).exists()
    task = LineTask(make_domain(folder), preset, lines(60))
    pipeline.train(task, folder / "model", resume=resume, progress=False)


def _attribute(folder: Path) -> None:
    from lines import make_command, make_domain, save_model

    save_model(make_domain(folder / "box"), folder / "box/plain")
    for name, slope in (("with", 1), ("without", -1)):
        text = " ".join(str(slope * k) for k in range(8))
        (folder / f"{name}.txt").write_text(text)
    make_command(make_domain(folder / "box")).main(
        ["attribute", "--with", str(folder / "with.txt"), "--without", str(folder / "without.txt"),
         "--name", "steep", "-o", str(folder / "steep.safetensors")],
        standalone_mode=False,
    )  # fmt: skip


def _align(folder: Path) -> None:
    from facevae.align import align_folder

    align_folder(folder / "faces", folder / "framed", 64)


def _write(folder: Path) -> None:
    """Write a MIDI file, its picture, a film and a folder of pictures."""
    from facevae.images import read_image
    from facevae.presentation import Enlarged, Film, write_gif
    from seqvae.music.presentation import piano_roll
    from seqvae.music.presentation.midi_file import write_midi
    from seqvae.music.reading.playing import playable
    from vaecore.cli.outputs import Outputs

    song = playable(ROOT / "data/rock.mid")
    faces = Enlarged([read_image(ROOT / f"data/{name}.png") for name in ("ada", "bob")], 64)
    shutil.rmtree(folder / "frames", ignore_errors=True)
    with Outputs(folder / "song.mid") as outputs:
        write_midi([song], outputs.add(folder / "song.mid"))
        piano_roll([song], outputs.beside(".png"))
        write_gif(Film.of(faces), outputs.beside(".gif"))
        places = outputs.folder(folder / "frames", ["1.png", "2.png"])
        for face, place in zip(faces, places, strict=True):
            face.save(place)


def _songs(folder: Path) -> None:
    (folder / "songs").mkdir()
    for path in sorted((ROOT / "data").glob("*.mid"))[:12]:
        shutil.copy(path, folder / "songs")


def _faces(folder: Path) -> None:
    (folder / "faces").mkdir()
    for name in ("ada", "bob", "cleo", "dan"):
        shutil.copy(ROOT / f"data/{name}.png", folder / "faces")


def _nothing(folder: Path) -> None:
    pass


WORKS: dict[str, tuple[Work, Work, tuple[str, ...]]] = {
    "prepare": (_songs, _prepare, ()),
    # Of a training: how many minutes it took, and when.
    "train": (_nothing, _train, ("config.json", "README.md", "last.ckpt", "hparams.yaml")),
    "attribute": (_nothing, _attribute, ()),
    "align": (_faces, _align, ()),
    "write": (_nothing, _write, ()),
}
"""What the work needs, the work, and the files whose bytes tell the time."""


FEW = {"prepare": 4, "attribute": 3, "align": 3, "write": 2}
"""Kills of the quick test. Training needs a process of its own, and so is in the slow one alone."""
MANY = {"prepare": 25, "train": 60, "attribute": 43, "align": 40, "write": 32}
"""Kills of the slow test: 200, and of all work but training every step that it has."""


FRESH = "SEQVAE_TESTS_IN_A_FRESH_PROCESS"


def _in_a_fresh_process(warm: Path, test: str) -> None:
    """Run a test of this file by itself: autograd refuses to run in copies of a process in which
    it has started threads, as an export of a model does."""
    command = [warm / "python", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"{__file__}::{test}"],
        env={**os.environ, FRESH: "1"},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def _set_the_clock_back(folder: Path) -> None:
    """Make all that is in a folder so much newer than now as if the clock had been set back."""
    later = time.time() + 10 * 365 * 86400
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (later, later))


def _kill(tmp_path: Path, name: str, share: float, count: int) -> None:
    make, work, timed = WORKS[name]
    for place in ("first", "whole"):
        (tmp_path / place).mkdir()
        make(tmp_path / place)
    work(tmp_path / "first")  # so that all is imported
    whole = tmp_path / "whole"
    steps = steps_of(work, whole)
    expected = content(whole, timed)
    count = min(count, steps)
    events = np.linspace(1 + share * steps / count, steps, count).astype(int).tolist()
    for number, event in enumerate(events):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder)
        assert killed_at(work, folder, event) == -9, f"step {event} of {steps}"
        if number % 2:
            _set_the_clock_back(folder)
        work(folder)
        files._swept.clear()
        files.sweep(folder)  # as the next command does that writes here
        found = content(folder, timed)
        assert found.keys() == expected.keys(), f"killed at step {event} of {steps}"
        different = [k for k in found if found[k] != expected[k]]
        assert not different, f"killed at step {event} of {steps}"
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", FEW)
def test_killed_in_the_middle_and_begun_again(tmp_path: Path, name: str) -> None:
    _kill(tmp_path, name, 0.5, FEW[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_killed_at_two_hundred_moments(
    tmp_path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    if name == "train" and FRESH not in os.environ:
        warm = request.getfixturevalue("warm")
        _in_a_fresh_process(warm, f"test_killed_at_two_hundred_moments[{name}]")
    else:
        _kill(tmp_path, name, 0.0, MANY[name])


@contextmanager
def _mounted(place: Path, options: str) -> Iterator[Path]:
    """Make a file system in memory, which only root may; the test is skipped where none can be."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    able = os.geteuid() == 0 and shutil.which("mount")
    if not able or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def full_disk(tmp_path: Path):
    """A file system of its own with 32 kB of room."""
    with _mounted(tmp_path / "full", "size=32k") as place:
        yield place


def _wav(place: Path) -> None:
    from seqvae.music.presentation.sound import render
    from seqvae.music.reading.playing import playable

    render(playable(ROOT / "data/rock.mid"), place / "a.wav")


def _tensors(place: Path) -> None:
    import torch

    from vaecore.folder import write_tensors

    write_tensors(place / "a.safetensors", {"x": torch.zeros(100_000)})


def _checkpoint(place: Path) -> None:
    from lines import PRESETS, LinePreset, LineTask, lines, make_domain

    from vaecore.training import pipeline

    (place.parent / "presets.yaml").write_text(PRESETS)
    preset = LinePreset.load("small", path=place.parent / "presets.yaml")
    pipeline.train(LineTask(make_domain(place), preset, lines(60)), place / "m", progress=False)


def _gif(place: Path) -> None:
    from facevae.images import read_image
    from facevae.presentation import Film, enlarge, write_gif
    from vaecore.cli.outputs import Outputs

    faces = [enlarge(read_image(ROOT / f"data/{name}.png"), 256) for name in ("ada", "bob")]
    with Outputs(place / "a.gif") as outputs:
        write_gif(Film.of(faces), outputs.add(place / "a.gif"))


@pytest.fixture
def read_only(tmp_path: Path):
    """A file system of its own on which nothing can be written."""
    with _mounted(tmp_path / "read only", "ro,size=32k") as place:
        yield place


def _shards(place: Path) -> None:
    (place.parent / "songs").mkdir()
    shutil.copy(ROOT / "data/rock.mid", place.parent / "songs")
    from seqvae.music.data.prepare import prepare

    prepare([place.parent / "songs"], place / "shards", "drums")


@pytest.mark.parametrize("work", [_wav, _tensors, _gif, _checkpoint, _shards])
def test_a_place_that_cannot_be_written_is_named(read_only: Path, work: Work) -> None:
    with pytest.raises(DataError, match="read-only file system") as caught:
        work(read_only)
    assert str(read_only) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("work", [_wav, _tensors, _gif, _checkpoint])
def test_a_full_disk_is_named_and_nothing_is_left(full_disk: Path, work: Work) -> None:
    with pytest.raises(DataError, match="no space left") as caught:
        work(full_disk)
    assert str(full_disk) in str(caught.value)
    left = [path for path in full_disk.rglob("*") if path.is_file() and "/logs/" not in str(path)]
    assert [path.name for path in left if path.stat().st_size == 0 or ".vae" in path.name] == []


@pytest.mark.parametrize("work", [_wav, _tensors, _gif])
def test_a_limit_of_the_size_of_files_is_named(tmp_path: Path, work: Work) -> None:
    """As `ulimit -f` sets it: writers tell it in words of their own, or not at all."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (tmp_path / "out").mkdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, before[1]))
    try:
        with pytest.raises(DataError, match=r"out/a\..*cannot be written \(file too large\)"):
            work(tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "out").iterdir()) == []
