"""The network of sentences: what comes after the end counts for nothing."""

from __future__ import annotations

import pytest
import torch

from seqvae.text.network import SentenceArchitecture, SentenceVAE, counting
from seqvae.text.vocabulary import END

STEPS, CLASSES = 7, 11


@pytest.fixture
def model() -> SentenceVAE:
    torch.manual_seed(1)
    sizes = {"latent_dim": 5, "embedding_dim": 8, "encoder_dim": 6, "decoder_dim": 9}
    model = SentenceVAE(SentenceArchitecture(STEPS, CLASSES, **sizes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


@pytest.fixture
def x() -> torch.Tensor:
    """Sentences of every length from 1 to all steps."""
    x = torch.randint(1, CLASSES, (STEPS, STEPS), generator=torch.Generator().manual_seed(0))
    return x.tril()


def test_the_end_counts_and_what_follows_does_not() -> None:
    x = torch.tensor([[3, 4, END, END], [3, 4, 5, 6], [END, END, END, END]])
    assert counting(x).tolist() == [[True] * 3 + [False], [True] * 4, [True] + [False] * 3]


@torch.no_grad()
def test_the_likelihood_is_that_of_the_logits_of_counting_steps(model, x) -> None:
    z = torch.randn(STEPS, 5)
    log_prob = model.logits(z, x).log_softmax(-1).gather(-1, x.unsqueeze(-1)).squeeze(-1)
    expected = (log_prob * counting(x)).sum(1)
    torch.testing.assert_close(model.log_likelihood(x, z), expected)
    torch.testing.assert_close(log_prob.sum(1), expected)  # padding is certain
    # Enough draws of the short sentences' probabilities sum to no more than 1.
    assert expected.exp().max() < 1


@torch.no_grad()
def test_training_computes_the_same_as_evaluation(model, x) -> None:
    """Without dropout; it leaves out the steps that no sentence of the batch has."""
    short, z = x[:3], torch.randn(3, 5)
    before = (model.encode(short).mean, model.log_likelihood(short, z))
    model.train()
    after = (model.encode(short).mean, model.log_likelihood(short, z))
    torch.testing.assert_close(before, after)


@torch.no_grad()
def test_padding_changes_no_code(model, x) -> None:
    """The same sentence in a longer window has the same code."""
    longer = SentenceVAE(
        SentenceArchitecture(
            STEPS + 4, CLASSES, latent_dim=5, embedding_dim=8, encoder_dim=6, decoder_dim=9
        )
    ).eval()
    longer.load_state_dict(model.state_dict())
    wide = torch.nn.functional.pad(x[:-1], (0, 4), value=END)
    torch.testing.assert_close(model.encode(x[:-1]).mean, longer.encode(wide).mean)


@torch.no_grad()
def test_generated_sentences_end_once(model) -> None:
    for temperature in (0.0, 1.0):
        x = model.decode(torch.randn(200, 5), temperature)
        ended = (x == END).cumsum(1) > 0
        assert (x[ended] == END).all()
        assert ended.any()
        assert not ended[:, 0].all()


def test_every_parameter_learns(model, x) -> None:
    model.train()
    model.loss(x).loss.backward()
    assert all(parameter.grad.any() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"kind": "paragraph"}, "kind must be sentence"),
        ({"classes": 1 << 17}, "classes must be in"),
        ({"latent_dim": 0}, "latent_dim must be in"),
        ({"dropout": 1.5}, "dropout must be in 0..1"),
    ],
)
def test_impossible_architectures_are_refused(setting: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SentenceArchitecture(**{"steps": 8, "classes": 9, **setting})
