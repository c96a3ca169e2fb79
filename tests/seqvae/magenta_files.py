"""Small checkpoints in the formats of TensorFlow and of magenta.js, written here for the tests."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.conversion import _parts

MAGIC = 0xDB4775248B80FB57
TYPES = {"<f4": 1, "<f8": 2, "<i8": 9, "<f2": 19}


def crc32c(data: bytes) -> int:
    """The checksum bit by bit, as its definition has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(array: np.ndarray, shard: int, offset: int, **changed: Any) -> bytes:
    data = array.tobytes()
    shape = b"".join(field(2, field(1, length)) for length in array.shape)
    values = {"dtype": TYPES[array.dtype.str], "size": len(data), "crc": masked(data)} | changed
    return (
        field(1, values["dtype"])
        + field(2, shape)
        + field(3, shard)
        + field(4, offset)
        + field(5, values["size"])
        + varint(6 << 3 | 5)
        + values["crc"].to_bytes(4, "little")
    )


def snappy(data: bytes) -> bytes:
    """A stream of literals, the last bytes as copies where they repeat what is there."""
    out, at = varint(len(data)), 0
    while at < len(data):
        length = next((n for n in range(min(64, len(data) - at), 3, -1)
                       if data.rfind(data[at : at + n], 0, at) >= 0), 0)  # fmt: skip
        if length:
            back = at - data.rfind(data[at : at + length], 0, at)
            if length < 12 and back < 2048:
                out += bytes([1 | length - 4 << 2 | back >> 8 << 5, back & 0xFF])
            else:
                out += bytes([2 | length - 1 << 2]) + back.to_bytes(2, "little")
            at += length
        else:
            part = data[at : at + 5]
            out += bytes([len(part) - 1 << 2]) + part
            at += len(part)
    return out


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A block whose keys are differences to the one before."""
    out, last = b"", b""
    for key, value in pairs:
        shared = 0
        while shared < min(len(key), len(last)) and key[shared] == last[shared]:
            shared += 1
        own = key[shared:]
        out += varint(shared) + varint(len(own)) + varint(len(value)) + own + value
        last = key
    return out + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def table(pairs: Mapping[bytes, bytes], kind: int = 0, each: int = 7) -> bytes:
    """A table of blocks of `each` entries."""
    out, index = b"", []

    def add(content: bytes) -> bytes:
        nonlocal out
        stored = snappy(content) if kind else content
        handle = varint(len(out)) + varint(len(stored))
        out += stored + bytes([kind]) + masked(stored + bytes([kind])).to_bytes(4, "little")
        return handle

    items = sorted(pairs.items())
    for begin in range(0, len(items), each):
        part = items[begin : begin + each]
        index.append((part[-1][0], add(block(part))))
    footer = add(block([])) + add(block(index))
    return out + footer.ljust(40, b"\0") + MAGIC.to_bytes(8, "little")


def write_bundle(
    prefix: Path,
    tensors: Mapping[str, np.ndarray],
    shards: int = 1,
    compressed: bool = False,
    changed: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write a checkpoint of TensorFlow; `changed` falsifies entries of tensors."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    data = [b""] * shards
    pairs = {b"": field(1, shards) + field(3, field(1, 1))}
    for number, (name, array) in enumerate(sorted(tensors.items())):
        shard = number % shards
        own = (changed or {}).get(name, {})
        pairs[name.encode()] = entry(array, shard, len(data[shard]), **own)
        data[shard] += array.tobytes()
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(pairs, int(compressed)))
    for shard, content in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{shard:05}-of-{shards:05}").write_bytes(content)


def write_web(
    folder: Path,
    tensors: Mapping[str, np.ndarray],
    spec: Mapping[str, Any],
    dtype: str = "float32",
    shard: int = 1 << 12,
) -> dict[str, np.ndarray]:
    """Write a folder of magenta.js; returns the values that its numbers stand for."""
    folder.mkdir(parents=True, exist_ok=True)
    data, weights, kept = b"", [], {}
    for name, array in tensors.items():
        about: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": "float32"}
        stored = array.astype("<f4")
        kept[name] = stored
        if dtype == "float16":
            stored = array.astype("<f2")
            kept[name] = stored.astype(np.float32)
            about["quantization"] = {"dtype": dtype}
        elif dtype != "float32":
            most = 255 if dtype == "uint8" else 65535
            low = float(array.min())
            scale = float(np.ptp(array)) / most or 1.0
            stored = np.rint((array - low) / scale).astype(f"<u{1 if most == 255 else 2}")
            kept[name] = (stored * scale + low).astype(np.float32)
            about["quantization"] = {"dtype": dtype, "min": low, "scale": scale}
        weights.append(about)
        data += stored.tobytes()
    count = math.ceil(len(data) / shard)
    paths = [f"group1-shard{k + 1}of{count}" for k in range(count)]
    for k, path in enumerate(paths):
        (folder / path).write_bytes(data[k * shard : (k + 1) * shard])
    manifest = [{"paths": paths, "weights": weights}]
    (folder / "weights_manifest.json").write_text(json.dumps(manifest))
    (folder / "config.json").write_text(json.dumps({"type": "MusicVAE", **spec}))
    return kept


def tensors_of(
    architecture: MagentaArchitecture, seed: int = 0, gain: float = 1.0
) -> dict[str, np.ndarray]:
    """Random tensors of an architecture, and what a training leaves beside them."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {}
    for part in _parts(architecture):
        shapes |= part.expected()
    found = {
        name: (gain * random.standard_normal(shape) / math.sqrt(max(shape[0], 1))).astype("<f4")
        if len(shape) > 1
        else (0.3 * random.standard_normal(shape)).astype("<f4")
        for name, shape in shapes.items()
    }
    first = next(iter(found))
    return found | {
        "global_step": np.array(1000, "<i8"),
        "beta1_power": np.array(0.5, "<f4"),
        f"{first}/Adam": np.zeros_like(found[first]),
    }


def architecture(config: str, bars: int | None = None, **sizes: Any) -> MagentaArchitecture:
    """The small architecture of a configuration."""
    from seqvae.music.magenta.configurations import CONFIGURATIONS
    from seqvae.music.representations import make_codec

    of = CONFIGURATIONS[config]
    codec = make_codec({"name": of.representation, "bars": bars or of.bars})
    tokens = tuple(alphabet.name for _, alphabet in codec.voices)
    encoder, decoder = of.layers
    return MagentaArchitecture(
        steps=codec.steps,
        classes=codec.classes,
        tokens=tokens if len(tokens) > 1 else tokens[0],
        head=of.head,
        inputs=of.inputs,
        hides=of.hides,
        controlled=of.controlled,
        joint=of.joint,
        encoder_levels=of.encoder_levels and (codec.bars, 16),
        levels=of.levels and (codec.bars, 16),
        **{
            "conductor_dims": (10,) * decoder if of.levels else (),
            "latent_dim": 6,
            "encoder_dims": tuple(12 - 2 * k for k in range(encoder)),
            "decoder_dims": tuple(14 - 2 * k for k in range(decoder)),
            "nade_dim": 9 if of.head == "nade" else 128,
            **sizes,
        },
    )
