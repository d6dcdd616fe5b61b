"""Dominoes: both halves carry the label, and share nothing else."""

import jaxtyping
import numpy as np
import pytest
import torch
from beartype import beartype

from whence.data.dominoes import DIGITS, DOMINOES, MNIST_CIFAR, Dominoes, Half, named, stack, upper
from whence.data.entries import DataError
from whence.data.registry import arrays, members
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def class_of(images, split):
    """The class of each drawn digit, found by looking its pixels up."""
    stored, labels = arrays("digits", split)
    known = {np.ascontiguousarray(image).tobytes(): int(label) for image, label in zip(stored, labels, strict=True)}
    pixels = (8 * (images + 1)).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return [known[image.tobytes()] for image in pixels]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_both_halves_show_a_class_of_the_label(split):
    x, y = DIGITS.draw(150, 0, split)
    assert x.shape == (150, 1, 16, 8)
    for domino, label, top, bottom in zip(x, y.tolist(), class_of(x[:, :, :8], split), class_of(x[:, :, 8:], split), strict=True):
        assert domino.abs().max() <= 1
        assert top == label
        assert bottom % 2 == label
        assert bottom > 1


def test_given_the_label_which_images_meet_is_chance():
    """Of one label: how often the darker half of the tops meets the darker half of the bottoms, within five standard errors."""
    x, y = DIGITS.draw(2000, 0)
    x = x[y == 1]
    ink = torch.stack([x[:, :, :8].mean((1, 2, 3)), x[:, :, 8:].mean((1, 2, 3))])
    assert abs(torch.corrcoef(ink)[0, 1]) < 5 / len(x) ** 0.5


def test_every_image_of_a_label_is_used_before_any_is_used_twice():
    labels = torch.ones(300, dtype=torch.long)
    half = Half("digits", (0,), (1,))
    x = half.draw(labels, 0, "train")
    n = int((arrays("digits", "train")[1] == 1).sum())
    assert n < 300 < 3 * n
    unique, counts = x.flatten(1).unique(dim=0, return_counts=True)
    assert len(unique) == n
    assert set(counts.tolist()) == {300 // n, 300 // n + 1}
    assert torch.equal(half.draw(labels[:40], 0, "train"), x[:40])


def test_a_draw_is_a_function_of_seed_and_split():
    first = DIGITS.draw(60, 1, "test")
    assert torch.equal(first.x, DIGITS.draw(60, 1, "test").x)
    assert not torch.equal(first.y, DIGITS.draw(60, 2, "test").y)


def test_halves_of_one_data_set_draw_from_streams_of_their_own():
    twins = Dominoes(Half("digits", (0,), (1,)), Half("digits", (0,), (1,)))
    x = twins.draw(100, 0).x
    assert (x[:, :, :8] == x[:, :, 8:]).flatten(1).all(1).float().mean() < 0.1


def test_the_smaller_half_is_framed_in_black_and_repeated_over_channels():
    grey = torch.rand(2, 1, 28, 28, generator=stream(0, "grey"))
    colour = torch.rand(2, 3, 32, 32, generator=stream(0, "colour"))
    x = checked(stack)(grey, colour)
    assert x.shape == (2, 3, 64, 32)
    assert torch.equal(x[:, :, 32:], colour)
    assert all(torch.equal(x[:, c, 2:30, 2:30], grey[:, 0]) for c in range(3))
    frame = x[:, :, :32].clone()
    frame[:, :, 2:30, 2:30] = -1
    assert bool((frame == -1).all())
    mask = checked(upper)(x)
    assert mask.shape == (3, 64, 32)
    assert int(mask.sum()) == 3 * 32 * 32
    assert bool(mask[:, :32].all())


def test_halves_that_cannot_be_centred_are_refused():
    with pytest.raises(ValueError, match="halves of 7 and 8 pixels: expected sides that differ by an even number"):
        stack(torch.zeros(1, 1, 7, 7), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize(("zero", "one"), [((), (1,)), ((0,), ()), ((0, 1), (1, 2))])
def test_classes_that_do_not_tell_labels_apart_are_refused(zero, one):
    with pytest.raises(ValueError, match="expected two sets that share no class"):
        Half("digits", zero, one)


def test_a_class_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"no image of class 10 in 'digits' 'train': there are \[0, 1, .*9\]"):
        Half("digits", (0,), (10,)).draw(torch.tensor([0, 1]), 0, "train")


@pytest.mark.parametrize("y", [torch.tensor([0, 2]), torch.tensor([-1]), torch.zeros(2, 2, dtype=torch.long)])
def test_labels_outside_the_domain_are_refused(y):
    with pytest.raises(ValueError, match=r"expected 0 and 1, of shape \(n,\)"):
        Half("digits", (0,), (1,)).draw(y, 0, "train")


def test_no_dominoes_are_refused():
    with pytest.raises(ValueError, match="0 dominoes: expected at least 1"):
        DIGITS.draw(0, 0)


def test_data_that_are_not_here_are_never_fetched(project):
    with pytest.raises(DataError, match="whence data fetch tiny"):
        Dominoes(Half("tiny", (0,), (1,)), Half("tiny", (2,), (3,))).draw(4, 0)
    assert project.site.asked == []


def test_the_published_pair_is_of_the_classes_that_its_authors_used():
    """MNIST 0 and 1 above automobile (1) and truck (9) of CIFAR-10."""
    assert (MNIST_CIFAR.top.zero, MNIST_CIFAR.top.one) == ((0,), (1,))
    assert (MNIST_CIFAR.bottom.zero, MNIST_CIFAR.bottom.one) == ((1,), (9,))


@pytest.mark.parametrize("name", DOMINOES)
def test_dominoes_are_named_by_the_sets_they_are_made_of_so_that_a_run_is_keyed_by_all(name):
    found = named(name)
    assert set(members(name)) == {found.top.dataset, found.bottom.dataset}


def test_dominoes_that_there_are_not_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no dominoes of 'cifar10': expected one of 'digits', 'mnist\+cifar10'"):
        named("cifar10")
