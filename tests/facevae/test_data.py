"""Folders of images: what is found in them, how they are divided."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numbered import COUNT, write_numbered

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder, split_of
from facevae.data.names import Names, find_images
from vaecore.errors import DataError

CODEC = FaceCodec(8)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces")
    write_numbered(root)
    return root


@pytest.fixture
def folder(source: Path) -> FaceFolder:
    return FaceFolder(source, CODEC)


# Names and folders


def test_names_are_a_sorted_sequence() -> None:
    names = Names([b"b/1.png", b"a.png", b"", "é.png".encode(), b"\xff.png"])
    assert list(names) == ["", "a.png", "b/1.png", "é.png", os.fsdecode(b"\xff.png")]
    assert names[4] == os.fsdecode(b"\xff.png")
    assert len(names) == 5
    with pytest.raises(IndexError):
        names[5]


def test_a_million_names_take_as_many_bytes_as_they_have_letters() -> None:
    names = Names(b"%07d.jpg" % number for number in range(1_000_000))
    assert names[765_432] == "0765432.jpg"
    held = sum(value.nbytes for value in vars(names).values())
    assert held == 1_000_000 * (len("0000000.jpg") + 8)


def test_images_are_found_at_any_depth_and_nothing_else(folder: FaceFolder) -> None:
    assert len(folder) == COUNT
    assert folder.name(0) == "high/er/21.png"
    assert folder.name(COUNT - 1) == "low/20.png"
    assert folder.path(0).is_file()


def test_an_example_is_the_codecs(folder: FaceFolder) -> None:
    assert torch.equal(folder[3], CODEC.encode(folder.path(3)))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "does not exist; check the name"),
        ("file", "is not a folder; name a folder of images"),
        ("empty", "holds no images (.jpg or .jpeg"),
        ("others", "holds no images (.jpg or .jpeg"),
    ],
)
def test_unusable_folders_give_one_line(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / kind
    if kind == "file":
        path.write_text("")
    elif kind != "missing":
        (path / "inner").mkdir(parents=True)
    if kind == "others":
        (path / "inner" / "notes.txt").write_text("no image")
    with pytest.raises(DataError) as caught:
        FaceFolder(path, CODEC)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_circle_of_links_ends(source: Path, tmp_path: Path) -> None:
    shutil.copytree(source / "low", tmp_path / "low")
    (tmp_path / "low" / "again").symlink_to(tmp_path)
    assert len(find_images(tmp_path)) == COUNT // 2


# The division


def test_parts_are_a_division_by_name(folder: FaceFolder) -> None:
    parts = {part: folder.split(part) for part in ("train", "validation", "test")}
    rows = np.concatenate([part.rows for part in parts.values()])
    assert sorted(rows.tolist()) == list(range(COUNT))
    for name, part in parts.items():
        assert len(part) > 0
        assert (np.diff(part.rows) > 0).all()
        for index in range(len(part)):
            assert part.name(index) == folder.name(int(part.rows[index]))
            if name == "train":
                assert split_of(part.name(index)) == "train"


def test_a_twentieth_is_held_out_for_each_purpose() -> None:
    names = [f"{number:06}.jpg" for number in range(20_000)]
    counts = dict.fromkeys(("train", "validation", "test"), 0)
    for name in names:
        counts[split_of(name)] += 1
    assert abs(counts["validation"] - 1000) < 100
    assert abs(counts["test"] - 1000) < 100
    # Another seed is another division: the two share a twentieth of a twentieth.
    shared = sum(split_of(name) == split_of(name, 1) == "validation" for name in names)
    assert 20 < shared < 90


def test_the_division_of_a_name_never_changes() -> None:
    # Noted down when this was written: models are measured on what they were not trained on.
    parts = {number: split_of(f"{number:05}.jpg") for number in range(1, 31)}
    held_out = {part: [n for n in parts if parts[n] == part] for part in ("validation", "test")}
    assert held_out == {"validation": [3, 30], "test": [1, 18, 20]}


def test_no_part_of_a_small_folder_is_empty(source: Path, tmp_path: Path) -> None:
    for number in range(1, 4):
        shutil.copy(source / "low" / f"{number:02}.png", tmp_path)
        if number == 2:
            with pytest.raises(DataError, match="holds only 2 usable images, at least 3"):
                FaceFolder(tmp_path, CODEC).split("train")
    small = FaceFolder(tmp_path, CODEC)
    for seed in range(20):
        parts = [small.split(part, seed).name(0) for part in ("train", "validation", "test")]
        assert sorted(parts) == ["01.png", "02.png", "03.png"]
