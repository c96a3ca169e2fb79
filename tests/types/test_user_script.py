"""A user's program over the public names: typed for an editor, and it runs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("user_script.py")


def called(source: str) -> set[str]:
    """Return the names of all functions and methods that a program calls."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {c.attr if isinstance(c, ast.Attribute) else c.id for c in calls}


def test_it_calls_what_the_readme_calls() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    wanted = set().union(*map(called, blocks))
    assert wanted >= {"load", "encode", "interpolate", "edit", "analyse"}
    assert wanted - called(SCRIPT.read_text(encoding="utf-8")) == set()


@pytest.mark.slow
def test_it_is_typed() -> None:
    """With the options and the cache of the check of the packages, which CI makes before."""
    pytest.importorskip("mypy")
    program = [
        sys.executable, "-m", "mypy", f"--config-file={ROOT / 'pyproject.toml'}",
        f"--cache-dir={ROOT / '.mypy_cache'}", SCRIPT,
    ]  # fmt: skip
    result = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded_once: None) -> None:
    import importlib.util

    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("user_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.networks()
    script.commands()
    script.music(ROOT / "data")
    script.sentences()
    script.faces(ROOT / "data")
    assert {path.name for path in tmp_path.iterdir()} == {
        "halfway.mid", "busier.mid", "smiling.png"
    }  # fmt: skip
