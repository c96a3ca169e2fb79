"""The description of an exported model for programs that use it, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from vaecore import __version__
from vaecore.config import about_attribute

if TYPE_CHECKING:
    from vaecore.export.graphs import Graph
    from vaecore.space import LatentSpace

FORMAT = 1


def describe(
    space: LatentSpace[Any], graphs: Sequence[Graph], files: Mapping[str, str]
) -> dict[str, Any]:
    """Return the description of a model and of its files.

    Args:
        space: The model.
        graphs: The graphs that were exported.
        files: File name of each graph, by role.
    """
    config = space.config
    decoder = next(graph for graph in graphs if graph.role == "decoder")
    draws = len(decoder.inputs) > 1
    x = decoder.outputs[0]
    return {
        "format": FORMAT,
        "model": space.name,
        "domain": config.domain if config else "",
        "description": config.description if config else "",
        "made_by": {"vaecore": __version__, "torch": torch.__version__},
        "latent_dim": space.latent_dim,
        "graphs": {
            graph.role: {
                "file": files[graph.role],
                "method": graph.method,
                "inputs": [_port(port) for port in graph.inputs],
                "outputs": [_port(port) for port in graph.outputs],
            }
            for graph in graphs
        },
        "example": {"shape": list(x.shape[1:]), "dtype": x.dtype, **space.codec.legend},
        "temperature": space.codec.default_temperature if draws else None,
        "attributes": {
            name: {
                **about_attribute(config, name),
                "depends_on_code": space.has_directions(name),
                "vector": [float(f"{number:.8g}") for number in vector.tolist()],
            }
            for name, vector in space.attributes.items()
        },
        "prior": _prior(space),
    }


def _port(port: Any) -> dict[str, Any]:
    found = asdict(port)
    found["shape"] = list(port.shape)
    return found


def _prior(space: LatentSpace[Any]) -> dict[str, Any]:
    prior = space.prior
    if prior is None:
        return {"kind": "normal", "about": "z is normal noise"}
    found: dict[str, Any] = {"kind": prior.kind, "conditional": prior.conditional}
    if prior.conditional:
        found["parts"] = prior.groups
    return found
