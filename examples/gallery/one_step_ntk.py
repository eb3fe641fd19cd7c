"""What one step of SGD on one sample does to the prediction of another: Proposition 1 of Ren et al. (ICLR 2022).

    change of q(x_o)  =  eta * A(x_o) K(x_o, x_u) (p_tar(x_u) - q(x_u))  +  terms of order eta^2

A is the derivative of the softmax and K the empirical tangent kernel. Real steps of growing learning rate eta are set
beside the prediction: the error should grow as eta squared.

Run: python examples/gallery/one_step_ntk.py [--quick] [--out FOLDER] [--seed 0]
Takes seconds.
"""

import argparse
import copy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from ntk import predicted_step
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from noisylabel.datasets import TOY_MEANS_2D, make_toy_gaussian
from noisylabel.students import MLP


def real_step(module: nn.Module, x_o: Tensor, x_u: Tensor, target: Tensor, lr: float) -> Tensor:
    """Change of the probabilities of x_o by one step of SGD on x_u."""
    module = copy.deepcopy(module)
    with torch.no_grad():
        before = module(x_o[None])[0].softmax(0)
    cross_entropy(module(x_u[None]), target[None]).backward()
    torch.optim.SGD(module.parameters(), lr=lr).step()
    with torch.no_grad():
        return module(x_o[None])[0].softmax(0) - before


def draw(rates: np.ndarray, sizes: np.ndarray, errors: np.ndarray, path: Path) -> None:
    figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
    ax.loglog(rates, sizes.mean(0), "o-", markersize=4, label="size of the real step")
    ax.loglog(rates, errors.mean(0), "s-", markersize=4, label="error of the prediction")
    ax.loglog(rates, errors.mean(0)[0] * (rates / rates[0]) ** 2, "--", color="0.5", linewidth=1, label="slope 2")
    ax.set(xlabel="learning rate of the step", ylabel="distance between probabilities")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer pairs of samples")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    toy = make_toy_gaussian(64, means=TOY_MEANS_2D, variance=0.25, random_state=args.seed)
    X, targets = torch.as_tensor(toy.data).double(), one_hot(torch.as_tensor(toy.target), 3).double()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(args.seed)
        module = MLP((64,)).build((2,), 3).double()
    pairs = np.random.default_rng(args.seed).integers(len(X), size=(5 if args.quick else 40, 2))
    rates = np.logspace(-4, -1, 7)

    steps = np.zeros((2, len(pairs), len(rates)))
    for i, (o, u) in enumerate(pairs):
        unit = predicted_step(module, X[o], X[u], targets[u], lr=1.0)
        for j, lr in enumerate(rates.tolist()):
            real = real_step(module, X[o], X[u], targets[u], lr)
            steps[:, i, j] = real.norm(), (real - lr * unit).norm()
    small = rates < 0.011
    slope = np.polyfit(np.log(rates[small]), np.log(steps[1].mean(0)[small]), 1)[0]
    for lr, size, error in zip(rates, steps[0].mean(0), steps[1].mean(0), strict=True):
        print(
            f"learning rate {lr:.0e}: the step moves the probabilities by {size:.2e}, the prediction misses {error:.2e}"
        )
    print(f"{len(pairs)} pairs of samples: up to 0.01 the error grows as the learning rate to the power {slope:.2f}")
    args.out.mkdir(parents=True, exist_ok=True)
    draw(rates, steps[0], steps[1], args.out / "paths-one-step.png")


if __name__ == "__main__":
    main()
