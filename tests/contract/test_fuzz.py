"""A damaged file is read or refused in one line, by every door; see `tests/fuzzing.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing import DOORS, WAYS, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from midi_changes import number, parts, written

CHANGES = st.lists(
    st.tuples(
        st.integers(0, WAYS - 1),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 40),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)
LONG = ("configuration", "weights", "attributes", "prior", "recipe", "bundle", "bundle's data",
        "archive", "manifest", "magenta.js", "score", "form", "point")  # fmt: skip
EXAMPLES = dict.fromkeys(LONG, 25)
"""How many of a door that takes long."""


@pytest.mark.parametrize("name", DOORS)
def test_damaged_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    door = DOORS[name]
    seeds = door.seeds()

    @settings(
        max_examples=EXAMPLES.get(name, 60),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(seeds), CHANGES)
    def test(seed: bytes, changes: list[tuple[int, float, int, int]]) -> None:
        outcome(door, door.change(seed, changes), tmp_path / "file")

    for seed in seeds[:3]:
        assert outcome(door, seed, tmp_path / "file") == "read", "the file is not even whole"
    test()


def test_faults_would_be_noticed(tmp_path: Path) -> None:
    door = DOORS["labels"]._replace(read=lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        outcome(door, b"x", tmp_path / "file")


def test_files_of_events_are_what_they_were() -> None:
    for data in DOORS["events"].seeds():
        division, tracks = parts(data)
        again = written(division, tracks)
        assert parts(again) == (division, tracks)
        assert sum(map(len, tracks)) > 20
    assert number(0x0FFFFFFF) == b"\xff\xff\xff\x7f"
