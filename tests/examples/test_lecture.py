"""The figures of the lecture: each can be remade, and the guide names them all."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures() -> dict:
    """All figures by name."""
    from examples.lecture.__main__ import CHAPTERS
    from examples.lecture.figures import FIGURES

    for chapter in CHAPTERS:
        import_module(f"examples.lecture.{chapter}")
    return FIGURES


@pytest.mark.slow
def test_all_figures_are_made(run_module, figures: dict, tmp_path: Path) -> None:
    result = run_module("examples.lecture", "--small", "-o", "made", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.findall(r"^(\w+)  [\d.]+ s$", result.stdout, re.MULTILINE) == list(figures)
    pictures = {path.stem for path in (tmp_path / "made").iterdir() if path.suffix != ".mid"}
    assert pictures == set(figures)
    for path in (tmp_path / "made").glob("*.[pj][np]g"):
        with Image.open(path) as picture:
            assert len(picture.convert("L").getcolors()) > 8, path
            assert min(picture.size) > 100, path


def test_unknown_figures_are_refused(run_module, figures: dict, tmp_path: Path) -> None:
    result = run_module("examples.lecture", "--only", "nonsense", cwd=tmp_path)
    assert result.returncode == 2
    known = ", ".join(figures)
    assert result.stderr == f"Error: no figure 'nonsense'; known are {known}\n"
    assert not any(tmp_path.iterdir())


def test_figures_are_short(figures: dict) -> None:
    for name, function in figures.items():
        assert len(inspect.getsource(function).splitlines()) <= 30, name
        assert function.__doc__, name


def test_the_guide_is_light_and_its_figures_can_be_remade(figures: dict) -> None:
    shown = list((ROOT / "docs/lecture").iterdir())
    assert {path.stem for path in shown} <= set(figures)
    assert sum(path.stat().st_size for path in shown) < 1.2e6
    assert max(path.stat().st_size for path in shown) < 150_000
    text = (ROOT / "docs/lecture.md").read_text(encoding="utf-8")
    assert all(f"lecture/{path.name}" in text for path in shown)
    assert set(re.findall(r"--only (\w+)", text)) <= set(figures)
