"""Paths of wrongly labelled images: the network first predicts what they show, and then what their label says.

A small network learns a part of CIFAR-10 by plain training. The paths of all wrongly labelled images are recorded. For
each image the question is: was the right class the most probable one before the given label was? The same question
about a third class, drawn at random for each image, measures how often this happens by chance.

Needs CIFAR-10 in the data home, and with --human also CIFAR-10N.
Run: python examples/gallery/cifar10_paths.py [--quick] [--human] [--out FOLDER] [--seed 0]
Takes a few minutes on one CPU core.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.callbacks import LearningPaths
from noisylabel.datasets import fetch_cifar10, fetch_cifarn_labels
from noisylabel.functional import first_visit, label_probability
from noisylabel.plots import plot_path, plot_probabilities
from noisylabel.students import SmallCNN

GIVEN, RIGHT, THIRD = "given label", "right class", "random third class"


def third_classes(labels: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each row a class that is neither its label nor its right class."""
    ranks = rng.random((len(labels), 10))
    ranks[np.arange(len(labels)), labels] = ranks[np.arange(len(labels)), right] = -1
    return ranks.argmax(axis=1)


def shares_by_epoch(paths: torch.Tensor, codes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Share of the rows that have visited a class by each epoch, before ever visiting their label; (T,) each."""
    visits = {name: first_visit(paths, torch.as_tensor(values)) for name, values in codes.items()}
    epochs = torch.arange(len(paths))[:, None]
    return {
        name: ((visits[name] <= epochs) & (visits[name] < visits[GIVEN])).float().mean(1).numpy()
        for name in (RIGHT, THIRD)
    }


def draw_shares(paths: torch.Tensor, codes: dict[str, np.ndarray], shares: dict[str, np.ndarray], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
    looks = {GIVEN: ("black", "-"), RIGHT: ("C2", "--"), THIRD: ("C1", ":")}
    for name, values in codes.items():
        is_there = (paths.argmax(-1) == torch.as_tensor(values)).float().mean(1)
        axes[0].plot(np.arange(1, len(paths) + 1), is_there, color=looks[name][0], linestyle=looks[name][1], label=name)
    for name, values in shares.items():
        axes[1].plot(np.arange(1, len(paths) + 1), values, color=looks[name][0], linestyle=looks[name][1], label=name)
    axes[0].set_title("predicted at this epoch", fontsize=11)
    axes[1].set_title("visited so far, and before the given label", fontsize=11)
    for ax in axes:
        ax.set(xlabel="epoch", ylim=(0, 1))
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("share of wrongly labelled images")
    figure.savefig(path, dpi=90)


def typical_rows(proba: dict[str, torch.Tensor]) -> list[int]:
    """Three images: of all, ordered by the distance of their path from the mean path, at 10, 30 and 50 percent."""
    pair = torch.stack([proba[GIVEN], proba[RIGHT]], dim=-1)
    distance = (pair - pair.mean(1, keepdim=True)).norm(dim=-1).mean(0)
    order = distance.argsort()
    return [int(order[int(share * len(order))]) for share in (0.1, 0.3, 0.5)]


def draw_paths(paths: torch.Tensor, codes: dict[str, np.ndarray], class_names: list[str], path: Path) -> None:
    """Mean path and three single ones in a triangle of given label, right class and all others; one against time."""
    proba = {name: label_probability(paths, torch.as_tensor(codes[name])) for name in (GIVEN, RIGHT)}
    rows = typical_rows(proba)
    rest = 1 - proba[GIVEN] - proba[RIGHT]
    triangle = torch.stack([proba[GIVEN], proba[RIGHT], rest], dim=-1)
    shown = torch.cat([triangle.mean(1, keepdim=True), triangle[:, rows]], dim=1)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=(1, 1.3))
    names = ["mean of all", *[f"{class_names[codes[RIGHT][i]]}, labelled {class_names[codes[GIVEN][i]]}" for i in rows]]
    plot_path(shown, names=names, class_names=[GIVEN, RIGHT, "all others"], ax=axes[0])
    one = rows[0]
    plot_probabilities(
        paths[:, one], label=int(codes[GIVEN][one]), true_label=int(codes[RIGHT][one]), class_names=class_names,
        steps=np.arange(1, len(paths) + 1), ax=axes[1],
    )  # fmt: skip
    axes[1].set_xlabel("epoch")
    axes[1].set_title(names[1], fontsize=11)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer images and epochs")
    parser.add_argument("--human", action="store_true", help="labels that people gave (CIFAR-10N, worst)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figures")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    n_images, n_epochs = (1000, 6) if args.quick else (4000, 40)
    data, rng = fetch_cifar10(), np.random.default_rng(args.seed)
    chosen = rng.permutation(len(data.data))[:n_images]
    X, y = data.data[chosen], data.target[chosen]
    if args.human:
        labels = fetch_cifarn_labels("worst").noisy[chosen]
    else:
        labels, _ = corrupt(y, "symmetric", rate=0.4, random_state=args.seed)
    wrong = np.flatnonzero(labels != y)

    recorder = LearningPaths(wrong)
    clf = MentorNetClassifier(
        "uniform", student=SmallCNN((32, 64, 64)), optimizer="sgd", lr=0.05, max_epochs=n_epochs,
        callbacks=[recorder], random_state=args.seed,
    )  # fmt: skip
    clf.fit(X, labels)
    paths = torch.as_tensor(recorder.paths_[1:])  # the untrained network says nothing about an image
    codes = {GIVEN: labels[wrong], RIGHT: y[wrong], THIRD: third_classes(labels[wrong], y[wrong], rng)}
    shares = shares_by_epoch(paths, codes)
    print(
        f"{len(wrong)} of {n_images} labels are wrong; test accuracy {clf.score(data.test_data, data.test_target):.3f}"
    )
    for epoch in sorted({1, 2, 3, 5, 10, 20, n_epochs}):
        if epoch <= n_epochs:
            told = ", ".join(f"{name} {values[epoch - 1]:.1%}" for name, values in shares.items())
            learned = (paths[epoch - 1].argmax(-1) == torch.as_tensor(codes[GIVEN])).float().mean()
            print(f"epoch {epoch}: visited before the label: {told}; at their label now {learned:.1%}")
    args.out.mkdir(parents=True, exist_ok=True)
    kind = "human" if args.human else "symmetric"
    draw_shares(paths, codes, shares, args.out / f"paths-cifar10-{kind}.png")
    draw_paths(paths, codes, data.target_names, args.out / f"paths-cifar10-{kind}-samples.png")


if __name__ == "__main__":
    main()
