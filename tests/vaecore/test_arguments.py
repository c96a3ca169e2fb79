"""What cannot be is refused in a sentence by the latent space, too, not by torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from lines import make_domain, save_model

from vaecore.errors import UsageError
from vaecore.space import LatentSpace


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> LatentSpace[Any]:
    box = tmp_path_factory.mktemp("box")
    domain = make_domain(box)
    return domain.load(save_model(domain, box / "plain"))


WRONG: dict[str, tuple[Callable[[LatentSpace[Any], Any], object], str]] = {
    "no samples": (lambda s, x: s.sample(0), "n is how many, at least 1; got 0"),
    "samples of a bool": (lambda s, x: s.sample(True), "got True"),
    "no items": (lambda s, x: s.encode([]), "there are no items"),
    "no items of a tensor": (lambda s, x: s.encode(x[None][:0]), "there are no items"),
    "codes of another width": (lambda s, x: s.decode(torch.zeros(2, 3)), r"got \(2, 3\)"),
    "one code": (lambda s, x: s.decode(torch.zeros(s.latent_dim)), "must be a tensor"),
    "no codes": (lambda s, x: s.decode(torch.zeros(0, s.latent_dim)), "n at least 1"),
    "a list": (lambda s, x: s.decode([[0.0] * s.latent_dim]), "got list"),
    "whole numbers": (lambda s, x: s.decode(torch.zeros(1, s.latent_dim).long()), "finite"),
    "NaN": (lambda s, x: s.decode(torch.full((1, s.latent_dim), torch.nan)), "finite numbers"),
    "no temperature": (
        lambda s, x: s.decode(torch.zeros(1, s.latent_dim), float("nan")),
        "temperature must be a number",
    ),
    "NaN of an attribute": (
        lambda s, x: s.edit(x, {next(iter(s.attributes)): float("nan")}),
        "must be a number, got nan",
    ),
    "NaN alike": (lambda s, x: s.similar(x, amount=float("nan")), "amount must be a number"),
    "none alike": (lambda s, x: s.similar(x, n=0), "got 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_refused_in_a_sentence(space: LatentSpace[Any], name: str) -> None:
    call, message = WRONG[name]
    x = space.decode_to_examples(torch.zeros(1, space.latent_dim))[0]
    with pytest.raises(UsageError, match=message):
        call(space, x)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_codes_may_be_of_any_precision(space: LatentSpace[Any], kind: torch.dtype) -> None:
    z = torch.linspace(-1, 1, 2 * space.latent_dim).view(2, -1).to(kind)
    assert torch.equal(space.decode_to_examples(z), space.decode_to_examples(z.float()))
