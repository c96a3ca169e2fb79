"""Magenta's models give Magenta's outputs; see ../shared/data/magenta for what it recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import seqvae
from seqvae.music.magenta.chain import Chain
from seqvae.music.magenta.decoder import MagentaDecoder
from seqvae.music.magenta.importing import import_checkpoint
from seqvae.music.magenta.model import MagentaVAE
from tests.seqvae import magenta_files as files
from tests.seqvae import magenta_reference as reference
from vaecore.space import LatentSpace

RECORDED = Path(os.environ.get("SEQVAE_SHARED", "../shared/data")) / "magenta"
NAMES = (
    "cat-mel_2bar_small",
    "cat-drums_2bar_small",
    "nade-drums_2bar_full",
    "flat-mel_16bar",
    "hierdec-mel_16bar",
    "hier-mel_16bar",
    "hierdec-trio_16bar",
    "hier-trio_16bar",
    "groovae_2bar_humanize",
    "groovae_2bar_hits_control_tfds",
)
SAMPLED = {"cat-mel_2bar_small", "cat-drums_2bar_small", "nade-drums_2bar_full"}
"""Magenta's graph feeds these its own draws outside training (a schedule of scheduled sampling is
1 there), so what is recorded of their decoders is of draws, and not teacher-forced."""
COLD = 1e-4
"""Temperature of the recorded samples: they may take another class if it is nearly as likely."""

Recorded = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], LatentSpace[Any]]:
    folder, spaces = tmp_path_factory.mktemp("imported"), dict[str, LatentSpace[Any]]()

    def load(name: str) -> LatentSpace[Any]:
        if not (RECORDED / name).is_dir():
            pytest.skip(f"needs {RECORDED / name}")
        if name not in spaces:
            import_checkpoint(RECORDED / name, folder / name, name)
            spaces[name] = seqvae.load(folder / name)
        return spaces[name]

    return load


def recorded(name: str) -> Recorded:
    with np.load(RECORDED / name / "io.npz") as file:
        return dict(file)


def example(name: str, tensors: np.ndarray) -> Tensor:
    """Magenta's tensors as examples of ours."""
    x = torch.from_numpy(tensors)
    if name.startswith(("groovae", "nade")):
        return x.float()
    if "trio" in name:
        return torch.stack([part.argmax(-1) for part in x.split([90, 90, 512], dim=-1)], dim=-1)
    return x.argmax(-1)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_posterior_and_loss_are_as_recorded(
    imported: Callable[[str], LatentSpace[Any]], name: str
) -> None:
    model, io = imported(name).model, recorded(name)
    assert isinstance(model, MagentaVAE)
    target = example(name, io["x_target"])
    read = torch.from_numpy(io["x_input"]).float() if name.startswith("groovae") else target
    posterior = model.encode(read)
    np.testing.assert_allclose(posterior.mean, io["mu"], atol=2e-6)
    np.testing.assert_allclose(posterior.stddev, io["sigma"], atol=2e-6)
    np.testing.assert_allclose(posterior.kl(), io["kl_nats"], atol=1e-5)
    z = torch.from_numpy(io["mu"])
    if name not in SAMPLED:
        loss = -model.log_likelihood(target, z)
        np.testing.assert_allclose(loss, io["reconstruction_loss"], rtol=2e-6)
        return
    # The loss of one draw, which is not recorded; ours are spread around it.
    draws, core = 64, model.decoder.cores[0]
    codes, wanted = z.repeat(draws, 1), target.repeat(draws, *[1] * (target.ndim - 1))
    own = model.decode(codes, 1.0, seed=1)
    (hidden,) = model.decoder._hidden(own, codes)
    loss = -core.head.log_prob(hidden, wanted.transpose(0, 1)).sum(0).view(draws, -1)
    off = (torch.from_numpy(io["reconstruction_loss"]) - loss.mean(0)) / loss.std(0)
    assert off.abs().max() < 4


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_logits_are_as_recorded(imported: Callable[[str], LatentSpace[Any]], name: str) -> None:
    model, io = imported(name).model, recorded(name)
    z, target = torch.from_numpy(io["mu"]), example(name, io["x_target"])
    logits = model.logits(z, target)
    if "logits" not in io:
        pytest.skip("Magenta cannot give those of its trios")
    if name not in SAMPLED:
        np.testing.assert_allclose(logits, io["logits"], atol=1e-5)
        return
    np.testing.assert_allclose(logits[:, 0], io["logits"][:, 0], atol=1e-5)
    if name.startswith("cat"):
        fed = fed_classes(model.decoder, z, torch.from_numpy(io["logits"]))
        assert not torch.equal(fed, target)
        np.testing.assert_allclose(model.logits(z, fed), io["logits"], atol=1e-5)


def fed_classes(decoder: MagentaDecoder, z: Tensor, logits: Tensor) -> Tensor:
    """The classes that a flat decoder must have been given to have these logits."""
    (core,), rows, classes = decoder.cores, len(z), logits.shape[-1]
    writer = core.writer(z)
    every = torch.arange(classes).repeat(rows)
    gates, state = writer.of_code, writer.state
    gates = writer.from_token(core.tokens.none(rows, z)) + gates
    fed = []
    for step in range(logits.shape[1]):
        if step:  # every class, of which one was given
            state = [tuple(each.repeat_interleave(classes, 0) for each in own) for own in state]
            of_code = writer.of_code.repeat_interleave(classes, 0)
            gates = writer.from_token(every) + of_code
        state[0] = writer.first.step(gates, state[0])
        for layer, cell in enumerate(writer.others, start=1):
            state[layer] = cell.take(state[layer - 1][0], state[layer])
        if step:
            tried = core.head.project(state[-1][0]).view(rows, classes, -1)
            fed.append((tried - logits[:, step, None]).abs().amax(-1).argmin(1))
            place = torch.arange(rows) * classes + fed[-1]
            state = [tuple(each[place] for each in own) for own in state]
    return torch.stack([*fed, fed[-1]], dim=1)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_greedy_decoding_is_as_recorded(
    imported: Callable[[str], LatentSpace[Any]], name: str
) -> None:
    model, io = imported(name).model, recorded(name)
    z, theirs = torch.from_numpy(io["near_greedy_z"]), example(name, io["near_greedy_sample"])
    told: dict[str, Tensor] = {}
    if "control" in io:
        told["control"] = torch.from_numpy(io["control"][:1]).float().expand(len(z), -1, -1)
    ours = model.decoder.generate(z, 0.0, 0, **told)
    if theirs.is_floating_point():
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        return
    several = theirs.ndim > 2
    logits = model.logits(z, theirs)
    split = logits.split([90, 90, 512] if several else [logits.shape[-1]], dim=-1)
    voices = zip(ours.unbind(-1), theirs.unbind(-1), strict=True) if several else [(ours, theirs)]
    for (a, b), voice in zip(voices, split, strict=True):
        best, second = voice.topk(2).values.unbind(-1)
        chosen = voice.gather(-1, b[..., None])[..., 0]
        assert (best - chosen).max() < 10 * COLD  # what they have is the likeliest, or nearly
        ties = (best - second < 10 * COLD).long()
        sure = ties.cumsum(1) == 0  # from a tie on, theirs may go another way
        assert torch.equal(a[sure], b[sure])
        assert torch.equal(voice.argmax(-1)[ties == 0], b[ties == 0])
        assert sure.float().mean() > 0.1
        assert ties.float().mean() < 0.1


@pytest.mark.parametrize("name", [name for name in NAMES if "hier" in name])
@torch.no_grad()
def test_bars_at_once_are_bars_in_order(
    imported: Callable[[str], LatentSpace[Any]], name: str
) -> None:
    decoder = imported(name).model.decoder
    assert isinstance(decoder, MagentaDecoder)
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(5, imported(name).latent_dim, generator=generator)
    noise = torch.rand(5, *decoder.noise_shape, generator=generator)
    for temperature in (0.0, 0.5, 1.0):
        for rows in (1, 5):  # of one row, the kernels round in another way
            at_once = decoder.unroll(z[:rows], temperature, noise[:rows])
            in_order = decoder.unroll(z[:rows], temperature, noise[:rows], parallel=False)
            assert torch.equal(at_once, in_order)
            if temperature == 0:
                repeated = decoder.generate(z[:rows].repeat_interleave(2, 0), 0.0, 0)
                assert torch.equal(repeated, in_order.repeat_interleave(2, 0))


@torch.no_grad()
def test_bars_are_written_again_only_where_the_guess_was_wrong() -> None:
    torch.manual_seed(0)
    decoder = MagentaDecoder(files.architecture("hierdec-mel_16bar")).eval()
    decoder.heads[0].bias[0] = 100  # every step is no event, which is the guess
    z = torch.randn(2, 6)
    (core,) = decoder.cores
    chain = Chain(core.writer(decoder.codes(z)), 16, 16, 0.0)
    assert not chain.at_once().any()
    assert chain.rounds == [32]
    decoder.heads[0].bias[0] = -100
    chain = Chain(core.writer(decoder.codes(z)), 16, 16, 0.0)
    assert torch.equal(chain.at_once(), chain.in_order())
    assert len(chain.rounds) < 16


@pytest.mark.parametrize(
    ("config", "bars", "layers"),
    [
        ("cat-mel_2bar_big", 2, (1, 3)),
        ("flat-mel_16bar", 4, (2, 3)),
        ("hierdec-mel_16bar", 4, (2, 2)),
        ("hier-mel_16bar", 3, (1, 1)),
    ],
)
@torch.no_grad()
def test_outputs_are_those_of_the_description(
    tmp_path: Path, config: str, bars: int, layers: tuple[int, int]
) -> None:
    encoder, decoder = tuple(range(9, 9 + layers[0])), tuple(range(11, 11 + layers[1]))
    sizes = {"encoder_dims": encoder, "decoder_dims": decoder}
    if config.startswith("hier"):
        sizes["conductor_dims"] = (7,) * layers[1]
    a = files.architecture(config, bars, **sizes)
    tensors = files.tensors_of(a, gain=3)
    files.write_bundle(tmp_path / "model.ckpt", tensors, shards=2)
    import_checkpoint(tmp_path, tmp_path / "made", config, bars=bars)
    model = seqvae.load(tmp_path / "made").model
    x = torch.randint(0, 90, (2, a.steps), generator=torch.Generator().manual_seed(0))
    mean, deviation = reference.encode(
        tensors, np.eye(90)[x.numpy()], layers[0], bars if a.encoder_levels else None
    )
    posterior = model.encode(x)
    np.testing.assert_allclose(posterior.mean, mean, atol=1e-5)
    np.testing.assert_allclose(posterior.stddev, deviation, atol=1e-5)
    codes, prefix = [mean], ""
    if a.levels:
        codes, prefix = reference.conduct(tensors, mean, bars, [7] * layers[1]), "core_decoder/"
    chosen, logits = reference.greedy(tensors, prefix, codes, a.steps, list(decoder), 90)
    z = torch.from_numpy(mean).float()
    np.testing.assert_array_equal(model.decode(z), chosen)
    np.testing.assert_allclose(model.logits(z, torch.from_numpy(chosen)), logits, atol=1e-4)


@pytest.mark.parametrize(
    ("config", "files_names"),
    [
        ("nade-drums_2bar_reduced", ("rock", "bossa")),
        ("nade-drums_2bar_full", ("rock", "bossa")),
        ("flat-trio_16bar", ("evening", "sunrise")),
        ("groovae_4bar", ("rock", "bossa")),
        ("groovae_2bar_add_closed_hh", ("rock", "bossa")),
        ("groovae_2bar_tap_fixed_velocity", ("rock", "bossa")),
    ],
)
def test_an_imported_model_does_what_a_model_does(
    tmp_path: Path, config: str, files_names: tuple[str, str]
) -> None:
    a = files.architecture(config)
    files.write_bundle(tmp_path / "x", files.tensors_of(a, gain=2))
    import_checkpoint(tmp_path / "x", tmp_path / config, config)
    space = seqvae.load(tmp_path / config)
    first, second = (f"data/{name}.mid" for name in files_names)
    steps = space.interpolate(first, second, steps=3)
    ends = space.reconstruct([first, second])
    for made, end in zip((steps[0], steps[-1]), ends, strict=True):
        assert np.array(notes(made)) == pytest.approx(np.array(notes(end)), abs=1e-5)
    assert len(space.sample(2)) == 2
    if space.codec.steps < 256:  # whose variations take longer
        assert len(space.similar(first, n=2)) == 2
    x = space.examples(first).x
    assert x.shape[1:] == space.codec.shape == a.shape
    # What is written can be read again.
    back = space.codec.decode(x[0])
    assert torch.equal(space.codec.read(back).x[0].round(), x[0].round()) or config.startswith("g")


def notes(item: Any) -> list[tuple[float, int]]:
    return sorted((n.start, n.pitch) for part in item.instruments for n in part.notes)
