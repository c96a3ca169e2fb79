"""The latent space whose prior is a flow: samples, arcs and palettes, also under conditions."""

from __future__ import annotations

import pytest
import torch

from vaecore.distributions import DiagonalGaussian
from vaecore.errors import UsageError
from vaecore.paths import slerp
from vaecore.perception import Perception
from vaecore.priors import Flow, StandardNormal, fit_flow
from vaecore.space import LatentSpace
from vaecore.space.blending import TIMINGS


def xs(items) -> list[list[float]]:
    return [item.x for item in items]


@pytest.fixture(scope="module")
def formed() -> Flow:
    """A flow of points whose coordinates are the same, as one form says, or are not."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2000, 2, generator=generator)
    z[::2, 1] = z[::2, 0]
    forms = torch.eye(2, dtype=torch.int64).expand(2000, 2, 2).clone()
    forms[::2] = 1
    options = {"width": 32, "blocks": 2, "groups": 2, "condition": forms}
    options["basis"] = torch.eye(2)
    posterior = DiagonalGaussian(z, torch.full_like(z, 0.05))
    return fit_flow(posterior, steps=300, batch_size=128, learning_rate=6e-3, **options)


@pytest.fixture
def with_forms(space: LatentSpace, formed: Flow, monkeypatch: pytest.MonkeyPatch) -> LatentSpace:
    def forms(x: torch.Tensor, groups: int) -> torch.Tensor:
        same = (x[:, :, None] - x[:, None, :]).abs() < 1e-4
        return same.long()

    def in_form(x: torch.Tensor, forms: torch.Tensor) -> torch.Tensor:
        second = torch.where(forms[:, 0, 1] == 1, x[:, 0], x[:, 1])
        return torch.stack([x[:, 0], second], dim=1)

    monkeypatch.setattr(space.codec, "condition", forms, raising=False)
    monkeypatch.setattr(space.codec, "conditioned", in_form, raising=False)
    return LatentSpace(space.model, space.codec, prior=formed, config=space.config)


def test_samples_have_the_form_that_was_drawn(with_forms: LatentSpace) -> None:
    z = with_forms.sample_codes(60, seed=1)
    apart = (z[:, 0] - z[:, 1]).abs()
    assert 15 < int((apart < 1e-5).sum()) < 45
    assert float(apart[apart >= 1e-5].median()) > 0.3
    assert torch.equal(z, with_forms.sample_codes(60, seed=1))
    x = torch.tensor(xs(with_forms.sample(60, seed=1)))
    assert torch.equal(x[:, 0] == x[:, 1], apart < 1e-5)


def test_what_is_decoded_in_a_form_repeats_its_parts(with_forms: LatentSpace) -> None:
    z = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    forms = torch.tensor([[[1, 1], [1, 1]], [[1, 0], [0, 1]]])
    x = with_forms.decode_to_examples(z, condition=forms)
    torch.testing.assert_close(x, torch.tensor([[2.0, 2.0], [6.0, 8.0]]))
    assert xs(with_forms.decode(z, condition=forms)) == x.tolist()


def test_each_step_has_the_form_of_the_item_that_is_nearer(with_forms: LatentSpace) -> None:
    assert with_forms.path == "flow"
    a, b = torch.tensor([3.0, 3.0]), torch.tensor([-1.0, 2.0])
    steps = torch.tensor(xs(with_forms.interpolate(a, b, steps=6)))
    assert torch.equal(steps[[0, -1]], torch.stack([a, b]))
    apart = (steps[:, 0] - steps[:, 1]).abs()
    assert apart[:3].max() < 1e-4
    assert apart[3:].min() > 0.2
    assert xs(with_forms.interpolate(a, b, steps=6, path="flow")) == steps.tolist()
    straight = torch.tensor(xs(with_forms.interpolate(a, b, steps=6, path="lerp")))
    torch.testing.assert_close(straight, torch.lerp(a, b, torch.linspace(0, 1, 6)[:, None]))


class Points(Perception):
    """Of points: what changes is how far they move."""

    def change(self, x: torch.Tensor) -> torch.Tensor:
        return (x[1:] - x[:-1]).abs().sum(1).double()

    def difference(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x - y).abs().sum(1).clamp(max=1)

    def faults(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(x))

    def count(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(x))

    def between(self, x: torch.Tensor, y: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        return torch.lerp(x, y, share[:, None])

    def variants(self, x: torch.Tensor) -> torch.Tensor:
        return x[None]

    def measured(self, attribute: str, x: torch.Tensor) -> None:
        return None


def test_steps_through_a_flow_of_forms_are_even(
    with_forms: LatentSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = Points()
    monkeypatch.setattr(type(with_forms.codec), "perception", points)
    assert with_forms.path_and_timing(None, None) == ("flow", "perceived")
    a, b, c = torch.tensor([[3.0, 3.0], [-1.0, 2.0], [4.0, 4.0]])
    steps, long = (torch.tensor(xs(with_forms.interpolate(a, b, timing=t))) for t in TIMINGS[::-1])
    assert torch.equal(steps[[0, -1]], torch.stack([a, b]))
    assert points.change(steps).max() < 1.2 * points.change(steps).mean()
    assert points.change(long).max() > 1.4 * points.change(long).mean()
    # A form is kept as long as its item is nearer, or rules have made what is between two forms.
    apart = (steps[:, 0] - steps[:, 1]).abs()
    assert apart[:3].max() < 1e-4 < apart[-3:].min()
    through = torch.tensor(xs(with_forms.interpolate(a, b, c, steps=5)))
    assert torch.equal(through[::2], torch.stack([a, b, c]))


class Cubed(StandardNormal):
    """A prior whose codes are the cubes of their noise."""

    invertible = True

    def to_noise(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return z.sign() * z.abs() ** (1 / 3)

    def from_noise(self, noise: torch.Tensor, condition: torch.Tensor | None = None):
        return noise**3


def test_an_arc_through_the_noise_of_a_flow_without_conditions(space: LatentSpace) -> None:
    class Through(type(space.codec)):
        default_path = "flow"

    prior = Cubed(2)
    bent = LatentSpace(space.model, Through(2), prior=prior, config=space.config)
    assert bent.path_and_timing(None, None) == ("flow", "latent")
    ends = 2 * torch.tensor([[8.0, 1.0], [-1.0, 27.0]])  # twice the codes
    steps = torch.tensor(xs(bent.interpolate(*ends, steps=5)))
    assert torch.equal(steps[[0, -1]], ends)
    t = torch.linspace(0, 1, 5)
    arc = 2 * slerp(torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 3.0]), t) ** 3
    torch.testing.assert_close(steps, arc)
    grid = bent.palette([*ends, *ends.flip(0)], rows=3, columns=3)
    rows = torch.tensor([xs(row) for row in grid])
    torch.testing.assert_close(rows[0], steps[::2])
    torch.testing.assert_close(rows[1], arc[2].expand(3, 2), atol=1e-3, rtol=0)
    # Without a flow it is an arc between the codes.
    without = LatentSpace(space.model, Through(2), config=space.config)
    assert without.path == without.plain_path == "slerp"
    assert xs(without.interpolate(*ends)) == xs(space.interpolate(*ends, path="slerp"))


def test_a_way_that_is_not_there_is_refused(space: LatentSpace, with_forms: LatentSpace) -> None:
    plain = LatentSpace(space.model, space.codec, config=space.config)
    assert plain.path == "slerp"
    with pytest.raises(UsageError, match="has no flow; use the path slerp"):
        plain.interpolate("2 4", "0 0", path="flow")
    assert with_forms.path_and_timing(None, "perceived") == ("flow", "perceived")
    corners = ["2 4", "0 0", "1 3", "5 1"]
    with pytest.raises(UsageError, match="no palettes; use the path slerp"):
        with_forms.palette(corners, path="flow")
    with pytest.raises(UsageError, match="only the timing latent on its flow"):
        with_forms.interpolate("2 4", "0 0", path="flow", timing="perceived")
