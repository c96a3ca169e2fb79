"""What a training shows while it runs: a line, pictures, curves of another logger."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vaecore.model import VAE
from vaecore.training.config import TrainingConfig

pytest.importorskip("lightning")

from trained import Loader, make_model, train

from vaecore.training.watching import Progress


def test_pictures_are_drawn_at_each_validation(tmp_path: Path) -> None:
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = []

    def pictures(model: VAE) -> dict[str, np.ndarray]:
        assert not model.training
        seen.append(model.decoder.body.weight.detach().clone())
        return {"page": np.full((4, 6, 3), 200, np.uint8)}

    model, _ = train(tmp_path, pictures=pictures, ema_decay=0.9)
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    shown = events.Images("page")
    assert [image.step for image in shown] == [5, 10, 15, 20]
    assert (shown[0].height, shown[0].width) == (4, 6)
    assert torch.equal(seen[-1], model.decoder.body.weight)  # the averaged weights
    wanted = {"loss", "reconstruction", "kl", "active_units"}
    assert {f"validation/{name}" for name in wanted} <= set(events.Tags()["scalars"])


def test_progress_in_a_log_file_is_plain_lines(tmp_path: Path, capsys) -> None:
    from vaecore.training import fit

    config = TrainingConfig(max_steps=10, validate_every=5, accelerator="cpu", log_every=1)
    fit(make_model(), Loader(), Loader(2, fixed=True), config, tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("  step 5 of 10 · validation ")
    assert " · loss " in lines[0]
    assert lines[1].startswith("  step 10 of 10 · validation ")
    assert "\r" not in "".join(lines)


def test_the_line_shows_a_metric_and_the_time_that_is_left(tmp_path: Path, capsys) -> None:
    from vaecore.training import fit

    limits = {"max_steps": 10**6, "max_minutes": 0.02, "validate_every": 10**6}
    config = TrainingConfig(accelerator="cpu", **limits)
    metrics = {"metrics": lambda model, batch: {"psnr": 24.06}}
    headline = ("validation/psnr", "PSNR {:.1f} dB")
    loaders = Loader(), Loader(2, fixed=True)
    fit(make_model(), *loaders, config, tmp_path, headline=headline, **metrics)
    (line,) = capsys.readouterr().err.splitlines()
    assert " · validation PSNR 24.1 dB · " in line
    assert "1,000,000" not in line  # the last step, which the minutes do not allow
    assert " to go" not in line  # the minutes are over, whatever the steps say

    progress = Progress(10**6, 2.0)
    assert progress._end(100, 10.0, 0.25) == ("", " · 1:30 to go")
    assert progress._end(10**6 - 100, 10.0, 0.25) == (" of 1,000,000", " · 0:10 to go")


def test_another_logger_takes_the_metrics(tmp_path: Path) -> None:
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(tmp_path, name=None, version="table")
    pictures = {"pictures": lambda model: pytest.fail("only TensorBoard gets pictures")}
    train(tmp_path, logger=logger, max_steps=5, log_every=5, **pictures)
    assert "validation/loss" in (tmp_path / "table/metrics.csv").read_text()
    assert not (tmp_path / "logs").exists()
