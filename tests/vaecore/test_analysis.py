"""The report on the aggregate posterior, against scipy, sampling and made-up posteriors."""

import json

import pytest
import torch

from vaecore.analysis import analyse
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import DataError, UsageError


@pytest.fixture(scope="module")
def posterior():
    """Dimension 0 ideal, 1 unused, 2 shifted and narrow, 3 follows 0 with the opposite sign."""
    noise = torch.randn(4000, 4, generator=torch.Generator().manual_seed(7))
    mean = torch.stack(
        [0.8 * noise[:, 0], 0.01 * noise[:, 1], 1 + 0.3 * noise[:, 2], -0.8 * noise[:, 0]], 1
    )
    stddev = torch.tensor([0.6, 1.0, 0.1, 0.6]).expand(4000, 4)
    return DiagonalGaussian(mean, stddev)


@pytest.fixture(scope="module")
def report(posterior):
    return analyse(posterior)


def test_moments_are_those_of_the_mixture(report, posterior):
    z = posterior.sample(torch.Generator().manual_seed(9), n=50).flatten(0, 1)
    torch.testing.assert_close(report.mean, z.mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(report.stddev, z.std(0), atol=0.01, rtol=0)
    torch.testing.assert_close(report.correlation, torch.corrcoef(z.T), atol=0.01, rtol=0)


def test_dimensions_are_told_apart(report):
    assert report.active.tolist() == [True, False, True, True]
    assert report.active_units == 3
    assert report.ks[0] < 0.05 < 0.5 < report.ks[2]
    assert report.kl.argmax() == 2
    assert report.kl[1] < 0.001
    i, j, correlation = report.most_correlated
    assert (i, j) == (0, 3)
    assert correlation == pytest.approx(-0.64, abs=0.02)


def test_ks_is_scipys(report):
    stats = pytest.importorskip("scipy.stats")
    expected = [stats.kstest(column.numpy(), "norm").statistic for column in report.samples.T]
    assert report.ks.tolist() == pytest.approx(expected, abs=1e-6)


def test_same_seed_same_report(posterior, report):
    assert analyse(posterior).to_dict() == report.to_dict()
    assert not torch.equal(analyse(posterior, seed=1).ks, report.ks)


def test_report_as_json(report):
    values = json.loads(json.dumps(report.to_dict()))
    assert values["examples"] == 4000
    assert values["active_units"] == 3
    assert values["most_correlated"]["dimensions"] == [0, 3]
    assert values["kl_nats"] == pytest.approx(sum(values["dimensions"]["kl_nats"]))
    assert {len(column) for column in values["dimensions"].values()} == {4}


def test_one_example_of_one_dimension():
    report = analyse(DiagonalGaussian(torch.tensor([[2.0]]), torch.tensor([[0.5]])))
    assert report.stddev.item() == 0.5
    assert report.active_units == 0
    assert json.loads(json.dumps(report.to_dict()))["most_correlated"] is None


def test_nothing_cannot_be_analysed():
    with pytest.raises(ValueError, match="empty"):
        analyse(DiagonalGaussian(torch.zeros(0, 2), torch.ones(0, 2)))


def test_plot(report, tmp_path):
    image = pytest.importorskip("matplotlib.image")
    report.plot(tmp_path / "four.png")
    report.plot(tmp_path / "two.png", dimensions=2)
    four, two = (image.imread(tmp_path / name) for name in ("four.png", "two.png"))
    assert four.std() > 0.02
    assert four.shape[0] == two.shape[0]
    assert not (four.shape == two.shape and (four == two).all())
    with pytest.raises(UsageError, match=r"\.png"):
        report.plot(tmp_path / "histograms.txt")
    with pytest.raises(UsageError, match=r"\.png"):
        report.plot(tmp_path / "histograms")
    with pytest.raises(DataError, match="cannot be written"):
        report.plot(tmp_path / "absent" / "histograms.png")
    assert {path.name for path in tmp_path.iterdir()} == {"four.png", "two.png"}
