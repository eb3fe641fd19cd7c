"""FilterKDClassifier: teacher and student on the same rows, what the student learns, stops in either stage."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping, EpochScoring
from torch.utils.data import TensorDataset

from noisylabel import FilterKDClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.estimators._filterkd import TEACHINGS
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional import filtered_update
from noisylabel.nets import DistillingNet

QUICK = {"max_epochs": 5, "random_state": 0}


class Stages(Callback):
    """Keep what each stage starts with and has at its end, and kill a stage in the middle of an epoch if asked to."""

    def __init__(self, kill=None):
        self.kill = kill  # (stage from 0, epoch)
        self.first_weights = []
        self.last_weights = []
        self.logits = []

    def on_train_begin(self, net, **kwargs):
        self.first_weights.append(weights_of(net))
        self.last_weights.append(None)
        self.stage = len(self.first_weights) - 1

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and (self.stage, len(net.history)) == self.kill and len(net.history[-1]["batches"]) == 2:
            raise RuntimeError("killed")

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, **kwargs):
        if training:
            self.logits.append((self.stage, batch.rows, batch[1], y_pred.detach()))

    def on_epoch_end(self, net, **kwargs):
        self.last_weights[-1] = weights_of(net)


def weights_of(net):
    return torch.cat([value.double().flatten() for value in net.module_.state_dict().values()])


def right_on_wrong(codes, digits):
    wrong = digits.noisy != digits.target
    return (codes == digits.target)[wrong].mean()


def test_it_takes_the_training_parameters_of_mentornet():
    mine, other = (inspect.signature(c.__init__).parameters for c in (FilterKDClassifier, MentorNetClassifier))
    shared = [name for name in other if name in mine and name != "filter_alpha"]
    assert "ema_decay" in shared
    assert shared.index("random_state") > 10
    assert all(mine[name].default == other[name].default for name in shared)


def test_filtered_predictions_know_more_and_the_student_learns_them(digits):
    """Half of the epochs for each stage, against plain training with all of them."""
    clf = FilterKDClassifier(max_epochs=25, random_state=0).fit(digits.data, digits.noisy)
    filtered = right_on_wrong(clf.teacher_.record_.proba_.numpy().argmax(1), digits)
    last = right_on_wrong(clf.teacher_.predict(digits.data), digits)
    assert right_on_wrong(digits.noisy, digits) == 0
    assert filtered > last + 0.1 > 0.1
    student = clf.score(digits.test_data, digits.test_target)
    plain = FilterKDClassifier("one_hot", max_epochs=50, random_state=0).fit(digits.data, digits.noisy)
    assert student > plain.score(digits.test_data, digits.test_target) + 0.1
    last = clone(clf).set_params(teacher="last").fit(digits.data, digits.noisy)
    assert student > last.score(digits.test_data, digits.test_target) + 0.02


def test_the_table_is_the_filtered_outputs_of_the_teachers_own_steps(blobs):
    """Written out from what each step of the teacher said, row by row; the labels are the noisy ones given."""
    X, y = blobs
    noisy = (y + (np.arange(120) % 4 == 0)) % 3
    watch = Stages()
    clf = FilterKDClassifier(filter_alpha=0.3, batch_size=50, callbacks=[watch], **QUICK).fit(X, noisy)
    table = torch.full((120, 3), torch.nan)
    for stage, rows, codes, logits in watch.logits:
        assert np.array_equal(codes.numpy(), noisy[rows.numpy()])
        if stage == 0:
            for row, proba in zip(rows.tolist(), logits.softmax(1), strict=True):
                table[row] = filtered_update(table[row], proba, 0.3)
    torch.testing.assert_close(clf.teacher_.record_.proba_, table)
    assert sum(stage for stage, *_ in watch.logits) == 15  # of each stage 3 batches x 5 epochs


def test_the_teacher_is_plain_training_of_the_same_seed(digits):
    settings = {"validation_fraction": 0.2, "random_state": 3, "max_epochs": 6}
    clf = FilterKDClassifier(teacher_epochs=4, **settings).fit(digits.data, digits.noisy)
    plain = MentorNetClassifier("uniform", **(settings | {"max_epochs": 4})).fit(digits.data, digits.noisy)
    assert np.array_equal(clf.teacher_.predict_proba(digits.data), plain.predict_proba(digits.data))
    assert (clf.teacher_.n_iter_, clf.n_iter_) == (4, 6)


@pytest.mark.parametrize("random_state", [0, None, np.random.RandomState(0)], ids=["int", "none", "RandomState"])
@pytest.mark.parametrize("teacher", ["filtered", "early_stopped"])
def test_teacher_and_student_hold_out_the_same_rows(digits, teacher, random_state):
    clf = FilterKDClassifier(teacher, max_epochs=2, validation_fraction=0.25, random_state=random_state)
    clf.fit(digits.data, digits.noisy)
    held_out = np.isnan(clf.sample_weight_)
    assert held_out.sum() == 300
    assert np.array_equal(held_out, np.isnan(clf.teacher_.sample_weight_))
    visits = clf.teacher_.record_.column("n_visits").numpy(), clf.record_.column("n_visits").numpy()
    assert set(visits[0][~held_out]) == set(visits[1][~held_out]) == {2}


def test_students_start_from_other_weights_or_the_very_same(blobs):
    for same_init in (False, True):
        watch = Stages()
        FilterKDClassifier(same_init=same_init, callbacks=[watch], **QUICK).fit(*blobs)
        teacher, student = watch.first_weights
        assert len(teacher) == len(student) > 100
        assert torch.equal(teacher, student) is same_init


class Look(FilterKDClassifier):
    """Keep what the teacher's run found."""

    def _teach(self, *args):
        teacher, self.found_ = super()._teach(*args)
        return teacher, self.found_


def test_last_is_the_last_network_and_early_stopped_the_best(digits):
    settings = {"student": "mlp", "validation_fraction": 0.2, "max_epochs": 40, "teacher_epochs": 40, "random_state": 0}
    watch = Stages()
    last = Look("last", callbacks=[watch], **settings).fit(digits.data, digits.noisy)
    assert last.teacher_.best_epoch_ < 30
    asked = TEACHINGS["last"].targets(last, None, last.found_).module
    kept = torch.cat([value.double().flatten() for value in asked.state_dict().values()])
    assert torch.equal(kept, watch.last_weights[0])
    assert not torch.equal(kept, weights_of(last.teacher_.net_))
    best = TEACHINGS["early_stopped"].targets(last, None, last.found_).module
    assert best is last.teacher_.net_.module_
    early = FilterKDClassifier("early_stopped", **(settings | {"max_epochs": 10})).fit(digits.data, digits.noisy)
    late = FilterKDClassifier("last", **(settings | {"max_epochs": 10})).fit(digits.data, digits.noisy)
    scores = [clf.score(digits.test_data, digits.test_target) for clf in (early, late)]
    assert scores[0] > scores[1]


def test_last_with_an_average_is_the_average(blobs):
    clf = Look("last", ema_decay=0.9, **QUICK).fit(*blobs)
    asked = TEACHINGS["last"].targets(clf, None, clf.found_).module
    kept = torch.cat([value.double().flatten() for value in asked.state_dict().values()])
    assert torch.equal(kept, weights_of(clf.teacher_.net_))


def test_methods_without_a_teacher(digits):
    settings = {"max_epochs": 8, "random_state": 0, "validation_fraction": 0.1}
    plain = MentorNetClassifier("uniform", **settings).fit(digits.data, digits.noisy)
    one_hot = FilterKDClassifier("one_hot", temperature=3, **settings).fit(digits.data, digits.noisy)
    np.testing.assert_allclose(
        one_hot.predict_proba(digits.data), plain.predict_proba(digits.data), rtol=1e-4, atol=1e-6
    )
    smooth = FilterKDClassifier("label_smoothing", label_smoothing=0.5, **settings).fit(digits.data, digits.noisy)
    assert one_hot.teacher_ is smooth.teacher_ is None
    confidence = [clf.predict_proba(digits.data).max(1).mean() for clf in (one_hot, smooth)]
    assert confidence[1] < confidence[0] - 0.1


@pytest.mark.parametrize("teacher", TEACHINGS)
def test_labels_data_and_pipelines_of_any_kind(blobs, teacher):
    X, y = blobs
    names = np.array(["cat", "dog", "eel"])
    settings = {"max_epochs": 20, "batch_size": 32, "validation_fraction": 0.1, "random_state": 0}
    frame = pd.DataFrame(X, columns=list("abcde"))
    clf = FilterKDClassifier(teacher, **settings).fit(frame, pd.Series(names[y]))
    assert list(clf.feature_names_in_) == list("abcde")
    assert (clf.predict(frame) == names[y]).mean() > 0.9
    again = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(again.predict_proba(frame), clf.predict_proba(frame))
    assert clone(clf).get_params() == clf.get_params()
    dataset = TensorDataset(torch.tensor(X), torch.tensor(y))
    from_dataset = FilterKDClassifier(teacher, **settings).fit(dataset)
    np.testing.assert_allclose(from_dataset.predict_proba(X), clf.predict_proba(frame), atol=1e-5)
    pipeline = make_pipeline(StandardScaler(), FilterKDClassifier(teacher, **settings))
    assert cross_val_score(pipeline, X, y, cv=2, error_score="raise").min() > 0.8


@pytest.mark.parametrize("teacher", ["filtered", "last"])
def test_weights_stand_for_repeated_rows(teacher):
    rng = np.random.default_rng(0)
    X, y, weight = rng.random((25, 10)), rng.integers(0, 3, 25), rng.integers(1, 4, 25)
    clf = FilterKDClassifier(teacher, batch_size=200, max_epochs=15, random_state=0)
    weighted = clone(clf).fit(X, y, sample_weight=weight)
    repeated = clone(clf).fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-3, atol=1e-5)
    unweighted = clone(clf).fit(X, y)
    assert np.abs(unweighted.predict_proba(X) - weighted.predict_proba(X)).max() > 0.01


def test_images_with_augmentation(images):
    for teacher in ("filtered", "last"):
        clf = FilterKDClassifier(teacher, augment="shift_flip", max_epochs=10, batch_size=16, random_state=0).fit(
            *images
        )
        assert clf.score(*images) > 0.9


def test_global_streams_stay_as_they_were(blobs):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    FilterKDClassifier("last", max_epochs=2).fit(*blobs)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"teacher": "filter"}, "'teacher' must be one of .* Did you mean 'filtered'"),
        ({"filter_alpha": 0}, r"'filter_alpha' must be a number in \(0, 1\]. Got 0"),
        ({"temperature": 0}, r"'temperature' must be a number in \(0, inf\)"),
        ({"label_smoothing": 2}, r"'label_smoothing' must be a number in \[0, 1\]"),
        ({"teacher_epochs": 0}, "'teacher_epochs' must be an integer of at least 1"),
        ({"ema_decay": 1}, r"'ema_decay' must be a number in \[0, 1\)"),
        ({"same_init": "yes"}, "'same_init' must be a bool. Got 'yes'"),
        ({"teacher": "early_stopped"}, "'validation_fraction' is 0, which holds none out. Set it above 0"),
    ],
)
def test_bad_input_gets_a_clear_error(blobs, settings, message):
    with pytest.raises(InvalidParameterError, match=message):
        FilterKDClassifier(**settings).fit(*blobs)


def test_trusted_labels_are_refused_before_anything_is_trained(blobs):
    watch = Stages()
    with pytest.raises(InvalidParameterError, match="FilterKDClassifier has no use for 'y_trusted'"):
        FilterKDClassifier(callbacks=[watch]).fit(*blobs, y_trusted=blobs[1])
    assert watch.logits == []


def test_progress_says_which_stage_runs(blobs, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    FilterKDClassifier(verbose=1, max_epochs=2).fit(*blobs)
    shown = capsys.readouterr().err
    assert shown.index("teacher of FilterKDClassifier: ") < shown.rindex("\rFilterKDClassifier: ")


def assert_same_fit(one, other):
    assert torch.equal(weights_of(one.net_), weights_of(other.net_))
    assert torch.equal(weights_of(one.teacher_.net_), weights_of(other.teacher_.net_))
    for pair in ((one, other), (one.teacher_, other.teacher_)):
        frames = [clf.record_.to_frame() for clf in pair]
        pd.testing.assert_frame_equal(*frames, check_exact=True)
        histories = [clf.history_.drop(columns="dur") for clf in pair]
        assert histories[0].equals(histories[1])


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("teacher", ["filtered", "last", "early_stopped"])
def test_a_run_stopped_in_either_stage_goes_on_to_the_same_networks(
    digits, tmp_path, teacher, random_state, monkeypatch
):
    settings = {"max_epochs": 6, "validation_fraction": 0.2, "ema_decay": 0.9, "random_state": random_state}
    clf = FilterKDClassifier(teacher, checkpoint_dir=tmp_path / "killed", **settings)
    for kill in ((0, 2), (0, 5), (1, 1), (1, 4)):
        with pytest.raises(RuntimeError, match="killed"):
            clf.set_params(callbacks=[Stages(kill)]).fit(digits.data, digits.noisy)
    clf.set_params(callbacks=None).fit(digits.data, digits.noisy)
    whole = FilterKDClassifier(teacher, **settings)
    seed = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)["seed"]
    if random_state is None:
        monkeypatch.setattr("noisylabel.estimators._run.draw_seed", lambda random_state: seed)
    assert_same_fit(clf, whole.fit(digits.data, digits.noisy))
    monkeypatch.undo()
    loaded = load_checkpoint(tmp_path / "killed")
    assert isinstance(loaded, FilterKDClassifier)
    assert np.array_equal(loaded.predict_proba(digits.data), clf.predict_proba(digits.data))
    watch = Stages()
    assert_same_fit(clf, clone(clf).set_params(callbacks=[watch]).fit(digits.data, digits.noisy))
    assert watch.logits == []  # a finished fit is only read


def test_another_run_is_refused(blobs, tmp_path):
    clf = FilterKDClassifier(checkpoint_dir=tmp_path, **QUICK).fit(*blobs)
    with pytest.raises(InvalidParameterError, match="other parameters: temperature was .*, is 3"):
        clone(clf).set_params(temperature=3).fit(*blobs)
    (tmp_path / "checkpoint.pt").unlink()  # as if it had been stopped in the first stage
    with pytest.raises(InvalidParameterError, match="teacher.* other parameters: random_state was 0, is 1"):
        clone(clf).set_params(random_state=1).fit(*blobs)


def test_early_stopping_in_both_stages(digits):
    stop = EarlyStopping("valid_acc", patience=3, lower_is_better=False)
    clf = FilterKDClassifier("last", max_epochs=60, validation_fraction=0.2, callbacks=[stop], random_state=0).fit(
        digits.data, digits.noisy
    )
    assert clf.teacher_.n_iter_ < 60
    assert clf.n_iter_ < 60


def test_callbacks_start_anew_for_the_student(blobs):
    """What skorch remembers of the teacher's epochs, such as its best score, is not taken for the student's."""

    class Count(EpochScoring):
        def __init__(self):
            super().__init__(self.value, lower_is_better=False, name="value")

        def value(self, net, X, y=None):
            is_student = isinstance(net, DistillingNet)
            return len(net.history) / 100 + (0 if is_student else 0.5)

    clf = FilterKDClassifier("last", callbacks=[Count()], validation_fraction=0.2, **QUICK).fit(*blobs)
    assert clf.net_.history[:, "value_best"] == [True] * QUICK["max_epochs"]


def test_a_callback_that_changes_the_end_does_not_change_what_last_teaches(blobs):
    class Zero(Callback):
        def on_train_end(self, net, **kwargs):
            with torch.no_grad():
                for parameter in net.module_.parameters():
                    parameter.zero_()

    clf = Look("last", callbacks=[Zero()], **QUICK).fit(*blobs)
    asked = TEACHINGS["last"].targets(clf, None, clf.found_).module
    assert any(parameter.abs().sum() > 0 for parameter in asked.parameters())


def test_another_run_is_refused_before_the_teacher_is_trained(blobs, tmp_path):
    FilterKDClassifier(checkpoint_dir=tmp_path, **QUICK).fit(*blobs)
    (tmp_path / "teacher" / "checkpoint.pt").unlink()
    watch = Stages()
    with pytest.raises(ValueError, match="other parameters: temperature was 1.0, is 2.0"):
        FilterKDClassifier(checkpoint_dir=tmp_path, temperature=2.0, callbacks=[watch], **QUICK).fit(*blobs)
    assert watch.logits == []


def test_the_teachers_checkpoint_knows_the_column_names(blobs, tmp_path):
    X = pd.DataFrame(blobs[0], columns=list("abcde"))
    clf = FilterKDClassifier(checkpoint_dir=tmp_path, **QUICK).fit(X, blobs[1])
    for fitted in (clf, clf.teacher_, load_checkpoint(tmp_path), load_checkpoint(tmp_path / "teacher")):
        assert fitted.feature_names_in_.tolist() == list("abcde")
