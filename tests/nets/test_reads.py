"""How often a training step waits for its device."""

import pytest
import torch
from skorch.callbacks import Callback

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.testing import count_reads

# At most so many reads a step once the burn-in is over; none is what a step should need.
MOST_READS = {MentorNetClassifier: 2, MentorMixClassifier: 3, FilterKDClassifier: 2}


class LastEpoch(Callback):
    """Count the reads of each step of the last epoch."""

    def on_train_begin(self, net, **kwargs):
        self.reads_ = []

    def on_batch_begin(self, net, training=False, **kwargs):
        self.counter_ = count_reads()
        self.counted_ = self.counter_.__enter__()

    def on_batch_end(self, net, training=False, **kwargs):
        self.counter_.__exit__(None, None, None)
        if training and len(net.history) == net.max_epochs:
            self.reads_.append(dict(self.counted_))


def reads_of_each_step(clf, X, y, device="cpu"):
    watcher = LastEpoch()
    clf.set_params(max_epochs=10, batch_size=24, random_state=0, callbacks=[watcher], device=device).fit(X, y)
    assert len(watcher.reads_) == 5
    return watcher.reads_


@pytest.mark.parametrize("make", MOST_READS)
def test_a_step_reads_no_more_than_it_did(make, blobs):
    reads = reads_of_each_step(make(), *blobs)
    assert max(sum(step.values()) for step in reads) <= MOST_READS[make], reads
    assert reads.count(reads[0]) == len(reads), "a step after the burn-in reads as much as any other"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("make", MOST_READS)
def test_a_step_on_a_device_reads_as_much_as_the_cpu_says(make, blobs):
    assert reads_of_each_step(make(), *blobs, device="cuda") == reads_of_each_step(make(), *blobs)
