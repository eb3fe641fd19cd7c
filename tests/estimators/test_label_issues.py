import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.exceptions import InvalidParameterError
from noisylabel.issues._scores import estimate_issue_rate

COLUMNS = ["row", "given_label", "suggested_label", "suggested_probability", "second_label", "second_probability",
           "predicted_label", "label_quality", "wrong_probability", "verdict", "is_label_issue", "loss", "margin",
           "weight", "forgetting"]  # fmt: skip


@pytest.fixture(scope="module", params=[0.2, 0.4])
def ranked(request, digits_module):
    noisy, _ = corrupt(digits_module.target, "symmetric", rate=request.param, random_state=0)
    clf = MentorNetClassifier(loss_percentile="auto", random_state=0).fit(digits_module.data, noisy)
    return clf.label_issues(), noisy, digits_module.target


@pytest.fixture(scope="module")
def digits_module():
    from noisylabel.datasets import load_digits

    return load_digits()


def test_wrong_labels_come_first(ranked):
    issues, noisy, clean = ranked
    assert list(issues.columns) == COLUMNS
    assert issues["label_quality"].is_monotonic_increasing
    assert issues["label_quality"].between(0, 1).all()
    wrong = (noisy != clean)[issues["row"]]
    assert average_precision_score(wrong, -issues["label_quality"]) > 0.98
    assert abs(issues.attrs["noise_rate"] - wrong.mean()) < 0.04
    flagged = issues["is_label_issue"].to_numpy()
    assert wrong[flagged].mean() > 0.92
    assert flagged[wrong].mean() > 0.92


def test_suggestions_are_mostly_right(ranked):
    issues, noisy, clean = ranked
    flagged = issues[issues["is_label_issue"]]
    assert (flagged["suggested_label"] != flagged["given_label"]).all()
    assert (flagged["suggested_label"] == clean[flagged["row"]]).mean() > 0.85
    others = issues[~issues["is_label_issue"]]
    assert (others["suggested_label"] == others["given_label"]).all()
    assert (issues["predicted_label"] == clean[issues["row"]]).mean() > (noisy == clean).mean() + 0.1


def test_index_and_row_say_which_row(ranked):
    issues, noisy, _ = ranked
    assert sorted(issues["row"]) == list(range(len(noisy)))
    assert (issues.index == issues["row"]).all()
    assert (issues["given_label"] == noisy[issues["row"]]).all()


@pytest.fixture(scope="module", params=[("symmetric", 0.4), ("pair", 0.3)], ids=str)
def with_held_out_rows(request, digits_module):
    noisy, _ = corrupt(digits_module.target, request.param[0], rate=request.param[1], random_state=0)
    clf = MentorNetClassifier(loss_percentile="auto", validation_fraction=0.2, random_state=0)
    return clf.fit(digits_module.data, noisy), noisy, digits_module.target


def test_right_07_held_out_rows_are_on_the_scale_of_the_others(with_held_out_rows):
    """Ranked together, wrong labels are found as well as in the worse of the two groups alone, to a thousandth."""
    clf, noisy, clean = with_held_out_rows
    issues = clf.label_issues()
    wrong, held_out = (noisy != clean)[issues["row"]], issues["weight"].isna().to_numpy()
    assert held_out.sum() == len(noisy) // 5
    apart = [average_precision_score(wrong[g], -issues["label_quality"][g]) for g in (held_out, ~held_out)]
    assert average_precision_score(wrong, -issues["label_quality"]) >= min(apart) - 0.001
    levels = [0.1, 0.3, 0.5, 0.7, 0.9]
    np.testing.assert_allclose(
        issues["label_quality"][held_out].quantile(levels),
        issues["label_quality"][~held_out].quantile(levels),
        atol=0.02,
    )
    assert issues["is_label_issue"][held_out].mean() == pytest.approx(issues.attrs["noise_rate"], abs=0.01)
    assert issues[held_out]["label_quality"].is_monotonic_increasing
    by_loss = issues[held_out].sort_values("loss", ascending=False)["label_quality"]
    assert by_loss.is_monotonic_increasing  # the order among them is that of what the final network says


def test_held_out_rows_are_in_the_table(digits_module):
    noisy, _ = corrupt(digits_module.target, "symmetric", rate=0.3, random_state=1)
    clf = MentorNetClassifier(loss_percentile="auto", validation_fraction=0.25, random_state=0)
    issues = clf.fit(digits_module.data, noisy).label_issues()
    assert len(issues) == len(noisy)
    held_out = issues[issues["weight"].isna()]
    assert len(held_out) == len(noisy) // 4
    wrong = (noisy != digits_module.target)[held_out["row"]]
    assert average_precision_score(wrong, -held_out["label_quality"]) > 0.9


@pytest.mark.parametrize("curriculum", ["auto", "uniform"])
def test_a_few_held_out_rows_are_ranked_among_the_others_by_their_losses(blobs, curriculum):
    clf = MentorNetClassifier(curriculum, max_epochs=2, validation_fraction=0.1, random_state=0)
    issues = clf.fit(*(part[:60] for part in blobs)).label_issues(sort=False)
    is_held_out = issues["weight"].isna()
    assert is_held_out.sum() == 6
    others = issues[~is_held_out]
    for _, row in issues[is_held_out].iterrows():
        place = (others["loss"] < row["loss"]).mean()
        assert row["wrong_probability"] == pytest.approx(others["wrong_probability"].quantile(place))


def test_right_07_suggestions_are_right_where_the_network_memorises(digits_module):
    """The last visit is right for .68 of the wrong labels; all visits together for .89, a table (N, C) for .90."""
    noisy, _ = corrupt(digits_module.target, "symmetric", rate=0.4, random_state=0)
    clf = MentorNetClassifier("uniform", random_state=0).fit(digits_module.data, noisy)
    issues = clf.label_issues(sort=False)
    wrong = noisy != digits_module.target
    assert (clf.classes_[clf.record_.column("elected").long()] == digits_module.target)[wrong].mean() > 0.86
    flagged = wrong & issues["is_label_issue"].to_numpy()
    assert (issues["suggested_label"] == digits_module.target)[flagged].mean() > 0.92


def test_right_13_cleanlab_takes_the_table_in_the_order_of_the_rows(blobs):
    from cleanlab.classification import CleanLearning

    X, y = blobs
    noisy = np.where(np.arange(len(y)) % 10 == 0, (y + 1) % 3, y)
    clf = MentorNetClassifier(max_epochs=8, random_state=0)
    issues = clf.fit(X, noisy).label_issues(sort=False)
    assert issues["row"].tolist() == issues.index.tolist() == list(range(len(y)))
    assert issues["is_label_issue"].dtype == bool
    assert issues["given_label"].dtype == noisy.dtype
    assert 0 < issues["is_label_issue"].sum() < len(y)
    cleaned = CleanLearning(clf).fit(X, noisy, label_issues=issues)
    assert cleaned.clf.n_features_in_ == X.shape[1]
    assert len(cleaned.clf.sample_weight_) == (~issues["is_label_issue"]).sum()
    pd.testing.assert_frame_equal(clf.fit(X, noisy).label_issues().sort_index(), issues)


def test_labels_keep_their_type(blobs):
    X, y = blobs
    names = np.array(["cat", "dog", "emu"])[y]
    issues = MentorNetClassifier(max_epochs=10, random_state=0).fit(pd.DataFrame(X), pd.Series(names)).label_issues()
    assert set(issues["suggested_label"]) <= {"cat", "dog", "emu"}
    assert issues.loc[3, "given_label"] == names[3]


def test_mixing_tells_wrong_labels_too(digits_module):
    noisy, _ = corrupt(digits_module.target, "symmetric", rate=0.4, random_state=0)
    issues = MentorMixClassifier(random_state=0).fit(digits_module.data, noisy).label_issues()
    wrong = (noisy != digits_module.target)[issues["row"]]
    assert average_precision_score(wrong, -issues["label_quality"]) > 0.98


@pytest.mark.parametrize("fraction", [0, 0.2])
def test_plain_mixup_says_that_it_cannot(blobs, fraction):
    clf = MentorNetClassifier("uniform", mixup_alpha=1, max_epochs=3, validation_fraction=fraction, random_state=0)
    clf.fit(*blobs)
    with pytest.raises(InvalidParameterError, match="plain mixup"):
        clf.label_issues()


def test_rows_that_do_not_count_have_no_say_in_the_rate(digits_module):
    """All wrong labels are in rows of weight 0: the share is that of the others, and these rows are still ranked."""
    clean = digits_module.target
    noisy = np.where(np.arange(len(clean)) < 300, (clean + 1) % 10, clean)
    counts = (np.arange(len(clean)) >= 300).astype(float)
    clf = MentorNetClassifier(loss_percentile=0.9, random_state=0).fit(digits_module.data, noisy, sample_weight=counts)
    issues = clf.label_issues()
    assert len(issues) == len(clean)
    assert issues.attrs["noise_rate"] < 0.05
    assert issues["row"].head(250).isin(range(300)).mean() > 0.95


def test_before_fit():
    with pytest.raises(NotFittedError):
        MentorNetClassifier().label_issues()


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_few_issues_where_few_labels_are_wrong(digits_module, rate):
    noisy, _ = corrupt(digits_module.target, "symmetric", rate=rate, random_state=0)
    clf = MentorNetClassifier("mentornet_pd", percentile_by_class=True, random_state=0)
    issues = clf.fit(digits_module.data, noisy).label_issues()
    assert abs(issues.attrs["noise_rate"] - (noisy != digits_module.target).mean()) < 0.02
    assert abs(issues["is_label_issue"].mean() - issues.attrs["noise_rate"]) < 0.001


def test_no_issues_where_all_samples_are_alike():
    assert estimate_issue_rate(np.full(50, 0.7), np.full(50, 1.0)) == 0
    assert estimate_issue_rate(np.full(50, 0.7), np.full(50, -1.0)) == 1


def test_the_rate_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    losses = np.exp(np.where(rng.random(500) < 0.4, 0.5, -0.5) + rng.normal(size=500) / 2)
    rates = [estimate_issue_rate(rng.permutation(losses), -np.ones(500)) for _ in range(5)]
    assert np.ptp(rates) < 1e-9


def test_the_rate_is_the_smaller_of_two():
    rng = np.random.default_rng(0)
    for rate in (0.05, 0.3, 0.6):
        wrong = rng.random(3000) < rate
        losses = np.exp(np.where(wrong, 1, -2) + rng.normal(size=3000) / 2)
        told_apart = np.where(wrong, -3, 3) + rng.normal(size=3000)
        assert abs(estimate_issue_rate(losses, told_apart) - wrong.mean()) < 0.02
        assert estimate_issue_rate(losses, np.ones(3000)) == 0
        assert abs(estimate_issue_rate(losses, -np.ones(3000)) - wrong.mean()) < 0.02
