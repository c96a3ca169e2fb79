"""Two processes train a face model as one does: batch norms, critic and all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from drawn_files import save_drawn

pytest.importorskip("lightning")
from ranked import same_training, scalars, train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="torchrun has no gloo there"),
]

RECIPE = {
    "tiny": {
        "representation": {"name": "faces", "size": 32},
        "architecture": {"kind": "residual", "latent_dim": 6, "width": 4, "sigma": 0.2},
        "adversary": {"begin_step": 6, "width": 4, "prior": 0.5},
        "training": {
            "batch_size": 16,
            "max_steps": 12,
            "validate_every": 4,
            "log_every": 1,
            "precision": "32",
            "accelerator": "cpu",
            "ema_decay": 0.9,
            "monitor": None,
            "hopeless_norm": 1e9,
            "gradient_clip": 3000.0,
        },
    }
}


def test_two_processes_train_as_one(tmp_path: Path, warm: Path) -> None:
    save_drawn(tmp_path / "faces", 80)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    options = ("faces", "--config", "recipe.yaml", "--workers=0", "--quiet")
    train(tmp_path, warm, "facevae", *options, "-o", "one")
    train(tmp_path, warm, "facevae", *options, "-o", "two", ranks=2)
    tags = ("train/loss", "train/kl", "train/critic", "validation/loss", "validation/psnr")
    same_training(tmp_path / "one", tmp_path / "two", tags, rtol=1e-2, atol=5e-3)
    assert len(scalars(tmp_path / "one", "train/critic")) == 6
