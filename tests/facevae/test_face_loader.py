"""Batches of images: repeatable, resumable, robust to broken files and to signals."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numbered import ALL, COUNT, numbers, write_numbered
from torch import Tensor

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.labels import read_labels
from facevae.data.loader import FaceLoader, report_broken
from vaecore.errors import DataError

CODEC = FaceCodec(8)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces")
    write_numbered(root)
    return root


@pytest.fixture
def folder(source: Path) -> FaceFolder:
    return FaceFolder(source, CODEC)


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(map(torch.equal, a, b))


@pytest.mark.parametrize("workers", [0, 2])
def test_training_batches_are_a_shuffle_of_the_images(folder: FaceFolder, workers: int) -> None:
    loader = FaceLoader(folder, 16, flip=False, workers=workers)
    first, second = list(loader), list(loader)
    assert len(first) == len(loader) == 2
    for x in first:
        assert x.shape == (16, 3, 8, 8)
        assert x.dtype == torch.float32
        assert x.is_contiguous()
    seen = [number for x in first for number in numbers(x)]
    assert len(set(seen)) == 32
    assert set(seen) <= ALL
    assert seen != sorted(seen)
    assert not equal(first, second)
    assert equal(first, list(FaceLoader(folder, 16, flip=False, workers=0)))
    assert not equal(first, list(FaceLoader(folder, 16, flip=False, seed=1, workers=0)))


def test_batches_are_the_images_themselves(folder: FaceFolder) -> None:
    (x,) = FaceLoader(folder, COUNT, training=False, workers=0)
    assert torch.equal(x, torch.stack([folder[index] for index in range(COUNT)]))


def test_validation_batches_are_all_images_in_order(folder: FaceFolder) -> None:
    loader = FaceLoader(folder, 16, training=False, workers=1)
    assert [len(x) for x in loader] == [16, 16, 8]
    expected = [*range(21, 41), *range(1, 21)]
    assert [number for x in loader for number in numbers(x)] == expected


def test_half_of_the_images_are_mirrored(folder: FaceFolder) -> None:
    loader = FaceLoader(folder, COUNT, workers=0)
    epochs = [numbers(x) for _ in range(20) for x in loader]
    mirrored = [[number < 0 for number in epoch] for epoch in epochs]
    assert 0.4 < np.mean(mirrored) < 0.6
    assert len({tuple(epoch) for epoch in mirrored}) == 20
    assert {abs(number) for number in epochs[0]} == ALL


@pytest.mark.parametrize("position", [0, 1, 2, 3, 5])
def test_loading_a_state_continues_exactly(folder: FaceFolder, position: int) -> None:
    stream_of = FaceLoader(folder, 16, workers=0)
    stream = [x for _ in range(3) for x in stream_of]
    loader = FaceLoader(folder, 16, workers=2)
    iterator = iter(loader)
    for index in range(position):
        if index and index % 2 == 0:
            iterator = iter(loader)
        assert torch.equal(next(iterator), stream[index])
    again = FaceLoader(folder, 16, workers=1)
    again.load_state_dict(loader.state_dict())
    rest = [x for _ in range(4) for x in again]
    assert equal(rest[: 6 - position], stream[position:])


def test_loading_draws_nothing_from_the_global_randomness(folder: FaceFolder) -> None:
    state = torch.get_rng_state()
    list(FaceLoader(folder, 16, workers=1))
    assert torch.equal(torch.get_rng_state(), state)


def test_an_epoch_that_is_left_early_does_not_disturb_the_next(folder: FaceFolder) -> None:
    whole = FaceLoader(folder, 8, workers=0)
    stream = [list(whole) for _ in range(2)]
    loader = FaceLoader(folder, 8, workers=2)
    for x in loader:
        assert torch.equal(x, stream[0][0])
        break
    assert equal(list(loader), stream[1])


# Broken files


@pytest.fixture
def broken(source: Path, tmp_path: Path) -> FaceFolder:
    """The forty images, and three that are broken in three ways."""
    shutil.copytree(source, tmp_path / "faces")
    place = tmp_path / "faces" / "low"
    (place / "03.png").write_text("no image")
    (place / "07.png").write_bytes((place / "07.png").read_bytes()[:60])
    (place / "11.png").write_bytes(b"")
    return FaceFolder(tmp_path / "faces", CODEC)


PROBLEMS = {
    "low/03.png": "is not an image that can be read",
    "low/07.png": "is truncated",
    "low/11.png": "is empty",
}


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_files_are_named_and_left_out(broken: FaceFolder, workers: int) -> None:
    loader = FaceLoader(broken, 16, training=False, workers=workers)
    for _ in range(2):
        seen = [number for x in loader for number in numbers(x)]
        assert sorted(seen) == sorted(ALL - {3, 7, 11})
        assert loader.broken == PROBLEMS
    assert report_broken(loader.broken, COUNT) == (
        "3 of 40 images cannot be used: low/03.png is not an image that can be read, "
        "low/07.png is truncated, low/11.png is empty"
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_training_goes_on_with_broken_files(broken: FaceFolder, workers: int) -> None:
    loader = FaceLoader(broken, 10, flip=False, workers=workers)
    batches = list(loader)
    assert [len(x) for x in batches] == [10] * 4
    counts = [numbers(x) for x in batches]
    seen = {number for batch in counts for number in batch}
    assert seen == ALL - {3, 7, 11}
    assert sum(len(batch) - len(set(batch)) for batch in counts) == 3
    assert loader.broken == PROBLEMS


def test_a_batch_of_nothing_but_broken_files_is_passed_over(broken: FaceFolder) -> None:
    part = broken.select(np.array([22, 23, 26, 30, 31]))  # 03, 04, 07, 11, 12
    loader = FaceLoader(part, 1, training=False, workers=0)
    assert [numbers(x) for x in loader] == [[4], [12]]
    assert loader.state_dict() == {"epoch": 0, "batch": 5}


@pytest.mark.parametrize("training", [True, False])
def test_a_folder_of_nothing_but_broken_files_is_refused(tmp_path: Path, training: bool) -> None:
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_text("no image")
    loader = FaceLoader(FaceFolder(tmp_path, CODEC), 2, training=training, workers=0)
    with pytest.raises(DataError, match=r"holds no usable image: [45] of 5 images") as info:
        list(loader)
    assert "\n" not in str(info.value)


def test_broken_files_beyond_a_few_are_counted() -> None:
    text = report_broken({f"{n}.jpg": "is empty" for n in range(1200)}, 5000)
    assert text.startswith("1,200 of 5,000 images cannot be used: 0.jpg is empty, ")
    assert text.endswith("2.jpg is empty, 1,197 more")
    assert report_broken({}, 10) == ""


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_workers_leave_signals_to_the_training(folder: FaceFolder, number: int) -> None:
    expected = list(FaceLoader(folder, 4, workers=0))
    loader = FaceLoader(folder, 4, workers=1)
    found = []
    before = set(multiprocessing.active_children())
    for x in loader:
        found.append(x)
        (worker,) = set(multiprocessing.active_children()) - before
        if len(found) == 2:
            os.kill(worker.pid, number)
    assert equal(found, expected)
    assert worker.is_alive()


# Where workers are not forked, semaphores have names: those of a thread are unlinked slowly here.
NAMED = """
import multiprocessing.synchronize, threading, time
multiprocessing.set_start_method("forkserver")
unlink = multiprocessing.synchronize.sem_unlink
def slowly(name):
    unlink(name)
    threading.current_thread() is threading.main_thread() or time.sleep(0.3)
multiprocessing.synchronize.sem_unlink = slowly
"""


@pytest.mark.parametrize("before", ["", NAMED], ids=["default", "named"])
def test_python_ends_at_once_while_a_loader_is_open(source: Path, before: str) -> None:
    script = f"""{before}
from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.loader import FaceLoader
loader = FaceLoader(FaceFolder({str(source)!r}, FaceCodec(8)), 4, workers=2)
batches = iter(loader)
next(batches)
print("closing", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"closing\n", b"")


# Labels beside the batches


def test_labels_come_with_their_images(folder: FaceFolder, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    lines = [f"{folder.name(i)},{1 if i % 2 else -1},{1 if i < 9 else 0}" for i in range(30)]
    table.write_text("\n".join(["image,Odd,Early", *reversed(lines)]))
    labelled = folder.labelled(read_labels(table))
    assert labelled.attributes == ("Odd", "Early")
    assert len(labelled) == 30
    loader = FaceLoader(labelled, 8, workers=1)
    seen = 0
    for x, y in loader:
        assert y.dtype == torch.float32
        for number, row in zip(numbers(x), y.tolist(), strict=True):
            index = abs(number) - 21 if abs(number) > 20 else abs(number) + 19
            assert row == [index % 2, index < 9]
            seen += 1
    assert seen == 24
    part = labelled.split("validation")
    (batch,) = FaceLoader(part, 40, training=False, workers=0)
    assert np.array_equal(batch[1].numpy(), part.values)
