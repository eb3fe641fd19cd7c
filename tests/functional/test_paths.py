"""Measures of learning paths, against worked numbers and loops in NumPy."""

import numpy as np
import pytest
import torch

from noisylabel.functional import (
    base_difficulty,
    converged_difficulty,
    distance_gap,
    first_visit,
    integral_difficulty,
    label_probability,
    tortuosity,
    zig_zag_score,
)

THIRD = 1 / 3
ZIG_ZAG = [[THIRD, THIRD, THIRD], [0.2, 0.6, 0.2], [0.3, 0.5, 0.2], [0.7, 0.2, 0.1], [0.95, 0.03, 0.02]]
STRAIGHT = [[THIRD, THIRD, THIRD], [0.5, 0.25, 0.25], [0.7, 0.15, 0.15], [0.9, 0.05, 0.05]]
LABEL = torch.tensor([0])


def path(points):
    return torch.tensor(points, dtype=torch.float64)[:, None]


@pytest.fixture
def walk():
    """Random paths of seven samples over four classes, with labels."""
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(4), size=(9, 7)), rng.integers(4, size=7)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (integral_difficulty, 0.496667),
        (converged_difficulty, 0.95),
        (zig_zag_score, 0.332667),
        (lambda paths, labels: tortuosity(paths), 1.708811),
    ],
)
def test_worked_numbers(measure, expected):
    assert float(measure(path(ZIG_ZAG), LABEL)) == pytest.approx(expected, abs=1e-6)


def test_a_straight_path():
    assert float(zig_zag_score(path(STRAIGHT), LABEL)) == pytest.approx(0.195833, abs=1e-6)
    assert float(tortuosity(path(STRAIGHT))) == pytest.approx(1.0, abs=1e-12)


def test_length_and_chord():
    points = np.array(ZIG_ZAG)
    length = np.sqrt((np.diff(points, axis=0) ** 2).sum(1)).sum()
    chord = np.sqrt(((points[-1] - points[0]) ** 2).sum())
    assert (length, chord) == pytest.approx((1.290652, 0.755292), abs=1e-6)
    assert float(tortuosity(path(ZIG_ZAG))) == pytest.approx(length / chord, abs=1e-12)


def test_base_difficulty():
    proba = torch.tensor([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [1.0, 0.0, 0.0]], dtype=torch.float64)
    found = base_difficulty(proba, torch.tensor([0, 2, 1]))
    assert found.tolist() == pytest.approx([0.509902, 1.122497, 2**0.5], abs=1e-6)


def test_many_samples_as_one_by_one(walk):
    q, y = walk
    paths, labels = torch.as_tensor(q), torch.as_tensor(y)
    for i in range(q.shape[1]):
        others = [max(q[t, i, k] for k in range(4) if k != y[i]) for t in range(len(q))]
        assert float(zig_zag_score(paths, labels)[i]) == pytest.approx(np.mean(others))
        assert label_probability(paths, labels)[:, i].tolist() == q[:, i, y[i]].tolist()
        assert float(integral_difficulty(paths, labels)[i]) == pytest.approx(np.mean(q[:, i, y[i]]))
        steps = sum(np.linalg.norm(q[t + 1, i] - q[t, i]) for t in range(len(q) - 1))
        assert float(tortuosity(paths)[i]) == pytest.approx(steps / np.linalg.norm(q[-1, i] - q[0, i]))
        visits = [t for t in range(len(q)) if q[t, i].argmax() == y[i]]
        assert int(first_visit(paths, labels)[i]) == (visits[0] if visits else len(q))
    target = np.random.default_rng(1).dirichlet(np.ones(4), size=7)
    gap = distance_gap(paths, torch.as_tensor(target))
    assert gap.shape == (9, 7)
    assert float(gap[3, 5]) == pytest.approx(np.linalg.norm(q[3, 5] - target[5]))


def test_first_visit():
    assert [int(first_visit(path(ZIG_ZAG), torch.tensor([k]))) for k in range(3)] == [0, 1, 5]  # a tie goes to class 0


def test_paths_without_a_chord():
    loop = path([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    still = path([[1.0, 0.0], [1.0, 0.0]])
    assert torch.isinf(tortuosity(loop)).all()
    assert torch.isnan(tortuosity(still)).all()


def test_labels_that_do_not_fit_are_refused(walk):
    q, _ = walk
    with pytest.raises((IndexError, RuntimeError)):
        label_probability(torch.as_tensor(q), torch.tensor([0, 1]))
