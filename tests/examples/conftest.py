"""What the tests of examples share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_module(warm: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a module of this project: `run_module("examples.digits", *arguments, cwd=...)`."""

    def run(name: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        return subprocess.run(
            [warm / "python", "-m", name, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run
