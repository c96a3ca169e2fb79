"""The documentation: what its pages tell to type is typed, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ("musician", "student", "engineer", "domain")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#([^)\s]*))?\)")
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/models/*/README.md")]
)


@pytest.mark.slow
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_runs_as_written(name: str, tmp_path: Path) -> None:
    """Every block of shell and Python, in their order, in an empty folder with the examples."""
    for folder in ("data", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    commands = tmp_path / "bin"
    commands.mkdir()
    for command in ("seqvae", "facevae"):
        script = commands / command
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {command}.cli "$@"\n')
        script.chmod(0o755)
    paths = [str(commands), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(paths)}
    blocks = BLOCK.findall((ROOT / f"docs/{name}.md").read_text(encoding="utf-8"))
    assert blocks
    for language, text in blocks:
        program = ["bash", "-euo", "pipefail"] if language == "sh" else [sys.executable]
        result = subprocess.run(
            [*program, "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    """As the repository's web view follows them, relative to the page."""
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if ":" in target:
            continue
        found = page.parent / target
        assert found.exists(), target
        assert found.resolve().is_relative_to(ROOT), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in slugs, f"{target}#{anchor}"
