"""The training pipeline: from a task to a complete model folder, on a domain of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lines import PRESETS, LinePreset, LineTask, lines, make_domain, save_model

from vaecore.domain import Domain
from vaecore.errors import DataError, UsageError
from vaecore.folder import WEIGHTS
from vaecore.presets import RECIPE

pytest.importorskip("lightning")

from vaecore.training import pipeline
from vaecore.training.loop import CHECKPOINT
from vaecore.training.status import StatusLine

X = lines(80)


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    box = tmp_path / "box"
    box.mkdir()
    (box / "presets.yaml").write_text(PRESETS)
    return make_domain(box)


@pytest.fixture
def make_task(domain: Domain):
    def make(*settings: str, name: str = "small") -> LineTask:
        preset = LinePreset.load(name, settings, domain.box / "presets.yaml")
        return LineTask(domain, preset, X)

    return make


def test_all_of_a_training_has_the_threads_of_its_recipe(
    make_task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, before, seen = make_task("training.threads=2"), torch.get_num_threads(), []
    begin = task.begin
    monkeypatch.setattr(
        task, "begin", lambda *args: (seen.append(torch.get_num_threads()), begin(*args))
    )
    torch.set_num_threads(3)
    try:
        pipeline.train(task, tmp_path / "model", progress=False)
        seen.append(torch.get_num_threads())
    finally:
        torch.set_num_threads(before)
    assert seen == [2, 2]


def test_a_training_leaves_a_complete_folder(make_task, domain: Domain, tmp_path: Path) -> None:
    task, place = make_task(), tmp_path / "model"
    trained = pipeline.train(task, place, progress=False)
    assert trained.result.steps == 6
    assert trained.result.stopped == "steps"
    assert trained.attributes == ["height"]
    assert task.closed

    space = domain.load(place)
    assert space.prior.kind == space.config.prior == "mixture"
    assert len(space.prior.weights) == 20
    about = space.config
    assert about.name == "model"
    assert about.attributes == {"height": {"description": "higher", "unit": "high against low"}}
    assert about.architecture == {"length": 8, "latent_dim": 4}
    assert about.training["preset"] == "small"
    assert about.training["lines"] == 64
    assert about.training["steps"] == 6
    best = about.training["best"]
    assert best["step"] == trained.result.best_step
    assert best["validation/error"] == pytest.approx(
        trained.result.best["validation/error"], abs=1e-4
    )
    # The vector is that of the codes of the model that was kept.
    codes, high = space.encode(X[:-16]), X[:-16].mean(1) > 0
    torch.testing.assert_close(
        space.attributes["height"], codes[high].mean(0) - codes[~high].mean(0), rtol=0, atol=2e-3
    )
    card = (place / "README.md").read_text()
    for line in (
        "# model\n",
        "eight numbers",
        "Recipe `small`. 112 weights",
        "Codes are drawn from a mixture.",
        "Trained for 6 steps in",
        "On the validation part of 16 examples, at step",
        "- `height`: higher (1 is high against low)",
        "Sources: numbers.txt.",
        "- lines: 64",
        "- training.max_steps: 6",
        f"    lines train DATA --config {RECIPE} -o ../again",
    ):
        assert line in card, line
    assert LinePreset.load("small", [], place / RECIPE) == task.preset


def test_the_same_seed_gives_the_same_model(make_task, tmp_path: Path) -> None:
    for name, settings in {"a": (), "b": (), "c": ("training.seed=1",)}.items():
        pipeline.train(make_task(*settings), tmp_path / name, progress=False)
    a, b, c = ((tmp_path / name / WEIGHTS).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_recipe_with_a_prior_fits_a_flow(make_task, domain: Domain, tmp_path: Path) -> None:
    pipeline.train(make_task(name="flowing"), tmp_path / "model", progress=False)
    space = domain.load(tmp_path / "model")
    assert space.prior.kind == "flow"
    assert space.config.training["prior"] == {"steps": 5, "width": 8, "blocks": 1, "batch_size": 16}
    card = (tmp_path / "model/README.md").read_text()
    assert "Codes are drawn from a flow." in card
    assert "- prior.width: 8" in card


def test_a_training_resumes(make_task, tmp_path: Path) -> None:
    place = tmp_path / "model"
    with pytest.raises(DataError, match=r"last\.ckpt: there is no checkpoint; train without"):
        pipeline.train(make_task(), place, resume=True, progress=False)
    pipeline.train(make_task("training.max_steps=3"), place, progress=False)
    resumed = pipeline.train(make_task(), place, resume=True, progress=False)
    assert resumed.result.steps == 6
    pipeline.train(make_task(), tmp_path / "whole", progress=False)
    state, whole = (
        torch.load(folder / CHECKPOINT, weights_only=True)["state_dict"]
        for folder in (place, tmp_path / "whole")
    )
    assert all(torch.equal(state[name], whole[name]) for name in whole)


def test_a_training_begins_with_the_weights_of_a_model(
    make_task, domain: Domain, tmp_path: Path
) -> None:
    save_model(domain, domain.box / "plain")
    rate = "training.optimizer={learning_rate: 1.0e-9, min_learning_rate: 0}"
    task = make_task("training.max_steps=1", "training.validate_every=1", rate)
    pipeline.train(task, tmp_path / "model", start="plain", progress=False)
    torch.testing.assert_close(
        domain.load(tmp_path / "model").encode(X), domain.load("plain").encode(X)
    )
    assert domain.load(tmp_path / "model").config.training["start"] == "plain"
    assert "begun with the weights of `plain`" in (tmp_path / "model/README.md").read_text()
    with pytest.raises(DataError, match="the architecture needs"):
        pipeline.train(
            make_task("architecture.latent_dim=3"), tmp_path / "other", start="plain",
            progress=False,
        )  # fmt: skip


def test_an_impossible_device_leaves_nothing(make_task, tmp_path: Path) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has mps")
    with pytest.raises(UsageError, match="this machine has no device 'mps'"):
        pipeline.train(make_task("training.accelerator=mps"), tmp_path / "model", progress=False)
    assert not (tmp_path / "model").exists()


def test_an_interrupted_training_is_completed_where_the_task_wants_it(
    make_task, domain: Domain, tmp_path: Path, interrupt
) -> None:
    for completes in (True, False):
        task, place = make_task(), tmp_path / str(completes)
        task.completes_interrupted = completes
        trained = pipeline.train(task, place, progress=False, callbacks=[interrupt(4)])
        assert trained.result.stopped == "interrupted"
        assert trained.attributes == (["height"] if completes else [])
        assert (domain.load(place).prior is not None) is completes
    early = pipeline.train(make_task(), tmp_path / "c", progress=False, callbacks=[interrupt(1)])
    assert early.result.stopped == "interrupted"


def test_a_folder_is_completed_afterwards(make_task, domain: Domain, tmp_path: Path) -> None:
    task, place = make_task(), save_model(domain, tmp_path / "model")
    space = domain.load(place)
    training = {"preset": "small", "recipe": {}}
    domain.save(place, space.model, replace(space.config, training=training))
    assert pipeline.complete(task, place) == ["height"]
    config = json.loads((place / "config.json").read_text())
    assert config["training"] == {**training, "lines": 64, "sources": ["numbers.txt"]}
    card = (place / "README.md").read_text()
    assert "Trained for" not in card
    assert "## Measured" not in card


def test_the_status_line(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = StatusLine()
    plain.show("one")
    plain.show("two", now=False)  # the last one is no half minute old
    plain.end()
    StatusLine(enabled=False).show("none")
    assert capsys.readouterr().err == "one\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    live = StatusLine()
    live.show("longer")
    live.show("short")
    live.end()
    live.end()
    assert capsys.readouterr().err == "\rlonger\rshort \n"


def test_progress_is_shown_to_the_end(make_task, tmp_path: Path, capsys) -> None:
    pipeline.train(make_task(), tmp_path / "model")
    shown = capsys.readouterr().err
    for line in ("encoding training examples", "fitting the prior, a mixture of Gaussians, to 64",
                 "fitting attribute vectors"):  # fmt: skip
        assert line in shown
