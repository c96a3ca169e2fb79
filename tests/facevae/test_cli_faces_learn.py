"""align and train: from photographs to a model folder that every verb can use."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from drawn_files import save_drawn
from PIL import Image

from facevae.cli import command

SMALL = [
    f"--set={setting}"
    for setting in (
        "representation.size=32",
        "architecture.size=32",
        "architecture.width=4",
        "architecture.latent_dim=4",
        "training.batch_size=8",
        "training.validate_every=2",
    )
]


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `images` of drawn faces in an empty working folder."""
    pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    save_drawn(tmp_path / "images", 40)
    return tmp_path / "images"


def test_train_resume_use(images):
    (images / "broken.jpg").write_bytes(b"nothing")
    names = sorted(path.name for path in images.glob("*.png"))
    rows = [f"{name},{1 if k % 3 else -1},{1 if k % 2 else -1}" for k, name in enumerate(names)]
    Path("labels.csv").write_text("\n".join(["image,Hat,Smiling", *rows]))
    common = ["train", "images", "--workers", 0, "--labels", "labels.csv"]
    steps = "--set=training.max_steps=4"
    report = json.loads(run(*common, *SMALL, steps, "--device=cpu", "--json").stdout)
    assert report["output"] == str(Path("runs/faces_64_residual"))
    assert report["steps"] == 4
    assert report["attributes"] == ["Hat", "Smiling"]
    assert set(report["broken"]) <= {"broken.jpg"}
    dimensions = 3 * 32**2
    assert report["beta"] == pytest.approx(report["sigma"] ** 2)
    assert report["reconstruction_factor"] == pytest.approx(dimensions / (2 * report["beta"]))
    assert run("train", "images", code=2).stderr.startswith("Error: runs")

    arguments = [*common, "--resume", "-o", "runs/faces_64_residual"]
    text = run(*arguments, "--set=training.max_steps=6").stdout
    assert "noise of standard deviation" in text
    assert "6 steps" in text
    assert "facevae sample --model runs" in text
    assert re.search(r"best at \d: PSNR \d+\.\d dB\n", text)
    measured = run(
        "evaluate", "runs/faces_64_residual", "images", "--split", "test", "--json"
    ).stdout
    counted = json.loads(Path("runs/faces_64_residual/config.json").read_text())["training"][
        "images"
    ]
    report = json.loads(measured)
    assert report["examples"] + len(report["skipped"]) == counted["test"]
    assert (
        "facevae train images --labels labels.csv"
        in Path("runs/faces_64_residual/README.md").read_text()
    )
    run("sample", "-n", 2, "--model", "runs/faces_64_residual", "-q")
    assert Path("samples.png").exists()
    run(
        "edit",
        "images/000.png",
        "--no-align",
        "--model=runs/faces_64_residual",
        "--add=Smiling=1",
        "-q",
    )


def test_the_lectures_factor_is_explained(images):
    text = run(
        "train", "images", "--preset=lecture", "--set=training.max_steps=1", "--workers=0",
        "--set=training.batch_size=4", "--device=cpu", "-o", "model",
    ).stdout  # fmt: skip
    # 64 * 64 * 3 / (2 * 10,000) = 0.6144, and its root 0.784
    line = "reconstruction factor 10,000: noise of standard deviation 0.784"
    assert f"  {line} (values 0 to 1), beta 0.614\n" in text


def test_wrong_requests(images):
    before = sorted(path.name for path in images.parent.iterdir())

    def fail(*arguments: object, code: int = 1) -> str:
        (line,) = run("train", *arguments, code=code).stderr.splitlines()
        assert sorted(path.name for path in images.parent.iterdir()) == before
        return line

    assert "does not exist" in fail("nowhere")
    assert "does not exist" in fail("images", "--labels", "none.csv")
    assert "--resume takes the recipe" in fail("images", "--resume", code=2)
    assert "no preset 'nope'" in fail("images", "--preset", "nope", code=2)


def test_labels_of_missing_images_are_refused(images):
    Path("labels.csv").write_text("image,Hat\n000.png,1\n001.png,-1\ngone.png,1\n")
    error = run("train", "images", "--labels", "labels.csv", code=1).stderr
    assert error.startswith("Error: labels.csv: names 1 missing images (gone.png)")
    assert not Path("runs").exists()


def test_align(images, shared_data):
    Path("photos").mkdir()
    for name in ("Billy_Crystal_0001.jpg", "Aaron_Peirsol_0001.jpg"):
        wide = Image.new("RGB", (700, 400), "#8090a0")
        wide.paste(Image.open(shared_data / "faces/photos" / name), (20, 90))
        wide.save(Path("photos") / name)
    Path("photos/notes.jpg").write_text("hello")
    text = run("align", "photos", "-o", "framed", "--size", 96).stdout
    assert "framed\n  2 faces of 96 x 96 pixels\n" in text
    assert "left out: notes.jpg: is not an image" in text
    assert Image.open("framed/Billy_Crystal_0001.jpg").size == (96, 96)
    report = json.loads(run("align", "photos", "-o", "again", "--json").stdout)
    assert (report["aligned"], report["already"]) == (2, 0)
    assert [each["file"] for each in report["failed"]] == ["notes.jpg"]
    Path("none").mkdir()
    Path("none/notes.jpg").write_text("hello")
    assert "no face in any photograph" in run("align", "none", "-o", "x", code=1).stderr
