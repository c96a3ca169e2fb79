"""Batch norms of several ranks see the batch of all; two threads stand for two ranks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from vaecore.training.ranks import Ranks
from vaecore.training.shared import share_batch_norms


@pytest.fixture
def two_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sum over two threads in place of two processes."""
    barrier, given = threading.Barrier(2, timeout=30), {}

    def all_reduce(values: Tensor) -> None:
        given[threading.get_ident()] = values.clone()
        barrier.wait()
        total = sum(given.values())
        barrier.wait()
        values.copy_(total)

    monkeypatch.setattr("torch.distributed.all_reduce", all_reduce)


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4, 4)], ids=["rows", "pictures"])
def test_two_ranks_have_the_norm_of_the_whole_batch(two_ranks: None, shape: tuple[int, ...]):
    generator = torch.Generator().manual_seed(1)
    x, weight = torch.randn(2, *shape, generator=generator)
    kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    whole = kind(3)
    ranks = [deepcopy(whole) for _ in range(2)]
    expected = x.clone().requires_grad_()
    y = whole(expected)
    (y * weight).sum().backward()

    def run(rank: int) -> tuple[Tensor, Tensor]:
        share_batch_norms(ranks[rank], Ranks(rank, 2, 2))
        own = x[rank::2].clone().requires_grad_()
        made = ranks[rank](own)
        (made * weight[rank::2]).sum().backward()
        return made.detach(), own.grad

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, range(2)))
    for rank, (made, gradient) in enumerate(results):
        assert torch.allclose(made, y[rank::2], atol=1e-5)
        assert torch.allclose(gradient, expected.grad[rank::2], atol=1e-5)
        assert torch.allclose(ranks[rank].running_mean, whole.running_mean, atol=1e-6)
        assert torch.allclose(ranks[rank].running_var, whole.running_var, atol=1e-6)
    model = ranks[0].eval()
    assert torch.allclose(model(x), whole.eval()(x), atol=1e-5)


def test_one_process_keeps_its_batch_norms() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3))
    share_batch_norms(model, Ranks())
    assert type(model[0]) is nn.BatchNorm1d
