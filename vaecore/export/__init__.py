"""Models for other programs: encoder, decoder and prior as ONNX, PyTorch or TorchScript files.

    graphs        the functions that are exported, and their inputs and outputs
    onnx_files    as ONNX
    torch_files   as .pt2 and TorchScript
    about         the JSON beside them: shapes, alphabet, grid, attribute vectors
    check         whether a file computes what Python does

`export` does it all. Weights are those of the model, and nothing is rounded: float16 numbers of a
model folder stay float16 in ONNX files, and are widened to float32 when the file is loaded.
"""

from __future__ import annotations

from vaecore.export.about import describe
from vaecore.export.check import Differences, compare
from vaecore.export.graphs import Graph, graphs_of
from vaecore.export.writing import FORMATS, NEEDED, export, places

__all__ = [
    "FORMATS",
    "NEEDED",
    "Differences",
    "Graph",
    "compare",
    "describe",
    "export",
    "graphs_of",
    "places",
]
