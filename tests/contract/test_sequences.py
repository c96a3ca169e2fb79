"""What every sequence model promises beside: one distribution, however it is computed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seqvae.music.evaluate import measure
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.music.representations.piano.texture import PITCHES
from seqvae.text.codec import TextCodec
from seqvae.text.evaluate import accuracies
from vaecore.space import LatentSpace
from vaecore.testing import LogitsContract, ModelUnderTest


class TestSequences(LogitsContract):
    """Of all tiny models of `kinds` that are of sequences."""

    @pytest.fixture(autouse=True)
    def _only_sequences(self, request: pytest.FixtureRequest, space: LatentSpace) -> None:
        if not isinstance(space.codec, SequenceCodec | TextCodec):
            pytest.skip("not a sequence model")
        if space.codec.name in ("groove", "piano") and "likelihood" in request.node.name:
            pytest.skip("a step is more than what the logits are of")

    def categories(
        self, space: LatentSpace, logits: Tensor, x: Tensor
    ) -> list[tuple[Tensor, Tensor]]:
        """Return logits `(n, steps, classes)` and class indices `(n, steps)` of each voice."""
        classes = space.codec.classes
        if x.is_floating_point():  # the logits of a performance are those of its hits
            x, classes = hit_classes(x), 1 << classes
        elif space.codec.name == "piano":  # the logits are those of the lowest note
            x, classes = x[..., 0], PITCHES + 1
        sizes = [classes] if isinstance(classes, int) else list(classes)
        assert logits.shape == (*x.shape[:2], sum(sizes))
        voices = x.view(*x.shape[:2], len(sizes)).unbind(-1)
        return list(zip(logits.split(sizes, dim=-1), voices, strict=True))

    def test_windows_are_what_the_codec_reads(self, space: LatentSpace, x: Tensor) -> None:
        architecture, codec = space.model.architecture, space.codec
        assert (architecture.steps, architecture.classes) == (codec.steps, codec.classes)
        assert x.shape[1:] == codec.shape == architecture.shape
        if x.is_floating_point():
            hits, velocity, offset = blocks(x)
            assert hits.unique().tolist() == [0, 1]
            assert ((velocity >= 0) & (velocity <= hits)).all()
            assert (offset.abs() <= hits).all()
            return
        assert x.dtype == torch.int64
        assert (x >= 0).all()
        if space.codec.name == "piano":
            for row in x:
                space.codec.decode(row)  # it checks the numbers
            return
        assert (x < torch.tensor(space.codec.classes)).all()

    def test_the_figures_of_an_evaluation(self, space: LatentSpace, x: Tensor) -> None:
        text = isinstance(space.codec, TextCodec)
        figures = (accuracies if text else measure)(space.model, x)
        assert figures["examples"] == len(x)
        shares = [value for name, value in figures.items() if name.endswith(("accuracy", "f1"))]
        kinds = ["text"] if text else space.codec.voice_names
        counted = [4 + ("drums" in kinds)]
        if "piano" in kinds:
            counted = [8]  # F1 of notes, and with their lengths, greedy and sampled
        if len(kinds) > 1:
            counted += [4 + (kind == "drums") for kind in kinds]
        assert len(shares) == sum(counted)
        assert all(0 <= share <= 1 for share in shares)
        assert figures["nll"] > 0 or x.is_floating_point()
        assert figures["kl_nats"] > 0


class TestShipped(TestSequences):
    """Of the models in the boxes; evaluations of them have golden figures."""

    @pytest.fixture
    def under_test(self, in_a_box: ModelUnderTest) -> ModelUnderTest:
        return in_a_box

    test_the_figures_of_an_evaluation = None
