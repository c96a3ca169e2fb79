"""Models of Magenta: how fast are they imported, and bars written at once or one after the other?

    python benchmarks/magenta.py import cat-mel_2bar_big --folder /tmp/big
    python benchmarks/magenta.py decode --units 1024

`import` writes a TensorFlow checkpoint of random weights in the sizes of a released one, imports it
in a process of its own, and prints its time and its largest memory beside the size of the weights.
`decode` is of a hierarchical decoder of 16 bars of melody with random weights. Its logits of "no
event" are raised until as many bars end with one as in real melodies (79 % of the 32,880 bars that
Magenta finds in its test files); `--plain` leaves them. Times are CPU time, the least of
some repeats, on one core.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from seqvae.music.magenta import crc
from seqvae.music.magenta.conversion import _parts
from seqvae.music.magenta.decoder import MagentaDecoder
from tests.seqvae import magenta_files as files

SIZES = {
    "cat-mel_2bar_big": {
        "latent_dim": 512, "encoder_dims": (2048,), "decoder_dims": (2048,) * 3,
    },
    "hierdec-trio_16bar": {
        "latent_dim": 512, "encoder_dims": (2048,) * 2, "decoder_dims": (1024,) * 2,
        "conductor_dims": (1024,) * 2,
    },
}  # fmt: skip
NO_EVENT = 0.79

MEASURE = """
import resource, sys, time
from pathlib import Path
begun = time.perf_counter()
from seqvae.music.magenta.importing import import_checkpoint
import_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
cpu = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: a process begins with that of the one that started it.
(peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(time.perf_counter() - begun, cpu.ru_utime + cpu.ru_stime, int(peak.split()[1]) * 1024)
"""


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command("import")
@click.argument("config", type=click.Choice(sorted(SIZES)))
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="For the files.")
def import_(config: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    size = _write(config, folder / "model.ckpt")
    made = folder / "made"
    shutil.rmtree(made, ignore_errors=True)
    command = [sys.executable, "-c", MEASURE, str(folder / "model.ckpt"), str(made), config]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, cpu, peak = map(float, out.split())
    click.echo(
        f"{config}: {size / 4e6:.1f} million weights, {size / 1e6:.0f} MB; imported in "
        f"{seconds:.1f} s ({cpu:.1f} s of CPU), {peak / 1e6:.0f} MB at most = {peak / size:.2f}"
    )


def _write(config: str, prefix: Path) -> int:
    """Write random tensors one by one; return their size in bytes."""
    files.crc32c = crc.crc32c  # that of the tests is slow
    shapes: dict[str, tuple[int, ...]] = {}
    for part in _parts(files.architecture(config, **SIZES[config])):
        shapes |= part.expected()
    random, pairs, offset = np.random.default_rng(0), {}, 0
    pairs[b""] = files.field(1, 1) + files.field(3, files.field(1, 1))
    with prefix.with_name(f"{prefix.name}.data-00000-of-00001").open("wb") as data:
        for name, shape in sorted(shapes.items()):
            array = random.standard_normal(shape, np.float32)
            pairs[name.encode()] = files.entry(array, 0, offset)
            data.write(array.tobytes())
            offset += array.nbytes
    prefix.with_name(f"{prefix.name}.index").write_bytes(files.table(pairs))
    return offset


@main.command()
@click.option("--units", default=1024, show_default=True, help="Of each of the two layers.")
@click.option("--windows", default=1, show_default=True)
@click.option("--temperature", default=0.0, show_default=True)
@click.option("--repeats", default=5, show_default=True)
@click.option("--plain", is_flag=True, help="Random weights as they are.")
@torch.no_grad()
def decode(units: int, windows: int, temperature: float, repeats: int, plain: bool) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = {"decoder_dims": (units,) * 2, "conductor_dims": (units,) * 2, "latent_dim": 512}
    decoder = MagentaDecoder(files.architecture("hierdec-mel_16bar", **sizes)).eval()
    for parameter in decoder.parameters():
        parameter.mul_(3)  # so that what comes out depends on what goes in
    z = torch.randn(windows, 512)
    noise = torch.rand(windows, *decoder.noise_shape)
    bias = decoder.heads[0].bias
    while not plain and _silent(decoder.unroll(z, temperature, noise)) < NO_EVENT:
        bias[0] += 0.1
    x = decoder.unroll(z, temperature, noise)
    same = torch.equal(x, decoder.unroll(z, temperature, noise, parallel=False))
    at_once = _cpu(lambda: decoder.unroll(z, temperature, noise), repeats)
    in_order = _cpu(lambda: decoder.unroll(z, temperature, noise, parallel=False), repeats)
    click.echo(
        f"{windows} windows of 16 bars, {units} units, temperature {temperature:g}, "
        f"{_silent(x):.0%} of the bars end with no event: at once {1e3 * at_once:.1f} ms, in order "
        f"{1e3 * in_order:.1f} ms: {in_order / at_once:.1f} times as fast; "
        f"{'the same' if same else 'ANOTHER'} result"
    )


def _silent(x: torch.Tensor) -> float:
    return (x[:, 15::16] == 0).float().mean().item()


def _cpu(work: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


if __name__ == "__main__":
    main()
