"""The counter of reads: each kind of read counts once, arithmetic not at all."""

import pytest
import torch

from noisylabel.testing import count_reads

VALUES = torch.arange(6.0)
MASK = VALUES > 2


READS = {
    "item": ("number", lambda: VALUES[1].item()),
    "float": ("number", lambda: float(VALUES.mean())),
    "int": ("number", lambda: int(MASK.sum())),
    "bool": ("number", lambda: bool(MASK.any())),
    "if": ("number", lambda: 1 if VALUES.sum() > 0 else 0),
    "is_nonzero": ("number", lambda: torch.is_nonzero(VALUES[1])),
    "an index of no dimension": ("number", lambda: VALUES[torch.tensor(2)]),
    "a size": ("number", lambda: torch.arange(VALUES[3])),
    "cpu": ("copy", lambda: VALUES.cpu()),
    "numpy": ("copy", lambda: VALUES.cpu().numpy()),
    "tolist": ("copy", lambda: VALUES.tolist()),
    "index by booleans": ("mask", lambda: VALUES[MASK]),
    "index by booleans of two dimensions": ("mask", lambda: VALUES.reshape(2, 3)[:, MASK[:3]]),
    "store several numbers by booleans": ("mask", lambda: VALUES.clone().__setitem__(MASK, torch.ones(3))),
    "masked_select": ("mask", lambda: VALUES.masked_select(MASK)),
    "nonzero": ("nonzero", lambda: VALUES.nonzero()),
    "where of one argument": ("nonzero", lambda: torch.where(MASK)),
    "unique": ("unique", lambda: VALUES.unique()),
    "unique_consecutive": ("unique", lambda: VALUES.unique_consecutive()),
    "unique rows": ("unique", lambda: VALUES.reshape(2, 3).unique(dim=0)),
    "bincount": ("bincount", lambda: MASK.long().bincount()),
    "equal": ("equal", lambda: torch.equal(VALUES, VALUES + 1)),
    "allclose": ("equal", lambda: torch.allclose(VALUES, VALUES + 1)),
    "repeat_interleave": ("repeat", lambda: VALUES.repeat_interleave(MASK.long())),
    "multinomial": ("draw", lambda: torch.multinomial(VALUES + 1, 3)),
}
NO_READS = {
    "arithmetic": lambda: (VALUES * 2 + 1).log().softmax(0).sum(),
    "sort and search": lambda: torch.searchsorted(VALUES.sort().values, VALUES.max()),
    "index by numbers": lambda: VALUES[VALUES.long()],
    "slice": lambda: VALUES[1:4],
    "where of three arguments": lambda: torch.where(MASK, VALUES, 0.0),
    "masked_fill": lambda: VALUES.masked_fill(MASK, 0.0),
    "store one number by booleans": lambda: VALUES.clone().__setitem__(MASK, 0.0),
    "repeat_interleave by a number": lambda: VALUES.repeat_interleave(2),
    "repeat_interleave of known size": lambda: VALUES.repeat_interleave(MASK.long(), output_size=3),
    "multinomial with replacement": lambda: torch.multinomial(VALUES + 1, 6, replacement=True),
    "one_hot of known size": lambda: torch.nn.functional.one_hot(MASK.long(), 2).shape,
    "a shape": lambda: VALUES.shape[0] + len(VALUES) + VALUES.numel(),
    "other types": lambda: VALUES.double().to(torch.int32).float(),
    "a copy": lambda: torch.zeros(6).copy_(VALUES),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_counts_once(name):
    kind, read = READS[name]
    with count_reads() as reads:
        read()
    assert dict(reads) == {kind: 1}


@pytest.mark.parametrize("name", NO_READS)
def test_what_stays_on_the_device_does_not_count(name):
    with count_reads() as reads:
        NO_READS[name]()
    assert reads.total() == 0


def test_the_backward_pass_counts_too():
    class Nosy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad * grad.sum().item()

    x = torch.ones(3, requires_grad=True)
    with count_reads() as reads:
        Nosy.apply(x).sum().backward()
    assert dict(reads) == {"number": 1}
    assert x.grad.tolist() == [6.0, 6.0, 6.0]


def test_only_the_block_counts_and_blocks_nest():
    VALUES.sum().item()
    with count_reads() as outer:
        VALUES.sum().item()
        with count_reads() as inner:
            VALUES.sum().item()
    VALUES.sum().item()
    assert (outer.total(), inner.total()) == (2, 1)


def test_results_are_the_same_inside():
    plain = torch.nn.Linear(3, 2)(torch.ones(1, 3)).shape
    with count_reads():
        assert torch.nn.Linear(3, 2)(torch.ones(1, 3)).shape == plain
        assert VALUES[MASK].tolist() == [3.0, 4.0, 5.0]


def test_an_error_inside_ends_the_counting():
    with pytest.raises(ZeroDivisionError), count_reads() as reads:
        _ = 1 / 0
    VALUES.sum().item()
    assert reads.total() == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_a_device_copies_to_the_host_count_and_copies_from_it_do_not():
    values = VALUES.to("cuda")
    with count_reads() as reads:
        values.cpu()
        values.to("cpu")
        values.tolist()
        torch.zeros(6).copy_(values)
    assert dict(reads) == {"copy": 4}
    with count_reads() as reads:
        VALUES.to("cuda")
        values.copy_(VALUES)
    assert reads.total() == 0
