"""What cannot be is refused in a sentence by the latent space, too, not by torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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


SEED = r"^seed must be a whole number from 0 to 9223372036854775807 \(2\*\*63 - 1\), got "

WRONG: dict[str, tuple[Callable[[LatentSpace[Any], Any], object], str]] = {
    "no samples": (lambda s, x: s.sample(0), "n must be a whole number of at least 1, got 0"),
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
    "a seed too large": (lambda s, x: s.sample(seed=2**70), SEED + str(2**70)),
    "the seed after the largest": (lambda s, x: s.sample_codes(1, 2**63), SEED + str(2**63)),
    "a seed of 5,000 digits": (lambda s, x: s.draw(seed=10**5000), SEED + "one of 16610 bits"),
    "a seed below 0": (lambda s, x: s.similar(x, seed=-1), SEED + "-1"),
    "a seed that is not whole": (
        lambda s, x: s.decode(torch.zeros(1, s.latent_dim), seed=1.5),  # type: ignore[arg-type]
        SEED + "1.5",
    ),
    "a seed of None": (lambda s, x: s.reconstruct(x, seed=None), SEED + "None"),  # type: ignore[arg-type]
    "a seed that is true": (lambda s, x: s.interpolate(x, x, seed=True), SEED + "True"),
    "seeds": (
        lambda s, x: s.palette([x, x], seed=np.arange(3)),  # type: ignore[arg-type]
        SEED + r"array\(\[0, 1, 2\]\)",
    ),
    "a seed of the network": (
        lambda s, x: s.model.decode(torch.zeros(1, s.latent_dim), seed=-3),
        SEED + "-3",
    ),
    "a long text for a seed": (
        lambda s, x: s.edit(x, {}, seed="9" * 99),  # type: ignore[arg-type]
        SEED + "'9{36}[.]{3}$",
    ),
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


def test_every_seed_of_the_range_gives_the_same_twice(space: LatentSpace[Any]) -> None:
    x = space.decode_to_examples(torch.zeros(1, space.latent_dim))[0]
    codes = []
    for seed in (0, 2**31, 2**32, np.int64(2**40), 2**63 - 1):
        again = int(seed)
        codes.append(space.sample_codes(4, seed))
        assert torch.equal(space.sample_codes(4, again), codes[-1])
        assert torch.equal(space.draw(4, seed=again).x, space.draw(4, seed=seed).x)
        assert space.similar(x, seed=again) == space.similar(x, seed=seed)
    assert all(not torch.equal(a, b) for k, a in enumerate(codes) for b in codes[:k])
