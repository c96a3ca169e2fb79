"""The `seqvae` command as a process: what it imports, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_interpolate(process, examples, tiny_drums, tmp_path):
    files = examples / "rock.mid", examples / "funk.mid"
    result = process("seqvae", "interpolate", *files, "--model", tiny_drums, "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["files"] == ["interpolation.mid"]
    assert os.listdir(tmp_path) == ["interpolation.mid"]


def test_help_and_errors_import_nothing_heavy(examples, tmp_path):
    script = (
        "import sys, seqvae.cli as c\n"
        "for arguments in sys.argv[1:]:\n"
        "    try: c.command().main(arguments.split())\n"
        "    except SystemExit: pass\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'matplotlib', 'lightning', 'pyarrow', 'starlette'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    arguments = [
        "--help",
        "interpolate --help",
        "train --help",
        "studio --help",
        "models",
        "reconstruct no.mid",
    ]
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert "HEAVY []" in result.stdout


@pytest.mark.skipif(os.name == "nt", reason="a pipe of POSIX")
def test_a_closed_pipe_is_no_drama(tmp_path):
    command = f"'{sys.executable}' '{ROOT / 'cli.py'}' seqvae interpolate --help | head -0"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_a_wrong_command_name(tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "cli.py", "nope"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("command", ["seqvae", "facevae"])
def test_ctrl_c_while_the_program_starts(command: str) -> None:
    # The import of click, which is the first thing that takes time, is where the signal comes.
    script = (
        "import os, signal, sys\n"
        # What a shell starts in the background ignores Ctrl-C, and so would this test there.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        f"sys.argv = [{command!r}, 'models']\n"
        f"from {command}.cli import main\n"
        "main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")
