"""Targets nearer to the truth make better networks: Hypothesis 1 of Ren, Guo, Sutherland (ICLR 2022).

Many networks of one shape learn the same samples with targets eta * label + (1 - eta) * p*, where p* are the true class
probabilities and eta differs from network to network. All are trained at once: their parameters are stacked, so that
one multiplication serves them all, and they see the batches in the same order. Each is looked at twice: at the epoch
with its best accuracy on validation labels, as the notebook of the paper does, and at the last epoch.

Run: python examples/gallery/hypothesis_1.py [--quick] [--out FOLDER] [--seed 0]
Takes about ten minutes on one CPU core, about a minute with --quick.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn.functional import one_hot

from noisylabel.datasets import make_toy_gaussian
from noisylabel.functional import base_difficulty, expected_calibration_error

SIZES = (30, 128, 128, 3)
BATCH, LR, MOMENTUM = 32, 5e-4, 0.9


def initial_parameters(n_runs: int, generator: torch.Generator) -> list[Tensor]:
    """Weights and biases of all networks, uniform as torch's Linear has them: (R, inputs, outputs), (R, 1, outputs)."""
    parameters = []
    for n_in, n_out in pairwise(SIZES):
        for rows in (n_in, 1):
            values = (2 * torch.rand(n_runs, rows, n_out, generator=generator) - 1) / n_in**0.5
            parameters.append(values.requires_grad_())
    return parameters


def logits_of(parameters: list[Tensor], X: Tensor) -> Tensor:
    """Logits of all networks for one batch, (R, B, C)."""
    hidden = X.expand(len(parameters[0]), *X.shape)
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        hidden = torch.baddbmm(bias, hidden, weight).relu()
    return torch.baddbmm(parameters[-1], hidden, parameters[-2])


@torch.no_grad()
def probabilities(parameters: list[Tensor], X: Tensor) -> Tensor:
    return torch.cat([logits_of(parameters, part).softmax(-1) for part in X.split(2000)], dim=1)


def train(
    part: dict[str, Tensor], valid: dict[str, Tensor], eta: Tensor, n_epochs: int, seed: int
) -> dict[str, list[Tensor]]:
    """Train a network for each eta; return the parameters of each one's best epoch, and of the last."""
    generator = torch.Generator().manual_seed(seed)
    parameters = initial_parameters(len(eta), generator)
    optimizer = torch.optim.SGD(parameters, lr=LR, momentum=MOMENTUM)
    best, best_accuracy = [values.detach().clone() for values in parameters], torch.full((len(eta),), -1.0)
    labels, share = one_hot(part["y"], SIZES[-1]).float(), eta[:, None, None]
    for epoch in range(1, n_epochs + 1):
        start = time.perf_counter()
        for rows in torch.randperm(len(labels), generator=generator).split(BATCH):
            target = share * labels[rows] + (1 - share) * part["proba"][rows]
            loss = -(target * logits_of(parameters, part["X"][rows]).log_softmax(-1)).sum(-1).mean(1).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracy = (probabilities(parameters, valid["X"]).argmax(-1) == valid["y"]).float().mean(1)
        better = accuracy > best_accuracy
        for kept, values in zip(best, parameters, strict=True):
            kept[better] = values.detach()[better]
        best_accuracy = torch.maximum(best_accuracy, accuracy)
        if epoch in (1, n_epochs) or epoch % 10 == 0:
            print(
                f"epoch {epoch}: {time.perf_counter() - start:.1f} s, mean accuracy {accuracy.mean():.4f}", flush=True
            )
    return {"best epoch": best, "last epoch": parameters}


def parts_of(n_samples: int, seed: int) -> list[dict[str, Tensor]]:
    """5 % of the samples for training, 5 % for validation, the rest for testing."""
    toy = make_toy_gaussian(n_samples, random_state=seed)
    arrays = {"X": toy.data, "y": toy.target, "proba": toy.proba.astype("float32")}
    cuts = (0, n_samples // 20, n_samples // 10, n_samples)
    return [
        {name: torch.as_tensor(values[start:end]) for name, values in arrays.items()} for start, end in pairwise(cuts)
    ]


def measure(parameters: list[Tensor], test: dict[str, Tensor]) -> dict[str, list[float]]:
    """Accuracy and calibration error of each network on the test samples."""
    proba = probabilities(parameters, test["X"])
    return {
        "accuracy": (proba.argmax(-1) == test["y"]).float().mean(1).tolist(),
        "calibration error": [float(expected_calibration_error(p, test["y"], n_bins=10)) for p in proba],
    }


def draw(distance: Tensor, measures: dict[str, dict[str, list[float]]], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for ax, name in zip(axes, ("accuracy", "calibration error"), strict=True):
        for colour, (epoch, values) in zip(("C0", "C1"), measures.items(), strict=True):
            rank = spearmanr(distance, values[name]).statistic
            label = f"{epoch}: rank correlation {rank:+.3f}"
            ax.scatter(distance, values[name], s=14, alpha=0.7, color=colour, linewidths=0, label=label)
        ax.set(xlabel="mean distance of the targets from the truth", ylabel=f"{name} on test samples")
        ax.legend(frameon=False, fontsize=9)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer networks, samples and epochs")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    n_samples, n_even, n_epochs = (40_000, 25, 60) if args.quick else (100_000, 100, 100)
    part, valid, test = parts_of(n_samples, args.seed)
    generator = torch.Generator().manual_seed(args.seed + 1)
    eta = torch.cat([torch.rand(n_even, generator=generator), torch.rand(n_even // 5, generator=generator) / 2])

    parameters = train(part, valid, eta, n_epochs, args.seed + 2)
    distance = eta * base_difficulty(part["proba"], part["y"]).mean()
    measures = {epoch: measure(values, test) for epoch, values in parameters.items()}
    of_truth = (test["proba"].argmax(-1) == test["y"]).float().mean()
    print(
        f"{len(eta)} networks, {len(part['y'])} training samples; the true probabilities have accuracy {of_truth:.4f}"
    )
    for epoch, of_epoch in measures.items():
        for name, values in of_epoch.items():
            rank = spearmanr(distance, values).statistic
            span = f"{min(values):.4f} to {max(values):.4f}"
            print(f"{epoch}, {name}: {span}, rank correlation with the distance {rank:+.3f}")
    args.out.mkdir(parents=True, exist_ok=True)
    draw(distance, measures, args.out / "paths-hypothesis-1.png")


if __name__ == "__main__":
    main()
