"""The description of a sequence VAE's architecture: plain data, stored in the model folder."""

from __future__ import annotations

from dataclasses import dataclass, fields

LARGEST = {"steps": 1 << 12, "classes": 1 << 16, "encoder_layers": 16, "decoder_layers": 16}
LARGEST_DIM = 1 << 13
"""A model folder that asks for more is broken or hostile, and is refused before it takes memory."""


@dataclass(frozen=True)
class SequenceArchitecture:
    """Everything that decides the shape of a flat sequence VAE; stored in the model folder."""

    steps: int
    """Length of a window, in steps."""
    classes: int
    """Number of classes of one step."""
    tokens: str = "plain"
    """What the classes are made of: "drums", "melody" or "plain" (see `embedding`)."""
    latent_dim: int = 256
    embedding_dim: int = 128
    encoder_dim: int = 256
    """LSTM units per direction."""
    encoder_layers: int = 1
    decoder_dim: int = 256
    decoder_layers: int = 2
    readout: str = "steps"
    """How the encoder's outputs become a code: "final" or "steps"."""
    conditioning: str = "steps"
    """How z speaks to the decoder: "shared" or "steps"."""
    summary_dim: int = 32
    """Width of a step's part in the code, for "steps"."""
    head: str = "softmax"
    """"softmax", or "chain" for classes that are sets of binary parts."""
    dropout: float = 0.0
    """On the inputs of both LSTMs and of the head, in training."""
    input_dropout: float = 0.0
    """Share of previous tokens hidden from the decoder in training."""
    scheduled_sampling: float = 0.0
    """Share of previous tokens replaced by the model's own draws in training."""

    def __post_init__(self) -> None:
        for name, known in (
            ("tokens", ("drums", "melody", "plain")),
            ("readout", ("final", "steps")),
            ("conditioning", ("shared", "steps")),
            ("head", ("softmax", "chain")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        for field in fields(self):
            value, largest = getattr(self, field.name), LARGEST.get(field.name, LARGEST_DIM)
            if field.type == "int" and not 1 <= value <= largest:
                raise ValueError(f"{field.name} must be in 1..{largest}, got {value}")
            if field.type == "float" and not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be in 0..1, got {value}")
