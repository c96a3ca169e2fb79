"""Batches of images from worker processes: shuffled, exactly resumable, past broken files."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import warnings
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from facevae.data.folder import SHOWN, FaceFolder
from vaecore.errors import DataError
from vaecore.training.batches import Batches, Part
from vaecore.training.ranks import ALONE, Ranks, here

MOST_WORKERS = 8
FEEDER_SECONDS = 2
"""How long the end of a thread that sends requests is waited for; it takes milliseconds."""
GRACE_SECONDS = 30
"""How long workers continue after a SIGTERM."""


class BatchRequest(NamedTuple):
    """One batch to read: indices of images, and which of them to mirror."""

    rows: np.ndarray
    flips: np.ndarray


class DecodedBatch(NamedTuple):
    """One batch that was read.

    Attributes:
        rows: Index of each image, `(batch,)` int64.
        pixels: `(batch, 3, size, size)` uint8; a quarter of what floats would be to send.
            An array, not a tensor: torch sends tensors through shared memory, of which containers
            have little, and which is lost when its worker is killed.
        broken: Index and problem of each file that could not be used.
    """

    rows: np.ndarray
    pixels: np.ndarray
    broken: list[tuple[int, str]]


class FaceLoader(Batches):
    """An iterable over the batches of one epoch, float32 `(batch, 3, size, size)` in [0, 1].

    With a labelled folder, batches are pairs: the images, and float32 `(batch, attributes)` of 0
    and 1. Order and mirroring depend on the seed and the epoch alone, not on the number of
    workers; a resumed training gets the same batches as an uninterrupted one.

    Broken files are collected in `broken`. In training, another image of their
    batch takes their place (of the next ones in the folder, if the whole batch is broken), so that
    all batches have the same size; otherwise they are left out.

    Args:
        folder: The images.
        batch_size: Number of images in a batch, of all ranks together.
        training: Shuffle, mirror, and drop the incomplete last batch; otherwise the images come
            in their order, and all of them.
        flip: In training, mirror every second image, chosen at random, from left to right.
        seed: Makes order and mirroring repeatable.
        workers: Processes that read images; 0 reads in this one. By default all cores but one, and
            this rank's share of them.
        accumulate: Batches that make one step of the optimiser.
        ranks: Which of the processes that train together this is.

    Attributes:
        broken: The problem of each broken file met so far, by name.

    Raises:
        DataError: (When iterated.) Not one image of an epoch can be used.
    """

    def __init__(
        self,
        folder: FaceFolder,
        batch_size: int,
        *,
        training: bool = True,
        flip: bool = True,
        seed: int = 0,
        workers: int | None = None,
        accumulate: int = 1,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__(
            len(folder),
            batch_size,
            training=training,
            seed=seed,
            accumulate=accumulate,
            ranks=ranks,
        )
        self.folder = folder
        self.flip = flip and training
        self.workers = default_workers() if workers is None else workers
        self.broken: dict[str, str] = {}
        self._pool: DataLoader[DecodedBatch] | None = None
        self._reading: Iterator[DecodedBatch] | None = None
        self._requests = _Requests()

    def batches(self, parts: Iterator[Part]) -> Iterator[Tensor | tuple[Tensor, Tensor]]:
        flips = np.zeros(self.count, bool)
        if self.flip:
            flips = np.random.default_rng((self.seed, self._epoch, 1)).random(self.count) < 0.5
        given = self._batch > 0
        for result in self._results(BatchRequest(part.own, flips[part.own]) for part in parts):
            for row, problem in result.broken:
                self.broken[self.folder.name(row)] = problem
            if not len(result.rows):
                self._batch += 1  # counted, though it is empty
                continue
            given = True
            x = torch.from_numpy(result.pixels).float().div_(255)
            if self.folder.values is None:
                yield x
            else:
                labels = self.folder.values[result.rows]
                yield x, torch.from_numpy(labels.astype(np.float32))
        if not given and self.broken:
            problem = f"holds no usable image: {report_broken(self.broken, self.count)}"
            raise DataError(problem, path=self.folder.root, remedy="check the files")

    def _results(self, requests: Iterator[BatchRequest]) -> Iterator[DecodedBatch]:
        reader = _Reader(self.folder, fill=self.training)
        if self.workers == 0:
            yield from map(reader.__getitem__, requests)
            return
        self._requests.waiting = requests
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This DataLoader will create")  # workers were chosen
            new = self._pool is None
            if self._pool is None:
                self._pool = DataLoader(
                    reader,
                    batch_size=None,  # a request is a batch already
                    sampler=self._requests,
                    collate_fn=_as_it_is,
                    num_workers=self.workers,
                    persistent_workers=True,
                    generator=torch.Generator(),  # else it would use torch's global one
                    worker_init_fn=_begin_worker,
                )
            self._reading = iter(self._pool)
        if new:  # after the workers, since the last registered is the first called
            atexit.register(_close, weakref.ref(self))
        while self._reading is not None:
            result = next(self._reading, None)
            if result is None:
                return
            yield result

    def close(self) -> None:
        """End the worker processes, and the epoch; they start again with the next."""
        feeders = _feeders(self._reading)
        self._reading = self._pool = None  # the last references to the workers
        for thread in feeders:
            thread.join(FEEDER_SECONDS)


class _Requests:
    """What the workers are to read: the pool's sampler, iterated anew in every epoch."""

    waiting: Iterator[BatchRequest] = iter(())

    def __iter__(self) -> Iterator[BatchRequest]:
        return self.waiting


class _Reader(Dataset[DecodedBatch]):
    """Reads whole batches, in the workers."""

    def __init__(self, folder: FaceFolder, fill: bool) -> None:
        self.folder = folder
        self.fill = fill

    def __getitem__(self, request: BatchRequest) -> DecodedBatch:
        size = self.folder.codec.size
        pixels = np.empty((len(request.rows), size, size, 3), np.uint8)
        good, broken = [], []
        for place, (row, flip) in enumerate(zip(request.rows.tolist(), request.flips, strict=True)):
            try:
                image = self.folder.pixels(row)
            except DataError as error:
                broken.append((place, error.problem))
                continue
            pixels[place] = image[:, ::-1] if flip else image
            good.append(place)
        rows = request.rows.copy()
        problems = [(int(rows[place]), problem) for place, problem in broken]
        if self.fill and not good:
            found = self._next(int(rows[0]), problems)
            if found is not None:
                (rows[0], pixels[0]), good = found, [0]
        source = np.arange(len(rows))
        if self.fill and good:
            for number, (place, _) in enumerate(broken):
                source[place] = place if place in good else good[number % len(good)]
        else:
            source = np.array(good, int)
        return DecodedBatch(
            rows[source], np.ascontiguousarray(pixels[source].transpose(0, 3, 1, 2)), problems
        )

    def _next(self, row: int, problems: list[tuple[int, str]]) -> tuple[int, np.ndarray] | None:
        """Return the first usable image after a row; the broken ones between join `problems`."""
        for step in range(1, len(self.folder)):
            at = (row + step) % len(self.folder)
            try:
                return at, self.folder.pixels(at)
            except DataError as error:
                problems.append((at, error.problem))
        return None


def default_workers() -> int:
    """Return how many processes read images: this rank's share of all cores, less one; 1 to 8."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cores = os.cpu_count() or 1
    return max(1, min(cores // here().local - 1, MOST_WORKERS))


def report_broken(broken: Mapping[str, str], count: int) -> str:
    """Return a line about broken files, "" if there are none.

    Args:
        broken: Problems by name, as in `FaceLoader.broken`.
        count: How many files there were in all.
    """
    if not broken:
        return ""
    shown = [f"{name} {problem}" for name, problem in list(broken.items())[:SHOWN]]
    more = [f"{len(broken) - SHOWN:,} more"] if len(broken) > SHOWN else []
    return f"{len(broken):,} of {count:,} images cannot be used: {', '.join(shown + more)}"


def _feeders(reading: Any) -> list[threading.Thread]:
    """Return the threads that send requests to the workers.

    They may be the last that hold a named semaphore, and unlink it when they end. One that Python's
    exit overtakes then has not told it to multiprocessing, which warns of a leaked semaphore.
    """
    queues = getattr(reading, "_index_queues", ())
    threads = (getattr(queue, "_thread", None) for queue in queues)
    return [thread for thread in threads if thread is not None]


def _as_it_is(result: Any) -> Any:
    return result


def _begin_worker(_: int) -> None:
    """Ignore Ctrl-C and delay SIGTERM, since the training needs another batch to end properly.

    A terminal sends the one to all processes, Slurm and `timeout` the other.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGALRM"):  # not on Windows
        signal.signal(signal.SIGTERM, _end_later)


def _end_later(number: int, frame: Any) -> None:
    """End some seconds after a SIGTERM; at once after a second one."""
    signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.alarm(GRACE_SECONDS)


def _close(loader: weakref.ref[FaceLoader]) -> None:
    """End the workers before multiprocessing, at Python's exit, sends SIGTERM and waits."""
    found = loader()
    if found is not None:
        found.close()
