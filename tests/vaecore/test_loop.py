"""Loops that can be exported."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vaecore.loop import Tensors, loop


class Sums(nn.Module):
    """The running sum of rows, from a start."""

    def forward(self, start: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        def step(carry: Tensors, given: Tensors) -> tuple[Tensors, Tensors]:
            total = carry[0] + given[0]
            return (total,), (total,)

        (last,), (sums,) = loop(step, (start,), (rows,))
        return last, sums


def test_every_row_in_its_order() -> None:
    last, sums = Sums()(torch.tensor([10.0]), torch.tensor([[1.0], [2.0], [3.0]]))
    assert sums.tolist() == [[11], [13], [16]]
    assert last.tolist() == [16]


@pytest.mark.slow
def test_an_exported_loop_has_its_step_once() -> None:
    few, many = torch.ones(3, 2), torch.ones(300, 2)
    programs = [torch.export.export(Sums(), (torch.zeros(2), rows)) for rows in (few, many)]
    sizes = {len(program.graph.nodes) for program in programs}
    assert len(sizes) == 1
    last, sums = programs[1].module()(torch.zeros(2), many)
    assert last.tolist() == [300, 300]
    assert sums[:, 0].tolist() == list(range(1, 301))
