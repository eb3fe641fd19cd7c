"""Augmentation with row numbers and epoch: the alternating flip, cutout, and what is refused."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from noisylabel import MentorNetClassifier, load_checkpoint
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional import ImageAugmentation, alternately_mirrored, cut_out
from noisylabel.students import SmallCNN


class StopAfter(Callback):
    """Ctrl-C at the end of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def stream():
    return torch.Generator().manual_seed(0)


def test_an_alternating_flip_shows_each_image_and_its_mirror_image_in_turn():
    images, rows = torch.randint(0, 256, (200, 3, 6, 7), dtype=torch.uint8), torch.arange(1000, 1200)
    flip = ImageAugmentation(max_shift=0)
    seen = [flip(images, stream(), rows, torch.tensor(epoch)) for epoch in range(4)]
    assert torch.equal(seen[0].flip(3), seen[1])
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    is_mirrored = (seen[0] == images.flip(3)).all((1, 2, 3))
    assert torch.equal(is_mirrored | (seen[0] == images).all((1, 2, 3)), torch.ones(200, dtype=torch.bool))
    assert 80 < is_mirrored.sum() < 120


def test_which_half_is_mirrored_follows_no_simple_order_of_the_rows():
    mirrored = alternately_mirrored(torch.arange(50_000), torch.tensor(0)).double()
    for period in (2, 3, 10, 5000):  # as of sorted or interleaved classes
        means = mirrored[: 50_000 // period * period].reshape(-1, period).mean(0)
        assert abs(means.mean() - 0.5) < 0.01
        assert (means - 0.5).abs().max() < (0.05 if period < 100 else 0.5)


def test_cutout_covers_one_square_that_lies_anywhere():
    images = torch.rand(300, 3, 8, 9)
    covered = cut_out(images, stream(), size=3)
    is_new = (covered != images).any(1)
    assert torch.equal(is_new.sum((1, 2)), torch.full((300,), 9))
    assert torch.equal(is_new.any(1).sum(1), torch.full((300,), 3))
    assert is_new.any(0).all()
    fill = covered.permute(0, 2, 3, 1)[is_new]
    torch.testing.assert_close(fill, images.mean((0, 2, 3)).expand_as(fill))
    assert cut_out(torch.full((2, 1, 4, 4), 7, dtype=torch.uint8), stream(), size=2).unique().tolist() == [7]


@pytest.mark.parametrize("name", ["shift_alternate", "shift_alternate_cutout"])
def test_training_counts_the_epochs_for_it_and_a_continued_run_too(images, tmp_path, name):
    X, y = images
    settings = {"student": SmallCNN((4, 8)), "augment": name, "max_epochs": 4, "batch_size": 32, "random_state": 0}
    whole = MentorNetClassifier(**settings).fit(X, y)
    halted = MentorNetClassifier(**settings, checkpoint_dir=tmp_path, callbacks=[StopAfter(2)])
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        halted.fit(X, y)
    going_on = MentorNetClassifier(**settings, checkpoint_dir=tmp_path).fit(X, y)
    assert np.array_equal(going_on.predict_proba(X), whole.predict_proba(X))
    assert load_checkpoint(tmp_path).n_iter_ == 4


def test_epochs_and_rows_reach_it(images):
    X, y = images
    seen = []

    def augment(batch, generator, rows, epoch):
        seen.append((int(epoch), rows.tolist()))
        return batch

    augment.needs_rows = True
    MentorNetClassifier("uniform", student=SmallCNN((4, 8)), augment=augment, max_epochs=3, batch_size=50).fit(X, y)
    for epoch in range(3):
        rows = [row for at, batch in seen for row in batch if at == epoch]
        assert sorted(rows) == list(range(len(X)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"flip": "left"}, "'flip' must be one of"),
        ({"max_shift": -1}, "'max_shift' must be an integer of at least 0"),
        ({"cutout": 2.5}, "'cutout' must be an integer"),
    ],
)
def test_sizes_are_checked(given, told):
    with pytest.raises(InvalidParameterError, match=told):
        ImageAugmentation(**given)


@pytest.mark.parametrize("given", [{"max_shift": 12}, {"cutout": 13}])
def test_sizes_beyond_the_image_are_refused_before_training(images, given):
    clf = MentorNetClassifier(augment=ImageAugmentation(**given))
    with pytest.raises(InvalidParameterError, match="too large for images of 12x12"):
        clf.fit(*images)


def test_a_table_is_refused(blobs):
    with pytest.raises(InvalidParameterError, match="is for images"):
        MentorNetClassifier(augment=ImageAugmentation()).fit(*blobs)
