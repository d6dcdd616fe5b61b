from dataclasses import replace
from itertools import islice

import pytest
import torch

from whence.seeds import stream
from whence.train.adversarial import attacked, beginning
from whence.train.loop import fit
from whence.train.supervised import Labelled


def batches(seeds, n=4):
    for number in range(n):
        draws = [torch.randn(5, 3, generator=stream(s, "batch", number)) for s in seeds]
        yield Labelled(torch.stack(draws), torch.ones(len(seeds), 5), torch.zeros(len(seeds), 5, dtype=torch.long))


class Stack:
    """Linear scores w x, one for each seed, trained to answer y."""

    def __init__(self, seeds):
        self.w = torch.stack([torch.randn(3, generator=stream(s, "w")) for s in seeds]).requires_grad_()

    def __call__(self, x):
        return (x @ self.w[..., None])[..., 0]

    def loss(self, batch):
        return (self(batch.x) - batch.y).square().mean(-1)


def uphill(score, x, y, begin):
    """From where it begins, a step up the squared error."""
    at = (x + begin).requires_grad_()
    return begin + 0.1 * torch.autograd.grad((score(at) - y).square().sum(), at)[0].sign()


def train(seeds, spread=0.0):
    stack = Stack(seeds)
    moved = attacked(batches(seeds), stack, uphill, seeds, spread)
    sgd = torch.optim.SGD([stack.w], 0.05)
    return stack, list(fit([stack.w], stack.loss, moved, sgd))


def test_every_attack_meets_the_weights_as_they_are_then():
    """Against the same steps written out by hand."""
    looped, steps = train([0])
    stack = Stack([0])
    for batch, step in zip(batches([0]), steps, strict=True):
        x = batch.x + uphill(stack, batch.x, batch.y, torch.zeros_like(batch.x))
        loss = stack.loss(replace(batch, x=x))
        torch.testing.assert_close(step.loss, loss.detach())
        (slope,) = torch.autograd.grad(loss.sum(), stack.w)
        stack.w.data -= 0.05 * slope
    torch.testing.assert_close(looped.w, stack.w)


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_a_seed_is_attacked_alike_alone_or_in_a_stack(spread):
    together, steps = train([0, 1, 2], spread)
    for s in range(3):
        alone, own = train([s], spread)
        torch.testing.assert_close(together.w[s], alone.w[0])
        torch.testing.assert_close(torch.stack([step.loss[s] for step in steps]), torch.cat([step.loss for step in own]))


def test_only_the_points_are_moved_and_nothing_is_left_in_the_gradients():
    stack = Stack([0])
    for plain, moved in zip(batches([0]), attacked(batches([0]), stack, uphill, [0]), strict=True):
        assert torch.equal(moved.y, plain.y)
        assert ((moved.x - plain.x).abs() > 0.09).any()
        assert not moved.x.requires_grad
    assert stack.w.grad is None


def test_a_perturbation_begins_anywhere_in_its_range_and_elsewhere_in_every_batch():
    x = torch.zeros(2, 1000, 3, dtype=torch.float64)
    first, second = beginning(x, [0, 1], 0.5, 0), beginning(x, [0, 1], 0.5, 1)
    assert first.dtype == torch.float64
    assert -0.5 <= first.min() < -0.49
    assert 0.49 < first.max() <= 0.5
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    resumed = islice(attacked(batches([0]), lambda x: x, lambda f, x, y, begin: begin, [0], 0.5, start=7), 1)
    moved = next(resumed).x - next(batches([0])).x
    torch.testing.assert_close(moved, beginning(moved, [0], 0.5, 7))


def test_bad_input_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"spread -0\.1"):
        attacked(batches([0]), Stack([0]), uphill, [0], spread=-0.1)
    with pytest.raises(ValueError, match=r"\(2, 5, 3\) for 3 seeds"):
        next(attacked(batches([0, 1]), Stack([0, 1]), uphill, [0, 1, 2]))
