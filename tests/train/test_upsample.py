"""Sets of examples to show more often, and what showing them more often does not change."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.seeds import stream
from whence.train.supervised import labelled
from whence.train.upsample import above, copied, random, slow


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_every_original_is_kept_and_the_chosen_are_there_factor_times(chosen, factor):
    index = copied(torch.tensor(chosen), factor)
    assert index.bincount(minlength=len(chosen)).tolist() == [factor if c else 1 for c in chosen]


def test_upsampling_adds_no_update():
    x, y, chosen = torch.zeros(20, 1), torch.zeros(20).long(), torch.arange(20) < 5
    seen = list(islice(labelled(x, y, 4, [0], chosen=[copied(chosen, 9)]), 15))
    plain = list(islice(labelled(x, y, 4, [0]), 15))
    assert len(seen) == len(plain)
    assert [b.index.numel() for b in seen] == [b.index.numel() for b in plain]


def test_a_factor_of_one_is_no_upsampling():
    x, y = torch.zeros(20, 1), torch.zeros(20).long()
    once = islice(labelled(x, y, 4, [3], chosen=[copied(torch.arange(20) < 5, 1)]), 12)
    assert all(torch.equal(a.index, b.index) for a, b in zip(once, islice(labelled(x, y, 4, [3]), 12), strict=True))


def blobs(n=60):
    """Two groups in each class: the far one is fast, the near one slow; the slow are marked."""
    y, hard = torch.arange(n) % 2, torch.arange(n) % 5 < 2
    score = (2 * y - 1) * torch.where(hard, 0.5, 4.0) + 0.1 * torch.randn(n, generator=stream(0, "blobs"))
    return torch.stack([-score, score], 1) / 2, y, hard


def test_the_slow_are_the_cluster_of_higher_loss_in_each_class():
    outputs, y, hard = blobs()
    losses = torch.nn.functional.cross_entropy(outputs, y, reduction="none")
    assert torch.equal(slow(outputs, y, losses, 0), hard)
    assert torch.equal(slow(outputs, y, -losses, 0), ~hard), "the loss decides, not the place"


def test_clusters_are_a_function_of_the_seed_and_not_of_the_order_of_classes_in_a_batch():
    outputs, y = torch.randn(200, 2, generator=stream(0, "o")), torch.arange(200) % 2
    losses = torch.nn.functional.cross_entropy(outputs, y, reduction="none")
    first = slow(outputs, y, losses, 1)
    assert torch.equal(first, slow(outputs, y, losses, 1))
    by_class = y.argsort(stable=True)
    assert torch.equal(slow(outputs[by_class], y[by_class], losses[by_class], 1), first[by_class])


def test_above_a_threshold_and_random_sets_are_what_they_say():
    assert above(torch.tensor([0.1, 0.3, 0.5]), 0.3).tolist() == [False, False, True]
    for size in (0, 7, 30):
        assert int(random(30, size, 2).sum()) == size
    assert torch.equal(random(30, 7, 2), random(30, 7, 2))
    assert not torch.equal(random(30, 7, 2), random(30, 7, 3))


@pytest.mark.parametrize("factor", [0, -1, 1.5, True])
def test_a_factor_below_one_is_refused(factor):
    with pytest.raises(ValueError, match=f"factor of {factor}, expected a whole number >= 1"):
        copied(torch.tensor([True]), factor)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda o, y, e: slow(o, torch.zeros_like(y), e, 0), "class 1 has 0 members, expected at least 2 that differ"),
        (lambda o, y, e: slow(torch.zeros_like(o), y, e, 0), "class 0 has 30 members with one output"),
        (lambda o, y, e: slow(o[:, 0], y, e, 0), r"outputs have shape \(60,\)"),
        (lambda o, y, e: slow(o, y[:9], e, 0), r"y \(9,\)"),
        (lambda o, y, e: above(e / 0, 0.3), "the early training has diverged"),
        (lambda o, y, e: random(5, 6, 0), "6 of 5 examples, expected a number from 0 to 5"),
        (lambda o, y, e: copied(y, 2), r"torch.int64, expected \(n,\) booleans"),
    ],
)
def test_what_cannot_be_divided_is_refused(call, message):
    outputs, y, hard = blobs()
    with pytest.raises(ValueError, match=message):
        call(outputs, y, hard.float())
