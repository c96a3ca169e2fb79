"""Negative log likelihood on MNIST: the one-layer VAE of Burda et al. (2016) on vaecore.

The paper's network (784-200-200-50, tanh), its data (binarised afresh in every epoch) and its
estimate (5,000 importance samples per test image), trained for a given time on the CPU:

    python benchmarks/mnist_nll.py mnist.npz --minutes 25 --threads 1 --checkpoint vae.safetensors

With `--minutes 0` it only evaluates the checkpoint.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vaecore.distributions import DiagonalGaussian
from vaecore.files import replacing
from vaecore.objective import Objective, iwae_bound

PAPER = {"VAE, k=1": 86.76, "VAE, k=50": 86.47, "IWAE, k=50": 84.78}
"""Table 1, one stochastic layer, in nats."""


class MnistVAE(nn.Module):
    """Two tanh layers of 200 units on either side of a latent space of 50 dimensions."""

    def __init__(self, pixel_means: Tensor, latent_dim: int = 50, units: int = 200) -> None:
        super().__init__()
        pixels = len(pixel_means)
        self.encoder = nn.Sequential(
            nn.Linear(pixels, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh()
        )
        self.posterior = nn.Linear(units, 2 * latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh()
        )
        self.logits = nn.Linear(units, pixels)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.logits.bias.copy_(pixel_means.clamp(1e-3, 1 - 1e-3).logit())

    def encode(self, x: Tensor) -> DiagonalGaussian:
        mean, log_stddev = self.posterior(self.encoder(x)).chunk(2, dim=-1)
        return DiagonalGaussian(mean, log_stddev.exp())

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Bernoulli log p(x|z) in nats, summed over pixels; z may have a leading sample axis."""
        logits = self.logits(self.decoder(z))
        # x * logits - softplus(logits), by way of the sigmoid: torch's softplus is 4x slower.
        return (x * logits + torch.sigmoid(-logits).log()).sum(-1)

    def importance(self, x: Tensor, posterior: DiagonalGaussian, z: Tensor) -> tuple[Tensor, ...]:
        """Return the three terms of `iwae_bound`, each `(samples, batch)`."""
        prior = DiagonalGaussian(torch.zeros_like(z[0, :1]), torch.ones_like(z[0, :1]))
        return self.log_likelihood(x, z), prior.log_prob(z), posterior.log_prob(z)


def train(model: MnistVAE, images: Tensor, args: argparse.Namespace) -> int:
    """Train for `args.minutes`, leave the averaged weights in the model, return the epochs."""
    objective, generator = Objective(), torch.Generator().manual_seed(args.seed)
    # An exponential average over the last 10,000 steps, or the last tenth of a shorter run.
    average = torch.optim.swa_utils.AveragedModel(
        model, avg_fn=lambda mean, value, n: mean.lerp(value, max(1e-3, 10 / (n + 10)))
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, eps=1e-4, fused=True)
    start, budget, epoch, step = time.perf_counter(), 60 * args.minutes, 0, 0
    while (elapsed := time.perf_counter() - start) < budget:
        # The paper decays from 1e-3 to 1e-4 over 3,280 epochs; here over the given time.
        optimizer.param_groups[0]["lr"] = args.lr * (1e-4 / args.lr) ** (elapsed / budget)
        binary = torch.rand(images.shape, generator=generator).lt_(images)
        total = 0.0
        for index in torch.randperm(len(images), generator=generator).split(args.batch_size):
            x = binary[index]
            posterior = model.encode(x)
            if args.k == 1:
                z = objective.latent(posterior, generator)
                loss = objective(model.log_likelihood(x, z), posterior.kl(), step).loss
            else:
                z = posterior.sample(generator, n=args.k)
                loss = -iwae_bound(*model.importance(x, posterior, z)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step % 10 == 0:
                average.update_parameters(model)
            total += loss.item() * len(x)
        epoch += 1
        if epoch % args.log_every == 0:
            seconds = time.perf_counter() - start
            mean = total / len(images)
            print(f"epoch {epoch:4d}  {seconds:6.0f} s  loss {mean:.2f} nats", flush=True)
    model.load_state_dict(average.module.state_dict())
    return epoch


@torch.inference_mode()
def evaluate(model: MnistVAE, images: Tensor, samples: int, seed: int) -> tuple[float, float]:
    """Return the negative evidence lower bound and the importance-weighted NLL, in nats."""
    generator = torch.Generator().manual_seed(seed)
    binary = torch.rand(images.shape, generator=generator).lt_(images)
    bound = evidence = 0.0
    for x in binary.split(4):
        posterior = model.encode(x)
        # About 1,000 rows at a time stay in the cache.
        sizes = [250] * (samples // 250) + [samples % 250] * (samples % 250 > 0)
        parts = [
            model.importance(x, posterior, posterior.sample(generator, n=size)) for size in sizes
        ]
        terms = [torch.cat(part) for part in zip(*parts, strict=True)]
        bound += (terms[0] + terms[1] - terms[2]).mean(0).sum().item()
        evidence += iwae_bound(*terms).sum().item()
    return -bound / len(binary), -evidence / len(binary)


def load_images(path: Path, part: str) -> Tensor:
    """Return the intensities of the "train" or "test" images, `(n, 784)` in [0, 1]."""
    with np.load(path) as arrays:
        return torch.from_numpy(arrays[f"x_{part}"]).flatten(1).float() / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="mnist.npz with x_train and x_test, uint8")
    parser.add_argument("--minutes", type=float, default=25, help="training time")
    parser.add_argument("--k", type=int, default=1, help="importance samples in training")
    parser.add_argument("--samples", type=int, default=5000, help="importance samples in testing")
    parser.add_argument(
        "--eval-images", type=int, default=10_000, help="at even distances in the test set"
    )
    parser.add_argument("--batch-size", type=int, default=200)
    parser.add_argument("--lr", type=float, default=3e-3, help="at the start; decays to 1e-4")
    parser.add_argument("--log-every", type=int, default=10, help="epochs between two lines")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="safetensors file; read if it exists")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    machine = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    print(
        f"torch {torch.__version__}, {machine}, {args.threads} thread(s); k={args.k}, "
        f"batch {args.batch_size}, lr {args.lr:g}, {args.minutes:g} minutes, seed {args.seed}",
        flush=True,
    )
    images = load_images(args.data, "train")
    model, epochs = MnistVAE(images.mean(0)), 0
    if args.checkpoint and args.checkpoint.exists():
        model.load_state_dict(load_file(args.checkpoint))
    if args.minutes > 0:
        epochs = train(model, images, args)
        if args.checkpoint:
            with replacing(args.checkpoint) as temporary:
                save_file(model.state_dict(), temporary)

    test = load_images(args.data, "test")
    # At even distances, since the two halves of the file come from different writers.
    test = test[torch.linspace(0, len(test) - 1, args.eval_images).long()]
    start = time.perf_counter()
    bound, nll = evaluate(model, test, args.samples, args.seed + 1)
    seconds = time.perf_counter() - start
    print(f"\n{epochs} epochs; {len(test)} test images, {args.samples} samples, {seconds:.0f} s\n")
    print(f"{'MNIST, one stochastic layer':<34}{'nats':>8}")
    print(f"{f'here, k={args.k}: -log p(x)':<34}{nll:>8.2f}")
    print(f"{f'here, k={args.k}: -ELBO':<34}{bound:>8.2f}")
    for name, value in PAPER.items():
        print(f"{f'Burda et al. (2016), {name}':<34}{value:>8.2f}")


if __name__ == "__main__":
    main()
