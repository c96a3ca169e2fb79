"""Labels: the three forms they come in, what is wrong with them, how they meet a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.labels import Labels, read_labels
from vaecore.errors import DataError, UsageError

TABLE = "image,Smiling,Eyeglasses\na.jpg,1,-1\nb.jpg,-1,1\nsub/c.jpg,1,1\n"
VALUES = [[True, False], [False, True], [True, True]]


def write(folder: Path, text: str | bytes, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def images(folder: Path, *names: str) -> FaceFolder:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    return FaceFolder(folder, FaceCodec(8))


CELEBA = """3
Smiling Eyeglasses
a.jpg  1 -1
b.jpg -1  1
sub/c.jpg  1  1
"""


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace("image", "image_id").replace("-1", "0"),
        TABLE.replace(",1", ",+1").replace("-1", "-1.0"),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace(",", ", "),
        TABLE.replace("\n", "\n\n").strip(),
        "\ufeff" + TABLE,
        TABLE.replace("a.jpg", '"a.jpg"').replace("sub/c", ".\\sub\\c"),
        CELEBA,
    ],
)
def test_tables(tmp_path: Path, text: str) -> None:
    labels = read_labels(write(tmp_path, text))
    assert list(labels.names) == ["a.jpg", "b.jpg", "sub/c.jpg"]
    assert labels.attributes == ("Smiling", "Eyeglasses")
    assert labels.values.dtype == bool
    assert labels.values.tolist() == VALUES
    assert len(labels) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("image\na.jpg\n", "is no table of labels"),
        ("image,,Smiling\n", "is no table of labels"),
        ("image,Smiling\n", "has no labels below its first line"),
        ("image,Smiling,Smiling\na.jpg,1,1\n", "has two columns 'Smiling'; leave one out"),
        (TABLE + "d.jpg,1\n", "line 5 has 2 columns, the first line 3"),
        (TABLE + "d.jpg,1,1,1\n", "line 5 has 4 columns, the first line 3"),
        (TABLE + "d.jpg,1,2\n", "line 5: Eyeglasses is '2'; write 1 for yes, -1 for no"),
        (TABLE + "d.jpg,,1\n", "line 5: Smiling is ''"),
        (TABLE + "a.jpg,1,1\n", "line 5 labels a.jpg again; leave one of the lines out"),
        (CELEBA + "d.jpg 1 yes\n", "line 6: Eyeglasses is 'yes'"),
        (CELEBA + "d.jpg 1\n", "line 6 has 2 columns, the first line 3"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "is not UTF-8 text; save it as UTF-8"),
        ('image,Smiling\n"a.jpg,1\n', "is no table of labels"),
    ],
)
def test_unusable_tables_give_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: does not exist; check the name"):
        read_labels(tmp_path / "none.csv")


def test_a_folder_for_each_label(tmp_path: Path) -> None:
    folder = images(tmp_path, "loose.png", "Smiling/a.png", "Smiling/deep/b.png", "Neutral/a.png")
    labels = read_labels(tmp_path)
    assert labels.attributes == ("Neutral", "Smiling")
    found = dict(zip(labels.names, labels.values.tolist(), strict=True))
    assert found == {
        "Neutral/a.png": [True, False],
        "Smiling/a.png": [False, True],
        "Smiling/deep/b.png": [False, True],
    }
    labelled = folder.labelled(labels)
    assert [labelled.name(i) for i in range(len(labelled))] == list(labels.names)
    assert np.array_equal(labelled.values, labels.values)


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "holds no images"), (("a.png",), "has no folders"), (("x/a.png",), "has 1 folder of")],
)
def test_folders_without_labels_are_refused(tmp_path: Path, names: tuple, message: str) -> None:
    for name in names:
        images(tmp_path, name)
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path)


def test_attributes_can_be_chosen(tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path, TABLE))
    chosen = labels.select(["Eyeglasses"])
    assert chosen.attributes == ("Eyeglasses",)
    assert chosen.values.tolist() == [[False], [True], [True]]
    assert labels.select(["Eyeglasses", "Smiling"]).values[0].tolist() == [False, True]
    with pytest.raises(UsageError, match="no attribute 'Hat'; it has Smiling, Eyeglasses"):
        labels.select(["Hat"])


# Labels and a folder


def labels_of(*names: str) -> Labels:
    values = np.arange(len(names))[:, None] % 2 == 0
    return Labels(Path("labels.csv"), names, ("Even",), values)


def test_images_get_their_labels_whatever_the_order(tmp_path: Path) -> None:
    folder = images(tmp_path, "a.png", "b.png", "sub/c.png")
    labelled = folder.labelled(labels_of("sub/c.png", "b.png", "a.png"))
    assert labelled.values[:, 0].tolist() == [True, False, True]
    assert labelled.attributes == ("Even",)
    assert len(labelled) == 3


def test_converted_images_keep_their_labels(tmp_path: Path) -> None:
    folder = images(tmp_path, "a.png", "b.jpg", "b.v2.png")
    labelled = folder.labelled(labels_of("a.jpg", "b.jpg", "b.v2.jpg"))
    assert labelled.values[:, 0].tolist() == [True, False, True]


def test_what_has_no_partner_is_left_out(tmp_path: Path) -> None:
    folder = images(tmp_path, "a.png", "b.png", "c.png")
    labelled = folder.labelled(labels_of("1.png", "c.png", "2.png", "3.png", "4.png"))
    assert [labelled.name(i) for i in range(len(labelled))] == ["c.png"]
    assert len(folder) == 3
    assert folder.values is None


def test_labels_of_missing_images_are_refused_if_that_is_asked_for(tmp_path: Path) -> None:
    folder = images(tmp_path, "a.png", "b.png")
    assert len(folder.labelled(labels_of("a.png"), strict=True)) == 1
    with pytest.raises(DataError) as caught:
        folder.labelled(labels_of("a.png", "x.png"), strict=True)
    assert str(caught.value) == (
        f"labels.csv: names 1 missing images (x.png), looked for in {tmp_path}; "
        "leave their lines out, or name them as they are there, like a.png"
    )


def test_labels_of_nothing_but_missing_images_are_refused(tmp_path: Path) -> None:
    folder = images(tmp_path, "a.png")
    with pytest.raises(DataError, match=r"names only missing images \(x\.png, y\.png\)"):
        folder.labelled(labels_of("x.png", "y.png"))


def test_the_parts_of_a_labelled_folder_keep_their_labels(tmp_path: Path) -> None:
    names = [f"{number:02}.png" for number in range(30)]
    whole = images(tmp_path, *names).labelled(labels_of(*names))
    for part in ("train", "validation", "test"):
        found = whole.split(part)
        for index in range(len(found)):
            assert found.values[index, 0] == (int(found.name(index)[:2]) % 2 == 0)


def test_celebas_table_has_the_known_shares(shared_data: Path) -> None:
    labels = read_labels(shared_data / "faces/attributes.csv")
    assert labels.values.shape == (28_000, 40)
    shares = dict(zip(labels.attributes, labels.values.mean(axis=0), strict=True))
    known = {"Smiling": 0.47, "Male": 0.37, "Blond_Hair": 0.17, "Eyeglasses": 0.05}  # DATA.md
    assert all(abs(shares[name] - share) < 0.01 for name, share in known.items())
    folder = FaceFolder(shared_data / "faces/celebahq128", FaceCodec(64)).labelled(labels)
    assert len(folder) == 28_000
