"""MusicVAE in plain numpy, written from its description, on TensorFlow's tensors as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

Tensors = Mapping[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def dense(t: Tensors, name: str, x: np.ndarray) -> np.ndarray:
    return x @ t[f"{name}/kernel"].astype(float) + t[f"{name}/bias"]


def cell(
    t: Tensors, name: str, x: np.ndarray, c: np.ndarray, h: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One step of an LSTM: blocks are input, candidate, forget, output; 1 is added to forget."""
    i, j, f, o = np.split(dense(t, name, np.concatenate([x, h], -1)), 4, -1)
    c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
    return c, sigmoid(o) * np.tanh(c)


def read(t: Tensors, prefix: str, layers: int, x: np.ndarray) -> np.ndarray:
    """The last states of the top layer, `(batch, 2 units)`, of inputs `(batch, steps, width)`."""
    for layer in range(layers):
        ways = []
        for way, order in (("fw", range(x.shape[1])), ("bw", range(x.shape[1])[::-1])):
            name = f"{prefix}cell_{layer}/bidirectional_rnn/{way}/multi_rnn_cell/cell_0/lstm_cell"
            c = h = np.zeros((len(x), len(t[f"{name}/bias"]) // 4))
            out = np.zeros((*x.shape[:2], h.shape[1]))
            for step in order:
                c, h = cell(t, name, x[:, step], c, h)
                out[:, step] = h
            ways.append((out, h))
        x = np.concatenate([out for out, _ in ways], -1)
    return np.concatenate([h for _, h in ways], -1)


def encode(
    t: Tensors, x: np.ndarray, layers: int, bars: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of inputs `(batch, steps, width)`; with bars of two levels."""
    if bars is None:
        code = read(t, "encoder/", layers, x)
    else:
        segments = x.reshape(len(x) * bars, -1, x.shape[-1])
        inner = read(t, "encoder/hierarchical_level_0/", layers, segments)
        outer = inner.reshape(len(x), bars, -1)
        code = read(t, "encoder/hierarchical_level_1/", layers, outer)
    sigma = np.log1p(np.exp(dense(t, "encoder/sigma", code)))
    return dense(t, "encoder/mu", code), sigma


def states(t: Tensors, name: str, z: np.ndarray, units: list[int]) -> list[list[np.ndarray]]:
    """First states, as pairs c, h."""
    flat = np.tanh(dense(t, name, z))
    bounds = np.cumsum([n for n in units for _ in range(2)])[:-1]
    parts = np.split(flat, bounds, -1)
    return [[parts[k], parts[k + 1]] for k in range(0, len(parts), 2)]


def conduct(t: Tensors, z: np.ndarray, bars: int, units: list[int]) -> list[np.ndarray]:
    """The embedding of each bar."""
    state = states(t, "decoder/hierarchical_level_0/initial_state", z, units)
    found = []
    for _ in range(bars):
        x = np.zeros((len(z), 1))
        for layer, own in enumerate(state):
            own[:] = cell(t, f"decoder/hierarchical_level_0/cell_{layer}/lstm_cell", x, *own)
            x = own[1]
        found.append(x)
    return found


def greedy(
    t: Tensors, prefix: str, codes: list[np.ndarray], steps: int, units: list[int], width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Classes `(batch, steps)` and logits of a decoder of one voice, bar after bar."""
    before = np.zeros((len(codes[0]), width))
    chosen, logits = [], []
    for code in codes:
        state = states(t, f"{prefix}decoder/z_to_initial_state", code, units)
        for _ in range(steps // len(codes)):
            x = np.concatenate([before, code], -1)
            for layer, own in enumerate(state):
                name = f"{prefix}decoder/multi_rnn_cell/cell_{layer}/lstm_cell"
                own[:] = cell(t, name, x, *own)
                x = own[1]
            logits.append(dense(t, f"{prefix}decoder/output_projection", x))
            chosen.append(logits[-1].argmax(-1))
            before = np.eye(width)[chosen[-1]]
    return np.stack(chosen, 1), np.stack(logits, 1)


Chooser = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From the outputs of a step to what is written, and to what the next step is given."""


def flat(
    t: Tensors, z: np.ndarray, steps: int, units: list[int], width: int, choose: Chooser
) -> tuple[np.ndarray, np.ndarray]:
    """What a flat decoder writes, and the outputs of its last layer."""
    state = states(t, "decoder/z_to_initial_state", z, units)
    before, chosen, outputs = np.zeros((len(z), width)), [], []
    for _ in range(steps):
        x = np.concatenate([before, z], -1)
        for layer, own in enumerate(state):
            own[:] = cell(t, f"decoder/multi_rnn_cell/cell_{layer}/lstm_cell", x, *own)
            x = own[1]
        outputs.append(dense(t, "decoder/output_projection", x))
        step, before = choose(outputs[-1])
        chosen.append(step)
    return np.stack(chosen, 1), np.stack(outputs, 1)


def one_hot(x: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """The voices `(..., voices)` of a step side by side."""
    return np.concatenate([np.eye(n)[x[..., k]] for k, n in enumerate(classes)], -1)


def voices(classes: Sequence[int]) -> Chooser:
    """Every voice by itself, from one state."""

    def choose(outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = np.split(outputs, np.cumsum(classes)[:-1], -1)
        x = np.stack([part.argmax(-1) for part in parts], -1)
        return x, one_hot(x, classes)

    return choose


def nade(t: Tensors, hidden: int) -> Chooser:
    """Drum after drum, each given those before it."""
    encoding, decoding = t["decoder/nade/w_enc"][:, 0], t["decoder/nade/w_dec_t"][..., 0]

    def choose(outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen, biases = outputs[:, :hidden].copy(), outputs[:, hidden:]
        hits = np.zeros_like(biases)
        for drum in range(biases.shape[1]):
            p = sigmoid(biases[:, drum] + sigmoid(seen) @ decoding[drum])
            hits[:, drum] = p >= 0.5
            seen += hits[:, drum, None] * encoding[drum]
        return hits, hits

    return choose


def groove(outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hits, velocities and offsets."""
    hits, velocity, offset = np.split(outputs, 3, -1)
    x = np.concatenate([hits >= 0, sigmoid(velocity), np.tanh(offset)], -1)
    return x, x
