"""The sequence VAE: one distribution over windows, however it is asked, and able to learn."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from small_network import CLASSES, LATENT, STEPS, make
from torch import Tensor, nn

from seqvae.music.networks.model import SequenceArchitecture, SequenceVAE
from vaecore.objective import Objective

KINDS = [
    {"tokens": "drums", "readout": "final", "conditioning": "shared", "head": "chain"},
    {"tokens": "melody", "readout": "steps", "conditioning": "steps", "head": "softmax"},
    {"tokens": "plain", "readout": "final", "conditioning": "steps", "head": "softmax"},
    {"tokens": "drums", "readout": "steps", "conditioning": "shared", "decoder_layers": 1},
    {"tokens": "plain", "encoder_layers": 2, "decoder_layers": 3, "head": "chain"},
    {"tokens": "melody", "levels": [2, 4], "encoder_levels": [4, 2]},
    {"tokens": "drums", "levels": [2, 2, 2], "head": "chain", "conditioning": "shared"},
    {"encoder_levels": [2, 2, 2], "readout": "final", "conductor_layers": 2, "levels": [4, 2]},
]


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def model(request: pytest.FixtureRequest) -> SequenceVAE:
    return make(**request.param)


@pytest.fixture
def x() -> Tensor:
    return torch.randint(0, CLASSES, (6, STEPS), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def z() -> Tensor:
    return 2 * torch.randn(6, LATENT, generator=torch.Generator().manual_seed(2))


def test_shapes(model: SequenceVAE, x: Tensor, z: Tensor) -> None:
    posterior = model.encode(x)
    assert posterior.mean.shape == posterior.stddev.shape == (6, LATENT)
    assert model.logits(z, x).shape == (6, STEPS, CLASSES)
    assert model.log_likelihood(x, z).shape == (6,)
    decoded = model.decode(z)
    assert decoded.shape == (6, STEPS)
    assert decoded.dtype == torch.int64
    assert ((decoded >= 0) & (decoded < CLASSES)).all()


def test_every_step_counts_in_the_code(model: SequenceVAE, x: Tensor) -> None:
    before = model.encode(x)
    for step in range(STEPS):
        other = x.clone()
        other[:, step] = (other[:, step] + 1) % CLASSES
        after = model.encode(other)
        assert not torch.allclose(before.mean, after.mean, atol=1e-6)
        assert not torch.allclose(before.stddev, after.stddev, atol=1e-6)


def test_the_likelihood_is_that_of_the_logits(model: SequenceVAE, x: Tensor, z: Tensor) -> None:
    log_prob = model.logits(z, x).log_softmax(-1)
    expected = log_prob.gather(-1, x.unsqueeze(-1)).squeeze(-1).sum(1)
    torch.testing.assert_close(model.log_likelihood(x, z), expected, atol=1e-4, rtol=1e-5)


def test_logits_see_the_past_only(model: SequenceVAE, x: Tensor, z: Tensor) -> None:
    """All of it, or that of the same segment in a hierarchical decoder."""
    before = model.logits(z, x)
    segment = (STEPS, *model.architecture.levels)[-1]
    for step in range(STEPS):
        other = x.clone()
        other[:, step] = (other[:, step] + 1) % CLASSES
        after = model.logits(z, other)
        assert torch.equal(after[:, : step + 1], before[:, : step + 1])
        end = (step // segment + 1) * segment
        assert torch.equal(after[:, end:], before[:, end:])
        if step + 1 < end:
            assert not torch.allclose(after[:, step + 1], before[:, step + 1])


def test_every_dimension_of_z_speaks_at_every_step(
    model: SequenceVAE, x: Tensor, z: Tensor
) -> None:
    before = model.logits(z, x)
    for dimension in range(LATENT):
        other = z.clone()
        other[:, dimension] += 1
        changed = (model.logits(other, x) - before).abs().amax((0, 2))
        assert (changed > 1e-3).all()


def test_greedy_decoding_follows_its_own_logits(model: SequenceVAE, z: Tensor) -> None:
    decoded = model.decode(z)
    assert torch.equal(model.logits(z, decoded).argmax(-1), decoded)
    assert len(torch.unique(decoded, dim=0)) > 1
    assert len(torch.unique(decoded)) > 2


def test_sampling_follows_the_same_distribution() -> None:
    """The share of each two-step window among many draws is its likelihood."""
    torch.manual_seed(1)
    architecture = SequenceArchitecture(2, 4, latent_dim=2, embedding_dim=3, decoder_dim=4)
    model = SequenceVAE(architecture).eval()
    n = 20_000
    z = torch.tensor([[1.0, -1.0]])
    drawn = model.decode(z.expand(n, 2), temperature=1.0, seed=1)
    found = torch.bincount(4 * drawn[:, 0] + drawn[:, 1], minlength=16) / n
    windows = torch.tensor(list(itertools.product(range(4), repeat=2)))
    expected = model.log_likelihood(windows, z.expand(16, 2)).exp()
    assert expected.sum().item() == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(found, expected.detach(), atol=0.015, rtol=0)


def test_all_windows_together_have_probability_one() -> None:
    torch.manual_seed(1)
    sizes = {"latent_dim": 2, "embedding_dim": 3, "decoder_dim": 4}
    model = SequenceVAE(SequenceArchitecture(3, 4, "drums", head="chain", **sizes)).eval()
    windows = torch.tensor(list(itertools.product(range(4), repeat=3)))
    z = torch.tensor([[1.0, -1.0]]).expand(64, 2)
    assert model.log_likelihood(windows, z).logsumexp(0).item() == pytest.approx(0, abs=1e-5)


def test_mixed_precision_trains_and_leaves_evaluation_alone(x: Tensor, z: Tensor) -> None:
    model = make(scale=1.0)
    exact = model.log_likelihood(x, z)
    assert not model.mixed_precision
    model.mixed_precision = True
    assert model.encoder.mixed_precision
    assert model.decoder.mixed_precision
    assert torch.equal(model.log_likelihood(x, z), exact)
    encoded = model.encode(x).mean
    model.train()
    assert not torch.equal(model.log_likelihood(x, z), exact)
    torch.testing.assert_close(model.log_likelihood(x, z), exact, atol=0.5, rtol=0)
    torch.testing.assert_close(model.encode(x).mean, encoded, atol=0.1, rtol=0)
    assert model.encode(x).mean.dtype == torch.float32


@pytest.mark.parametrize("option", ["dropout", "input_dropout", "scheduled_sampling"])
def test_noise_acts_in_training_only(option: str, x: Tensor, z: Tensor) -> None:
    plain, noisy = make(), make(**{option: 0.5})
    assert torch.equal(noisy.log_likelihood(x, z), plain.log_likelihood(x, z))
    assert torch.equal(noisy.logits(z, x), plain.logits(z, x))
    assert torch.equal(noisy.encode(x).mean, plain.encode(x).mean)
    assert torch.equal(noisy.decode(z), plain.decode(z))
    plain.train()
    noisy.train()
    assert torch.equal(plain.log_likelihood(x, z), plain.log_likelihood(x, z))
    first, second = noisy.log_likelihood(x, z), noisy.log_likelihood(x, z)
    assert not torch.equal(first, second)
    torch.manual_seed(7)
    again = noisy.log_likelihood(x, z)
    torch.manual_seed(7)
    assert torch.equal(noisy.log_likelihood(x, z), again)


def test_hidden_inputs_are_the_previous_tokens(x: Tensor, z: Tensor) -> None:
    """All hidden, the past cannot matter; all replaced by the model's draws, neither can it."""
    other = x.clone()
    other[:, :-1] = (other[:, :-1] + 1) % CLASSES  # the last step's target stays
    blind = make(input_dropout=1.0)
    blind.decoder.head = LastStep(blind.decoder.head)
    assert not torch.equal(blind.log_likelihood(x, z), blind.log_likelihood(other, z))
    blind.train()
    assert torch.equal(blind.log_likelihood(x, z), blind.log_likelihood(other, z))


class LastStep(nn.Module):
    """A head that scores the last step only."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, hidden: Tensor) -> Tensor:
        return self.head(hidden)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        return self.head.log_prob(hidden[-1:], target[-1:])


def test_scheduled_sampling_replaces_tokens_by_own_draws(x: Tensor, z: Tensor) -> None:
    model = make(scale=1.0, scheduled_sampling=1.0).train()
    with torch.no_grad():  # a model that only ever draws class 3
        model.decoder.head.projection.weight.zero_()
        model.decoder.head.projection.bias.fill_(-50.0)
        model.decoder.head.projection.bias[3] = 50.0
    own = model.decoder._training_inputs(x, z)
    assert torch.equal(own, model.decoder._tokens(torch.full_like(x, 3)))
    model.decoder.scheduled_sampling = 0.5
    own = model.decoder._training_inputs(x, z)
    drawn = (own == model.decoder._tokens(torch.full_like(x, 3))).all(-1)[1:]
    true = (own == model.decoder._tokens(x)).all(-1)[1:]
    assert (drawn | true).all()
    assert not drawn.all()
    assert not true.all()


def test_initial_states_are_stored_cell_first_layer_by_layer(z: Tensor) -> None:
    """The order in which Magenta's checkpoints, too, have them."""
    decoder = make(decoder_dim=2, decoder_layers=2).decoder
    values = torch.arange(8.0) / 10
    with torch.no_grad():
        decoder.initial.weight.zero_()
        decoder.initial.bias.copy_(values)
    (h0, c0), (h1, c1) = decoder._initial_state(z)
    found = torch.cat([c0, h0, c1, h1], dim=1)
    torch.testing.assert_close(found, values.tanh().expand(6, 8))


def test_gradients_reach_every_parameter(model: SequenceVAE, x: Tensor) -> None:
    model.train()
    model.loss(x).loss.backward()
    unmoved = [
        name
        for name, parameter in model.named_parameters()
        if parameter.numel() and (parameter.grad is None or not parameter.grad.abs().sum() > 0)
    ]
    assert unmoved == []


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(KINDS[0], "vae"), (KINDS[1], "vae"), (KINDS[1], "autoencoder"), (KINDS[5], "vae")],
)
def test_it_learns_eight_windows_by_heart(kind: dict[str, Any], mode: str) -> None:
    wide = {"latent_dim": 16, "embedding_dim": 24, "encoder_dim": 32, "decoder_dim": 32}
    model = make(scale=1.0, **kind, **wide).train()
    model.objective = Objective(mode=mode, beta=0.01)
    generator = torch.Generator().manual_seed(3)
    x = torch.randint(0, CLASSES, (8, STEPS), generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses: list[float] = []

    def learned() -> bool:
        model.eval()
        found = torch.equal(model.decode(model.encode(x).mean), x)
        model.train()
        return found and losses[-1] < 0.1 * losses[0]

    while len(losses) < 250 and not (losses and len(losses) % 10 == 0 and learned()):
        terms = model.loss(x, generator=generator)
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        losses.append(terms.loss.item())
    assert losses[0] == pytest.approx(STEPS * math.log(CLASSES), rel=0.3)
    assert learned()


@pytest.mark.parametrize("field", ["tokens", "readout", "conditioning", "head"])
def test_unknown_choices_are_named(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be one of .*, got 'magic'"):
        SequenceArchitecture(STEPS, CLASSES, **{field: "magic"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("classes", 0),
        ("latent_dim", -1),
        ("embedding_dim", 0),
        ("encoder_layers", 0),
        ("decoder_layers", 10**9),
        ("decoder_dim", 10**7),
        ("steps", 10**6),
        ("dropout", 1.5),
        ("input_dropout", -0.1),
        ("scheduled_sampling", float("nan")),
        ("levels", [3, 3]),
        ("levels", [0, 8]),
        ("levels", 8),
        ("encoder_levels", [2, 2, 2, 1, 1]),
        ("classes", []),
        ("classes", [4, 0]),
        ("tokens", ["plain", "plain"]),
    ],
)
def test_impossible_sizes_are_named(field: str, value: float) -> None:
    values = {"steps": STEPS, "classes": CLASSES, field: value}
    with pytest.raises(ValueError, match=f"{field} must be"):
        SequenceArchitecture(**values)
