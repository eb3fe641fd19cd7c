"""Records of a student: the file format, the features made of them, and what is learned from them."""

import numpy as np
import pandas as pd
import pytest
import torch

from noisylabel.curricula.learned import (
    MentorFeatures,
    learn_from_records,
    learn_from_trusted,
    learn_from_vstar,
    read_records,
    record_features,
    write_records,
)
from noisylabel.exceptions import InvalidDataError, InvalidFileError, InvalidParameterError

COLUMNS = ["sample_id", "epoch", "noisy_label", "clean_label", "loss"]
KNOWN = pd.DataFrame(
    {
        "sample_id": range(5),
        "epoch": 18,
        "noisy_label": [1, 2, 3, 4, 5],
        "clean_label": [1, 2, 3, 9, 5],
        "loss": [0.1, 0.2, 0.3, 2.0, 3.0],
    }
)


@pytest.mark.parametrize(
    ("percentile", "threshold"), [(0.4, 0.26), (0.5, 0.3), (0.6, 0.98), (0.75, 2), (0.8, 2.2), (0.9, 2.6)]
)
def test_known_numbers(percentile, threshold):
    features, is_right, sample = record_features(KNOWN, percentile)
    assert is_right.tolist() == [1, 1, 1, 0, 1]
    assert (features.loss - features.loss_diff).ravel().tolist() == pytest.approx([threshold] * 5)
    assert features.epoch_percent.tolist() == [18] * 5
    assert features.label.tolist() == [0] * 5


def test_each_percent_of_each_table_has_its_own_percentile():
    later = KNOWN.assign(epoch=50, loss=10 * KNOWN["loss"])
    features, _, sample = record_features([pd.concat([KNOWN, later]), KNOWN.assign(loss=KNOWN["loss"] + 1)], 0.5)
    thresholds = (features.loss - features.loss_diff).ravel()
    second = [False] * 10 + [True] * 5
    rows = zip(features.epoch_percent.tolist(), second, thresholds.tolist(), strict=True)
    assert {(epoch, second): round(threshold, 4) for epoch, second, threshold in rows} == {
        (18, False): 0.3,
        (50, False): 3.0,
        (18, True): 1.3,
    }
    assert sample[10:].tolist() == sample[:10:2].tolist()  # one sample in both tables: a split keeps it together


def test_history_is_the_samples_own_oldest_first():
    rows = [("b", 30, 1, 1, 5.0), ("a", 20, 1, 1, 2.0), ("a", 10, 1, 1, 1.0), ("a", 30, 1, 1, 3.0)]
    features, _, sample = record_features(pd.DataFrame(rows, columns=COLUMNS), 0, history_length=2)
    assert features.loss.tolist() == [[1, 1], [1, 2], [2, 3], [5, 5]]
    assert features.loss_diff.tolist() == [[0, 0], [0, 0], [0, 0], [2, 2]]
    assert sample.tolist() == [0, 0, 0, 1]


TEXT = {
    "commas": "1,18,3,4,0.5\n2,18,3,3,0.25\n",
    "commas and blanks": "1, 18, 3, 4, 0.5\n\n 2, 18, 3, 3, 0.25",
    "tabs": "1\t18\t3\t4\t0.5\n2\t18\t3\t3\t0.25\n",
    "spaces": " 1 18 3  4 0.5\n2 18 3 3 0.25\n",
    "header": "sample_id,epoch,noisy_label,clean_label,loss\n1,18,3,4,0.5\n2,18,3,3,0.25\n",
    "header in another order, with more": "loss,x,epoch,sample_id,noisy_label,clean_label\n"
    "0.5,a,18,1,3,4\n0.25,b,18,2,3,3\n",
    "header and spaces": "sample_id epoch noisy_label clean_label loss\n1 18 3 4 0.5\n2 18 3 3 0.25\n",
    "blank first lines": "\n\n1,18,3,4,0.5\n2,18,3,3,0.25\n",
    "windows": "\ufeff1,18,3,4,0.5\r\n2,18,3,3.0,0.25\r\n",
}


@pytest.mark.parametrize("text", TEXT.values(), ids=TEXT)
def test_formats(tmp_path, text):
    path = tmp_path / "records.csv"
    path.write_text(text, encoding="utf-8")
    table = read_records(path)
    assert table.columns.tolist() == COLUMNS
    assert table["epoch"].tolist() == [18, 18]
    assert (table["noisy_label"] == table["clean_label"]).tolist() == [False, True]
    assert table["loss"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize("name", ["records.csv", "records.parquet"])
def test_round_trip(tmp_path, name):
    labels = KNOWN.assign(noisy_label=["a cat", "dog, big", "x", "y", "z"], clean_label=["a cat", "dog", "x", "y", "z"])
    for table in (KNOWN, labels):
        again = read_records(write_records(table, tmp_path / name))
        assert again["loss"].tolist() == table["loss"].tolist()
        right = (table["noisy_label"] == table["clean_label"]).tolist()
        assert (again["noisy_label"] == again["clean_label"]).tolist() == right
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,18,1,1,0.1\n\n2,118,1,1,0.1\n", "line 3: 'epoch' must be a whole number from 0 to 99. Got '2 118 1 1 0.1'"),
        ("1,18.5,1,1,0.1\n", "line 1: 'epoch' must be"),
        ("sample_id,epoch,noisy_label,clean_label,loss\n1,18,1,1,high\n", "line 2: 'loss' must be a number"),
        ("1 18 1 1 0.1\n2 18 1 1 nan\n", "line 2: 'loss' must be"),
        ("1 18 1 1 -1\n2 18 1 1 -1\n", "line 1: 'loss' must be .* 2 rows are like that"),
        ("1,18,1,1,inf\n", "line 1: 'loss' must be"),
        ("1,18,1,,0.1\n", "line 1: 'clean_label' is missing"),
        ("1 18 1 1 1\n2 18 3 nan 0.5\n", "line 2: 'clean_label' is missing"),
        ("\n\n1,18,1,1,1\n2,18,1,1,-1\n", "line 4: 'loss' must be"),
        ("1,18,1,1,0.1\n2,18,1\n", "line 2"),
        ("1,18,1,1,0.1\n2,18,1,1,0.1,7\n", "line 2"),
        ("1 18 1 1 0.1\n1 18 1 1 0.2\n", "line 2: this 'sample_id' has a record at this 'epoch' already"),
        ("1 18 1 1\n", "must have the columns sample_id, epoch, .* Line 1 has 4"),
        ("id,epoch,noisy,clean,loss\n1,18,1,1,1\n", "Its header is id, epoch, noisy, clean, loss"),
        ("sample_id,epoch,noisy_label,clean_label,loss\n", "holds no records"),
        ("", "cannot be read as a table"),
    ],
)
def test_a_bad_row_is_an_error_with_its_line(tmp_path, text, message):
    path = tmp_path / "records.csv"
    path.write_text(text)
    with pytest.raises(InvalidFileError, match=message):
        read_records(path)


def test_other_bad_input(tmp_path):
    with pytest.raises(InvalidFileError, match="no file of records"):
        read_records(tmp_path / "none.csv")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InvalidFileError, match="is no Parquet file, or is damaged"):
        read_records(tmp_path / "cut.parquet")
    for missing in (None, np.nan, pd.NA):
        for clean in ([1, 2, 3, 9, missing], ["1", "2", "3", "9", missing]):
            with pytest.raises(InvalidFileError, match="row 4: 'clean_label' is missing"):
                learn_from_records(KNOWN.assign(clean_label=pd.Series(clean, dtype=object)))
    KNOWN.assign(clean_label=pd.Series(["1", None, "3", "9", "5"], dtype=object)).to_parquet(tmp_path / "m.parquet")
    with pytest.raises(InvalidFileError, match="row 1: 'clean_label' is missing"):
        read_records(tmp_path / "m.parquet")
    with pytest.raises(InvalidDataError, match="5 right and 0 wrong"):
        learn_from_records(KNOWN.assign(clean_label=KNOWN["noisy_label"]))
    with pytest.raises(InvalidFileError, match="row 3: 'loss' must be"):
        learn_from_records(KNOWN.assign(loss=[0, 1, 2, -1, 4]))
    for percentile in (70, 1.01, -0.1):
        with pytest.raises(
            InvalidParameterError,
            match=rf"'percentile' must be a number in \[0, 1\]. Got {percentile}. It is a fraction: 0.7 and not 70",
        ):
            learn_from_records(KNOWN, percentile=percentile)


def records(n=1500, seed=0):
    """Wrong labels have exponential losses of mean 3, right ones of mean 0.5."""
    rng = np.random.default_rng(seed)
    right = rng.random(n) < 0.6
    loss = rng.exponential(np.where(right, 0.5, 3.0))
    return pd.DataFrame(
        {"sample_id": range(n), "epoch": 20, "noisy_label": 1, "clean_label": np.where(right, 1, 2), "loss": loss}
    )


@pytest.mark.slow
def test_weight_is_the_probability_that_the_label_is_right():
    options = {"percentile": 0.6, "loss_scales": (1, 1), "random_state": 0}
    learned = learn_from_records(records(20_000), sharpness=1, **options)
    decided = learn_from_records(records(20_000), **options)
    loss = torch.tensor([0.1, 0.5, 1.0, 2.0, 4.0])
    right, wrong = 0.6 * 2 * (-loss / 0.5).exp(), 0.4 / 3 * (-loss / 3).exp()
    threshold = records(20_000)["loss"].quantile(0.6)
    weights = learned.weights(loss, loss - threshold, torch.zeros(5), 20)
    torch.testing.assert_close(weights, right / (right + wrong), atol=0.06, rtol=0)
    decisions = decided.weights(loss, loss - threshold, torch.zeros(5), 20)
    torch.testing.assert_close(decisions, (10 * weights.logit()).sigmoid())
    assert learned.card["fit"]["cross_entropy"] == decided.card["fit"]["cross_entropy"]
    assert learned.card["learned_from"]["percentile"] == 0.6
    assert learned.card["fit"]["n"] == pytest.approx(4000, abs=200)


@pytest.mark.slow
def test_more_losses_of_a_sample_tell_more():
    visits = [records(2000, seed=7)]
    rng = np.random.default_rng(1)
    for epoch in (21, 22, 23):
        wrong = visits[0]["clean_label"] == 2
        visits.append(visits[0].assign(epoch=epoch, loss=rng.exponential(np.where(wrong, 3.0, 0.5))))
    table = pd.concat(visits)
    one, four = (
        learn_from_records(table, history_length=k, n_steps=1500, random_state=0).card["fit"]["cross_entropy"]
        for k in (1, 4)
    )
    assert four < one - 0.05


@pytest.mark.slow
def test_it_serves_students_with_smaller_losses():
    """Ten times smaller losses, on which a network that knows one scale believes every label."""
    table = records(5000)
    right = torch.tensor((table["clean_label"] == 1).tolist())
    loss = torch.tensor(table["loss"].tolist()) / 10
    arguments = (loss, loss - torch.quantile(loss, 0.6), torch.zeros(5000), 20)
    options = {"percentile": 0.6, "n_steps": 2000, "random_state": 0}
    narrow, wide = (
        learn_from_records(table, loss_scales=scales, **options).weights(*arguments) for scales in ((1, 1), (0.05, 3))
    )
    assert narrow[~right].mean() > 0.8
    assert wide[~right].mean() < 0.4 < 0.8 < wide[right].mean()
    for wrong in ((3, 0.1), (0, 1), 2, (1,)):
        with pytest.raises(InvalidParameterError, match="'loss_scales'"):
            learn_from_records(table, loss_scales=wrong)


def test_tabs_keep_blanks_in_labels(tmp_path):
    (tmp_path / "r.tsv").write_text("1\t18\ta cat\ta dog\t0.5\n")
    assert read_records(tmp_path / "r.tsv").loc[0, "noisy_label"] == "a cat"


def test_numbers_of_numpy_are_saved(tmp_path):
    options = {"percentile": np.float32(0.5), "sharpness": np.float32(3), "n_steps": np.int64(50), "random_state": 0}
    learn_from_records(records(), **options).save(tmp_path / "a")
    learn_from_vstar("focal", n_samples=np.int64(100), n_steps=5, random_state=0).save(tmp_path / "b")


@pytest.mark.parametrize("n_wrong", [2, 5, 8])
def test_ten_samples_are_enough_if_they_are_clear(n_wrong):
    wrong = torch.arange(10) < n_wrong
    loss = torch.where(wrong, 3.5, 0.1) + 0.01 * torch.arange(10)
    features = MentorFeatures.of(loss, loss - 1, torch.zeros(10), torch.full((10,), 21))
    fit = learn_from_trusted(features, ~wrong, random_state=0).card["fit"]
    assert fit["weight_right"] > 0.95
    assert fit["weight_wrong"] < 0.05
