"""Labelled batches, dropout masks and losses."""

from itertools import islice

import pytest
import torch
from torch.nn import functional

from whence.seeds import stream
from whence.train.supervised import cross_entropy, hinge, labelled, logistic, masks, squared

X, Y = torch.arange(10.0)[:, None], torch.arange(10) % 2


def own(seeds):
    return torch.stack([X + 100 * s for s in seeds]), torch.stack([Y + s for s in seeds])


def first(n, *given, **more):
    return list(islice(labelled(*given, **more), n))


def test_a_batch_is_a_function_of_seed_and_number_alone():
    together = first(9, X, Y, 3, [5, 6, 7])
    alone = first(9, X, Y, 3, [6])
    later = first(4, X, Y, 3, [7, 6], start=5)
    for a, b in zip(alone, together, strict=True):
        assert torch.equal(a.index[0], b.index[1])
    for a, b in zip(later, together[5:], strict=True):
        assert torch.equal(a.index, b.index[[2, 1]])


@pytest.mark.parametrize("batch", [1, 3, 10, 23])
def test_every_epoch_is_a_permutation_and_no_two_are_the_same(batch):
    walk = torch.cat([b.index for b in first(-(-30 // batch), X, Y, batch, [0, 1])], 1)[:, :30].reshape(2, 3, 10)
    assert torch.equal(walk.sort(-1).values, torch.arange(10).expand(2, 3, 10))
    assert len({tuple(epoch.tolist()) for epoch in walk.reshape(6, 10)}) == 6


def test_inputs_and_labels_are_those_of_the_index_shared_or_each_its_own():
    for b in first(4, X, Y, 4, [0, 1]):
        assert torch.equal(b.x[..., 0], b.index.float())
        assert torch.equal(b.y, b.index % 2)
    for b in first(4, *own([0, 1]), 4, [0, 1]):
        assert torch.equal(b.x[..., 0], b.index + torch.tensor([[0.0], [100.0]]))
        assert torch.equal(b.y, b.index % 2 + torch.tensor([[0], [1]]))


@pytest.mark.parametrize("given", [(X, Y), own([0, 1])])
def test_a_full_batch_is_all_examples_in_their_order(given):
    for b in first(2, *given, None, [0, 1]):
        assert torch.equal(b.x, given[0] if given[0].ndim == 3 else X.expand(2, 10, 1))
        assert b.y.shape == b.index.shape == (2, 10)


def test_chosen_examples_are_seen_as_often_as_they_were_chosen_each_epoch():
    chosen = [torch.tensor([0, 1, 2, 2, 2]), torch.tensor([9, 8])]
    walk = torch.cat([b.index for b in first(5, X, Y, 4, [0, 1], chosen=chosen)], 1)
    for s, index in enumerate(chosen):
        epochs = walk[s].reshape(-1, len(index))
        assert torch.equal(epochs.sort(-1).values, index.sort().values.expand_as(epochs))


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ((X, Y[:9], 3, [0]), {}, r"x has shape \(10, 1\) and y \(9,\)"),
        ((*own([0, 1]), 3, [0]), {}, r"for 1 seeds: expected \(n, ...\) with \(n,\), shared, or \(1, n, ...\)"),
        ((X, Y, 3, []), {}, "for 0 seeds"),
        ((X[:0], Y[:0], 3, [0]), {}, "n >= 1"),
        ((X, Y, 0, [0]), {}, "batches of 0 from number 0"),
        ((X, Y, 3, [0]), {"start": -1}, "from number -1"),
        ((X, Y, None, [0]), {"chosen": [torch.tensor([1])]}, "all at once has no order"),
        ((X, Y, 3, [0, 1]), {"chosen": [torch.tensor([1])]}, "1 index lists for 2 seeds"),
        ((X, Y, 3, [0]), {"chosen": [torch.tensor([10])]}, "indices from 10 to 10, expected 0 to 9"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_batch(given, more, message):
    with pytest.raises(ValueError, match=message):
        labelled(*given, **more)


def test_masks_drop_their_share_and_keep_the_mean_and_no_two_are_the_same():
    found = masks([0, 1], 0, (200, 50), 0.9, depth=2) + masks([0, 1], 1, (200, 50), 0.9)
    assert len({tuple(m[s].flatten().tolist()) for m in found for s in range(2)}) == 6
    for m in found:
        torch.testing.assert_close(m.unique(), torch.tensor([0.0, 10.0]))
        assert float(m.mean()) == pytest.approx(1, abs=0.1)
    assert torch.equal(masks([0], 0, (3, 2), 0.0)[0], torch.ones(1, 3, 2))
    with pytest.raises(ValueError, match=r"dropout rate 1\.0"):
        masks([0], 0, (3, 2), 1.0)


def test_losses_are_torchs_own_one_for_each_network():
    g = stream(0, "losses")
    logits, y, f = torch.randn(3, 8, 4, generator=g), torch.randint(4, (3, 8), generator=g), torch.randn(3, 8, generator=g)
    by_torch = torch.stack([functional.cross_entropy(a, b) for a, b in zip(logits, y, strict=True)])
    torch.testing.assert_close(cross_entropy(logits, y), by_torch)
    torch.testing.assert_close(cross_entropy(logits[0], y[0]), by_torch[0])
    signs = torch.ones(8)
    torch.testing.assert_close(logistic(f), torch.stack([functional.soft_margin_loss(a, signs) for a in f]))
    torch.testing.assert_close(hinge(f), torch.stack([functional.hinge_embedding_loss(a, -signs) for a in f]))
    torch.testing.assert_close(squared(f, 2 * f), torch.stack([functional.mse_loss(a, 2 * a) for a in f]))


def test_two_outputs_by_cross_entropy_are_their_difference_by_the_logistic_loss():
    logits, y = torch.randn(8, 2, generator=stream(0, "two")), torch.arange(8) % 2
    torch.testing.assert_close(cross_entropy(logits, y), logistic((2 * y - 1) * (logits[:, 1] - logits[:, 0])))
