"""SAM: uphill by each network's own normalised gradient, and nothing else."""

from itertools import islice

import pytest
import torch
from torch import nn

from whence.nets.build import build
from whence.seeds import stream
from whence.train.loop import fit
from whence.train.optim import SAM, ascent
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled

X = torch.randn(40, 5, generator=stream(0, "x"), dtype=torch.float64)
Y = (X[:, 0] > 0).long()


def network(seed=0):
    return build("perceptron", (5,), seed, width=6).double()


class Normalised(nn.Module):
    shape = (5,)

    def __init__(self):
        super().__init__()
        self.norm, self.last = nn.BatchNorm1d(5).double(), nn.Linear(5, 2).double()
        nn.init.constant_(self.last.weight, 0.1)

    def forward(self, x):
        return self.last(self.norm(x))


def walk(net, rho, seeds, steps=20, optimizer=torch.optim.Adam):
    stacked = isinstance(net, Stack)

    def loss(b):
        return cross_entropy(net(b.x), b.y) if stacked else cross_entropy(net(b.x[0]), b.y[0])

    chosen = loss if rho is None else SAM(loss, net, rho)
    feed = islice(labelled(X, Y, 8, seeds), steps)
    return torch.stack([s.loss for s in fit(net.parameters(), chosen, feed, optimizer(net.parameters(), 0.02))])


@pytest.mark.parametrize("stacked", [False, True])
def test_the_ascent_has_length_rho_and_the_gradients_direction_for_each_network_of_its_own(stacked):
    g = stream(0, "gradients")
    gradients = [torch.randn(3, 4, 2, generator=g), torch.randn(3, 5, generator=g)]
    gradients[0][1] *= 1e3
    steps = ascent(gradients, 0.3, stacked)

    def flat(tensors):
        together = torch.cat([t.flatten(1) for t in tensors], 1)
        return together if stacked else together.flatten()[None]

    torch.testing.assert_close(flat(steps).norm(dim=1), torch.full((3 if stacked else 1,), 0.3))
    torch.testing.assert_close(torch.cosine_similarity(flat(steps), flat(gradients)), torch.ones(3 if stacked else 1))


def test_where_the_gradient_is_zero_there_is_no_ascent():
    assert not bool(ascent([torch.zeros(2, 3)], 0.3, stacked=True)[0].any())
    assert not bool(ascent([torch.zeros(2, 3)], 0.3)[0].any())


def test_on_a_bowl_it_is_the_closed_form():
    """L = w'Aw/2: the gradient uphill is A (w + rho A w / |A w|)."""
    a, w = torch.diag(torch.tensor([1.0, 9.0])), nn.ParameterList([torch.tensor([2.0, 1.0])])
    loss = SAM(lambda _: w[0] @ a @ w[0] / 2, w, 0.1)
    found = loss(None)
    found.backward()
    slope = a @ w[0].detach()
    torch.testing.assert_close(w[0].grad, a @ (w[0].detach() + 0.1 * slope / slope.norm()))
    assert found.item() == pytest.approx(6.5)
    assert torch.equal(w[0].detach(), torch.tensor([2.0, 1.0])), "the weights are where they were"


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_with_rho_zero_it_is_the_base_optimizer(optimizer):
    with_sam, without = network(), network()
    assert torch.equal(walk(with_sam, 0.0, [0], optimizer=optimizer), walk(without, None, [0], optimizer=optimizer))
    for a, b in zip(with_sam.parameters(), without.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_a_seed_trains_alike_alone_or_in_a_stack():
    stack = Stack.of([network(s) for s in range(3)])
    together = walk(stack, 0.2, range(3))
    assert float((walk(Stack.of([network(s) for s in range(3)]), None, range(3)) - together).abs().max()) > 1e-3
    for s in range(3):
        alone = network(s)
        torch.testing.assert_close(walk(alone, 0.2, [s]), together[:, s], rtol=1e-9, atol=1e-10)
        for name, p in alone.named_parameters():
            torch.testing.assert_close(stack.weights[name][s], p, rtol=1e-8, atol=1e-9)


def test_networks_of_a_stack_may_have_radii_of_their_own():
    radii = torch.tensor([0.0, 0.1, 0.4], dtype=torch.float64)
    together = walk(Stack.of([network(1)] * 3), radii, [1] * 3)
    for i, rho in enumerate(radii.tolist()):
        torch.testing.assert_close(walk(network(1), rho, [1]), together[:, i], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("make", [Normalised, lambda: Stack.of([Normalised(), Normalised()])])
def test_running_statistics_hear_the_first_pass_only(make):
    one, two = make(), make()
    seeds = [0, 0] if isinstance(one, Stack) else [0]
    walk(one, 0.5, seeds, steps=3)
    walk(two, None, seeds, steps=3)
    moved = list(one.buffers())
    assert all(torch.equal(a, b) for a, b in zip(moved, two.buffers(), strict=True)), "inputs do not depend on weights here"
    assert all(int(b.flatten()[0]) == 3 for b in moved if not b.is_floating_point()), "batches counted once"


@pytest.mark.parametrize("rho", [-0.1, float("nan"), float("inf")])
def test_a_radius_that_is_none_is_refused(rho):
    with pytest.raises(ValueError, match=rf"rho is {rho}, expected a radius >= 0"):
        SAM(lambda _: None, network(), rho)
