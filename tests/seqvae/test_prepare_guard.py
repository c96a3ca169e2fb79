"""No item can stop the others: hangs, crashes and gluttons cost themselves alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from functools import partial

import pytest

from seqvae.music.data.child import Failure
from seqvae.music.data.guard import Closed, Guard, close_guards, guarded_map

LIMIT = 1.5
MEGABYTES = 200


def misbehave(what: str) -> object:
    """Do what the item says, in the child."""
    if what == "hang":
        time.sleep(1000)
    if what == "swallow":  # a reader that takes every exception for a broken file
        while True:
            try:
                time.sleep(1000)
            except BaseException:
                continue
    if what == "busy":  # compiled code that never comes back to Python
        sum(range(10**15))
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        os._exit(3)
    if what == "hog":
        held = []
        while True:
            held.append(bytearray(10**7))
    if what == "large":
        return len(bytearray(MEGABYTES // 2 * 10**6))
    if what == "raise":
        raise KeyError("no key")
    if what == "print":
        print("into the answers?", flush=True)
        os.write(1, b"and this?")
    if what == "pid":
        return os.getpid()
    return what.upper()


@pytest.fixture
def guard():
    guard = Guard(misbehave, LIMIT, MEGABYTES)
    yield guard
    guard.close()


def test_every_item_gets_its_answer(guard):
    items = ["a", "hang", "b", "crash", "c", "raise", "swallow", "exit", "print", "busy", "d"]
    results = dict(zip(items, guard.map(items), strict=True))
    assert [results[name] for name in ("a", "b", "c", "print", "d")] == [
        "A",
        "B",
        "C",
        "PRINT",
        "D",
    ]
    too_long = Failure("takes longer than 1.5 s to read", last=True)
    assert results["hang"] == results["swallow"] == results["busy"] == too_long
    assert results["crash"].problem == "kills the process that reads it (SIGSEGV)"
    assert results["exit"].problem == "kills the process that reads it (exit code 3)"
    assert results["raise"] == Failure("KeyError: 'no key'")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its limit")
def test_memory_is_limited_per_item():
    guard = Guard(misbehave, 60, MEGABYTES)
    try:
        results = guard.map(["large", "hog", "large", "hog"])
    finally:
        guard.close()
    fits = MEGABYTES // 2 * 10**6
    too_much = Failure("needs more than 200 MB to be read", last=True)
    assert results == [fits, too_much, fits, too_much]


def test_an_innocent_item_is_read_again_when_its_process_is_killed(guard):
    [pid] = guard.map(["pid"])
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    assert guard.map(["a", "hang", "b"])[::2] == ["A", "B"]
    os.kill(guard.map(["pid"])[0], signal.SIGKILL)
    assert guard.map(["c"]) == ["C"]


def test_closing_ends_what_is_under_way(guard):
    ended = []

    def work():
        try:
            Guard.map(guard, ["hang"])
        except Closed:
            ended.append(True)

    guard.settings = guard.settings._replace(time_limit=1000)
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    guard.close()
    thread.join(timeout=20)
    assert ended == [True]


def test_a_thread_keeps_its_child():
    try:
        function = partial(misbehave)
        first = guarded_map(function, ["pid"], LIMIT, MEGABYTES)
        assert guarded_map(function, ["pid"], LIMIT, MEGABYTES) == first
        assert guarded_map(function, ["pid"], LIMIT, MEGABYTES + 1) != first
        with pytest.raises(ProcessLookupError):
            os.kill(first[0], 0)
    finally:
        close_guards()


def test_a_child_that_cannot_start_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    guard = Guard(misbehave, LIMIT, MEGABYTES)
    with pytest.raises(RuntimeError, match="does not start"):
        guard.map(["a"])
