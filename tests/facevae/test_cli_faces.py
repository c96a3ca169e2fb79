"""The `facevae` command: what every verb writes, prints and reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from facevae.cli import command
from facevae.codec import FaceCodec
from facevae.presentation import enlarge
from vaecore.domain import Domain
from vaecore.space import LatentSpace


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boxed_faces: Domain):
    """Run the command in an empty folder, with a tiny model in the box.

    Drawn faces are no faces to the alignment: photographs are taken as they are unless `align`.
    """
    monkeypatch.chdir(tmp_path)
    taking = ("morph", "interpolate", "palette", "reconstruct", "edit", "similar")

    def run(*arguments: object, code: int = 0, align: bool = False) -> Result:
        words = [str(a) for a in arguments]
        if words[0] in taking and not align:
            words.append("--no-align")
        result = CliRunner().invoke(command(), words)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def space(boxed_faces: Domain) -> LatentSpace:
    return boxed_faces.load("faces_64")


def facts(result: Result) -> dict[str, Any]:
    assert result.stderr == ""
    return json.loads(result.stdout)


def frames(path: str) -> list[Image.Image]:
    """Return the frames of a GIF, RGB."""
    found = []
    with Image.open(path) as film:
        for k in range(film.n_frames):
            film.seek(k)
            found.append(film.convert("RGB"))
    return found


def durations(path: str) -> list[int]:
    """Return how long each frame of a GIF is seen, in milliseconds."""
    found = []
    with Image.open(path) as film:
        for k in range(film.n_frames):
            film.seek(k)
            found.append(film.info["duration"])
    return found


def apart(a: Image.Image, b: Image.Image) -> float:
    """Return the mean difference of two pictures' values, 0 to 255."""
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


def test_morph_without_options_does_the_sensible_thing(run, faces, tmp_path, space):
    result = run("morph", faces[0], faces[1])
    lines = result.stdout.splitlines()
    assert lines[0] == "faces_64"
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["000.png", "not", "framed"],  # they are drawn, and no faces
        ["001.png", "not", "framed"],
    ]
    assert lines[3:] == ["morph.gif", "  25 steps · 256 x 256 pixels · 3.2 seconds"]
    assert [path.name for path in tmp_path.iterdir()] == ["morph.gif"]
    film = frames("morph.gif")
    assert len(film) == 25
    assert film[0].size == (256, 256)
    with Image.open("morph.gif") as gif:
        assert gif.info["loop"] == 0
    assert durations("morph.gif") == [680, *[80] * 23, 680]
    # The ends are the reconstructions, as well as 256 colours can say it.
    for frame, kept in zip((film[0], film[-1]), space.reconstruct(faces[:2]), strict=True):
        assert apart(frame.reduce(4), enlarge(kept, 256).reduce(4)) < 5
    assert apart(film[0], film[-1]) > 10


def test_a_folder_of_frames_is_exact(run, faces, space):
    report = facts(run("morph", faces[0], faces[1], "-o", "way", "--steps", 5, "--json"))
    assert report["files"] == [f"way/frame_0{k}.png" for k in range(1, 6)]
    assert (report["width"], report["steps"], report["model"]) == (32, 5, "faces_64")
    kept = space.reconstruct(faces[:2])
    for name, expected in zip((report["files"][0], report["files"][-1]), kept, strict=True):
        assert np.array_equal(np.asarray(Image.open(name)), np.asarray(expected))
    text = run("morph", faces[0], faces[1], "-o", "way", code=2).stderr
    assert text == "Error: way is there already; name another folder with -o/--output\n"
    run("morph", faces[0], faces[1], "-o", "larger", "--size", 80, "-q")
    assert Image.open("larger/frame_25.png").size == (80, 80)


def test_hold_bounce_and_speed(run, faces):
    arguments = ["morph", *faces[:3], "--hold", 1, "--bounce", "--fps", 20, "--steps", 7]
    report = facts(run(*arguments, "--size", 64, "--json"))
    # There and back, resting at each input, at the last once.
    stops = [0, 3, 6, 9]
    assert report["frames"] == 12
    assert report["seconds"] == pytest.approx(12 / 20 + 4)
    assert durations("morph.gif") == [1050 if k in stops else 50 for k in range(12)]
    film = frames("morph.gif")
    assert film[0].size == (64, 64)
    assert apart(film[5], film[7]) < 0.01
    assert apart(film[3], film[9]) < 0.01


def test_a_morph_is_that_of_python(run, faces, space):
    report = facts(run("morph", *faces[:2], "-o", "way", "--steps", 5, "--json"))
    assert (report["path"], report["timing"]) == (space.path, FaceCodec.default_timing)
    made = [np.asarray(Image.open(file)) for file in report["files"]]
    for frame, item in zip(made, space.interpolate(*faces[:2], steps=5), strict=True):
        assert np.array_equal(frame, np.asarray(item))
    text = " ".join(run("morph", "--help").stdout.split())
    assert text.count(f"[default: {FaceCodec.default_path}]") == 1
    assert text.count(f"[default: {FaceCodec.default_timing}]") == 1


def test_a_morph_as_a_sheet(run, faces):
    assert facts(run("morph", *faces[:2], "-o", "m.png", "--json"))["steps"] == 9
    report = facts(run("morph", *faces[:3], "-o", "m.JPG", "--json"))
    assert report["steps"] == 17
    with Image.open("m.JPG") as sheet:
        assert sheet.format == "JPEG"
        assert sheet.size == (report["width"], report["height"])


def test_a_morph_as_a_moving_webp(run, faces):
    arguments = ["morph", *faces[:2], "--steps", 5, "--hold", 0.5, "--fps", 10, "--size", 128]
    report = facts(run(*arguments, "-o", "m.webp", "--json"))
    assert (report["frames"], report["width"]) == (5, 128)
    run(*arguments, "-o", "m.gif", "-q")
    assert Path("m.webp").stat().st_size < Path("m.gif").stat().st_size / 2
    with Image.open("m.webp") as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (5, (128, 128), 0)
    assert facts(run("reconstruct", faces[0], "-o", "r.webp", "--json"))["files"] == ["r.webp"]
    with Image.open("r.webp") as sheet:
        assert getattr(sheet, "n_frames", 1) == 1


def test_a_morph_as_video(run, faces):
    av = pytest.importorskip("av")
    arguments = ["morph", *faces[:2], "--steps", 6, "--hold", 0.5, "--fps", 10, "--size", 97]
    report = facts(run(*arguments, "-o", "m.mp4", "--json"))
    assert report["frames"] == 6
    with av.open("m.mp4") as video:
        seen = [frame.to_image() for frame in video.decode(video=0)]
        assert (video.streams.video[0].width, video.streams.video[0].height) == (96, 96)
        assert float(video.streams.video[0].average_rate) == pytest.approx(10)
    assert len(seen) == 6 + 2 * 5
    run(*arguments, "-o", "again.mp4", "-q")
    assert Path("m.mp4").read_bytes() == Path("again.mp4").read_bytes()


def test_interpolate_is_another_name(run, faces):
    run("morph", *faces[:2], "--steps", 3, "-o", "a.gif")
    report = facts(run("interpolate", *faces[:2], "--steps", 3, "-o", "b.gif", "--json"))
    assert report["verb"] == "morph"
    assert Path("a.gif").read_bytes() == Path("b.gif").read_bytes()
    assert "interpolate" not in run("--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        "morph @0 @1 @2 --steps 5 --path lerp",
        "palette @0 @1 @2 @3 --rows 3 --columns 2",
        "palette @0 @1 @2",
        "sample -n 3",
        "reconstruct @0 @1",
        "edit @0 --add Smiling=-1",
        "edit @0 --add Smiling=1 --add Blond_Hair=0.5 --sweep -2:2:3",
        "similar @0 -n 2 --amount 0.5",
    ],
)
def test_same_seed_same_bytes(run, faces, tmp_path, arguments):
    verb, *rest = [faces[int(a[1:])] if a[0] == "@" else a for a in arguments.split()]
    end = "gif" if verb == "morph" else "png"
    report = facts(run(verb, *rest, "-o", f"a.{end}", "--seed", 7, "--json"))
    assert report["verb"] == verb
    assert report["files"] == [f"a.{end}"]
    assert run(verb, *rest, "-o", f"b.{end}", "--seed", 7, "--quiet").output == ""
    assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()
    assert run(verb, *rest).stdout.strip()


def test_a_palette_as_a_page(run, faces):
    report = facts(run("palette", *faces[:2], "-o", "x.html", "--json"))
    assert report["files"] == ["x.html"]
    assert report["bytes"] == Path("x.html").stat().st_size
    assert (report["rows"], report["columns"]) == (1, 15)


def test_sample(run, tmp_path):
    report = facts(run("sample", "--json"))
    assert (report["n"], report["files"]) == (16, ["samples.png"])
    run("sample", "-o", "a.png")
    run("sample", "-o", "b.png", "--seed", 1)
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
    assert len(facts(run("sample", "-n", 3, "-o", "three", "--json"))["files"]) == 3
    assert "has no prior 'mixture'" in run("sample", "--prior", "mixture", code=2).stderr


def test_reconstruct_says_what_is_kept(run, faces, space):
    report = facts(run("reconstruct", *faces[:3], "--json"))
    assert [i["file"] for i in report["windows"][0]["inputs"]] == [str(f) for f in faces[:3]]
    x = space.codec.encode(faces[0])
    error = (space.decode_to_examples(space.encode(faces[0]))[0] - x).square().mean()
    one = facts(run("reconstruct", faces[0], "-o", "one.png", "--json"))
    assert one["psnr"] == pytest.approx(-10 * error.log10().item(), abs=0.05)
    assert -1 <= report["ssim"] <= 1
    text = run("reconstruct", faces[0]).stdout
    assert f"PSNR {one['psnr']:.1f} dB" in text


def test_edit(run, faces):
    text = run("edit", faces[0], "--add", "Smiling=1.5", "--add", "Blond_Hair=-1").stdout
    assert "Smiling+1.5 Blond_Hair-1" in text
    report = facts(
        run("edit", faces[0], "--add=Smiling=0.5", "--sweep=-2:2:5", "-o", "steps", "--json")
    )
    assert report["sweep"] == [-2, -1, 0, 1, 2]
    assert report["add"] == {"Smiling": 0.5}
    run("edit", faces[0], "--add", "Smiling=1", "-o", "one", "-q")
    run("reconstruct", faces[0], "-o", "kept", "-q")
    files = [np.asarray(Image.open(name)) for name in report["files"]]
    assert np.array_equal(files[4], np.asarray(Image.open("one/face_01.png")))
    assert np.array_equal(files[2], np.asarray(Image.open("kept/face_01.png")))
    assert not np.array_equal(files[0], files[4])
    text = run("edit", faces[0], "--add", "Frowning=1", code=2).stderr
    assert text == "Error: unknown attribute 'Frowning'; known are: Blond_Hair, Smiling\n"


def test_a_sweep_has_a_row_for_each_attribute(run, faces):
    run("edit", faces[0], "--add=Smiling=1", "--sweep=-1:1:3", "-o", "a.png", "--size", 32)
    run(
        "edit", faces[0], "--add=Smiling=1", "--add=Blond_Hair=1", "--sweep=-1:1:3",
        "-o", "b.png", "--size", 32,
    )  # fmt: skip
    with Image.open("a.png") as a, Image.open("b.png") as b:
        assert b.height > 1.5 * a.height
        assert b.width >= a.width


def test_own_attributes_can_be_used_by_edit(run, faces, tmp_path):
    having, lacking = tmp_path / "with", tmp_path / "without"
    for folder, files in ((having, faces[:4]), (lacking, faces[4:9])):
        folder.mkdir()
        for file in files:
            (folder / file.name).write_bytes(file.read_bytes())
    (lacking / "broken.png").write_bytes(b"nothing")
    result = run("attribute", "--with", having, "--without", lacking, "--name", "Hat")
    assert "left out" in result.stdout
    assert "broken.png" in result.stdout
    assert "use it: facevae edit INPUT --vectors Hat.safetensors --add Hat=1" in result.stdout
    report = facts(
        run("edit", faces[0], "--vectors", "Hat.safetensors", "--add", "Hat=2", "--json")
    )
    assert report["add"] == {"Hat": 2}


def test_an_attribute_from_a_table(run, faces, tmp_path, space):
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "Hat", "All"])
        rows.writerows([face.name, 1 if k < 5 else -1, 1] for k, face in enumerate(faces))
    report = facts(run("attribute", faces[0].parent, "--labels", table, "--name", "Hat", "--json"))
    assert (report["with"], report["without"]) == (5, 7)
    vector = space.attribute_vector(faces[:5], faces[5:])
    assert report["length"] == pytest.approx(vector.norm().item(), rel=1e-4)

    def line(*arguments: object, code: int) -> str:
        (text,) = run("attribute", *arguments, code=code).stderr.splitlines()
        return text

    inputs = [faces[0].parent, "--labels", table, "--name"]
    assert "has no attribute 'Tie'; it has Hat, All" in line(*inputs, "Tie", code=2)
    assert "All is the same for all 12 images" in line(*inputs, "All", code=1)
    table.write_text("image,Hat\nnobody.png,1\n" + table.read_text().partition("\n")[2])
    line(*inputs, "Hat", code=1)
    table.write_text("image,Hat\nnobody.png,1\n000.png,-1\n")
    assert "nobody.png" in line(*inputs, "Hat", code=1)
    line("--labels", table, "--with", faces[0], "--name", "Hat", code=2)
    line("--with", faces[0], "--name", "Hat", code=2)


def test_models_lists_the_box(run):
    text = run("models").stdout
    assert "faces_64" in text
    assert "Smiling" in text
    (model,) = facts(run("models", "--json"))["models"]
    assert model["attributes"] == ["Blond_Hair", "Smiling"]


def test_analyze_draws_the_histograms(run, faces, tmp_path):
    report = facts(run("analyze", faces[0].parent, "--json"))
    assert report["examples"] == 12
    assert len(report["dimensions"]["ks"]) == 6
    assert report["files"] == ["analysis.png"]
    assert (tmp_path / "analysis.png").read_bytes().startswith(b"\x89PNG")
    assert "active" in run("analyze", faces[0].parent).stdout


def test_evaluate(run, faces, face_box):
    report = facts(run("evaluate", faces[0].parent, "--json"))
    for name in ("examples", "psnr", "ssim", "sharpness", "nll", "kl_nats"):
        assert name in report
    assert (report["examples"], report["model"]) == (12, "faces_64")
    for model in ("faces_64", face_box / "faces_64"):
        again = facts(run("evaluate", model, *faces, "--json"))
        assert again["psnr"] == pytest.approx(report["psnr"])
        assert again["model"] == str(model)
    assert "psnr" in run("evaluate", faces[0].parent).stdout
    assert run("evaluate", "nope", faces[0], code=2).stderr.startswith("Error: no model 'nope'")


def test_a_photograph_is_aligned_and_said_so(run, shared_data):
    wide = Image.new("RGB", (700, 400), "#8090a0")
    photo = Image.open(shared_data / "faces/photos/Billy_Crystal_0001.jpg")
    wide.paste(photo, (20, 90))
    wide.save("wide.png")
    report = facts(run("reconstruct", "wide.png", "-o", "framed", "--json", align=True))
    assert report["windows"][0]["inputs"] == [{"file": "wide.png", "aligned": True}]
    assert "wide.png  aligned" in run("reconstruct", "wide.png", align=True).stdout
    assert "aligned" not in run("reconstruct", "wide.png").stdout


def test_what_shows_no_face_is_refused(run, tmp_path):
    Image.effect_noise((90, 60), 90).convert("RGB").save("noise.png")
    (line,) = run("reconstruct", "noise.png", align=True, code=1).stderr.splitlines()
    assert line.startswith("Error: noise.png: no face found")
    assert "--no-align" in line
    run("reconstruct", "noise.png", "-o", "r.png")
