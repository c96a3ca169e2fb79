"""The necessary operations of a sequence model: those of its matrix products.

Those of recurrences, between layers, of codes and of logits are counted. Those of tokens'
embeddings are not: they can be looked up.
"""

from __future__ import annotations

from torch import nn

from seqvae.music.networks.decoder import ConditionedLSTM, SequenceDecoder
from seqvae.music.networks.encoder import Reader, SequenceEncoder, VoicesReader
from seqvae.music.networks.hierarchy import HierarchicalDecoder
from seqvae.sequences.lstm import LSTM


def encoding(encoder: SequenceEncoder) -> int:
    """Return the operations of encoding one window."""
    total, runs = _weights(encoder.mean) + _weights(encoder.stddev), 1
    levels = [encoder, *reversed(encoder.inner)]
    for level, length in zip(levels, encoder.lengths, strict=True):
        readers = level if isinstance(level, VoicesReader) else [level]
        for reader in readers:
            total += runs * _reading(reader, length, tokens=level is levels[-1])
        runs *= length
    return 2 * total


def decoding(decoder: SequenceDecoder | HierarchicalDecoder) -> int:
    """Return the operations of decoding one window."""
    if isinstance(decoder, SequenceDecoder):
        return 2 * _writing(decoder)
    total, runs = 0, 1
    for conductor in decoder.conductors:
        total += runs * _writing(conductor)
        runs *= conductor.steps
    return 2 * (total + runs * sum(map(_writing, decoder.cores)))


def _reading(reader: Reader, steps: int, tokens: bool) -> int:
    summary = 0 if reader.summary is None else _weights(reader.summary)
    return steps * (_recurrent(reader.lstm, tokens) + summary)


def _writing(part: ConditionedLSTM) -> int:
    tokens = isinstance(part, SequenceDecoder)
    each_step = _recurrent(part.lstm, tokens)
    if tokens:
        each_step += part.lstm.hidden_size * len(part.head.bias)
    return part.steps * each_step + _weights(part.initial)


def _recurrent(lstm: LSTM, tokens: bool) -> int:
    """Return the multiplications of one step; its input's are left out where that is a token."""
    return sum(
        weight.numel()
        for name, weight in lstm.named_parameters()
        if name.startswith("weight") and not (tokens and name.startswith("weight_ih_l0"))
    )


def _weights(layer: nn.Linear) -> int:
    return layer.weight.numel()
