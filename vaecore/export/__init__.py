"""Models for other programs: encoder, decoder and prior as ONNX, PyTorch or TorchScript files.

    graphs        the functions that are exported, with their inputs and outputs
    onnx_files    ONNX files
    torch_files   .pt2 and TorchScript files
    about         the JSON beside them: shapes, alphabet, grid, attribute vectors
    check         comparison of a file with the model
    writing       `export`: all of it

Weights are not rounded: float16 weights of a model folder stay float16 in ONNX files, and become
float32 when the file is loaded.
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
