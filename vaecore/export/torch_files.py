"""Graphs as files of PyTorch: programs of `torch.export` (.pt2) and TorchScript."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vaecore.export.graphs import BATCH, Graph

KEY = "vaecore.json"
"""Name of the JSON in a file of PyTorch."""


def exported(graph: Graph) -> torch.export.ExportedProgram:
    """Return a graph as a program for any number of rows."""
    rows = torch.export.Dim(BATCH)
    shapes = tuple({0: rows} if port.shape[:1] == (BATCH,) else {} for port in graph.inputs)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return torch.export.export(graph.module, graph.example, dynamic_shapes=shapes)


def write_program(graph: Graph, path: Path, metadata: str) -> None:
    """Write a graph as .pt2, for `torch.export.load`."""
    torch.export.save(exported(graph), path, extra_files={KEY: metadata})


def load_program(path: Path) -> Callable[..., list[np.ndarray]]:
    """Return the function of a .pt2 file."""
    return _on_arrays(torch.export.load(path).module())


class _Bundle(nn.Module):
    """All graphs of a model, each a method."""

    def __init__(self, graphs: Sequence[Graph]) -> None:
        super().__init__()
        for graph in graphs:
            self.add_module(f"_{graph.role}", graph.module)
            setattr(self, graph.method, graph.module.forward)


def write_script(graphs: Sequence[Graph], path: Path, metadata: str) -> None:
    """Write all graphs as one TorchScript file, in which each is a method."""
    bundle = _Bundle(graphs)
    with warnings.catch_warnings(), torch.no_grad():
        # PyTorch warns that TorchScript has a successor, which audio hosts and games cannot load.
        warnings.simplefilter("ignore")
        methods = {graph.method: graph.example for graph in graphs}
        script = torch.jit.trace_module(bundle, methods, check_trace=False)
        torch.jit.save(script, path, _extra_files={KEY: metadata})


def load_script(path: Path, method: str) -> Callable[..., list[np.ndarray]]:
    """Return a method of a TorchScript file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _on_arrays(getattr(torch.jit.load(path), method))


def _on_arrays(function: Callable[..., Any]) -> Callable[..., list[np.ndarray]]:
    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            found = function(*map(torch.as_tensor, inputs))
        listed = [found] if isinstance(found, torch.Tensor) else found
        return [each.numpy() for each in listed]

    return run
