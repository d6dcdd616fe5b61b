"""Cells of a grid in one stack train as each does alone."""

from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train import cells, supervised
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled

SEEDS = [3, 8]
POINTS = torch.randn(2, 30, 4, generator=stream(0, "x"))
LABELS = (POINTS[..., 0] > 0).long()
SHOWN = [[torch.arange(30), torch.arange(9)], [torch.arange(30).repeat_interleave(2), torch.tensor([5, 7, 7])]]


def trained(networks, feed, steps=12):
    stack = Stack.of(networks)
    sgd = torch.optim.SGD(stack.parameters(), 0.1)
    return torch.stack(
        [s.loss for s in fit(stack.parameters(), lambda b: cross_entropy(stack(b.x), b.y), islice(feed, steps), sgd)]
    )


def test_every_cell_trains_as_if_alone_on_the_points_of_its_seed():
    own = cells.owners(SEEDS, 2)
    assert own == [3, 3, 8, 8]
    networks = [build("perceptron", (4,), s, width=5) for s in own]
    together = trained(networks, cells.batches(POINTS, LABELS, 8, SEEDS, SHOWN))
    for i, network in enumerate(networks):
        s, c = divmod(i, 2)
        feed = labelled(POINTS[s], LABELS[s], 8, [SEEDS[s]], chosen=[SHOWN[s][c]])
        torch.testing.assert_close(together[:, i], trained([network], feed)[:, 0])


def test_masks_are_those_of_each_rate_alone():
    rates = [(0.5, 0.5), (0.0, 0.9)]
    found = cells.masks(SEEDS, 4, (6, 7), rates)
    assert [m.shape for m in found] == [(4, 6, 7)] * 2
    for layer, mask in enumerate(found):
        for c, of_cell in enumerate(rates):
            torch.testing.assert_close(mask[c::2], supervised.masks(SEEDS, 4, (6, 7), of_cell[layer], 2)[layer])
    assert bool((found[0][1::2] == 1).all())


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        (SHOWN[:1], "index lists of 1"),
        ([SHOWN[0], SHOWN[1][:1]], r"\[1, 2\] cells each"),
        ([SHOWN[0], [torch.tensor([30]), torch.tensor([0])]], "indices from 30 to 30, expected 0 to 29"),
    ],
)
def test_index_lists_that_do_not_fit_are_refused(chosen, complaint):
    with pytest.raises(ValueError, match=complaint):
        cells.batches(POINTS, LABELS, 8, SEEDS, chosen)


@pytest.mark.parametrize("rates", [[(0.5,), (0.1, 0.2)], [(1.0,)], [(-0.1,)]])
def test_rates_that_are_none_are_refused(rates):
    with pytest.raises(ValueError, match="expected for each cell as many shares"):
        cells.masks(SEEDS, 0, (2, 3), rates)
