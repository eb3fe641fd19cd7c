import numpy as np
import pandas as pd
import pytest
import torch

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.nets import SampleRecord

LOGITS = torch.tensor(
    [[[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], [[0.0, 1.0, 0.5], [1.0, 0.0, 4.0]]]
)  # (visit, sample, class)
CODES = torch.tensor([0, 1])
ROWS = torch.tensor([4, 1])


def visited(filter_alpha=None, weights=((1.0, 0.5), (0.0, 0.5))):
    record = SampleRecord(6, 3, "cpu", filter_alpha)
    for logits, weight in zip(LOGITS, weights, strict=True):
        record.note(ROWS, CODES, logits, torch.tensor(weight))
        record.flush()
    return record


def test_columns_are_what_a_loop_over_samples_gives():
    frame = visited().to_frame()
    for position, row in enumerate(ROWS.tolist()):
        label = int(CODES[position])
        losses, margins = [], []
        for visit in LOGITS[:, position].numpy():
            proba = np.exp(visit) / np.exp(visit).sum()
            losses.append(-np.log(proba[label]))
            margins.append(visit[label] - max(z for code, z in enumerate(visit) if code != label))
        others = [code for code in range(3) if code != label]
        assert frame["loss"][row] == pytest.approx(losses[-1])
        assert frame["loss_mean"][row] == pytest.approx(np.mean(losses))
        assert frame["margin"][row] == pytest.approx(margins[-1])
        assert frame["margin_mean"][row] == pytest.approx(np.mean(margins))
        assert frame["proba_mean"][row] == pytest.approx(np.mean(np.exp(-np.array(losses))))
        assert frame["other"][row] == max(others, key=lambda code: LOGITS[-1, position, code])
        assert frame["n_visits"][row] == 2
    assert frame["forgetting"][[4, 1]].tolist() == [1, 1]
    assert frame["weight"][[4, 1]].tolist() == [0.0, 0.5]
    assert frame["weight_mean"][[4, 1]].tolist() == [0.5, 0.5]


def test_samples_never_visited_are_unknown():
    frame = visited(0.5).to_frame().loc[[0, 2, 3, 5]]
    assert frame[["forgetting", "n_visits"]].to_numpy().sum() == 0
    assert frame.drop(columns=["forgetting", "n_visits"]).isna().all(axis=None)


def test_a_visit_without_a_weight_counts_as_one_in_the_mean():
    frame = visited(weights=((torch.nan, 1.0), (0.25, torch.nan))).to_frame()
    assert frame["weight"][4] == 0.25
    assert np.isnan(frame["weight"][1])
    assert frame["weight_mean"][[4, 1]].tolist() == [0.625, 1.0]
    assert frame["n_visits"][[4, 1]].tolist() == [2, 2]


def test_filtered_predictions_follow_the_formula():
    first, second = LOGITS.softmax(-1)
    torch.testing.assert_close(visited(0.05).proba_[ROWS], 0.95 * first + 0.05 * second)


def test_entering_many_visits_at_once_is_entering_them_one_by_one():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(6000, generator=generator)
    logits, codes = torch.randn(6000, 4, generator=generator), torch.randint(4, (6000,), generator=generator)
    together, apart = SampleRecord(6000, 4, "cpu", 0.1), SampleRecord(6000, 4, "cpu", 0.1)
    for record, flush in ((together, False), (apart, True)):
        for part in rows.split(500):
            record.note(part, codes[part], logits[part], torch.ones(len(part)))
            if flush:
                record.flush()
        record.flush()
    pd.testing.assert_frame_equal(together.to_frame(), apart.to_frame())


def test_forty_eight_bytes_a_sample():
    record = SampleRecord(1000, 10, "cpu")
    assert record.table_.element_size() * record.table_.nelement() == 48 * 1000
    assert record.proba_ is None


def test_parquet_holds_the_table_and_the_filtered_predictions(tmp_path):
    record = visited(0.05)
    record.to_parquet(tmp_path / "record.parquet")
    again = pd.read_parquet(tmp_path / "record.parquet")
    pd.testing.assert_frame_equal(again, record.to_frame())
    assert list(again.columns[-3:]) == ["proba_0", "proba_1", "proba_2"]
    assert [file.name for file in tmp_path.iterdir()] == ["record.parquet"]


@pytest.mark.parametrize("make", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_every_estimator_keeps_a_record_of_all_its_visits(make, blobs):
    percentile = {} if make is FilterKDClassifier else {"loss_percentile": 0.7}
    clf = make(max_epochs=10, random_state=0, **percentile).fit(*blobs)
    frame = clf.record_.to_frame()
    assert (frame["n_visits"] == 10).all()
    assert not frame.isna().any(axis=None)


def test_the_record_goes_on_with_a_checkpoint(tmp_path, blobs):
    class Stop(Exception):
        pass

    from skorch.callbacks import Callback

    class StopAt(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 7:
                raise Stop

    whole = MentorNetClassifier(max_epochs=10, filter_alpha=0.1, random_state=0).fit(*blobs).record_
    clf = MentorNetClassifier(max_epochs=10, filter_alpha=0.1, random_state=0, checkpoint_dir=tmp_path)
    with pytest.raises(Stop):
        clf.set_params(callbacks=[StopAt()]).fit(*blobs)
    continued = clf.set_params(callbacks=None).fit(*blobs).record_
    pd.testing.assert_frame_equal(continued.to_frame(), whole.to_frame())


def test_right_07_the_other_class_is_elected_by_all_visits():
    """Class 2 at most visits, 1 at the last one: the last visit alone has no say, and neither has the order of rows."""
    record = SampleRecord(2, 3, "cpu")
    seen = torch.tensor([[0.0, 1, 2], [0, 1, 3], [0, 1, 2], [0, 2, 1]])
    for logits in seen:
        record.note(torch.tensor([1]), torch.tensor([0]), logits[None], torch.ones(1))
        record.flush()
    assert record.column("elected")[1] == seen.softmax(1)[:, 1:].sum(0).argmax() + 1 == 2
    assert record.column("other")[1] == 1
    assert record.column("elected")[0].isnan()


def test_right_07_the_election_is_that_of_a_loop():
    generator = torch.Generator().manual_seed(0)
    rows, codes = torch.arange(50), torch.randint(4, (50,), generator=generator)
    record, leaders = SampleRecord(50, 4, "cpu"), [(None, 0.0)] * 50
    for _ in range(6):
        logits = torch.randn(50, 4, generator=generator)
        record.note(rows, codes, logits, torch.ones(50))
        record.flush()
        for row, proba in enumerate(logits.double().softmax(1)):
            other = proba.scatter(0, codes[row : row + 1], -1.0).argmax().item()
            leader, lead = leaders[row]
            lead += proba[other].item() * (1 if other == leader else -1)
            leaders[row] = (other, abs(lead)) if leader is None or lead < 0 else (leader, lead)
    assert record.column("elected").tolist() == [leader for leader, _ in leaders]
    np.testing.assert_allclose(record.column("lead"), [lead for _, lead in leaders], atol=1e-6)


def test_right_07_a_record_without_an_election_goes_on():
    """As checkpoints of an earlier version hold it."""
    earlier, record = visited().state_dict(), SampleRecord(6, 3, "cpu")
    record.load_state_dict({"table": earlier["table"][:, :-2], "proba": None})
    assert torch.equal(record.column("elected").nan_to_num(-1), record.column("other").nan_to_num(-1))
    assert torch.equal(record.column("lead").isnan(), record.column("other").isnan())
    assert (record.column("lead").nan_to_num() == 0).all()
    record.note(ROWS, CODES, LOGITS[0], torch.ones(2))
    frame = record.to_frame()
    assert frame["n_visits"][[4, 1]].tolist() == [3, 3]
    assert record.column("elected")[[4, 1]].tolist() == frame["other"][[4, 1]].tolist()
