"""A network whose embeddings say who somebody is, for the training of directions.

MobileNet (Howard et al., MobileNets: efficient convolutional neural networks for mobile vision
applications, 2017), as A. Savchenko trained it to recognise the people of VGGFace2 (HSE FaceRes;
Efficient facial representations for age, gender and identity recognition in organizing photo
albums using multi-output ConvNet, 2019). The weights are not part of this package: they are in the
folder `models` of the npm package `@vladmandic/human` (MIT), as `faceres.json` and `faceres.bin`.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaecore.errors import DataError
from vaecore.reading import Kind, read_bytes, read_json

SIZE = 112
"""Height and width of the input. The weights were made for 224; at half of that, four times faster,
they still tell people and their mirror images apart from others."""
FACE = 0.15, 0.95, 0.1, 0.9
"""Top, bottom, left and right of the face in a picture framed as CelebA-HQ frames it."""
MEAN = 103.939, 116.779, 123.68
"""Of blue, green and red, from 0 to 255: taken from the input."""
HALVED = 2, 4, 6, 12
"""Of the 13 blocks, those that halve height and width."""
BLOCKS = 13
TABLE, WEIGHTS = "faceres.json", "faceres.bin"
EMBEDDER = Kind(
    "network that recognises people", 1 << 26,
    "name the folder `models` of the npm package @vladmandic/human",
)  # fmt: skip
_NUMBERS: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f2"), "int32": np.dtype("<i4")}
"""How numbers are stored, by the type that the table declares."""


class IdentityNetwork(nn.Module):
    """Maps pictures to embeddings of the people on them; it is not trained.

    Args:
        folder: Holds `faceres.json` and `faceres.bin`.

    Raises:
        DataError: A file is missing, or is another network's.
    """

    mean: Tensor

    def __init__(self, folder: Path) -> None:
        super().__init__()
        weights = _read(folder)
        try:
            kernels = [weights["conv1/convolution/merged_input"].permute(3, 2, 0, 1)]
            biases = [weights["conv1_bn/batchnorm_1/sub"]]
            for k in range(1, BLOCKS + 1):
                # What is left of the batch norm after each depthwise convolution: a factor.
                scale = weights[f"conv_dw_{k}_bn/batchnorm_1/mul"]
                depthwise = weights[f"conv_dw_{k}/depthwise_kernel"][..., 0] * scale
                pointwise = weights[f"conv_pw_{k}/convolution/merged_input"]
                kernels += [depthwise.permute(2, 0, 1)[:, None], pointwise.permute(3, 2, 0, 1)]
                biases += [weights[f"conv_{kind}_{k}_bn/batchnorm_1/sub"] for kind in ("dw", "pw")]
            self.most = float(weights["conv1_relu/Cast"])
        except (KeyError, RuntimeError, IndexError) as error:
            raise _unreadable(folder / TABLE) from error
        for k, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            self.register_buffer(f"kernel_{k}", kernel.contiguous())
            self.register_buffer(f"bias_{k}", bias)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return embeddings `(n, 1024)` of length 1.

        Args:
            x: Pictures `(n, 3, size, size)` in [0, 1], framed as CelebA-HQ frames them.
        """
        top, bottom, left, right = (round(share * x.shape[-1]) for share in FACE)
        x = x[..., top:bottom, left:right]
        x = F.interpolate(x, (SIZE, SIZE), mode="bilinear", align_corners=False)
        x = 255 * x.flip(1) - self.mean
        x = self._layer(x.contiguous(memory_format=torch.channels_last), 0, 2)
        for k in range(1, BLOCKS + 1):
            x = self._layer(x, 2 * k - 1, 2 if k in HALVED else 1, groups=x.shape[1])
            x = self._layer(x, 2 * k)
        return F.normalize(x.mean((2, 3)), dim=1)

    def _layer(self, x: Tensor, number: int, stride: int = 1, groups: int = 1) -> Tensor:
        """Return a convolution's output, cut off below 0 and above `most`."""
        kernel = self.get_buffer(f"kernel_{number}")
        if kernel.shape[-1] == 3:
            # As TensorFlow pads: where it halves, at the right and at the bottom alone.
            x = F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        bias = self.get_buffer(f"bias_{number}")
        return F.conv2d(x, kernel, bias, stride, groups=groups).clamp(0, self.most)


def _read(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of the two files, by name.

    Raises:
        DataError: A file is missing or broken.
    """
    found, at = {}, 0
    table, raw = read_json(folder / TABLE, EMBEDDER), read_bytes(folder / WEIGHTS, EMBEDDER)
    try:
        for entry in table["weightsManifest"][0]["weights"]:
            kind = _NUMBERS[entry["dtype"]]
            count = prod(entry["shape"])
            values = np.frombuffer(raw, kind, count, at).reshape(entry["shape"])
            at += values.nbytes
            found[entry["name"]] = torch.from_numpy(values.astype(np.float32))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _unreadable(folder / TABLE) from error
    return found


def _unreadable(path: Path) -> DataError:
    return DataError(f"is no {EMBEDDER.what}", path=path, remedy=EMBEDDER.remedy)
