"""The LSTM: PyTorch's own results, whether run at once or step by step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seqvae.sequences.lstm import LSTM, Cell, State

STEPS, BATCH, INPUT, HIDDEN = 5, 3, 4, 6


@pytest.fixture
def x() -> Tensor:
    return torch.randn(STEPS, BATCH, INPUT, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def state() -> State:
    generator = torch.Generator().manual_seed(2)
    return [
        (
            torch.randn(BATCH, HIDDEN, generator=generator),
            torch.randn(BATCH, HIDDEN, generator=generator),
        )
        for _ in range(2)
    ]


def make(layers: int = 2, bidirectional: bool = False) -> LSTM:
    torch.manual_seed(3)
    lstm = LSTM(INPUT, HIDDEN, layers, bidirectional=bidirectional)
    for weight in lstm.parameters():
        nn.init.normal_(weight, std=0.5)
    return lstm.eval()


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_running_equals_pytorch(x: Tensor, layers: int, bidirectional: bool) -> None:
    lstm = make(layers, bidirectional)
    assert torch.equal(lstm.run(x), lstm(x)[0])
    assert lstm.run(x).shape == (STEPS, BATCH, HIDDEN * (1 + bidirectional))


def test_running_from_a_state_equals_pytorch(x: Tensor, state: State) -> None:
    lstm = make()
    packed = tuple(torch.stack(part) for part in zip(*state, strict=True))
    assert torch.equal(lstm.run(x, state), lstm(x, packed)[0])
    assert not torch.equal(lstm.run(x, state), lstm.run(x))


def step_through(cells: list[Cell], x: Tensor, state: State) -> Tensor:
    outputs = []
    state = list(state)
    for inputs in x:
        for layer, cell in enumerate(cells):
            state[layer] = cell.step(cell.project(inputs), state[layer])
            inputs = state[layer][0]
        outputs.append(inputs)
    return torch.stack(outputs)


def test_stepping_equals_running(x: Tensor, state: State) -> None:
    lstm = make()
    torch.testing.assert_close(step_through(lstm.cells(), x, state), lstm.run(x, state))


def test_cells_follow_the_weights(x: Tensor, state: State) -> None:
    lstm = make()
    before = step_through(lstm.cells(), x, state)
    with torch.no_grad():
        lstm.bias_ih_l1.add_(1)
    after = step_through(lstm.cells(), x, state)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, lstm.run(x, state))


def test_mixed_precision_is_close_and_32_bit_outside(x: Tensor, state: State) -> None:
    lstm = make()
    exact, mixed = lstm.run(x, state), lstm.run(x, state, mixed_precision=True)
    assert mixed.dtype == torch.float32
    assert not torch.equal(exact, mixed)
    torch.testing.assert_close(exact, mixed, atol=0.05, rtol=0)


def test_gradients_are_32_bit_and_close_in_mixed_precision(x: Tensor, state: State) -> None:
    gradients = []
    for mixed_precision in (False, True):
        lstm = make().train()
        lstm.run(x, state, mixed_precision).sum().backward()
        gradients.append([weight.grad for weight in lstm.parameters()])
    for exact, mixed in zip(*gradients, strict=True):
        assert mixed.dtype == torch.float32
        scale = exact.abs().max()
        torch.testing.assert_close(mixed / scale, exact / scale, atol=0.1, rtol=0)


def test_autocast_does_not_reach_inside(x: Tensor) -> None:
    lstm = make()
    with torch.autocast("cpu", torch.bfloat16):
        inside = lstm.run(x)
    assert torch.equal(inside, lstm.run(x))
