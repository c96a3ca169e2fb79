"""The documentation: every block of code on its pages runs, and their links lead somewhere.

Blocks are fenced and say their language. `sh` and `python` are run as written; of `console`, what
follows `$ ` is run and what is shown has to come; `text` and others are only shown. A block that
cannot run in a test has a comment with the reason on the line before: `<!-- not run: REASON -->`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)"
    r"^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#([^)\s]*))?\)")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / name / "README.md" for name in ("benchmarks", "data")),
        *ROOT.glob("*/models/*/README.md"),
    ]
)
LONGEST_README = 150


class Block(NamedTuple):
    """A block of code: its language, its text, and why it is not run, if it is not."""

    language: str
    text: str
    reason: str | None


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    return [
        Block(match["language"], match["text"], match["reason"])
        for match in FENCE.finditer(page.read_text(encoding="utf-8"))
    ]


def commands(text: str) -> list[str]:
    """Return the command lines of a block without their comments."""
    lines = text.replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+(#.*)?$", "", line) for line in lines]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


Run = Callable[[Block], None]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Run:
    """Run a block in a folder with the examples, which all pages share.

    Equal blocks run once, and so do equal command lines.
    """
    folder = tmp_path_factory.mktemp("pages")
    for name in ("data", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    paths = [str(warm), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(paths),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    seen: set[Block] = set()
    ran: set[str] = set()

    def run_block(block: Block) -> None:
        if block in seen:
            return
        program = ["bash", "-euo", "pipefail", "-c"]
        text = block.text
        if block.language == "python":
            program = [str(warm / "python"), "-c"]
        elif block.language == "console":
            text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
        elif "<<" not in text:
            text = "\n".join(line for line in commands(text) if line not in ran)
        result = subprocess.run(
            [*program, text], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
        if block.language == "console":
            shown = [line.rstrip() for line in block.text.splitlines() if not line.startswith("$ ")]
            came = {line.rstrip() for line in result.stdout.splitlines()}
            assert [line for line in shown if line not in came | {""}] == [], result.stdout
        seen.add(block)
        ran.update(commands(block.text) if block.language == "sh" else ())

    return run_block


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if any(b.language in ("sh", "python", "console") and not b.reason for b in blocks(page))
    ],
    ids=_name,
)
def test_blocks_run_as_written(page: Path, run: Run) -> None:
    """In their order, as they stand on the page."""
    for block in blocks(page):
        if block.language in ("sh", "python", "console") and not block.reason:
            run(block)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_code_is_fenced_and_says_its_language(page: Path) -> None:
    """So that none is left out above."""
    text = page.read_text(encoding="utf-8")
    assert all(block.language for block in blocks(page))
    outside = FENCE.sub("", text)
    assert "```" not in outside
    assert "<!-- not run" not in outside
    if page.parent.parent.name == "models":  # a card ends with the commands of its training
        outside = outside.partition("## Train it again")[0]
    assert (
        re.findall(r"^(?: {4,}|\t)(?:seqvae|facevae|python|pip) .*$", outside, re.MULTILINE) == []
    )


def test_the_readme_is_one_page() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=_name)
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
