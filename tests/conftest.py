"""Fixtures that several folders share: the shared data, and tiny untrained models on disk."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vaecore.domain import Domain

if TYPE_CHECKING:
    from vaecore.space import LatentSpace

if "PYTEST_XDIST_WORKER" in os.environ:  # cores are for processes here
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # `examples` is not installed
sys.path.insert(0, str(ROOT / "tests"))
from browser import launched  # noqa: E402
from warm import write_clients  # noqa: E402


def pytest_configure() -> None:
    """Collect no garbage while the tests are imported: a third of the time, for next to nothing."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Never search what was imported for garbage again: torch alone has 600,000 objects."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Use a process more than there are cores: some tests wait for a browser, a server, a limit."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = getattr(os, "sched_getaffinity", None)
    return 1 + (len(cores(0)) if cores else os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests first, so that no process is left alone with one of them at the end.

    At first each process has an equal part of the list, in its order. So each part begins with some
    of the slow tests; all pages are in the first, since equal commands of theirs run once.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    pages = [item for item in slow if item.path.name == "test_pages.py"]
    others = [item for item in slow if item.path.name != "test_pages.py"]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    begins = [pages, *(others[part :: count - 1] for part in range(count - 1))]
    if count == 1:
        begins = [pages + others]
    ordered: list[pytest.Item] = []
    for part, begin in enumerate(begins):
        ordered += begin
        room = (part + 1) * len(items) // count - len(ordered)
        ordered += quick[: max(room, 0)]
        del quick[: max(room, 0)]
    items[:] = ordered + quick


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data beside the repository; tests that need it are skipped without."""
    folder = Path(os.environ.get("SEQVAE_SHARED", ROOT.parent / "shared/data"))
    if not folder.is_dir():
        pytest.skip("the shared data is not here (set SEQVAE_SHARED)")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless browser; tests that need it are skipped without."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def examples() -> Path:
    """The example MIDI files of this repository."""
    return ROOT / "data"


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box of tiny untrained models, `drums_2bar` and `melody_2bar`."""
    import torch

    from seqvae.music.domain import DOMAIN
    from seqvae.music.networks.model import SequenceArchitecture, SequenceVAE
    from seqvae.music.representations import make_codec
    from vaecore.config import ModelConfig

    folder = tmp_path_factory.mktemp("box")
    for kind, head in (("drums", "chain"), ("melody", "softmax")):
        codec = make_codec({"name": kind, "bars": 2})
        architecture = SequenceArchitecture(
            codec.steps,
            codec.classes,
            kind,
            head=head,
            latent_dim=6,
            embedding_dim=8,
            encoder_dim=8,
            decoder_dim=8,
            summary_dim=4,
        )
        torch.manual_seed(1)
        model = SequenceVAE(architecture)
        with torch.no_grad():  # untrained networks hardly listen to z; here z must be heard
            for parameter in model.parameters():
                parameter.mul_(3)
        config = ModelConfig(
            domain="seqvae",
            name=f"{kind}_2bar",
            representation=codec.config,
            architecture=asdict(architecture),
            objective={},
            description=f"2-bar {kind}, tiny and untrained",
            attributes={"note_density": "more notes"},
        )
        vectors = {"note_density": torch.linspace(-2, 2, 6)}
        DOMAIN.save(folder / f"{kind}_2bar", model, config, attributes=vectors)
    return folder


@pytest.fixture(scope="session")
def tiny_drums(box: Path) -> Path:
    """A model folder for 2-bar drums."""
    return box / "drums_2bar"


@pytest.fixture(scope="session")
def tiny_melody(box: Path) -> Path:
    """A model folder for 2-bar melodies."""
    return box / "melody_2bar"


@pytest.fixture
def use_box(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Domain]:
    """Put a box in the place of seqvae's; returns the domain of music."""
    import seqvae.domains

    def use(box: Path) -> Domain:
        domains = tuple(replace(each, box=box) for each in seqvae.domains.DOMAINS)
        monkeypatch.setattr(seqvae.domains, "DOMAINS", domains)
        for name, domain in zip(("music", "text"), domains, strict=True):
            monkeypatch.setattr(f"seqvae.{name}.domain.DOMAIN", domain)
        return domains[0]

    return use


@pytest.fixture
def boxed(box: Path, use_box: Callable[[Path], Domain]) -> Domain:
    """The domain of music with the box of tiny models in place of the shipped one."""
    return use_box(box)


_LOADED: dict[tuple[str, str], LatentSpace] = {}


@pytest.fixture
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load each shipped model once in all tests that use this; they must not change a model.

    What a command adds to the attribute vectors stays with the command.
    """
    load = Domain.load

    def cached(domain: Domain, model: str | Path, device: str = "cpu") -> LatentSpace:
        if device != "cpu" or str(model) not in domain.shipped():
            return load(domain, model, device)
        key = (str(domain.box), str(model))
        if key not in _LOADED:
            _LOADED[key] = load(domain, model)
        space = copy(_LOADED[key])
        space.attributes = dict(space.attributes)
        return space

    monkeypatch.setattr(Domain, "load", cached)


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    import fcntl

    with place.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of `python`, `pytest`, `seqvae` and `facevae` that start at once; see `warm.py`.

    The processes of a test run share one server. The first that needs it starts it, and the last
    that leaves ends it.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    programs, users, number = (folder / f"warm{end}" for end in ("", ".users", ".pid"))
    lock, me = folder / "warm.lock", users / str(os.getpid())
    with _locked(lock):
        users.mkdir(exist_ok=True)
        if not any(users.iterdir()):
            programs.mkdir(exist_ok=True)
            number.write_text(str(_serve(programs).pid))
        me.touch()
    yield programs
    with _locked(lock):
        me.unlink()
        if not any(users.iterdir()):
            os.kill(int(number.read_text()), signal.SIGKILL)


def _serve(programs: Path) -> subprocess.Popen[bytes]:
    """Start the server of processes, and wait until it answers."""
    address = programs / "socket"
    address.unlink(missing_ok=True)
    write_clients(programs, address)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    server = subprocess.Popen(
        [sys.executable, ROOT / "tests/warm.py", address], env={**os.environ, "PYTHONPATH": path}
    )
    while not address.exists():
        assert server.poll() is None, "the server of processes ended"
        time.sleep(0.05)
    return server


@pytest.fixture
def process():
    """Run a command as a process: `process("seqvae", *arguments, cwd=...)`."""

    def run(command: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, ROOT / "cli.py", command, *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def interrupt():
    """Make a callback of a training that sends SIGTERM after a step: `interrupt(step)`."""
    from lightning.pytorch.callbacks import Callback

    class Interrupt(Callback):
        def __init__(self, step: int) -> None:
            self.step = step

        def on_train_batch_end(self, trainer, *_) -> None:
            if trainer.global_step == self.step:
                os.kill(os.getpid(), signal.SIGTERM)

    return Interrupt
