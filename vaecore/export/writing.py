"""Writing a model for other programs, and checking what was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from vaecore.cli.outputs import Outputs
    from vaecore.export.check import Differences, Function
    from vaecore.export.graphs import Graph
    from vaecore.space import LatentSpace

Made = TypeVar("Made")

FORMATS = {".onnx": "onnx", ".pt2": "pt2", ".ts": "torchscript", ".torchscript": "torchscript"}
"""The format of a file, by its ending."""
NEEDED = {"onnx": ("onnx", "onnxscript")}
"""Packages beside torch that a format needs; the extra `export` has them."""
CODES = 16
"""Number of codes that are decoded to check a file."""
REMEDY = "pip install 'seqvae[export]'"


def format_of(path: Path) -> str:
    """Return the format of a file to write.

    Raises:
        UsageError: Its ending is not one of `FORMATS`.
        DataError: A package is missing.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(f"{path}: the output must end in {' or '.join(FORMATS)}")
    missing = [name for name in NEEDED.get(found, ()) if not find_spec(name)]
    if missing:
        raise DataError(f"needs {missing[0]} to be written", path=path, remedy=REMEDY)
    return found


def places(path: Path, roles: list[str]) -> dict[str, Path]:
    """Return the file of each graph: the decoder's is `path`, others have their role in the name.

    A TorchScript file holds all of them.
    """
    if FORMATS[path.suffix.lower()] == "torchscript":
        return dict.fromkeys(roles, path)
    others = {role: path.with_name(f"{path.stem}.{role}{path.suffix}") for role in roles}
    return {**others, "decoder": path}


def export(
    space: LatentSpace[Any], path: Path, outputs: Outputs
) -> tuple[dict[str, Any], Differences | None]:
    """Write a model and its description, and compare the files with the model.

    Args:
        space: The model.
        path: The decoder's file, whose ending decides the format; the others are written beside it.
        outputs: The outputs of the verb, which appear together or not at all.

    Returns:
        The content of the JSON; and the differences, or None for ONNX without onnxruntime.

    Raises:
        UsageError: The ending is not one of `FORMATS`.
        DataError: A package is missing, the network cannot be exported, or the files compute
            something else.
    """
    from vaecore.export.about import describe
    from vaecore.export.check import compare
    from vaecore.export.graphs import graphs_of

    kind = format_of(path)
    found = _exportable(space, kind, lambda: graphs_of(space))
    final = places(path, [graph.role for graph in found])
    facts = describe(space, found, {role: place.name for role, place in final.items()})
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    temporary = {place: outputs.add(place) for place in dict.fromkeys(final.values())}
    files = {role: temporary[place] for role, place in final.items()}
    _exportable(space, kind, lambda: _write(kind, found, files, text))
    outputs.beside(".json").write_text(text + "\n", encoding="utf-8")
    if kind == "onnx" and not find_spec("onnxruntime"):
        return facts, None
    differences = compare(space, load(kind, found, files), CODES)
    if differences.problem:
        raise DataError(f"what was exported is wrong: {differences.problem}", path=path)
    return facts, differences


def _exportable(space: LatentSpace[Any], kind: str, make: Callable[[], Made]) -> Made:
    """Return `make()`; an error of the exporter becomes a DataError about the network."""
    try:
        return make()
    except (DataError, OSError):
        raise
    except Exception as error:  # exporters raise many types for operations that they do not know
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        problem = f"the network of {space.name or 'this model'} cannot be exported as {kind}"
        raise DataError(f"{problem} ({type(error).__name__}: {reason})") from error


def _write(kind: str, found: list[Graph], files: Mapping[str, Path], text: str) -> None:
    if kind == "torchscript":
        from vaecore.export.torch_files import write_script

        write_script(found, files["decoder"], text)
        return
    from vaecore.export.onnx_files import write
    from vaecore.export.torch_files import write_program

    writer: Callable[[Graph, Path, str], None] = write if kind == "onnx" else write_program
    for graph in found:
        writer(graph, files[graph.role], text)


def load(kind: str, found: list[Graph], files: Mapping[str, Path]) -> dict[str, Function]:
    """Return the functions of exported files, by role."""
    from vaecore.export.onnx_files import load as load_onnx
    from vaecore.export.torch_files import load_program, load_script

    opened: dict[str, Callable[[Graph], Function]] = {
        "onnx": lambda graph: load_onnx(files[graph.role]),
        "pt2": lambda graph: load_program(files[graph.role]),
        "torchscript": lambda graph: load_script(files[graph.role], graph.method),
    }
    return {graph.role: opened[kind](graph) for graph in found}
