"""Slabs: what their formulas say is what their samples show."""

import math
from itertools import pairwise

import pytest
import torch
from scipy import integrate
from sklearn.tree import DecisionTreeClassifier

from whence.data.slabs import (
    Gaussian,
    Linear,
    Slab,
    Slabs,
    binomial_spread,
    even_spread,
    lms,
    lsn,
    matched_spread,
    ms,
    noisy_lms,
)
from whence.seeds import stream

BLOCKS = [
    Linear(),
    Linear(0.2, 2.0, noise=0.1),
    Linear(noise=0.3, flip=True),
    Slab(3),
    Slab(5),
    Slab(7, 0.05, 1.5),
    Slab(9, probabilities=even_spread(9)),
    Slab(7, probabilities=binomial_spread(7)),
    Gaussian(0.5),
]


def coordinate(block, n=200_000, seed=0):
    y = torch.randint(2, (n,), generator=stream(seed, "label"))
    return block.draw(y, stream(seed, "coordinate")), y


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_moments_are_those_of_samples(block):
    """Each within five standard errors, which the formula's own higher moment gives."""
    x, y = coordinate(block)
    for label in (0, 1):
        mine = x[y == label]
        assert block.moment(0, label) == pytest.approx(1)
        for order in range(1, 9):
            expected = block.moment(order, label)
            error = math.sqrt(max(block.moment(2 * order, label) - expected**2, 0) / len(mine))
            assert abs((mine**order).mean().item() - expected) < 5 * error


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_accuracy_is_that_of_a_tree_grown_on_the_coordinate_alone(block):
    """A tree with k leaves can say all that there is to say; it is grown on one sample and judged on another."""
    (x, y), (other, labels) = coordinate(block, 40_000), coordinate(block, 40_000, seed=1)
    tree = DecisionTreeClassifier(max_leaf_nodes=12, min_samples_leaf=200).fit(x[:, None].numpy(), y.numpy())
    found = tree.score(other[:, None].numpy(), labels.numpy())
    error = math.sqrt(0.25 / len(other))
    assert found < block.accuracy() + 5 * error
    assert found > block.accuracy() - 5 * error - 1e-3


@pytest.mark.parametrize("k", [3, 5, 7, 9, 13])
def test_slabs_alternate_and_their_gaps_are_two_margins(k):
    slab = Slab(k, margin=0.03, width=2.0, probabilities=even_spread(k))
    x, y = coordinate(slab, 100_000)
    order = x.argsort()
    x, y = x[order], y[order]
    starts = torch.cat([torch.tensor([0]), (x.diff() > 0.03).nonzero()[:, 0] + 1, torch.tensor([len(x)])])
    pieces = [(x[a:b], y[a:b]) for a, b in pairwise(starts)]
    assert len(pieces) == k
    labels = [int(part.unique()) for _, part in pieces]
    assert labels == [abs(i - (k - 1) // 2) % 2 for i in range(k)]
    for (left, _), (right, _) in pairwise(pieces):
        assert (right[0] - left[-1]).item() == pytest.approx(2 * 0.03, abs=5e-4)
    assert (x[0].item(), x[-1].item()) == pytest.approx((-2, 2), abs=1e-3)


def test_the_published_slabs():
    """Widths, places and probabilities as in the authors' generator, read off it for margin 0.1."""
    for k, thickness, centres, spread in (
        (3, 0.5333, (0, 0.7333), (1, 1)),
        (5, 0.24, (0, 0.44, 0.88), (3 / 4, 1, 1 / 4)),
        (7, 0.1143, (0, 0.3143, 0.6286, 0.9429), (1 / 2, 7 / 8, 1 / 2, 1 / 8)),
    ):
        slab = Slab(k)
        assert slab.thickness == pytest.approx(thickness, abs=1e-4)
        assert slab.centres == pytest.approx(centres, abs=1e-4)
        assert slab.spread == pytest.approx(spread)


@pytest.mark.parametrize("k", range(5, 31, 2))
def test_matched_slabs_have_one_variance_and_a_fourth_moment_each(k):
    slab = Slab(k, margin=0.01)
    assert slab.moment(2, 0) == pytest.approx(slab.moment(2, 1), rel=1e-12)
    assert slab.order() == 4
    assert min(slab.spread) > 0


@pytest.mark.parametrize("k", range(3, 21, 2))
def test_binomial_slabs_hide_all_moments_but_the_last_that_can_differ(k):
    slab = Slab(k, margin=0.01, probabilities=binomial_spread(k))
    assert slab.order() == k - 1


@pytest.mark.parametrize("k", range(3, 21, 2))
def test_an_even_spread_differs_in_the_second_moment(k):
    assert Slab(k, margin=0.01, probabilities=even_spread(k)).order() == 2


def test_three_slabs_cannot_be_matched():
    assert matched_spread(3) == even_spread(3) == binomial_spread(3) == (1, 1)
    assert Slab(3).moment(2, 0) < Slab(3).moment(2, 1) / 10


def test_moments_of_a_slab_by_quadrature():
    slab = Slab(7)
    half = slab.thickness / 2
    for label in (0, 1):
        pieces = [
            p * integrate.quad(lambda x: x**6 / (2 * half), c - half, c + half)[0]
            for p, c in list(zip(slab.spread, slab.centres, strict=True))[label::2]
        ]
        assert slab.moment(6, label) == pytest.approx(sum(pieces))


@pytest.mark.parametrize("flip", [False, True])
def test_noise_hits_the_stated_number_of_points_and_they_are_marked(flip):
    x, y = coordinate(block := Linear(noise=0.1, flip=flip), 1005)
    told = block.tells(x, y)
    assert int((~told).sum()) == round(100.5)
    silent = x[~told]
    assert bool((silent.abs() <= 0.1).all()) is not flip
    assert bool(((2 * y - 1)[~told] * silent <= -0.1).all()) is flip


def test_the_rotation_is_one_of_the_seed_and_gives_the_coordinates_back():
    data = noisy_lms(5, 12, 0.2)
    q = data.rotation(3)
    torch.testing.assert_close(q @ q.T, torch.eye(12, dtype=torch.float64))
    turned, plain = data.draw(50, 3), Slabs(data.blocks, rotated=False).draw(50, 3)
    torch.testing.assert_close(turned.x.double() @ q.T, plain.x.double(), atol=1e-6, rtol=0)
    assert torch.equal(turned.y, plain.y)
    assert not torch.allclose(q, data.rotation(4), atol=0.1)


def test_splits_share_the_rotation_and_no_point():
    data = lms(5, 8)
    train, test = data.draw(100, 0), data.draw(100, 0, "test")
    assert train.x.dtype == torch.float32
    assert train.y.dtype == torch.int64
    assert not torch.isclose(train.x[:, None], test.x[None]).all(-1).any()
    back = test.x.double() @ data.rotation(0).T
    assert bool((back.abs() <= 1 + 1e-5).all())


def test_seeds_of_many_coordinates_are_independent_of_each_other():
    x = ms(7, 7, 6).draw(20_000, 0).x.double() @ ms(7, 7, 6).rotation(0).T
    off = torch.corrcoef(x.T) - torch.eye(6)
    assert off.abs().max() < 5 / math.sqrt(20_000)


def test_clean_points_are_those_whose_linear_coordinate_tells():
    sample = noisy_lms(7, 5, 0.25).draw(1000, 0)
    assert int(sample.clean.sum()) == 750
    assert bool(lms(7, 5).draw(100, 0).clean.all())
    assert bool(ms(5, 7, 5).draw(100, 0).clean.all())


def test_compositions_are_what_their_names_say():
    assert lms(5, 4).blocks == (Linear(), Slab(5), Slab(5), Slab(5))
    assert ms(5, 7, 3, margin=0.05).blocks == (Slab(5, 0.05), Slab(7, 0.05), Slab(7, 0.05))
    assert noisy_lms(7, 2, 0.1).blocks == (Linear(noise=0.1), Slab(7))
    assert lsn(4).blocks == (Linear(), Slab(3), Gaussian(), Gaussian())


@pytest.mark.parametrize("k", [4, 1, -3, 0, 5.0, True])
def test_slabs_that_cannot_alternate_are_refused(k):
    with pytest.raises(ValueError, match=rf"{k!r} slabs: expected an odd number, at least 3"):
        Slab(k)


@pytest.mark.parametrize(
    ("spread", "message"),
    [
        ((0.5, 1.0, 0.25), r"class 0 \(even places\) has 0.75, class 1 \(odd places\) 1"),
        ((1.5, 1.0, -0.5), r"expected numbers in \[0, 1\]"),
        ((1.0, 1.0), "2 probabilities .* for 5 slabs: expected 3"),
        ((math.nan, 1.0, 0.5), r"expected numbers in \[0, 1\]"),
    ],
)
def test_probabilities_that_are_none_are_refused_with_their_sums(spread, message):
    with pytest.raises(ValueError, match=message):
        Slab(5, probabilities=spread)


@pytest.mark.parametrize("margin", [0.25, 0.3, -0.1, math.nan])
def test_a_margin_that_leaves_no_slabs_is_refused_with_the_widest_there_is(margin):
    with pytest.raises(ValueError, match=rf"margin {margin} of 5 slabs within \[-1, 1\]: .* below width/\(k-1\) = 0.25"):
        Slab(5, margin=margin)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(1.0), "margin 1.0 of a linear coordinate of width 1.0: expected 0 <= margin < width"),
        (lambda: Linear(noise=1.5), r"noise 1.5: expected a share of the points, in \[0, 1\]"),
        (lambda: Gaussian(0), "deviation 0: expected a finite number > 0"),
        (lambda: Slabs(()), "data of 0 blocks"),
        (lambda: lms(5, 3).draw(0, 0), "0 points: expected at least 1"),
        (lambda: lsn(1), "d = 1 coordinates: expected at least 2"),
    ],
)
def test_what_is_no_data_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("block", [Linear(), Slab(5), Gaussian()], ids=str)
def test_labels_outside_the_domain_are_refused(block):
    for y in (torch.tensor([0, 2]), torch.tensor([-1, 1]), torch.tensor([0.0, 1.0]), torch.zeros(2, 2, dtype=torch.long)):
        with pytest.raises(ValueError, match="expected whole numbers 0 and 1"):
            block.draw(y, stream(0, "x"))
    with pytest.raises(ValueError, match="label 2: expected 0 or 1"):
        block.moment(2, 2)
