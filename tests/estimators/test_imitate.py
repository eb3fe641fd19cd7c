"""A MentorNet that imitates another curriculum."""

import numpy as np
import pytest
import torch

from noisylabel import MentorNetClassifier
from noisylabel.callbacks import MentorRecorder
from noisylabel.curricula import MentorNet
from noisylabel.curricula.learned import MentorFeatures, imitation_error, learn_from_weights
from noisylabel.estimators import imitate
from noisylabel.exceptions import InvalidDataError


def visits(n=2000):
    generator = torch.Generator().manual_seed(0)
    loss = 4 * torch.rand(n, generator=generator)
    percent = torch.randint(100, (n,), generator=generator)
    return MentorFeatures.of(loss, loss - 1, torch.zeros(n), percent), loss, torch.arange(n) % 400


def test_weights_above_one_are_scaled_and_the_card_says_how():
    features, loss, rows = visits()
    weights = torch.exp(-loss) * 3
    weights[:10] = 50.0  # fewer than a hundredth
    learned = learn_from_weights(features, weights, rows, n_steps=1000, random_state=0)
    scale = learned.card["learned_from"]["weight_scale"]
    assert scale == pytest.approx(np.quantile(weights.numpy(), 0.99), rel=1e-4)
    assert 2.5 < scale < 3.5
    assert learned.card["learned_from"]["share_cut_off"] == pytest.approx(0.01, abs=0.001)
    given = learned.weights(torch.tensor([0.2, 1.0, 3.0]), torch.tensor([-0.8, 0.0, 2.0]), torch.zeros(3), 50)
    np.testing.assert_allclose(given * scale, 3 * np.exp([-0.2, -1.0, -3.0]), atol=0.3)
    assert learned.card["fit"]["rank_correlation"] > 0.95


def test_weights_up_to_one_are_learned_as_they_are():
    features, loss, rows = visits()
    learned = learn_from_weights(features, (loss < 1).float() / 2, rows, n_steps=500, random_state=0)
    assert learned.card["learned_from"]["weight_scale"] == 1.0
    given = learned.weights(torch.tensor([0.5]), torch.tensor([-0.5]), torch.zeros(1), 50)
    assert given.item() == pytest.approx(0.5, abs=0.1)


def test_what_it_cannot_see_it_gives_the_mean_of():
    features, loss, rows = visits()
    hidden = (torch.rand(len(rows), generator=torch.Generator().manual_seed(1)) < 0.3).float()
    learned = learn_from_weights(features, hidden, rows, n_steps=500, random_state=0)
    fit = learned.card["fit"]
    assert fit["mean_absolute_error"] == pytest.approx(2 * 0.3 * 0.7, abs=0.06)
    assert abs(fit["rank_correlation"]) < 0.15


def test_the_error_is_measured_on_rows_left_out(monkeypatch):
    features, loss, rows = visits()
    seen = {}
    fitted = learn_from_weights.__globals__["learn_mentornet"]

    def learn(features, targets, **options):
        seen["learned"] = set(features.loss[:, 0].tolist())
        return fitted(features, targets, **options)

    def error(mentornet, features, targets):
        seen["left out"] = set(features.loss[:, 0].tolist())
        return imitation_error(mentornet, features, targets)

    monkeypatch.setitem(learn_from_weights.__globals__, "learn_mentornet", learn)
    monkeypatch.setitem(learn_from_weights.__globals__, "imitation_error", error)
    card = learn_from_weights(features, (loss < 1).float(), rows, n_steps=10, random_state=0).card
    row_of = dict(zip(features.loss[:, 0].tolist(), rows.tolist(), strict=True))
    learned, left_out = ({row_of[loss] for loss in seen[kind]} for kind in ("learned", "left out"))
    assert not learned & left_out
    assert len(left_out) == pytest.approx(80, abs=25)
    assert card["fit"]["n"] == len(seen["left out"])


def test_error_of_known_numbers():
    class Half:
        @staticmethod
        def network(loss, loss_diff, label, epoch_percent):
            return torch.logit(torch.tensor([0.1, 0.2, 0.8, 0.9]))

    features = MentorFeatures.of(torch.zeros(4), torch.zeros(4), torch.zeros(4), [10, 10, 20, 20])
    found = imitation_error(Half(), features, torch.tensor([0.0, 0.4, 1.0, 0.6]))
    assert found["mean_absolute_error"] == pytest.approx((0.1 + 0.2 + 0.2 + 0.3) / 4)
    assert found["error_of_time_alone"] == pytest.approx(0.2)
    assert found["rank_correlation"] == pytest.approx(0.8)  # ranks 1 2 3 4 and 1 2 4 3: 1 - 6 * 2 / 60


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (torch.ones(2000), "Every weight is 1: there is nothing to imitate"),
        (torch.full((2000,), -1.0), "finite and at least 0"),
        (torch.full((2000,), torch.nan), "finite and at least 0"),
        (torch.ones(3), "one weight for each of 2000 visits"),
    ],
)
def test_bad_weights(weights, message):
    features, _, rows = visits()
    with pytest.raises(InvalidDataError, match=message):
        learn_from_weights(features, weights, rows)
    with pytest.raises(InvalidDataError, match="too few to learn from"):
        learn_from_weights(features, torch.arange(2000.0) % 2, torch.zeros(2000, dtype=torch.long))


def test_training_under_the_imitation_is_as_good(digits, tmp_path):
    clf = MentorNetClassifier("self_paced", loss_percentile=0.6, max_epochs=20, random_state=0)
    found = imitate(clf, digits.data, digits.noisy, n_steps=600)
    fit = found.mentornet.card["fit"]
    assert fit["mean_absolute_error"] < 0.01
    assert fit["error_of_time_alone"] > 0.3
    assert found.original.callbacks is None
    path = found.mentornet.save(tmp_path / "self_paced")
    again = MentorNet.load(path)
    assert again.card["learned_from"]["curriculum"] == "self_paced"
    rows = (digits.data, digits.noisy, digits.test_data, digits.test_target)
    accuracies = found.compare(*rows, seeds=[0])
    assert accuracies.index.tolist() == [0]
    assert accuracies["original"][0] == found.original.score(*rows[2:])
    assert (accuracies["imitation"] - accuracies["original"]).abs().max() < 0.03
    assert (accuracies["imitation"] - accuracies["plain"]).min() > 0.03
    from_file = MentorNetClassifier(path, loss_percentile=0.6, burn_in=0, max_epochs=20, random_state=0)
    assert from_file.fit(*rows[:2]).score(*rows[2:]) == accuracies["imitation"][0]


def test_an_imitation_of_a_curriculum_that_is_taught_needs_no_trusted_rows(digits):
    y_trusted = np.where(np.arange(1200) < 100, digits.target, -1)
    clf = MentorNetClassifier("data_driven", max_epochs=15, random_state=0)
    recorder = MentorRecorder(history_length=3, n_visits=5000)
    found = imitate(clf, digits.data, digits.noisy, recorder=recorder, n_steps=300, y_trusted=y_trusted)
    assert found.mentornet.history_length == 3
    assert found.mentornet.card["learned_from"]["n_visits"] == 5000
    assert found.recorder.loss_percentile_ == pytest.approx(1 - found.original.noise_rate_)
    assert not hasattr(recorder, "weights_")
    student = found.classifier().fit(digits.data, digits.noisy)  # without y_trusted
    assert (
        student.score(digits.test_data, digits.test_target)
        > found.original.score(digits.test_data, digits.test_target) - 0.04
    )


def test_without_noise_there_is_nothing_to_imitate(blobs):
    with pytest.raises(InvalidDataError, match="give a number, such as 0.7"):
        imitate(MentorNetClassifier("self_paced", max_epochs=3, random_state=0), *blobs)
