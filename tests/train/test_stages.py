from __future__ import annotations

from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.stages import by_stage
from whence.train.supervised import labelled

N, D = 24, 5


def wrong(answers, y):
    return (answers[..., 0] - y).square()


def task(s=2):
    x = 1 - 2 * torch.randint(2, (s, N, D), generator=stream(0, "x")).float()
    x[:, :2] = 1  # so that the lowest stage is not empty
    return x, x[..., 0] * x[..., 1], (x < 0).sum(2)


def stack(seeds):
    return Stack.of([build("perceptron", (D,), s, outputs=1, width=16) for s in seeds])


def trained(leaps, steps, seeds=(0, 1), learned=1e-3, take=slice(None)):
    x, y, rank = (t[take] for t in task())
    networks = stack(seeds)
    optimizer = torch.optim.Adam(list(networks.parameters()), lr=0.01)
    reached = by_stage(networks, (x, y), rank, leaps, wrong, optimizer, steps, 8, seeds, learned)
    return networks, reached


def weights(networks, i):
    return [p[i] for p in networks.parameters()]


def test_leap_of_the_highest_rank_is_plain_training():
    networks, _ = trained([D, D], 60)
    x, y, _ = task()
    plain = stack((0, 1))
    optimizer = torch.optim.Adam(list(plain.parameters()), lr=0.01)
    batches = islice(labelled(x, y, 8, (0, 1)), 60)
    for _ in fit(plain.parameters(), lambda b: wrong(plain(b.x), b.y).mean(-1), batches, optimizer):
        pass
    for mine, twin in zip(networks.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, twin)


def test_an_arm_trains_alike_alone_or_beside_another():
    both, reached = trained([1, D], 100, learned=0.05)
    alone, found = trained([1], 100, (0,), 0.05, slice(0, 1))
    torch.testing.assert_close(weights(both, 0), weights(alone, 0), atol=1e-5, rtol=0)
    assert reached[0] == found[0]


def test_what_a_stage_does_not_allow_is_never_shown():
    x, y, rank = task(1)
    hidden = torch.where(rank > 1, torch.nan, y)  # a label that would spoil every weight
    networks = stack((0,))
    optimizer = torch.optim.Adam(list(networks.parameters()), lr=0.01)
    by_stage(networks, (x, hidden), rank, [1], wrong, optimizer, 50, 8, (0,), learned=-1.0)
    assert all(bool(p.isfinite().all()) for p in networks.parameters())
    assert int((rank <= 1).sum()) < N


def test_learned_examples_make_way_for_more_until_all_are_learned():
    networks, reached = trained([1, 2], 500, learned=0.02)
    x, y, _ = task()
    assert bool((wrong(networks(x), y).mean(1) < 0.1).all())
    assert bool((reached < 500).all())
    assert bool((reached % 25 == 0).all())


def test_what_is_never_learned_counts_all_steps():
    _, reached = trained([1, D], 30, learned=0.0)
    assert reached.tolist() == [30, 30]


def test_first_stage_is_the_first_that_has_an_example():
    x, y, rank = task(1)
    far = rank + 3
    networks = stack((0,))
    optimizer = torch.optim.Adam(list(networks.parameters()), lr=0.01)
    by_stage(networks, (x, y), far, [2], wrong, optimizer, 5, 8, (0,))
    assert all(bool(p.isfinite().all()) for p in networks.parameters())


@pytest.mark.parametrize("leaps", [[0, 1], [1], [1, 1, 1]])
def test_a_leap_that_never_gets_on_or_belongs_to_no_network_is_refused(leaps):
    with pytest.raises(ValueError, match="expected a leap of at least 1 for each network"):
        trained(leaps, 5)
