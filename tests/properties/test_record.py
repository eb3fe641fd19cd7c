"""The record of visits is what a slow loop over samples writes down."""

from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisylabel.nets import SampleRecord
from noisylabel.nets import _record as record_module


class SlowRecord:
    """One dictionary a sample, filled visit by visit in double precision."""

    def __init__(self, n_samples, alpha):
        self.visits = [[] for _ in range(n_samples)]
        self.alpha = alpha

    def note(self, rows, codes, logits, weights):
        for row, code, scores, weight in zip(rows, codes, logits, weights, strict=True):
            self.visits[row].append((code, scores.astype(np.float64), weight))

    def row(self, row):
        """Return what the table should say of a row, or nothing of one that was never visited."""
        if not self.visits[row]:
            return {"forgetting": 0, "n_visits": 0}
        margins, probas, weights, others = [], [], [], []
        for code, scores, weight in self.visits[row]:
            rest = np.where(np.arange(len(scores)) == code, -np.inf, scores)
            margins.append(scores[code] - rest.max())
            probas.append(np.exp(scores[code]) / np.exp(scores).sum())
            weights.append(weight)
            others.append(rest.argmax())
        losses = -np.log(probas)
        forgetting = sum(before >= 0 > now for before, now in pairwise(margins))
        last = {"loss": losses[-1], "margin": margins[-1], "weight": weights[-1], "other": others[-1]}
        means = {"loss_mean": np.mean(losses), "margin_mean": np.mean(margins), "proba_mean": np.mean(probas)}
        means["weight_mean"] = np.mean(np.where(np.isnan(weights), 1, weights))
        return {**last, **means, "forgetting": forgetting, "n_visits": len(losses)}

    def filtered(self, row):
        average = None
        for _, scores, _ in self.visits[row]:
            proba = np.exp(scores) / np.exp(scores).sum()
            average = proba if average is None else self.alpha * proba + (1 - self.alpha) * average
        return average


@st.composite
def training_runs(draw):
    """Sizes, and epochs that each visit some rows once, in batches, some of which are followed by a flush."""
    n_samples, n_classes = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    alpha = draw(st.none() | st.floats(0.01, 1))
    codes, epochs = rng.integers(0, n_classes, n_samples), []
    for _ in range(draw(st.integers(1, 5))):
        rows = rng.permutation(n_samples)[: draw(st.integers(0, n_samples))]
        batches = np.array_split(rows, draw(st.integers(1, 4)))
        epochs.append([visit(rng, batch, codes, n_classes) for batch in batches])
    return n_samples, n_classes, alpha, epochs, draw(st.sampled_from([1, 3, 7, 4096]))


def visit(rng, rows, codes, n_classes):
    weights = np.where(rng.random(len(rows)) < 0.2, np.nan, rng.random(len(rows))).astype(np.float32)
    logits = (3 * rng.normal(size=(len(rows), n_classes))).astype(np.float32)
    ties = rng.random(len(rows)) < 0.2  # the given label is exactly as probable as the most probable other one
    logits[ties, codes[rows][ties]] = np.where(np.eye(n_classes)[codes[rows]], -np.inf, logits).max(axis=1)[ties]
    return rows, codes[rows], logits, weights, rng.random() < 0.3


def played(run, pending_rows=None):
    """Return the record of a run, with so many rows waiting at most."""
    n_samples, n_classes, alpha, epochs, drawn_rows = run
    record = SampleRecord(n_samples, n_classes, "cpu", alpha)
    before = record_module._PENDING_ROWS
    record_module._PENDING_ROWS = pending_rows or drawn_rows
    try:
        for epoch in epochs:
            for *batch, flush in epoch:
                record.note(*map(torch.as_tensor, batch))
                if flush:
                    record.flush()
            record.flush()
    finally:
        record_module._PENDING_ROWS = before
    return record


@given(training_runs())
def test_the_record_is_what_a_loop_over_samples_writes(run):
    n_samples, _, alpha, epochs, _ = run
    slow = SlowRecord(n_samples, alpha)
    for batch in (batch for epoch in epochs for batch in epoch):
        slow.note(*batch[:4])
    frame = played(run).to_frame()
    columns = frame.columns[:10]
    expected = pd.DataFrame([slow.row(row) for row in range(n_samples)], columns=columns)
    np.testing.assert_allclose(frame[columns].to_numpy(float), expected.to_numpy(float), rtol=1e-4, atol=1e-4)


@given(training_runs())
def test_filtered_predictions_are_what_a_loop_over_samples_gives(run):
    n_samples, n_classes, _, epochs, pending_rows = run
    alpha = 0.3
    slow = SlowRecord(n_samples, alpha)
    for batch in (batch for epoch in epochs for batch in epoch):
        slow.note(*batch[:4])
    proba = played((n_samples, n_classes, alpha, epochs, pending_rows)).proba_.numpy()
    expected = [slow.filtered(row) for row in range(n_samples)]
    expected = [np.full(n_classes, np.nan) if average is None else average for average in expected]
    np.testing.assert_allclose(proba, expected, atol=1e-5)


@given(training_runs())
def test_when_visits_are_entered_means_nothing(run):
    pd.testing.assert_frame_equal(played(run, 1).to_frame(), played(run, 4096).to_frame())


@given(training_runs())
def test_a_saved_record_goes_on(run):
    n_samples, n_classes, alpha, epochs, pending_rows = run
    half = len(epochs) // 2
    saved = played((n_samples, n_classes, alpha, epochs[:half], pending_rows)).state_dict()
    rest = SampleRecord(n_samples, n_classes, "cpu", alpha)
    rest.load_state_dict(saved)
    for epoch in epochs[half:]:
        for *batch, _ in epoch:
            rest.note(*map(torch.as_tensor, batch))
        rest.flush()
    pd.testing.assert_frame_equal(rest.to_frame(), played(run).to_frame())


@given(training_runs(), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_rows_of_a_larger_set_keep_what_was_seen_of_them(run, more, seed):
    record = played(run)
    n_samples = len(record) + more
    rows = np.sort(np.random.default_rng(seed).permutation(n_samples)[: len(record)])
    spread = record.spread(rows, n_samples).to_frame()
    pd.testing.assert_frame_equal(spread.loc[rows].reset_index(drop=True), record.to_frame())
    others = spread.drop(index=rows)
    assert len(others) == more
    assert (others["n_visits"] == 0).all()
    assert others["loss_mean"].isna().all()
