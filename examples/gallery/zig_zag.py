"""Hard samples take a detour: learning paths on toy data whose true class probabilities are known.

A network learns three overlapping clouds of points. A tenth of the labels has been replaced by wrong ones. As in part
2 of the notebook of Ren, Guo, Sutherland (ICLR 2022), samples are ordered by their base difficulty, which is the
distance of the given label from the true probabilities. Of 5,000 samples, ranks 50 to 149 are called hard, 800 to 899
medium and 3000 to 3099 easy. Here only the samples whose label was not replaced have ranks.

Run: python examples/gallery/zig_zag.py [--quick] [--out FOLDER] [--seed 0]
Takes a few minutes on one CPU core, less than a minute with --quick.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import spearmanr

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.callbacks import LearningPaths
from noisylabel.datasets import make_toy_gaussian
from noisylabel.functional import (
    base_difficulty,
    converged_difficulty,
    first_visit,
    integral_difficulty,
    tortuosity,
    zig_zag_score,
)
from noisylabel.plots import plot_distance_gap, plot_path, simplex_points
from noisylabel.students import MLP

RANKS = {"easy": 3000, "medium": 800, "hard": 50}


def difficulty_groups(difficulty: np.ndarray, is_wrong: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of each group; ranks are counted in 5,000, hardest first, among the rows whose label is as it was drawn."""
    kept = np.flatnonzero(~is_wrong)
    ordered = kept[np.argsort(-difficulty[kept])]
    scale = len(kept) / 5000
    groups = {name: ordered[int(rank * scale) : int((rank + 100) * scale)] for name, rank in RANKS.items()}
    wrong = np.flatnonzero(is_wrong)
    return groups | {"mislabelled": wrong[np.argsort(-difficulty[wrong])]}


def report(paths: torch.Tensor, labels: torch.Tensor, difficulty: np.ndarray, groups: dict[str, np.ndarray]) -> None:
    measures = {
        "zig-zag score": zig_zag_score(paths, labels),
        "tortuosity": tortuosity(paths),
        "integral difficulty": integral_difficulty(paths, labels),
        "converged difficulty": converged_difficulty(paths, labels),
    }
    for name, values in measures.items():
        medians = ", ".join(f"{group} {values[rows].median():.3f}" for group, rows in groups.items())
        rank = spearmanr(difficulty, values).statistic
        print(f"{name}: median {medians}; rank correlation with base difficulty {rank:+.3f}")


def report_detours(paths: torch.Tensor, labels: np.ndarray, right: np.ndarray, rows: np.ndarray) -> None:
    """How many wrongly labelled samples are first held for their right class, or for the third, before their label."""
    third = 3 - labels - right
    visits = {name: first_visit(paths[1:, rows], torch.as_tensor(codes[rows])) for name, codes in
              [("label", labels), ("right class", right), ("third class", third)]}  # fmt: skip
    for name in ("right class", "third class"):
        before = visits[name] < visits["label"]
        print(
            f"{before.float().mean():.0%} of {len(rows)} wrongly labelled samples visit the {name} before their label"
        )


def draw(paths: np.ndarray, toy: dict[str, np.ndarray], groups: dict[str, np.ndarray], path: Path) -> None:
    """Three samples of each group in the triangle of classes, at points of training that lie ever further apart."""
    points = np.unique(np.geomspace(1, len(paths), 50).astype(int)) - 1
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.4), layout="constrained")
    for ax, (name, rows) in zip(axes, groups.items(), strict=True):
        shown = pick(rows, toy)
        plot_path(paths[points][:, shown], ax=ax, class_names=toy["class_names"])
        truth = simplex_points(toy["proba"][shown])
        for i, row in enumerate(shown):
            ax.plot(*truth[i], "x", color=f"C{i}", markersize=7, markeredgewidth=2, zorder=4)
            ax.plot([], [], "s", color=f"C{i}", label=f"labelled {toy['class_names'][toy['labels'][row]]}")
        ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(-0.12, 1.0), handletextpad=0.2)
        ax.set_title(name)
    figure.supxlabel("circle: before training    square: after it    cross: true probabilities", fontsize=9)
    figure.savefig(path, dpi=90)


def pick(rows: np.ndarray, toy: dict[str, np.ndarray]) -> np.ndarray:
    """One sample of each given label, the middle one of the group's."""
    of_label = [rows[toy["labels"][rows] == code] for code in range(3)]
    return np.array([members[len(members) // 2] for members in of_label if len(members)])


def draw_measures(
    difficulty: np.ndarray, scores: torch.Tensor, gaps: dict[str, np.ndarray], is_wrong: np.ndarray, path: Path
) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for rows, name, colour in ((~is_wrong, "label as drawn", "C0"), (is_wrong, "label replaced", "C3")):
        axes[0].scatter(difficulty[rows], scores[rows], s=5, alpha=0.4, color=colour, linewidths=0, label=name)
    axes[0].set(xlabel="base difficulty", ylabel="zig-zag score")
    axes[0].legend(frameon=False, fontsize=9, markerscale=3)
    axes[0].grid(alpha=0.3)
    axes[0].spines[["top", "right"]].set_visible(False)
    plot_distance_gap(**gaps, ax=axes[1])
    axes[1].set_xscale("symlog", linthresh=100)
    axes[1].set_xlim(left=0)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer samples and epochs")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figures")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    n_samples, n_epochs = (2000, 60) if args.quick else (5000, 200)
    toy = make_toy_gaussian(n_samples, random_state=args.seed)
    labels, manifest = corrupt(toy.target, "symmetric", rate=0.1, include_true=False, random_state=args.seed)
    print(manifest.check())
    is_wrong = labels != toy.target

    recorder = LearningPaths(np.arange(n_samples), every=n_samples // 50, unit="step")
    clf = MentorNetClassifier(
        "uniform", student=MLP((128, 128)), standardize=False, optimizer="momentum", lr=3e-4, lr_schedule="constant",
        weight_decay=0, batch_size=10, max_epochs=n_epochs, callbacks=[recorder], random_state=args.seed,
    )  # fmt: skip
    clf.fit(toy.data, labels)
    paths, codes = torch.as_tensor(recorder.paths_), torch.as_tensor(labels)
    difficulty = base_difficulty(torch.as_tensor(toy.proba), codes).numpy()
    groups = difficulty_groups(difficulty, is_wrong)
    report(paths, codes, difficulty, groups)
    report_detours(paths, labels, toy.target, groups["mislabelled"])

    args.out.mkdir(parents=True, exist_ok=True)
    drawn = {"proba": toy.proba, "labels": labels, "class_names": np.array(["A", "B", "C"])}
    draw(recorder.paths_, drawn, groups, args.out / "paths-zig-zag.png")
    rows = np.concatenate(list(groups.values()))
    names = np.repeat(list(groups), [len(members) for members in groups.values()])
    gaps = {"paths": recorder.paths_[:, rows], "target_proba": toy.proba[rows], "groups": names}
    gaps["steps"] = recorder.steps_
    draw_measures(difficulty, zig_zag_score(paths, codes), gaps, is_wrong, args.out / "paths-difficulty.png")


if __name__ == "__main__":
    main()
