"""Class weights where the mentor gives a sample a probability of each class."""

import pytest
from skorch.callbacks import Callback
from torch import nn

from noisylabel import MentorNetClassifier


class Compare(Callback):
    """Keep the loss of each step beside torch's weighted cross entropy of the same targets."""

    def on_train_begin(self, net, **kwargs):
        self.pairs = []

    def on_batch_end(self, net, loss=None, y_pred=None, training=False, **kwargs):
        if training:
            expected = nn.CrossEntropyLoss(weight=net.class_weight, reduction="none")(y_pred, net.mentor.targets_)
            self.pairs.append((float(loss), float(expected.detach().mean())))


def test_each_class_that_a_row_may_be_counts_by_its_own_weight(noisy_blobs):
    compare = Compare()
    clf = MentorNetClassifier(class_weight={0: 3.0, 1: 0.5}, callbacks=[compare], random_state=0).fit(*noisy_blobs)
    assert clf.noise_rate_interval_[0] > 0  # so that there are targets
    for loss, expected in compare.pairs:
        assert loss == pytest.approx(expected, rel=1e-5)


def test_it_goes_with_bf16(noisy_blobs):
    X, y = noisy_blobs
    clf = MentorNetClassifier(class_weight={0: 3.0, 1: 0.5}, precision="bf16", random_state=0).fit(X, y)
    assert clf.noise_rate_interval_[0] > 0
    assert clf.score(X, y) > 0.6  # 73 % of the labels are right
