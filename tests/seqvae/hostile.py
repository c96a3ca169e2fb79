"""Preparations as processes, over files that do as their names say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from handmade import write_notes

ROOT = Path(__file__).resolve().parents[2]

# Python imports `sitecustomize` before anything else: in every process, workers of all kinds.
HOOK = """
import os, signal, time
import seqvae.music.reading.midi as midi

parse_score = midi.parse_score

def parse(data, path, *settings):
    name = os.path.basename(path)
    if name.startswith("hang"):
        time.sleep(1000)
    if name.startswith("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if name.startswith("hog"):
        held = []
        while True:
            held.append(bytearray(10**7))
    time.sleep(float(os.environ.get("SLOW", "0")))
    if "READ_LOG" in os.environ:
        with open(os.environ["READ_LOG"], "a") as log:
            log.write(name + "\\n")
    return parse_score(data, path, *settings)

midi.parse_score = parse
"""


def write_songs(root: Path, count: int) -> Path:
    """Write melodies of six bars, some of their bars shared."""
    shared = np.random.default_rng(0).integers(50, 80, 8)
    for number in range(count):
        own = np.random.default_rng(number).integers(50, 80, 16)
        pitches = [*own, *shared] if number % 2 else [*shared, *own]
        folder = root / f"{number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        notes = [(at, at + 1, int(pitch)) for at, pitch in enumerate(pitches)]
        write_notes(folder / f"{number:03d}.mid", notes)
    return root


def environment(folder: Path, **more: object) -> dict[str, str]:
    """Return variables under which files do as their names say; the hook is put in a folder."""
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK)
    path = os.pathsep.join([str(hook), str(ROOT), str(ROOT / "tests/seqvae")])
    return {**os.environ, "PYTHONPATH": path, **{name: str(value) for name, value in more.items()}}


def start(*arguments: object, env: dict[str, str], warm: Path | None = None) -> subprocess.Popen:
    """Start `seqvae prepare --representation melody` with arguments.

    With the folder of `warm` it starts at once, but is not what a signal but SIGINT and SIGTERM
    reaches.
    """
    program = [sys.executable, ROOT / "cli.py", "seqvae"] if warm is None else [warm / "seqvae"]
    command = [*program, "prepare", *arguments]
    return subprocess.Popen(
        [*map(str, command), "--representation", "melody", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        start_new_session=True,
        # A shell ignores Ctrl-C for what it runs in the background, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(condition, seconds: float = 180.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def content(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
