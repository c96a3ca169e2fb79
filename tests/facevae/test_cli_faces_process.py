"""The `facevae` command as a process: what it imports, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_morph(process, faces, face_box, tmp_path):
    arguments = ["morph", *faces[:2], "--model", face_box / "faces_64", "--no-align", "--json"]
    result = process("facevae", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["files"] == ["morph.gif"]
    assert os.listdir(tmp_path) == ["morph.gif"]


def imported(*arguments: str) -> set[str]:
    """Return which heavy packages are imported by command lines."""
    script = (
        "import sys, facevae.cli as c\n"
        "for arguments in sys.argv[1:]:\n"
        "    try: c.command().main(arguments.split())\n"
        "    except SystemExit: pass\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return set(result.stdout.partition("MODULES ")[2].split())


def test_help_and_errors_import_nothing_heavy():
    found = imported("--help", "morph --help", "train --help", "models", "reconstruct no.jpg")
    heavy = {"torch", "numpy", "PIL", "cv2", "matplotlib", "lightning", "sklearn"}
    assert not found & heavy
    assert "click" in found


def test_a_morph_imports_only_what_it_needs(faces, face_box, tmp_path):
    model = face_box / "faces_64"
    place = tmp_path / "m.gif"
    found = imported(f"morph {faces[0]} {faces[1]} --model {model} --no-align -o {place} -q")
    assert place.exists()
    assert {"torch", "PIL", "numpy"} <= found
    slow = {"matplotlib", "sklearn", "scipy", "lightning", "cv2", "av", "pandas", "seqvae"}
    assert not found & slow
