"""Checkpoints of TensorFlow and magenta.js: what is right is read, what is wrong is named."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from seqvae.music.magenta import bundle, places
from seqvae.music.magenta.crc import crc32c
from seqvae.music.magenta.places import open_bundle
from seqvae.music.magenta.table import read_table, unsnappy
from seqvae.music.magenta.tfjs import WebCheckpoint
from tests.seqvae import magenta_files as files
from vaecore.errors import DataError
from vaecore.reading import Kind

TENSORS = {
    "a/kernel": np.arange(6, dtype="<f4").reshape(2, 3),
    "a/bias": np.array([0.5, -2, 1e-3], "<f4"),
    "a/double": np.array([[1.5]], "<f8"),
    "b": np.arange(3000, dtype="<f4") / 7,
    "global_step": np.array(7, "<i8"),
    "half": np.array([0.1, 3], "<f2"),
}


@pytest.mark.parametrize("length", [0, 1, 3, 4, 9, 63, 64, 65, 257, 1000, 4097])
def test_checksums_are_those_of_the_definition(length: int) -> None:
    data = np.random.default_rng(length).bytes(length)
    assert crc32c(data) == files.crc32c(data)


def test_checksum_of_a_long_text_is_that_of_its_parts_together() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogues
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    data = np.random.default_rng(0).bytes((1 << 22) + 12345)
    changed = bytearray(data)
    changed[1 << 21] ^= 1
    assert crc32c(data) != crc32c(bytes(changed))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("shards", [1, 3])
def test_a_bundle_is_read(tmp_path: Path, shards: int, compressed: bool) -> None:
    files.write_bundle(tmp_path / "model.ckpt-7", TENSORS, shards, compressed)
    for place in (tmp_path, tmp_path / "model.ckpt-7", tmp_path / "model.ckpt-7.index"):
        found = open_bundle(place)
        assert found.shapes == {name: array.shape for name, array in TENSORS.items()}
        for name, array in TENSORS.items():
            read = found.read(name)
            assert read.dtype == np.float32
            np.testing.assert_array_equal(read, array.astype(np.float32))


def test_bfloat16_is_the_upper_half_of_a_number(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 0.15625], "<f4")
    upper = (values.view("<u4") >> 16).astype("<u2")
    stored = upper.view("<f2")  # two bytes each, whatever their name
    files.write_bundle(tmp_path / "x", {"a": stored}, changed={"a": {"dtype": 14}})
    np.testing.assert_array_equal(open_bundle(tmp_path).read("a"), values)


def test_the_file_checkpoint_names_the_latest_of_a_folder(tmp_path: Path) -> None:
    for step in (5, 10):
        files.write_bundle(tmp_path / f"model.ckpt-{step}", {"a": np.full(2, step, "<f4")})
    with pytest.raises(DataError, match=r"has 2 checkpoints \(model.ckpt-10, model.ckpt-5\)"):
        open_bundle(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt-5"\n')
    assert open_bundle(tmp_path).read("a")[0] == 5


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_an_archive_is_read_and_its_paths_are_not_trusted(tmp_path: Path, suffix: str) -> None:
    files.write_bundle(tmp_path / "model.ckpt", TENSORS)
    path = tmp_path / f"released.{suffix}"
    with tarfile.open(path, f"w:{suffix.partition('.')[2]}") as archive:
        for file in sorted(tmp_path.glob("model.ckpt.*")):
            archive.add(file, f"../../../outside/{file.name}")
        link = tarfile.TarInfo("other.index")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = sorted(tmp_path.rglob("*"))
    found = open_bundle(path)
    np.testing.assert_array_equal(found.read("b"), TENSORS["b"])
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parents[2] / "outside").exists()


def test_an_archive_is_read_from_the_file_that_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts another file in its place in between changes nothing."""
    files.write_bundle(tmp_path / "model.ckpt", TENSORS)
    path = tmp_path / "released.tar"
    with tarfile.open(path, "w") as archive:
        for file in sorted(tmp_path.glob("model.ckpt.*")):
            archive.add(file, file.name)
    open_file = places.open_file

    def exchanged(given: Path, kind: Kind) -> IO[bytes]:
        file = open_file(given, kind)
        given.unlink()
        given.write_bytes(b"another file")
        return file

    monkeypatch.setattr(places, "open_file", exchanged)
    np.testing.assert_array_equal(open_bundle(path).read("b"), TENSORS["b"])


def test_an_archive_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"), io.BytesIO())
    with pytest.raises(DataError, match=r"x.tar: has no checkpoint"):
        open_bundle(path)
    path.write_bytes(b"no tar at all")
    with pytest.raises(DataError, match="neither a checkpoint nor a tar"):
        open_bundle(path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"crc": 1}, r"tensor 'b' is damaged: its checksum"),
        ({"size": 8}, r"tensor 'b' of shape \(3000,\) has 8 bytes, expected 12000"),
        ({"dtype": 7}, r"tensor 'b' has no numbers, but type 7"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, changed: dict[str, int], message: str) -> None:
    files.write_bundle(tmp_path / "x", TENSORS, changed={"b": changed})
    found = open_bundle(tmp_path)
    with pytest.raises(DataError, match=message):
        found.read("b")
    assert found.read("a/bias").shape == (3,)


def test_a_changed_or_shortened_file_names_its_tensor(tmp_path: Path) -> None:
    files.write_bundle(tmp_path / "x", TENSORS)
    data = tmp_path / "x.data-00000-of-00001"
    whole = data.read_bytes()
    place = whole.index(TENSORS["b"].tobytes())
    data.write_bytes(whole[: place + 50] + bytes([whole[place + 50] ^ 1]) + whole[place + 51 :])
    with pytest.raises(DataError, match="tensor 'b' is damaged"):
        open_bundle(tmp_path).read("b")
    data.write_bytes(whole[: place + 50])
    with pytest.raises(DataError, match=r"data-00000-of-00001 ends within tensor 'b'"):
        open_bundle(tmp_path).read("b")
    data.unlink()
    with pytest.raises(DataError, match=r"is in the file x.data-00000-of-00001, which is missing"):
        open_bundle(tmp_path).read("b")


def test_what_a_training_left_is_checked_and_never_whole_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "AT_ONCE", 1000)
    files.write_bundle(tmp_path / "x", {"a": TENSORS["b"]})
    data = tmp_path / "x.data-00000-of-00001"
    whole = data.read_bytes()
    open_bundle(tmp_path).check("a")
    data.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"ends within tensor 'a', which has 12000 bytes from 0 on"):
        open_bundle(tmp_path).check("a")
    data.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(DataError, match="tensor 'a' is damaged"):
        open_bundle(tmp_path).check("a")


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_an_archive_that_is_cut_names_what_is_not_whole(tmp_path: Path, suffix: str) -> None:
    noise = {"b": np.random.default_rng(0).standard_normal(20000).astype("<f4")}
    files.write_bundle(tmp_path / "m", noise)
    index, data = tmp_path / "m.index", tmp_path / "m.data-00000-of-00001"
    path = tmp_path / f"x.{suffix}"
    for order in ((index, data), (data, index)):
        with tarfile.open(path, f"w:{suffix.partition('.')[2]}") as archive:
            for file in order:
                archive.add(file, file.name)
        path.write_bytes(path.read_bytes()[: len(data.read_bytes()) // 2])
        message = "ends within tensor 'b'" if order[0] == index else f"ends within {data.name}"
        with pytest.raises(DataError, match=message):
            open_bundle(path).read("b")


def test_the_latest_of_an_archive_is_the_one_that_its_list_names(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    latest = tmp_path / "checkpoint"
    latest.write_text('model_checkpoint_path: "/elsewhere/model.ckpt-5"\n')
    for step in (5, 10):
        files.write_bundle(tmp_path / f"model.ckpt-{step}", {"a": np.full(2, step, "<f4")})
    for listed in ([], [latest]):
        with tarfile.open(path, "w") as archive:
            for file in (*tmp_path.glob("model.ckpt-*"), *listed):
                archive.add(file, f"train/{file.name}")
        if listed:
            assert open_bundle(path).read("a")[0] == 5
        else:
            with pytest.raises(DataError, match=r"has 2 checkpoints .*; unpack it, and name one"):
                open_bundle(path)


def test_an_index_that_is_damaged_anywhere_is_refused(tmp_path: Path) -> None:
    files.write_bundle(tmp_path / "x", TENSORS, compressed=True)
    index = tmp_path / "x.index"
    whole = index.read_bytes()
    for place in range(0, len(whole) - 8, 11):
        index.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"x\.index: is damaged"):
            open_bundle(tmp_path / "x")
    for length in (0, 20, len(whole) - 1):
        index.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"x\.index: is (no table|empty)"):
            open_bundle(tmp_path / "x")


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    files.write_bundle(tmp_path / "x", {"a": np.array([1, np.nan], "<f4")})
    with pytest.raises(DataError, match="tensor 'a' is not finite; get the checkpoint again"):
        open_bundle(tmp_path).read("a")


def test_snappy_copies_what_was_there() -> None:
    text = b"encoder/cell_0/kernel encoder/cell_0/bias " + b"ab" * 40
    assert unsnappy(files.snappy(text)) == text
    assert unsnappy(b"\x0a" + bytes([0 << 2]) + b"x" + bytes([2 | 8 << 2, 1, 0])) == b"x" * 10
    for wrong in (b"\x05\x00x", b"\x02" + bytes([1, 1]), b"\x01\x00xy"):
        with pytest.raises(ValueError, match="damaged"):
            unsnappy(wrong)


def test_a_table_of_many_blocks_is_whole() -> None:
    pairs = {f"layer_{k:03}".encode(): bytes([k]) * k for k in range(100)}
    assert read_table(files.table(pairs, each=3)) == pairs


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint16", "uint8"])
def test_weights_of_the_web_are_read_across_shards(tmp_path: Path, dtype: str) -> None:
    tensors = {name: a.astype("<f4") for name, a in TENSORS.items()} | {"c": np.full(5, 2, "<f4")}
    kept = files.write_web(tmp_path, tensors, {}, dtype, shard=1000)
    found = WebCheckpoint(tmp_path)
    assert list(found.shapes) == list(tensors)
    for name, array in kept.items():
        np.testing.assert_allclose(found.read(name), array, rtol=1e-6)


def test_broken_folders_of_the_web_are_refused(tmp_path: Path) -> None:
    files.write_web(tmp_path, {"a": np.ones(4, "<f4"), "b": np.ones(8, "<f4")}, {}, shard=32)
    last = tmp_path / "group1-shard2of2"
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"47 bytes .* needs 48 \(they end within tensor 'b'\)"):
        WebCheckpoint(tmp_path)
    last.unlink()
    with pytest.raises(DataError, match="lacks the file group1-shard2of2"):
        WebCheckpoint(tmp_path)
    manifest = tmp_path / "weights_manifest.json"
    manifest.write_text(json.dumps([{"paths": [".."], "weights": []}]))
    with pytest.raises(DataError, match=r"'\.\.' is not the name of a file"):
        WebCheckpoint(tmp_path)
    manifest.write_text(json.dumps([{"paths": ["../x"], "weights": []}]))
    with pytest.raises(DataError, match=r"'\.\./x' is not the name of a file"):
        WebCheckpoint(tmp_path)
    manifest.write_text("[{")
    with pytest.raises(DataError, match="is no JSON"):
        WebCheckpoint(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"quantization": {"dtype": "uint8", "min": 0}}, "scale None, expected a number above 0"),
        ({"quantization": {"dtype": "uint8", "scale": 1}}, "min None, expected a number"),
        ({"quantization": {"dtype": "uint8", "scale": 0, "min": 0}}, "scale 0, expected"),
        ({"quantization": {"dtype": "uint16", "scale": 1e39, "min": 0}}, "scale 1e[+]39, exp"),
        ({"quantization": {"dtype": "uint16", "scale": 1, "min": "x"}}, "min 'x', expected"),
        ({"quantization": {"dtype": "uint32", "scale": 1, "min": 0}}, "the unknown type uint32"),
        ({"quantization": [1]}, r"the quantization \[1\]"),
        ({"dtype": "string"}, "the unknown type string"),
        ({"shape": [2.5]}, r"the impossible shape \[2\.5\]"),
        ({"shape": [-1]}, r"the impossible shape \(-1,\)"),
        ({"shape": "ab"}, "the impossible shape 'ab'"),
    ],
)
def test_a_wrong_entry_of_a_manifest_is_named(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    files.write_web(tmp_path, {"a": np.ones(4, "<f4")}, {})
    manifest = tmp_path / "weights_manifest.json"
    (group,) = json.loads(manifest.read_text())
    group["weights"][0] |= changed
    manifest.write_text(json.dumps([group]))
    with pytest.raises(DataError, match=f"tensor 'a' has .*{message}"):
        WebCheckpoint(tmp_path)
