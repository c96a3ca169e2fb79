"""Graphs as ONNX files.

PyTorch's exporter writes them, except for two operations. It translates an LSTM to a loop over
elementary operations, whereas ONNX has an operation for a whole layer, which runtimes compute fast.
And its logarithm of a sigmoid is -inf far below 0, where PyTorch's own is exact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaecore.export.graphs import BATCH, Graph
from vaecore.export.torch_files import exported

OPSET = 20
KEY = "vaecore"
"""Key of the JSON in the metadata of a file."""
SMALL = 256
"""Tensors with fewer values than this stay float32."""
_NOISY = ("torch.onnx", "onnxscript", "onnx_ir")
"""Loggers that report every operation."""


def write(graph: Graph, path: Path, metadata: str) -> None:
    """Write a graph as ONNX, with a JSON text in its metadata."""
    import onnx

    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            exported(graph),
            graph.example,
            dynamo=True,
            input_names=[port.name for port in graph.inputs],
            output_names=[port.name for port in graph.outputs],
            opset_version=OPSET,
            custom_translation_table=_translations(),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _store_halves(model)
    _name_axes(model, graph)
    model.doc_string = f"{graph.role}: see the metadata {KEY!r}"
    onnx.helper.set_model_props(model, {KEY: metadata})
    onnx.save_model(model, path)


def _translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    aten = torch.ops.aten
    return {
        aten.lstm.input: _lstm,
        aten.log_sigmoid.default: _log_sigmoid,
        aten.log_sigmoid_forward.default: lambda x: (_log_sigmoid(x), x),
    }


def _operations() -> Any:
    from onnxscript import opset18

    return opset18


def _log_sigmoid(x: Any) -> Any:
    op = _operations()
    return op.Neg(op.Softplus(op.Neg(x)))


def _lstm(
    x: Any,
    state: Sequence[Any],
    weights: Sequence[Any],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Any, Any, Any]:
    """Translate `torch.lstm` of inputs `(steps, batch, input)`, layer by layer."""
    op = _operations()
    if not has_biases or batch_first or train:
        raise NotImplementedError("only LSTMs with biases, time first, in evaluation")
    directions = 2 if bidirectional else 1
    hidden, cell = state
    zero = op.Constant(value_ints=[0])

    def reordered(weight: Any) -> Any:  # PyTorch's gates i, f, g, o in the order of ONNX
        i, f, g, o = op.Split(weight, num_outputs=4, axis=0)
        return op.Concat(i, o, f, g, axis=0)

    def stacked(parts: Sequence[Any]) -> Any:
        return op.Concat(*(op.Unsqueeze(part, zero) for part in parts), axis=0)

    hiddens, cells = [], []
    for layer in range(layers):
        first, last = layer * directions, (layer + 1) * directions
        own = [weights[4 * k : 4 * k + 4] for k in range(first, last)]
        rows = op.Constant(value_ints=[first]), op.Constant(value_ints=[last]), zero
        y, h, c = op.LSTM(
            x,
            stacked([reordered(each[0]) for each in own]),
            stacked([reordered(each[1]) for each in own]),
            stacked([op.Concat(reordered(w[2]), reordered(w[3]), axis=0) for w in own]),
            None,
            op.Slice(hidden, *rows),
            op.Slice(cell, *rows),
            hidden_size=own[0][1].shape[1],
            direction="bidirectional" if bidirectional else "forward",
        )
        x = op.Transpose(y, perm=[0, 2, 1, 3])
        x = op.Reshape(x, op.Constant(value_ints=[0, 0, -1]))
        hiddens.append(h)
        cells.append(c)
    if layers == 1:
        return x, hiddens[0], cells[0]
    return x, op.Concat(*hiddens, axis=0), op.Concat(*cells, axis=0)


def _store_halves(model: Any) -> None:
    """Store float32 weights that float16 represents exactly as float16, followed by a cast.

    Weights of model folders are such numbers. Runtimes cast them once, when they load the file.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALL:
            continue
        wide = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = wide.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), wide):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)


def _name_axes(model: Any, graph: Graph) -> None:
    """Name the dimension of rows `BATCH` in the types of inputs and outputs."""
    values = zip(
        (*model.graph.input, *model.graph.output), (*graph.inputs, *graph.outputs), strict=True
    )
    for value, port in values:
        axes = value.type.tensor_type.shape
        del axes.dim[:]
        for size in port.shape:
            axis = axes.dim.add()
            if isinstance(size, str):
                axis.dim_param = BATCH
            else:
                axis.dim_value = size


def load(path: Path) -> Callable[..., list[np.ndarray]]:
    """Return the function of a file in onnxruntime, from inputs in their order to outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        outputs: list[np.ndarray] = session.run(None, dict(zip(names, inputs, strict=True)))
        return outputs

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's reports of every operation."""
    import warnings

    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
