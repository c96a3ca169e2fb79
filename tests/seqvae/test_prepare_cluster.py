"""The same work on a Dask cluster: the same bytes, even when a worker dies in the middle."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import ROOT, content, environment, start, wait_for, write_songs

pytest.importorskip("pyarrow")


def prepared(
    *arguments: object, env: dict[str, str], code: int = 0, warm: Path | None = None
) -> tuple[str, str]:
    process = start(*arguments, env=env, warm=warm)
    out, err = process.communicate(timeout=180)
    assert process.returncode == code, err
    return out, err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def scheduler(tmp_path):
    """Start a scheduler: `address, start_worker` where the latter returns the worker's process."""
    pytest.importorskip("distributed")
    env = environment(tmp_path, SLOW=0.1)
    address = f"tcp://127.0.0.1:{free_port()}"
    started = []

    def launch(*arguments: str) -> subprocess.Popen:
        log = open(tmp_path / f"dask{len(started)}.log", "wb")  # noqa: SIM115
        command = [sys.executable, "-m", "dask", *arguments]
        started.append(subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=tmp_path))
        return started[-1]

    port = address.rpartition(":")[2]
    launch("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    common = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path))
    yield address, lambda: launch("worker", address, *common)
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(scheduler, warm, tmp_path):
    address, start_worker = scheduler
    songs = write_songs(tmp_path / "songs", 90)
    (songs / "crash.mid").write_bytes((songs / "0/000.mid").read_bytes())
    (songs / "broken.mid").write_bytes(b"MThd and no more")
    log = tmp_path / "log"
    prepared(songs, "-o", tmp_path / "here", env=environment(tmp_path), warm=warm)

    workers = [start_worker(), start_worker()]
    wait_for(lambda: "Registered" in "".join(p.read_text() for p in tmp_path.glob("dask[12].log")))
    arguments = songs, "-o", tmp_path / "there", "--scheduler", address
    process = start(*arguments, env=environment(tmp_path), warm=warm)
    chunks = tmp_path / ".there.work/chunks"
    wait_for(lambda: len(list(chunks.glob("*.arrow"))) >= 2)
    workers[0].send_signal(signal.SIGKILL)
    total = json.loads(Path(tmp_path / "here/summary.json").read_text())["files"]["found"]
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert json.loads(out)["files"]["found"] == total == 92
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert not log.exists()


@pytest.mark.slow
def test_a_scheduler_without_workers(scheduler, warm, tmp_path):
    address, _ = scheduler
    songs = write_songs(tmp_path / "songs", 3)
    arguments = songs, "-o", tmp_path / "out", "--scheduler", address
    _, err = prepared(*arguments, env=environment(tmp_path), code=1, warm=warm)
    assert "has no workers; start some with `dask worker" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_nobody_answers(warm, tmp_path):
    pytest.importorskip("distributed")
    songs = write_songs(tmp_path / "songs", 3)
    address = f"tcp://127.0.0.1:{free_port()}"
    arguments = songs, "-o", tmp_path / "out", "--scheduler", address
    _, err = prepared(*arguments, env=environment(tmp_path), code=1, warm=warm)
    assert err == (
        f"Error: {address}: no Dask scheduler answers there; "
        "start one with `dask scheduler`, or check the address\n"
    )
    assert not (tmp_path / "out").exists()


def test_wrong_addresses_are_wrong_usage(warm, tmp_path):
    pytest.importorskip("distributed")
    songs = write_songs(tmp_path / "songs", 3)
    for address in ("localhost:8786", "carrier-pigeon://home:1"):
        arguments = songs, "-o", tmp_path / "out", "--scheduler", address
        _, err = prepared(*arguments, env=environment(tmp_path), code=2, warm=warm)
        assert f"Error: {address} is no address of a scheduler" in err
        assert err.count("\n") == 1
    arguments = songs, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1", "--workers", 2
    _, err = prepared(*arguments, env=environment(tmp_path), code=2, warm=warm)
    assert "workers are for this machine" in err


def test_dask_is_not_imported_without_a_scheduler(tmp_path):
    songs = write_songs(tmp_path / "songs", 3)
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/distributed.py").write_text("raise ImportError('not here')")
    env = environment(tmp_path)
    assert (tmp_path / "hook").is_dir()
    assert str(ROOT) in env["PYTHONPATH"].split(os.pathsep)
    prepared(songs, "-o", tmp_path / "out", env=env)
    arguments = songs, "-o", tmp_path / "other", "--scheduler", "tcp://127.0.0.1:1"
    _, err = prepared(*arguments, env=env, code=1)
    assert "pip install 'seqvae[cluster]'" in err
