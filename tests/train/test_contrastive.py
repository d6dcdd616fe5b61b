import itertools

import pytest
import torch

from whence.seeds import stream
from whence.train import contrastive
from whence.train.contrastive import gradient, minimum_norm, positives, spectral

CLASSES = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1])
EXAMPLE = torch.arange(4).repeat_interleave(2)


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "contrastive", name), dtype=torch.float64)


def pairwise_loss(f, weight):
    """The definition, pair by pair: a view, a positive drawn from its group, a negative drawn from all."""
    n = len(f)
    pulled = 0.0
    for w, groups in ((1 - weight, CLASSES), (weight, EXAMPLE)):
        for i in range(n):
            mates = [j for j in range(n) if groups[j] == groups[i]]
            pulled += w * sum(float(f[i] @ f[j]) for j in mates) / len(mates) / n
    pushed = sum(float(f[i] @ f[j]) ** 2 for i, j in itertools.product(range(n), repeat=2)) / n**2
    return pushed - 2 * pulled


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_loss_is_that_of_its_definition_pair_by_pair_of_every_seed(weight):
    f = normal(2, 8, 3)
    found = spectral(f, positives(CLASSES, EXAMPLE, weight).double())
    assert found.tolist() == pytest.approx([pairwise_loss(one, weight) for one in f], abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_closed_gradient_is_that_of_automatic_differentiation(weight):
    encoder, x, r = normal(2, 3, 5, name="w").requires_grad_(), normal(2, 8, 5), positives(CLASSES, EXAMPLE, weight).double()
    spectral(x @ encoder.mT, r).sum().backward()
    torch.testing.assert_close(gradient(encoder.detach(), x, r), encoder.grad)


def test_a_step_of_training_is_one_along_the_differentiated_loss():
    x, r, w = normal(2, 8, 5), positives(CLASSES, EXAMPLE, 0.3).double(), normal(2, 3, 5, name="w")
    plain = w.clone().requires_grad_()
    value = spectral(x @ plain.mT, r)
    value.sum().backward()
    (step,) = contrastive.train(w, x, r, 0.01, 1)
    torch.testing.assert_close(step.loss, value.detach())
    torch.testing.assert_close(w.detach(), (plain - 0.01 * plain.grad).detach())


def test_the_gradient_is_that_of_the_two_moments():
    w, x, r = normal(3, 5, name="w"), normal(8, 5), positives(CLASSES, EXAMPLE, 0.5).double()
    moment, pairs = x.T @ x / 8, x.T @ (r.T @ r) @ x / 8
    torch.testing.assert_close(gradient(w, x, r), -4 * w @ pairs + 4 * w @ moment @ w.T @ w @ moment)


@pytest.mark.parametrize(("weight", "size", "least"), [(0.0, 3, -2.0), (0.5, 4, -2.5), (1.0, 4, -4.0)])
def test_the_minimum_norm_encoder_is_a_minimiser_and_no_other_is_shorter(weight, size, least):
    x, r = normal(8, 20), positives(CLASSES, EXAMPLE, weight).double()
    w = minimum_norm(x, r, size)
    assert gradient(w, x, r).abs().max() < 1e-10
    assert float(spectral(x @ w.T, r)) == pytest.approx(least)  # minus the sum of the squared eigenvalues of the mixture
    unseen = normal(size, 20, name="other")
    unseen -= unseen @ torch.linalg.pinv(x) @ x  # what no view shows
    assert float(spectral(x @ (w + unseen).T, r)) == pytest.approx(least)
    assert (w + unseen).norm() > w.norm()


def test_a_seed_trains_alike_alone_and_in_a_stack():
    x, r = normal(2, 8, 20).float(), positives(CLASSES, EXAMPLE, 0.5)
    both, second = contrastive.encoder(3, 20, [4, 7], 0.1), contrastive.encoder(3, 20, [7], 0.1)
    losses = [step.loss for step in contrastive.train(both, x, r, 0.05, 30)]
    for _ in contrastive.train(second, x[1:], r, 0.05, 30):
        pass
    torch.testing.assert_close(both[1:], second, atol=1e-6, rtol=0)
    assert losses[-1][0] < losses[0][0]


def test_descent_from_small_weights_ends_at_the_minimum_norm_encoder_up_to_a_rotation():
    x, r = normal(1, 8, 200).float() / 200**0.5, positives(CLASSES, EXAMPLE, 0.0)
    w = contrastive.encoder(2, 200, [0], 1e-5)
    for _ in contrastive.train(w, x, r, 1.0, 400):
        pass
    exact = minimum_norm(x, r, 2)[0]
    torch.testing.assert_close((w[0].T @ w[0]).detach().double(), exact.T @ exact, atol=2e-3, rtol=0)


@pytest.mark.parametrize("weight", [-0.1, 1.2, float("nan")])
def test_an_unknown_mixture_is_refused(weight):
    with pytest.raises(ValueError, match=f"unsupervised weight {weight}: expected from 0"):
        positives(CLASSES, EXAMPLE, weight)


def test_more_views_than_dimensions_are_refused():
    with pytest.raises(ValueError, match="8 views in 5 dimensions"):
        minimum_norm(normal(8, 5), positives(CLASSES, EXAMPLE, 0.0), 2)
