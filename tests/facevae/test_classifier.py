"""The classifier of attributes, on drawn faces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import NAMES, draw, labels
from safetensors.torch import save_file

from facevae.classifier import (
    FEATURES,
    FaceClassifier,
    Faces,
    average_precision,
    balanced_accuracy,
    classify,
    load_classifier,
    save_classifier,
    train_classifier,
)
from vaecore.errors import DataError


def faces(n: int, seed: int) -> Faces:
    having = labels(n, seed)
    return Faces((draw(having, seed) * 255).round().byte(), having)


def trained(**options) -> FaceClassifier:
    settings = {"width": 4, "epochs": 4, "batch_size": 24, "rate": 5e-3, "seed": 1}
    return train_classifier(faces(360, 1), faces(60, 2), NAMES, **(settings | options))


@pytest.fixture(scope="module")
def classifier() -> FaceClassifier:
    return trained()


def test_it_learns_what_the_labels_say(classifier: FaceClassifier) -> None:
    images, true = faces(200, 3)
    probabilities, features = classify(classifier, images)
    assert features.shape == (200, FEATURES)
    assert average_precision(probabilities, true).min() > 0.97
    assert balanced_accuracy(probabilities, true).min() > 0.9


def test_pictures_may_be_bytes_or_fractions_and_of_any_size(classifier: FaceClassifier) -> None:
    images, true = faces(40, 3)
    exact = classify(classifier, images)[0]
    torch.testing.assert_close(classify(classifier, images.float() / 255)[0], exact)
    large = draw(true, 3, size=128)
    assert (classify(classifier, large)[0] - exact).abs().mean() < 0.1


def test_a_picture_is_judged_alone(classifier: FaceClassifier) -> None:
    images = faces(40, 3).images
    together = classify(classifier.train(), images)[0]
    alone = torch.cat([classify(classifier, image[None])[0] for image in images[:5]])
    torch.testing.assert_close(together[:5], alone, atol=1e-5, rtol=1e-4)


def test_equal_seeds_give_equal_weights_and_leave_others_randomness_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, two = trained(epochs=1).state_dict(), trained(epochs=1, blur=True).state_dict()
    assert torch.equal(torch.rand(3), expected)
    again = trained(epochs=1).state_dict()
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["head.weight"], two["head.weight"])


def test_it_ends_in_time_and_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    trained(epochs=1000, minutes=0.02, batch_size=240, progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert 1 <= len(lines) < 100
    assert lines[0].startswith("epoch 1: loss ")


def test_what_is_saved_comes_back(classifier: FaceClassifier, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "judge.safetensors"
    save_classifier(classifier, path)
    again = load_classifier(path)
    images = faces(10, 4).images
    assert again.names == list(NAMES)
    for ours, theirs in zip(classify(classifier, images), classify(again, images), strict=True):
        assert torch.equal(ours, theirs)


def test_files_that_hold_no_classifier_are_refused(
    classifier: FaceClassifier, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="missing"):
        load_classifier(tmp_path / "none.safetensors")
    path = tmp_path / "judge.safetensors"
    save_classifier(classifier, path)
    (tmp_path / "half.safetensors").write_bytes(path.read_bytes()[:1000])
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    about = {"names": list(NAMES), "width": 8, "blocks": 1}
    tensors = {name: t.contiguous() for name, t in classifier.state_dict().items()}
    metadata = {"classifier": json.dumps(about)}
    save_file(tensors, tmp_path / "wider.safetensors", metadata=metadata)
    for name in ("half", "other", "wider"):
        with pytest.raises(
            DataError, match=r"no face classifier|no readable safetensors|has shape"
        ):
            load_classifier(tmp_path / f"{name}.safetensors")


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(DataError, match="too few labelled faces"):
        train_classifier(faces(1, 1), faces(4, 1), NAMES)
    with pytest.raises(DataError, match="too few labelled faces"):
        train_classifier(faces(4, 1), faces(0, 1), NAMES)


def test_average_precision_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    true = torch.tensor([[True, False], [False, False], [True, False]])
    assert average_precision(scores, true).tolist() == [pytest.approx((1 + 2 / 3) / 2), 0]


def test_balanced_accuracy_by_hand() -> None:
    said = torch.tensor([[0.9], [0.1], [0.1], [0.1], [0.9]])
    true = torch.tensor([[True], [True], [False], [False], [False]])
    assert balanced_accuracy(said, true).tolist() == [pytest.approx((1 / 2 + 2 / 3) / 2)]
    assert np.isnan(balanced_accuracy(said, torch.ones(5, 1, dtype=torch.bool))).all()
