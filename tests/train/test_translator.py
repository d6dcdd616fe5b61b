"""Debiasing with a known translator: the loss is its formula, and it needs no example that conflicts with the bias."""

from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train.contrastive import positives, spectral
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled
from whence.train.translator import translated, twins, views_apart


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=stream(seed, "test"), dtype=torch.float64)


def test_the_contrast_of_views_is_the_spectral_loss_whose_positives_are_twins():
    first, second = noise(3, 7, 4), noise(3, 7, 4, seed=1)
    pairs = positives(torch.zeros(14).long(), torch.arange(7).repeat(2), unsupervised=1.0).double()
    torch.testing.assert_close(views_apart(first, second), spectral(torch.cat([first, second], 1), pairs), rtol=1e-5, atol=1e-5)


def test_embeddings_that_are_alike_in_twins_and_orthonormal_over_examples_reach_the_least_loss():
    aligned = 4**0.5 * torch.eye(4).double()[None]  # F^T F / n = 1 for 4 examples: the loss is p - 2 p
    assert float(views_apart(aligned, aligned)) == pytest.approx(-4)
    assert float(views_apart(aligned, -aligned)) == pytest.approx(4)
    rotated = aligned @ torch.linalg.qr(noise(4, 4))[0]
    torch.testing.assert_close(views_apart(rotated, rotated), views_apart(aligned, aligned))


def test_the_loss_is_that_of_both_views_labels_and_the_weighted_contrast():
    a, b, y = noise(2, 5, 3), noise(2, 5, 3, seed=1), torch.arange(10).reshape(2, 5) % 3
    labels = (cross_entropy(a, y) + cross_entropy(b, y)) / 2
    torch.testing.assert_close(translated((a, b), (a, b), y, 0), labels)
    torch.testing.assert_close(translated((a, b), (a, b), y, 0.5), labels + 0.5 * views_apart(a, b))
    each = torch.tensor([0.0, 2.0]).double()
    torch.testing.assert_close(translated((a, b), (a, b), y, each), labels + each * views_apart(a, b))


def biased(n, correlation, name):
    """Two coordinates: the bias, large, and what tells the label, small."""
    y = torch.arange(n) % 2
    agrees = torch.rand(n, generator=stream(0, name)) < correlation
    x = torch.stack([torch.where(agrees, 2.0 * y - 1, 1 - 2.0 * y), 0.3 * (2 * y - 1)], 1)
    return x + 0.05 * torch.randn(n, 2, generator=stream(0, name, "noise")), y


def trained(seeds, weight, x, y):
    stack = Stack.of([build("perceptron", (2,), s, width=8, depth=1) for s in seeds])
    moved = twins(x, lambda v: v * torch.tensor([-1.0, 1.0]))

    def loss(b):
        pair = (b.x, moved[b.index])
        return translated([stack(v) for v in pair], [stack.features(v) for v in pair], b.y, weight)

    adam = torch.optim.Adam(stack.parameters(), 0.02)
    list(fit(stack.parameters(), loss, islice(labelled(x, y, 32, seeds), 100), adam))
    return stack


def test_a_bias_without_exception_is_unlearned_from_twins_alone():
    x, y = biased(200, 1.0, "train")
    new, label = biased(400, 0.0, "test")
    plain = Stack.of([build("perceptron", (2,), 0, width=8, depth=1)])
    adam = torch.optim.Adam(plain.parameters(), 0.02)
    list(fit(plain.parameters(), lambda b: cross_entropy(plain(b.x), b.y), islice(labelled(x, y, 32, [0]), 100), adam))
    assert float((plain(new)[0].argmax(-1) == label).double().mean()) < 0.2
    for weight in (0.0, 0.1):
        assert float((trained([0], weight, x, y)(new)[0].argmax(-1) == label).double().mean()) > 0.95


def test_a_seed_trains_alike_with_a_translator_alone_or_in_a_stack():
    x, y = biased(60, 1.0, "train")
    torch.testing.assert_close(trained([3, 1], 0.1, x, y)(x)[1:], trained([1], 0.1, x, y)(x), rtol=1e-4, atol=1e-4)


X = noise(3, 2, 4, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: twins(X, lambda x: x[:, :1]), r"the translator made \(3, 1, 4, 4\) of \(3, 2, 4, 4\)"),
        (lambda: twins(X, lambda x: x / 0), "not all finite"),
        (lambda: twins(X, lambda x: torch.cat([x[:1], -x[1:]])), "leaves 1 of 3 examples as they are"),
        (lambda: translated((X, X), (X, X), torch.zeros(3).long(), -1.0), "contrast weight -1.0: expected a finite number >= 0"),
    ],
)
def test_what_is_no_translator_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
