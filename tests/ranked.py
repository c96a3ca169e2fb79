"""Training in several processes; what the tests of both domains share.

Where it matters how a training begins and ends, torchrun starts it as a user would.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def command(warm: Path, package: str, *arguments: object, ranks: int = 1) -> list[str]:
    """Return the command line of `package train ...` in one process or under torchrun."""
    entry = [str(warm / package), "train", *map(str, arguments)]
    if ranks == 1:
        return entry
    run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    return [str(warm / "python"), *run, "--no-python", *entry]


def train(cwd: Path, warm: Path, package: str, *arguments: object, ranks: int = 1) -> str:
    """Train in processes that start at once, and return what the first one printed on stdout.

    They find in their environment what torchrun puts there.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
    shared |= {"WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks}
    started = []
    for rank in range(ranks):
        place = {**shared, "RANK": rank, "LOCAL_RANK": rank} if ranks > 1 else {}
        started.append(
            subprocess.Popen(
                [warm / package, "train", *map(str, arguments)],
                cwd=cwd,
                env=ENVIRONMENT | {name: str(value) for name, value in place.items()},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if rank else subprocess.PIPE,
                text=True,
            )
        )
    printed = [process.communicate(timeout=300) for process in started]
    assert not any(process.returncode for process in started), printed
    return printed[0][0]


def error(cwd: Path, warm: Path, package: str, *arguments: object, ranks: int = 1) -> str:
    """Try to train what cannot be trained, and return what was printed on stderr."""
    run = command(warm, package, *arguments, ranks=ranks)
    # Into a file: a rank that torchrun stopped may keep a pipe open after torchrun has ended.
    with tempfile.TemporaryFile("w+") as file:
        done = subprocess.run(
            run, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=file, timeout=300,
            check=False,
        )  # fmt: skip
        file.seek(0)
        printed = file.read()
    assert done.returncode, printed
    return printed


def interrupt(
    cwd: Path, warm: Path, number: signal.Signals, package: str, *arguments: object, ranks: int = 1
) -> int:
    """Begin a training, send it a signal once it has a checkpoint, and return its exit code."""
    output = cwd / str(arguments[arguments.index("-o") + 1])
    process = subprocess.Popen(
        command(warm, package, *arguments, ranks=ranks),
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(3000):  # five minutes, on a busy machine
            if (output / "last.ckpt").exists():
                break
            assert process.poll() is None
            time.sleep(0.1)
        else:
            raise AssertionError("there is no checkpoint yet")
        process.send_signal(number)
        return process.wait(timeout=120)
    finally:
        process.kill()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights in a checkpoint."""
    return torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]


def scalars(folder: Path, tag: str) -> dict[int, float]:
    """Return a curve in a TensorBoard log, by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "logs"))
    events.Reload()
    return {event.step: event.value for event in events.Scalars(tag)}


def same_training(
    one: Path,
    other: Path,
    tags: Sequence[str] = ("train/loss", "train/kl", "train/gradient_norm", "validation/loss"),
    rtol: float = 1e-3,
    atol: float = 1e-4,
) -> None:
    """Assert that two trainings had the same curves, to rounding, and came to the same weights.

    Args:
        one: Folder of a training.
        other: Folder of the other.
        tags: Curves in the TensorBoard log.
        rtol: Of the weights.
        atol: Of the weights; Adam makes whole steps of gradients that are almost nothing.
    """
    for tag in tags:
        assert scalars(other, tag) == pytest.approx(scalars(one, tag), rel=1e-4), tag
    found = weights(other)
    for name, value in weights(one).items():
        torch.testing.assert_close(found[name], value, rtol=rtol, atol=atol)
