"""Small batches of recurrent networks are computed by one thread, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest
import torch
from torch import nn

import seqvae
from vaecore import threads
from vaecore.threads import one_thread, threads_for


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def of_new_thread() -> int:
    """Return the number of threads in a thread that has not computed before."""
    found: list[int] = []
    thread = Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_few_rows_of_a_recurrent_network_have_one_thread() -> None:
    with threads_for(nn.Sequential(nn.LSTM(8, 16)), 16):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_many_rows_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.LSTM(8, 16, num_layers=2)
    size = sum(weight.numel() for weight in layer.parameters()) // 2
    monkeypatch.setattr(threads, "WORTH_SHARING", 16 * size)
    with threads_for(layer, 16):
        assert torch.get_num_threads() == 3
    with threads_for(layer, 15):
        assert torch.get_num_threads() == 1


def test_other_networks_are_left_alone() -> None:
    with threads_for(nn.Conv2d(3, 8, 3), 1):
        assert torch.get_num_threads() == 3


def test_the_number_comes_back_after_an_error() -> None:
    with pytest.raises(ValueError, match="for a test"), one_thread():
        raise ValueError("for a test")
    assert torch.get_num_threads() == 3


def test_within_one_thread_there_is_one() -> None:
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_other_threads_keep_their_number() -> None:
    inside, done, found = Event(), Event(), []

    def other() -> None:
        before = torch.get_num_threads()
        inside.wait()
        found.append((before, torch.get_num_threads()))
        done.set()

    thread = Thread(target=other)
    thread.start()
    while not thread.is_alive():
        pass
    with one_thread():
        new = of_new_thread()
        inside.set()
        done.wait()
    thread.join()
    assert found == [(3, 3)]
    assert new == of_new_thread() == 3


def test_many_threads_at_once_leave_no_trace() -> None:
    together = Barrier(8)

    def work(_: int) -> tuple[int, int]:
        together.wait()
        with one_thread():
            inside = torch.get_num_threads()
        return inside, torch.get_num_threads()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
        again = list(pool.map(work, range(8)))
    assert set(found + again) == {(1, 3)}
    assert torch.get_num_threads() == of_new_thread() == 3


def test_spaces_decode_and_encode_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    space = seqvae.load("drums_2bar")
    seen = []
    for part in (space.model.encoder, space.model.decoder):
        for layer in part.modules():
            if isinstance(layer, nn.Linear):
                layer.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    x = space.decode_to_examples(torch.zeros(2, space.latent_dim))
    space.posterior_of(x)
    assert set(seen) == {1}
    assert torch.get_num_threads() == 3


def test_the_number_of_threads_changes_nothing() -> None:
    space = seqvae.load("drums_2bar")
    z = torch.randn(20, space.latent_dim, generator=torch.Generator().manual_seed(0))
    found = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        x = space.decode_to_examples(z, temperature=1.0, seed=5)
        found.append((x, space.posterior_of(x).mean))
    for x, mean in found[1:]:
        assert torch.equal(x, found[0][0])
        assert torch.equal(mean, found[0][1])
