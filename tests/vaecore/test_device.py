"""Choosing a device, on machines that have one and machines that do not."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from vaecore import device
from vaecore.device import autocast, choose_device, fast_bfloat16, seconds_of_product
from vaecore.errors import UsageError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Let this machine seem to have the devices that are named."""

    def has(*devices: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in devices)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: int("cuda" in devices))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in devices)

    return has


def test_auto_takes_the_fastest_there_is(machine) -> None:
    for devices, chosen in [((), "cpu"), (("mps",), "mps"), (("cuda", "mps"), "cuda")]:
        machine(*devices)
        assert choose_device("auto") == torch.device(chosen)
        assert choose_device() == torch.device(chosen)
        assert choose_device("cpu") == torch.device("cpu")


def test_a_device_by_number(machine) -> None:
    machine("cuda")
    assert choose_device("cuda:0") == torch.device("cuda", 0)


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_refused(machine, name: str) -> None:
    machine()
    with pytest.raises(UsageError, match=f"this machine has no device '{name}'"):
        choose_device(name)


@pytest.mark.parametrize("name", ["tpu", "", "CUDA", "cuda1"])
def test_an_unknown_name_is_refused(machine, name: str) -> None:
    machine("cuda", "mps")
    with pytest.raises(UsageError, match=r"unknown device .*; choose one of auto, cpu"):
        choose_device(name)


@pytest.mark.parametrize("name", ["cpu:x", "cuda:", "cuda:-1", "cuda:7", "auto:1", "mps:zero"])
def test_an_impossible_number_is_refused(machine, name: str) -> None:
    machine("cuda", "mps")
    with pytest.raises(UsageError, match=name):
        choose_device(name)


FAULTS = """
import resource, sys
import torch
from vaecore.device import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(8 << 20)  # 32 MiB, 8,192 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
if not keep_freed_memory():
    sys.exit(77)
faults()
print(plain, faults())
"""


def test_freed_memory_is_kept() -> None:
    """In a process of its own: it is not for this one."""
    ended = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True)
    if ended.returncode == 77:
        pytest.skip("this C library cannot be told")
    plain, kept = map(int, ended.stdout.split())
    assert kept < 1000
    if plain < 2000:
        pytest.skip("this C library keeps it anyway")
    assert kept < plain / 10


@pytest.mark.parametrize(
    ("has", "seconds", "fast"),
    [
        ("_is_amx_tile_supported", 0.1, True),
        ("_is_avx512_bf16_supported", 0.25, True),
        ("_is_avx512_bf16_supported", 1.8, False),
        ("neither", 0.25, False),
    ],
)
def test_bfloat16_is_fast_where_a_product_is_measured_to_be(
    monkeypatch: pytest.MonkeyPatch, has: str, seconds: float, fast: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name == has, raising=False)
    taken = {torch.bfloat16: seconds, torch.float32: 1.0}
    monkeypatch.setattr(device, "seconds_of_product", taken.__getitem__)
    fast_bfloat16.cache_clear()
    assert fast_bfloat16() is fast
    assert autocast("cpu").fast_dtype == torch.bfloat16
    fast_bfloat16.cache_clear()


def test_seconds_of_a_product_are_measured() -> None:
    assert 0 < seconds_of_product(torch.float32) < 60
