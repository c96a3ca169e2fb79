"""Checks of the checkpoint that a training resumes from, before any field is used.

It is a file of torch: a ZIP archive of uncompressed records with check sums. It is read with
`weights_only=True`, which builds only tensors and plain values.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch import Tensor

from vaecore.errors import DataError
from vaecore.folder import mismatch
from vaecore.reading import CHECKPOINT, open_file

if TYPE_CHECKING:
    from vaecore.training.module import TrainingModule

_OTHER = "resume with the recipe it was trained with"
_DEEPEST = 32
_VERSION = "pytorch-lightning_version"
_FIELDS: dict[str, type] = {
    "epoch": int,
    "global_step": int,
    _VERSION: str,
    "state_dict": dict,
    "loops": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
}
"""The required fields of a checkpoint, and their types."""


def check(path: Path, module: TrainingModule) -> None:
    """Refuse a checkpoint that is damaged, or of another training.

    Raises:
        DataError: It cannot be read; a field is missing, of another type or not finite; or it is
            from another architecture, batch size or seed. The first difference is named.
    """
    found = _read(path)
    for name, kind in _FIELDS.items():
        if not isinstance(found.get(name), kind):
            raise _damaged(f"its {name} is no {kind.__name__}", path)
    if found["epoch"] < 0 or found["global_step"] < 0:
        raise _damaged("it is of a step before the first", path)
    _check_version(found[_VERSION], path)
    division = found.get("division", {})
    if not isinstance(division, Mapping):
        raise _damaged("its division is no dict", path)
    for name, value in module.config.division.items():
        trained = division.get(name, value)
        if trained != value:
            problem = f"was trained with training.{name}={trained}, the recipe says {value}"
            raise DataError(problem, path=path, remedy=_OTHER)
    _check_tensors(found["state_dict"], module.state_dict(), path)
    _check_plain(found, "", path)
    average = module.config.ema_decay is not None
    for name in ("KeepBest", "Timer", *(["AverageWeights"] if average else [])):
        state = found["callbacks"].get(name)
        if not (isinstance(state, dict) and state):
            raise _damaged(f"it has no {name}", path)
    _check_best(found["callbacks"]["KeepBest"], module, path)
    groups = module.parameter_groups()
    parameters = [parameter for group in groups for parameter in group["params"]]
    for state in found["optimizer_states"]:
        _check_optimizer(state, parameters, len(groups), path)


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint whose records are whole."""
    with open_file(path, CHECKPOINT) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                if any(record.compress_type != zipfile.ZIP_STORED for record in archive.filelist):
                    raise _damaged("its records are compressed", path)
                broken = archive.testzip()
        except DataError:
            raise
        except Exception as error:  # zipfile raises many kinds for damaged archives
            raise _damaged(str(error) or "it is cut off", path) from error
        if broken is not None:
            raise _damaged("its check sums are wrong", path)
        # torch can map files into memory only by name: this name is that of the checked file.
        name = f"/dev/fd/{file.fileno()}"
        try:
            place = name if os.path.exists(name) else path
            found = torch.load(place, weights_only=True, mmap=True, map_location="cpu")
        except Exception as error:  # torch raises many kinds for damaged files
            raise _damaged(type(error).__name__, path) from error
    if not isinstance(found, dict):
        raise _damaged("it holds no fields", path)
    return found


def _check_version(version: str, path: Path) -> None:
    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", text)[:2]]

    if numbers(version) > numbers(lightning.__version__):
        problem = f"was written by Lightning {version[:20]}, this is {lightning.__version__}"
        raise DataError(problem, path=path, remedy="update lightning")


def _check_tensors(found: Any, expected: Mapping[str, Tensor], path: Path) -> None:
    if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items()):
        raise _damaged("its weights are no tensors", path)
    difference = mismatch(expected, found)
    if difference is not None:
        raise DataError(difference, path=path, remedy=_OTHER)
    for name, tensor in found.items():
        if tensor.dtype != expected[name].dtype:
            problem = f"tensor {name!r} holds {tensor.dtype}, not {expected[name].dtype}"
            raise DataError(problem, path=path, remedy=_OTHER)


def _check_best(state: Mapping[str, Any], module: TrainingModule, path: Path) -> None:
    """Check the state of `KeepBest`."""
    metrics, counts = state.get("metrics"), [state.get("step"), state.get("waited")]
    plain = isinstance(metrics, dict) and all(type(v) is float for v in metrics.values())
    if not plain or any(type(count) is not int or count < 0 for count in counts):
        raise _damaged("its best validation is no table of numbers", path)
    if not isinstance(state.get("weights"), dict):
        raise _damaged("its best weights are no table of tensors", path)
    if state["weights"]:
        _check_tensors(state["weights"], module.model.state_dict(), path)


def _check_optimizer(state: Any, parameters: list[Tensor], groups: int, path: Path) -> None:
    """Check the parameters and shapes of the optimiser's running means."""
    try:
        described = [len(group["params"]) for group in state["param_groups"]]
        if len(described) != groups or sum(described) != len(parameters):
            raise ValueError
        for index, values in state["state"].items():
            shape = parameters[index].shape if index >= 0 else None
            for value in values.values():
                if isinstance(value, Tensor) and value.ndim and value.shape != shape:
                    raise ValueError
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise _damaged("its optimiser is of other parameters", path) from error


def _check_plain(value: Any, name: str, path: Path, depth: int = 0) -> None:
    """Check that a value is made of finite tensors and numbers, texts, lists and dictionaries."""
    if depth > _DEEPEST:
        raise _damaged("it is too deep", path)
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check_plain(each, name or str(key), path, depth + 1)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _check_plain(each, name, path, depth + 1)
    elif isinstance(value, Tensor):
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise _damaged(f"its {name} is not finite", path)
    elif isinstance(value, float):
        # Metrics in "callbacks" may be NaN; nothing is computed from them.
        if value != value and name != "callbacks":
            raise _damaged(f"its {name} is not finite", path)
    elif not isinstance(value, (int, str, type(None), bytes)):
        raise _damaged(f"its {name} holds {type(value).__name__}", path)


def _damaged(problem: str, path: Path) -> DataError:
    text = f"is no checkpoint that can be read ({problem})"
    return DataError(text, path=path, remedy=CHECKPOINT.remedy)
