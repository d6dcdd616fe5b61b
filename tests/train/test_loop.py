from itertools import islice

import pytest
import torch
from torch.func import functional_call, stack_module_state, vmap

from whence.denoisers.wrap import EDM
from whence.nets.build import build
from whence.seeds import stream
from whence.train.feed import Batch, feed
from whence.train.loop import clip_gradients, fit
from whence.train.losses import denoising


def pool(size=4):
    return torch.rand(12, 1, size, size, generator=stream(0, "pool"), dtype=torch.float64) * 2 - 1


def batches(n):
    return islice(feed(pool(), 6, 0, EDM(None).levels), n)


def network(seed):
    """Awake, so that gradients flow everywhere."""
    found = build("resnet", (1, 4, 4), seed, width=4, layers=1).double()
    torch.nn.init.normal_(found.last.weight, generator=stream(seed, "last"))
    return found


def test_the_loop_is_gradient_descent():
    """Against the same steps written out by hand."""
    looped, by_hand = network(0), network(0)
    sgd = torch.optim.SGD(looped.parameters(), 0.05, momentum=0.9)
    steps = list(fit(looped.parameters(), lambda b: denoising(EDM(looped), b), batches(4), sgd))
    velocity = [torch.zeros_like(p) for p in by_hand.parameters()]
    for number, batch in enumerate(batches(4), 1):
        loss = denoising(EDM(by_hand), batch)
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        velocity = [0.9 * v + g for v, g in zip(velocity, gradients, strict=True)]
        with torch.no_grad():
            for p, v in zip(by_hand.parameters(), velocity, strict=True):
                p -= 0.05 * v
        assert steps[number - 1].number == number
        torch.testing.assert_close(steps[number - 1].loss, loss.detach())
    for a, b in zip(looped.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_nothing_happens_before_a_step_is_asked_for_and_nothing_after_the_caller_stops():
    net = network(0)
    before = [p.detach().clone() for p in net.parameters()]
    steps = fit(net.parameters(), lambda b: denoising(EDM(net), b), batches(9), torch.optim.SGD(net.parameters(), 0.1))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert [step.number for step in islice(steps, 2)] == [1, 2]
    assert not any(step.loss.requires_grad for step in islice(steps, 1))


def test_the_schedule_scales_the_rate_of_every_step_from_where_it_starts():
    p = torch.nn.Parameter(torch.zeros(1))
    places = []
    sgd = torch.optim.SGD([p], 2.0)
    feed_ = (Batch(torch.ones(1), torch.ones(1), torch.ones(1)) for _ in range(3))
    for step in fit([p], lambda b: p.sum(), feed_, sgd, schedule=lambda k: 1 / (k + 1), start=4):
        places.append((step.number, p.item()))
    expected = [(5, -2 / 5), (6, -2 / 5 - 2 / 6), (7, -2 / 5 - 2 / 6 - 2 / 7)]
    assert places == [(n, pytest.approx(v)) for n, v in expected]


@pytest.mark.parametrize("clip", [None, 0.01])
def test_a_seed_trains_alike_alone_or_in_a_stack(clip):
    seeds = range(3)
    networks = [network(s) for s in seeds]
    parameters, buffers = stack_module_state(networks)

    class Stack:
        weight = EDM(None).weight

        def __call__(self, y, sigma):
            one = lambda p, b: EDM(lambda y, noise: functional_call(networks[0], (p, b), (y, noise)))(y, sigma)  # noqa: E731
            return vmap(one)(parameters, buffers)

    adam = torch.optim.Adam(parameters.values(), 1e-2)
    together = list(fit(parameters.values(), lambda b: denoising(Stack(), b), batches(5), adam, clip))
    assert together[0].loss.shape == (3,)
    for s in seeds:
        alone = network(s)
        adam = torch.optim.Adam(alone.parameters(), 1e-2)
        steps = list(fit(alone.parameters(), lambda b, n=alone: denoising(EDM(n), b), batches(5), adam, clip))
        torch.testing.assert_close(torch.stack([t.loss for t in steps]), torch.stack([t.loss[s] for t in together]))
        for name, p in alone.named_parameters():
            torch.testing.assert_close(parameters[name][s], p, rtol=1e-8, atol=1e-10)


def gradients(scale):
    tensors = [torch.randn(3, 4, 2, generator=stream(0, "a")), torch.randn(3, 5, generator=stream(0, "b"))]
    parameters = [torch.nn.Parameter(torch.zeros_like(t)) for t in tensors]
    for p, t in zip(parameters, tensors, strict=True):
        p.grad = scale * t
    return parameters


@pytest.mark.parametrize("scale", [0.01, 10.0])
def test_clipping_is_that_of_torch(scale):
    ours, theirs = gradients(scale), gradients(scale)
    clip_gradients(ours, 1.0)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-7)


def test_each_network_of_a_stack_is_clipped_by_its_own_norm():
    stacked = gradients(1.0)
    stacked[0].grad[1] *= 1e-3
    stacked[1].grad[1] *= 1e-3
    before = [p.grad.clone() for p in stacked]
    clip_gradients(stacked, 0.5, stacked=True)
    norms = torch.stack([torch.cat([p.grad[i].flatten() for p in stacked]).norm() for i in range(3)])
    assert norms[0].item() == pytest.approx(0.5)
    assert norms[2].item() == pytest.approx(0.5)
    assert all(torch.equal(p.grad[1], b[1]) for p, b in zip(stacked, before, strict=True)), "a small one is left alone"


def test_nothing_to_train_is_refused_at_once():
    with pytest.raises(ValueError, match="nothing to train"):
        fit([], lambda b: None, [], torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1))
