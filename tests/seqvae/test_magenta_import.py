"""Magenta's checkpoints are imported, or refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seqvae
from seqvae.music.magenta.importing import import_checkpoint
from seqvae.music.representations.drums.pitches import PITCHES
from tests.seqvae import magenta_files as files
from vaecore.errors import DataError, UsageError


def test_of_performances_the_encoder_is_not_shown_what_the_configuration_hides() -> None:
    from seqvae.music.magenta.encoder import hidden_from

    x = torch.rand(2, 32, 27).clamp(min=0.01)
    x[..., :9] = (x[..., :9] > 0.5).float()
    assert not hidden_from(x, "feel")[..., 9:].any()
    tapped = hidden_from(x, "tapped")
    assert not tapped[..., [0, 1, 2, 4, 5, 6, 7, 8]].any()
    assert not tapped[..., 9:18].any()
    closed = hidden_from(x, "closed hi-hat")
    assert not closed[..., [2, 11, 20]].any()
    assert torch.equal(closed[..., [0, 9, 18]], x[..., [0, 9, 18]])


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_folder_of_the_web_is_imported(tmp_path: Path, dtype: str) -> None:
    sizes = {"encoder_dims": (8,), "decoder_dims": (9, 9)}
    web = {key: array for key, array in files.tensors_of(
        files.architecture("cat-drums_2bar_small", **sizes)).items()
        if not files_ignored(key)}  # fmt: skip
    spec = {"dataConverter": {"type": "DrumsConverter", "args": {"numSteps": 32}}}
    kept = files.write_web(tmp_path / "web", web, spec, dtype)
    import_checkpoint(tmp_path / "web", tmp_path / "made")
    space = seqvae.load(tmp_path / "made")
    assert space.codec.config["table"] == "2018"
    files.write_bundle(tmp_path / "x", kept)
    import_checkpoint(tmp_path / "x", tmp_path / "same", "cat-drums_2bar_small")
    same = seqvae.load(tmp_path / "same")
    assert "table" not in same.codec.config
    x = torch.randint(0, 512, (3, 32), generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(space.model.encoder(x), same.model.encoder(x), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def files_ignored(name: str) -> bool:
    return "Adam" in name or "power" in name or name == "global_step"


@pytest.mark.parametrize(
    ("kind", "args", "config"),
    [
        ("MelodyConverter", {"numSteps": 64, "minPitch": 21, "maxPitch": 108}, "cat-mel_2bar_big"),
        (
            "MelodyConverter",
            {"numSteps": 64, "numSegments": 4, "minPitch": 21, "maxPitch": 108},
            "hier-mel_16bar",
        ),
        ("DrumRollConverter", {"numSteps": 64}, "nade-drums_2bar_reduced"),
        (
            "DrumRollConverter",
            {"numSteps": 64, "pitchClasses": [[p] for p in PITCHES]},
            "nade-drums_2bar_full",
        ),
        ("GrooveConverter", {"numSteps": 64, "tapify": True}, "groovae_2bar_tap_fixed_velocity"),
        (
            "TrioConverter",
            {
                "numSteps": 64,
                "numSegments": 4,
                "melArgs": {"minPitch": 21, "maxPitch": 108},
                "bassArgs": {"minPitch": 21, "maxPitch": 108},
                "drumsArgs": {},
            },
            "hier-trio_16bar",
        ),
    ],
)
def test_converters_of_the_web_are_understood(
    tmp_path: Path, kind: str, args: dict[str, Any], config: str
) -> None:
    a = files.architecture(config, 4)
    web = {k: v for k, v in files.tensors_of(a).items() if not files_ignored(k)}
    files.write_web(tmp_path / "web", web, {"dataConverter": {"type": kind, "args": args}})
    import_checkpoint(tmp_path / "web", tmp_path / "made")
    found = seqvae.load(tmp_path / "made").model.architecture
    assert found == a


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"type": "MusicRNN"}, "is of type 'MusicRNN', not MusicVAE"),
        ({"chordEncoder": "PitchChordEncoder"}, "conditioned on chords"),
        ({"dataConverter": {"type": "MultitrackConverter"}}, "up to eight instruments"),
        ({"dataConverter": {"type": "MelodyShapeConverter"}}, "MelodyShapeConverter"),
        ({"dataConverter": {"type": "DrumsConverter", "args": {"numSteps": 30}}}, "30 steps"),
        ({"dataConverter": {"type": "DrumsConverter", "args": {"numSteps": 1600}}}, "100 bars; s"),
        ({"dataConverter": {"type": "DrumsConverter", "args": {}}}, "'numSteps'"),
        ({}, "'dataConverter'"),
    ],
)
def test_what_cannot_be_imported_of_the_web_says_so(
    tmp_path: Path, spec: dict[str, Any], message: str
) -> None:
    files.write_web(tmp_path / "web", {"a": np.ones(2, "<f4")}, spec)
    with pytest.raises(DataError, match=message):
        import_checkpoint(tmp_path / "web", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_folder_of_the_web_without_a_manifest_is_told_so(tmp_path: Path) -> None:
    files.write_web(tmp_path / "web", {"a": np.ones(2, "<f4")}, {})
    (tmp_path / "web" / "weights_manifest.json").unlink()
    with pytest.raises(DataError, match=r"weights_manifest\.json: does not exist"):
        import_checkpoint(tmp_path / "web", tmp_path / "made")


MEAN = "encoder/mu/kernel"


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        ("cat-mel_2bar_small", {MEAN: None}, rf"no tensor '{MEAN}', which .* needs with shape"),
        (
            "cat-mel_2bar_small",
            {MEAN: np.zeros((3, 6), "<f4")},
            rf"tensor '{MEAN}' has shape \(3, 6\), cat-mel_2bar_small needs shape \(24, 6\)",
        ),
        ("cat-mel_2bar_small", {"x/new": np.zeros(2, "<f4")}, r"has the tensor 'x/new', which"),
        (
            "cat-mel_2bar_small",
            {"decoder/multi_rnn_cell/cell_0/lstm_cell/kernel": None},
            r"no tensor 'decoder/multi_rnn_cell/cell_0/lstm_cell/kernel'",
        ),
        ("cat-drums_2bar_small", {}, r"tensor 'encoder/cell_0/.*' has shape \(102, 48\), cat-dr"),
        ("hierdec-mel_16bar", {}, r"no tensor '.*'"),
        ("flat-mel_16bar", {}, r"as cat-mel_2bar_small has; flat-mel_16bar has 2 and 3 \(tensor"),
        ("cat-mel_2bar_big", {}, r"cat-mel_2bar_big has 1 and 3 \(tensor 'decoder/.*cell_2/lstm_"),
        ("groovae_2bar_humanize", {}, r"tensor 'encoder/cell_0/.*kernel' has shape"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(
    tmp_path: Path, config: str, change: dict[str, Any], message: str
) -> None:
    tensors = files.tensors_of(files.architecture("cat-mel_2bar_small")) | change
    files.write_bundle(tmp_path / "x", {k: v for k, v in tensors.items() if v is not None})
    with pytest.raises(DataError, match=message) as caught:
        import_checkpoint(tmp_path / "x", tmp_path / "made", config)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()


def test_a_file_that_is_cut_in_what_is_not_needed_is_refused(tmp_path: Path) -> None:
    tensors = files.tensors_of(files.architecture("cat-mel_2bar_small"))
    tensors |= {f"{MEAN}/Adam": np.ones((24, 6), "<f4"), "z/global_step": np.array(3, "<i8")}
    files.write_bundle(tmp_path / "x", tensors)
    import_checkpoint(tmp_path / "x", tmp_path / "made", "cat-mel_2bar_small")
    data = tmp_path / "x.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(DataError, match="ends within tensor 'z/global_step', which has 8 bytes"):
        import_checkpoint(tmp_path / "x", tmp_path / "again", "cat-mel_2bar_small")
    assert not (tmp_path / "again").exists()


def test_configurations_that_are_refused_say_why(tmp_path: Path) -> None:
    for config, error, message in (
        ("cat-mel_2bar_med_chords", DataError, "conditioned on chords"),
        ("hier-multiperf_vel_1bar_big", DataError, "eight instruments"),
        ("cat-mel_3bar", UsageError, "no such configuration; known are cat-mel_2bar_small"),
        (None, UsageError, "name the checkpoint's configuration with --config"),
    ):
        with pytest.raises(error, match=message):
            import_checkpoint(tmp_path, tmp_path / "made", config)


def test_the_table_of_drums_can_be_chosen(tmp_path: Path) -> None:
    files.write_bundle(tmp_path / "x", files.tensors_of(files.architecture("cat-drums_2bar_small")))
    import_checkpoint(tmp_path / "x", tmp_path / "old", "cat-drums_2bar_small", "2018")
    codec = seqvae.load(tmp_path / "old").codec
    hits = [codec.windows_from_notes([0], [pitch])[0, 0].item() for pitch in (43, 52, 42)]
    assert hits == [1 << 6, 1 << 8, 1 << 2]
    new = seqvae.load("drums_2bar").codec
    assert [new.windows_from_notes([0], [p])[0, 0].item() for p in (43, 52)] == [1 << 4, 1 << 7]
    assert len(codec.windows_from_notes([0, 0], [36, 22])) == 1
    with pytest.raises(UsageError, match="--drum-table is not for melody"):
        import_checkpoint(tmp_path / "x", tmp_path / "m", "cat-mel_2bar_small", "2018")


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    files.write_bundle(tmp_path / "x", files.tensors_of(files.architecture("cat-mel_2bar_small")))
    import_checkpoint(tmp_path / "x", tmp_path / "made", "cat-mel_2bar_small")
    path = tmp_path / "made" / "config.json"
    whole = json.loads(path.read_text())
    for key, value, message in (
        ("encoder_dims", [13], "shape"),
        ("network", "other", "network must be one of"),
        ("levels", [3, 16], "levels"),
        ("units", 3, "unknown key 'units'"),
    ):
        changed = {**whole, "architecture": {**whole["architecture"], key: value}}
        path.write_text(json.dumps(changed))
        with pytest.raises(DataError, match=message):
            seqvae.load(tmp_path / "made")
