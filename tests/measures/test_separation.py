import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from whence.measures.separation import probe, separation
from whence.seeds import stream


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "separation", name), dtype=torch.float64)


CLASSES = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1])
SUBCLASSES = torch.tensor([0, 1, 1, 1, 0, 0, 0, 1])


def test_separation_is_the_ratio_of_the_two_distances_however_unequal_the_subclasses():
    y, s = CLASSES * 2.0 - 1, SUBCLASSES * 2.0 - 1
    f = torch.stack([4 * y, 3 * s, torch.full_like(y, 9.0)], 1)
    assert float(separation(f, CLASSES, SUBCLASSES)) == pytest.approx(0.75)
    assert float(separation(f[:, ::2], CLASSES, SUBCLASSES)) == 0  # collapsed


def test_separation_of_three_classes_is_the_mean_over_pairs():
    classes, subclasses = torch.arange(3).repeat_interleave(2), torch.arange(6) % 2
    f = torch.tensor([[0.0], [1.0], [4.0], [5.0], [8.0], [9.0]])
    assert float(separation(f, classes, subclasses)) == pytest.approx(1 / ((4 + 4 + 8) / 3))


def test_a_stack_of_seeds_is_measured_one_by_one():
    f, t = normal(3, 8, 4), normal(3, 8, 4, name="t")
    torch.testing.assert_close(separation(f, CLASSES, SUBCLASSES), torch.stack([separation(g, CLASSES, SUBCLASSES) for g in f]))
    many = probe(f, CLASSES, t, CLASSES)
    torch.testing.assert_close(many, torch.stack([probe(a, CLASSES, b, CLASSES) for a, b in zip(f, t, strict=True)]))


def test_the_probe_answers_as_scikit_learns_ridge_classifier():
    f, t, labels = normal(60, 5), normal(40, 5, name="t"), torch.arange(60) % 2
    f[:, 0] += labels
    level = float((f - f.mean(0)).square().sum(0).mean())
    twin = RidgeClassifier(alpha=0.1 * level).fit(f.numpy(), labels.numpy())
    truth = torch.from_numpy(twin.predict(t.numpy()))
    assert float(probe(f, labels, t, truth, ridge=0.1)) == 1.0
    assert float(probe(f, labels, t, 1 - truth, ridge=0.1)) == 0.0


def test_the_probe_finds_a_weak_direction_beside_strong_ones():
    labels = torch.arange(200) % 2
    f = torch.stack([normal(200), 0.01 * (labels * 2.0 - 1)], 1)
    assert float(probe(f, labels, f, labels)) == 1.0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"\[0, 2, 3, 0\] examples of 2 classes"):
        separation(torch.zeros(5, 2), torch.tensor([0, 0, 1, 1, 1]), torch.tensor([1, 1, 0, 0, 0]))
    with pytest.raises(ValueError, match="labels that are all 1"):
        probe(torch.zeros(5, 2), torch.ones(5, dtype=torch.long), torch.zeros(5, 2), torch.ones(5, dtype=torch.long))
