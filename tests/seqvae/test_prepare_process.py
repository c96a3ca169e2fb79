"""`seqvae prepare` as a process: hostile files, interruptions, and going on after them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import content, environment, start, wait_for, write_songs

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> Path:
    return write_songs(tmp_path_factory.mktemp("many") / "songs", 90)


@pytest.fixture(scope="module")
def run(warm: Path) -> Callable[..., tuple[str, str]]:
    """Run a preparation to its end; return what it printed on stdout and on stderr."""

    def run(*arguments: object, env: dict[str, str], code: int = 0) -> tuple[str, str]:
        process = start(*arguments, env=env, warm=warm)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        return out, err

    return run


@pytest.fixture(scope="module")
def expected(songs, run, tmp_path_factory) -> dict[str, bytes]:
    """What an undisturbed run writes."""
    folder = tmp_path_factory.mktemp("expected")
    run(songs, "-o", folder / "out", env=environment(folder))
    return content(folder / "out")


def interrupted(songs: Path, folder: Path, number: signal.Signals, **more: object) -> str:
    """End a preparation to `folder/out` when some of its chunks are done; return its stderr."""
    process = start(songs, "-o", folder / "out", "--workers", 2, env=environment(folder, **more))
    work = folder / ".out.work/chunks"
    wait_for(lambda: len(list(work.glob("*.arrow"))) >= 3)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    code = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert process.returncode == code
    return err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_going_on_after_an_interruption(songs, expected, run, tmp_path, number):
    err = interrupted(songs, tmp_path, number, SLOW=0.1)
    if number == signal.SIGINT:
        assert err.strip() == "Interrupted."
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.work", "hook"]
    kept = len(list((tmp_path / ".out.work/chunks").glob("*.arrow")))
    assert kept >= 3
    log = tmp_path / "log"
    run(songs, "-o", tmp_path / "out", env=environment(tmp_path, READ_LOG=log))
    assert content(tmp_path / "out") == expected
    assert len(set(log.read_text().split())) < 90
    assert not (tmp_path / ".out.work").exists()


def test_what_changed_is_read_again(songs, run, tmp_path):
    from hostile import write_notes

    mine = tmp_path / "songs"
    write_songs(mine, 90)
    interrupted(mine, tmp_path, signal.SIGKILL, SLOW=0.1)
    # Other limits are other settings: nothing of the old is used.
    log = tmp_path / "log"
    env = environment(tmp_path, READ_LOG=log)
    run(mine, "-o", tmp_path / "out", "--time-limit", 19, env=env)
    assert len(log.read_text().split()) == 90

    log.unlink()
    (tmp_path / "b").mkdir()
    interrupted(mine, tmp_path / "b", signal.SIGKILL, SLOW=0.1)
    changed = sorted(mine.rglob("*.mid"))[0]  # of the first chunk, which is done
    size = changed.stat().st_size
    stamp = changed.stat().st_mtime
    write_notes(changed, [(at, at + 1, 40 + at) for at in range(24)])
    assert changed.stat().st_size == size
    os.utime(changed, (stamp, stamp))  # by its content it is known, not by its date
    run(mine, "-o", tmp_path / "b/out", env=env)
    assert changed.name in log.read_text().split()
    (tmp_path / "c").mkdir()
    run(mine, "-o", tmp_path / "c/out", env=environment(tmp_path))
    assert content(tmp_path / "b/out") == content(tmp_path / "c/out")


def test_a_broken_journal_is_not_believed(songs, expected, run, tmp_path):
    interrupted(songs, tmp_path, signal.SIGKILL, SLOW=0.1)
    chunks = sorted((tmp_path / ".out.work/chunks").glob("*.arrow"))
    chunks[0].write_bytes(chunks[0].read_bytes()[:-20])
    chunks[1].write_bytes(b"")
    run(songs, "-o", tmp_path / "out", env=environment(tmp_path))
    assert content(tmp_path / "out") == expected


def test_hostile_files_are_named_and_left_behind(songs, run, tmp_path):
    mine = write_songs(tmp_path / "songs", 12)
    tune = (mine / "0/000.mid").read_bytes()
    for name in ("hang", "crash", "hog"):
        (mine / f"{name}.mid").write_bytes(tune)
    (mine / "huge.mid").write_bytes(tune + bytes(5_000_000))
    limits = "--time-limit", 3, "--memory-limit", 300
    out, _ = run(mine, "-o", tmp_path / "out", *limits, env=environment(tmp_path))
    summary = json.loads(out)
    assert summary["files"] == {"found": 16, "used": 12, "relaxed": 0, "empty": 0, "broken": 4}
    assert summary["broken"] == {
        "songs/crash.mid": "kills the process that reads it (SIGSEGV)",
        "songs/hang.mid": "takes longer than 3 s to read",
        "songs/hog.mid": "needs more than 300 MB to be read",
        "songs/huge.mid": "is too large (5 MB; at most 4 MB are read)",
    }


def test_two_at_one_output(songs, run, tmp_path):
    pytest.importorskip("fcntl")
    first = start(songs, "-o", tmp_path / "out", env=environment(tmp_path, SLOW=0.2))
    try:
        wait_for(lambda: any((tmp_path / ".out.work/chunks").glob("*")))
        first.send_signal(signal.SIGSTOP)  # or it may be done before the other one has started
        _, err = run(songs, "-o", tmp_path / "out", env=environment(tmp_path), code=2)
        assert err == "Error: another seqvae prepare is at work on out; wait for it\n"
    finally:
        first.kill()
        first.communicate()


def test_replacing_an_output(songs, expected, run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/summary.json").write_text("{}")
    (tmp_path / "out/train-00009.parquet").write_bytes(b"old")
    env = environment(tmp_path, SLOW=0.1)
    process = start(songs, "-o", tmp_path / "out", "--overwrite", env=env)
    wait_for(lambda: len(list((tmp_path / ".out.work").glob("chunks/*.arrow"))) >= 2)
    process.kill()
    process.communicate()
    assert content(tmp_path / "out")["train-00009.parquet"] == b"old"
    run(songs, "-o", tmp_path / "out", "--overwrite", env=environment(tmp_path))
    assert content(tmp_path / "out") == expected
