"""Writing files: all or nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from vaecore.errors import DataError, UsageError
from vaecore.files import locked, replacing, replacing_folder


def test_the_file_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "song.mid"
    with replacing(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".mid"
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["song.mid"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "song.mid"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["song.mid"]


def test_a_full_disk_is_one_line_about_the_file(tmp_path: Path) -> None:
    target = tmp_path / "song.mid"
    with pytest.raises(DataError, match="no space left") as caught, replacing(target):
        raise OSError(28, "No space left on device")
    assert caught.value.path == target
    assert os.listdir(tmp_path) == []


def test_errors_about_other_files_pass_unchanged(tmp_path: Path) -> None:
    error = DataError("is empty", path="other.mid")
    with pytest.raises(DataError) as caught, replacing(tmp_path / "song.mid"):
        raise error
    assert caught.value is error


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_the_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "song.mid") as temporary:
            temporary.write_text("x")
    finally:
        now = os.umask(before)
    assert now == 0o027  # it was only looked at
    assert stat.S_IMODE((tmp_path / "song.mid").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("place", "message"),
    [("folder", "is a directory"), ("nowhere/song.mid", "no such file"), ("file/x", "not a dir")],
)
def test_impossible_places_are_refused(tmp_path: Path, place: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    entered = False
    with pytest.raises(DataError, match=message), replacing(tmp_path / place):
        entered = True
    assert not entered


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "deep/frames"
    with pytest.raises(DataError, match="no such file"), replacing_folder(place) as folder:
        (folder / "1.png").write_bytes((folder / "0.png").read_bytes())
    assert list((tmp_path / "deep").iterdir()) == []
    for content in ("first", "second"):
        with replacing_folder(place) as folder:
            (folder / content).write_text(content)
            assert not (place / content).exists()
        assert [path.name for path in place.iterdir()] == [content]
    assert os.listdir(tmp_path / "deep") == ["frames"]


def test_a_folder_in_an_impossible_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place, entered = tmp_path / "file/frames", False
    with pytest.raises(DataError, match="cannot be written"), replacing_folder(place):
        entered = True
    assert not entered


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """By the next process that writes into the folder; what a living one writes is not touched."""
    code = (
        "import os, sys; from pathlib import Path; from vaecore.files import *\n"
        "place = Path(sys.argv[1])\n"
        "with replacing(place / 'a.gif') as one, replacing_folder(place / 'frames') as two:\n"
        "    one.write_text('half'); (two / 'x').write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert len(os.listdir(tmp_path)) == 2
    with replacing(tmp_path / "b.gif"):
        assert len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == ["b.gif"]


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on Unix alone")
@pytest.mark.parametrize("name", [b"x" * 250 + b".mid", b"\xff\xfe.mid", b"a\nb\x1b[31m.mid"])
def test_all_names_that_the_system_takes_are_written(tmp_path: Path, name: bytes) -> None:
    target = tmp_path / os.fsdecode(name)
    with replacing(target) as temporary:
        assert temporary.name.isascii()
        temporary.write_text("x")
    assert os.listdir(os.fsencode(tmp_path)) == [name]


@pytest.mark.parametrize("write", [replacing, replacing_folder])
def test_a_name_that_is_too_long_is_refused_before_the_work(
    tmp_path: Path, write: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    entered = False
    with pytest.raises(DataError, match="too long"), write(tmp_path / f"{'x' * 260}.mid"):
        entered = True
    assert not entered


def test_a_lock_is_held_by_one_process(tmp_path: Path) -> None:
    with locked(tmp_path, ""):
        with pytest.raises(UsageError, match="at work"), locked(tmp_path, "is at work"):
            pass
        code = "import sys; from vaecore.files import *\nwith locked(Path(sys.argv[1]), ''): pass"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", code, str(tmp_path)]
        assert subprocess.run(command, env=environment, check=False, stderr=-3).returncode
    with locked(tmp_path, ""):
        pass
