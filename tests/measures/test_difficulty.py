import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import binom, gamma

from whence.measures.difficulty import PUBLISHED, Task, difficulty, highest, log2_functions, resolution
from whence.seeds import stream

MNIST = PUBLISHED["MNIST"]
SMALL = Task(n=100, dimension=2, radius=5.0, classes=3, delta=1.0, epsilon=0.01)


def plainly(task):
    """The formula with binomials and the gamma function, which overflow early, as it is written in the paper."""
    m, d, out = task.dimension, task.classes, task.classes - 1
    cutoff = 2 * math.pi * task.radius / task.delta
    K = (math.sqrt((m - 1) ** 2 + 4 * cutoff**2) - (m - 1)) / 2
    E = binom(m + K, m) + binom(m + K - 1, m)
    W = math.sqrt(m / 6) * (2 * math.pi ** ((m + 1) / 2) * d / gamma((m + 1) / 2)) ** (1 / m) * task.radius * task.n ** (-1 / m)
    L = K * math.sqrt(out) / task.radius
    return (2 * out * d * E - task.n * out) * math.log2(task.bound * math.sqrt(out * d) / task.epsilon * L * W)


@pytest.mark.parametrize("task", [*PUBLISHED.values(), SMALL])
def test_bits_are_those_of_the_formula_as_written(task):
    assert difficulty(task).bits == pytest.approx(plainly(task), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "bits"), [("MNIST", 1.485e16), ("SVHN", 1.213e31), ("CIFAR-10", 3.438e32), ("ImageNet", 3.583e41)]
)
def test_published_constants_give_the_published_orders_of_magnitude(name, bits):
    assert difficulty(PUBLISHED[name]).bits == pytest.approx(bits, rel=1e-3)


@pytest.mark.parametrize("m", [1, 2, 3, 7])
@pytest.mark.parametrize("degree", [0, 1, 5, 20])
def test_functions_are_the_harmonics_of_the_sphere(m, degree):
    """The harmonics of degree l on the m-sphere in m + 1 dimensions number C(l + m, m) - C(l + m - 2, m)."""
    count = sum(math.comb(l + m, m) - (math.comb(l + m - 2, m) if l > 1 else 0) for l in range(degree + 1))
    assert 2 ** log2_functions(m, degree) == pytest.approx(count, rel=1e-9)


@pytest.mark.parametrize(("m", "cutoff"), [(1, 3.0), (14, 45.0), (48, 90.0), (500, 1e-3)])
def test_highest_harmonic_has_the_eigenvalue_of_the_cutoff(m, cutoff):
    degree = highest(m, cutoff)
    assert degree * (degree + m - 1) == pytest.approx(cutoff**2, rel=1e-9)


def test_bits_are_exponential_in_the_dimension():
    bits = [difficulty(replace(MNIST, dimension=m)).log2_bits for m in range(6, 20)]
    assert (np.diff(bits) > 1).all()  # each dimension more than doubles them


def test_each_example_fixes_one_number_an_output():
    free = [2 ** difficulty(replace(SMALL, n=n)).log2_free for n in (100, 200, 300)]
    np.testing.assert_allclose(np.diff(free), -200, rtol=1e-9)


def test_bits_are_logarithmic_in_epsilon():
    each = [difficulty(replace(MNIST, epsilon=e)).each for e in (1e-2, 1e-3, 1e-4)]
    np.testing.assert_allclose(np.diff(each), math.log2(10), rtol=1e-12)


def test_a_finer_task_has_more_functions_by_the_power_of_its_dimension():
    coarse, fine = (difficulty(replace(MNIST, delta=delta)).log2_functions for delta in (1e-3, 5e-4))
    assert fine - coarse == pytest.approx(14, abs=0.01)


def test_unit_of_the_pixels_does_not_matter():
    scaled = replace(MNIST, radius=255 * MNIST.radius, delta=255 * MNIST.delta)
    assert difficulty(scaled).log2_bits == pytest.approx(difficulty(MNIST).log2_bits, rel=1e-12)


def test_thousands_of_dimensions_overflow_nothing():
    task = replace(MNIST, dimension=5000, delta=0.01)
    assert binom(5000 + highest(5000, 1e4), 5000) == math.inf
    found = difficulty(task)
    assert 1024 < found.log2_bits < math.inf
    assert found.bits == math.inf
    assert found.log10_bits == pytest.approx(found.log2_bits * math.log10(2))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n": 0}, "0 examples"),
        ({"n": -3}, "-3 examples"),
        ({"classes": 1}, "2 classes"),
        ({"dimension": 0.7}, "intrinsic dimension 0.7: expected at least 1"),
        ({"dimension": math.nan}, "expected at least 1"),
        ({"delta": 0.0}, "delta = 0"),
        ({"radius": math.inf}, "radius = inf"),
        ({"epsilon": -1.0}, "epsilon = -1"),
    ],
)
def test_a_task_there_cannot_be_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **change)


def test_an_epsilon_that_every_hypothesis_reaches_is_refused_with_the_largest_error():
    with pytest.raises(ValueError, match="which all hypotheses that fit the examples reach") as error:
        difficulty(replace(SMALL, epsilon=1e4))
    largest = float(str(error.value).split("less than ")[1].split(",")[0])
    assert difficulty(replace(SMALL, epsilon=0.9 * largest)).each > 0


def test_examples_that_leave_nothing_free_are_refused():
    with pytest.raises(ValueError, match="expected fewer examples, or a smaller delta"):
        difficulty(replace(SMALL, n=10**9))


def points(n=60, d=3):
    x = torch.randn(n, d, generator=stream(0, "resolution"), dtype=torch.float64)
    return x, torch.arange(n) % 3


def test_least_distance_is_that_of_all_pairs_of_different_classes():
    x, labels = points()
    distances = cdist(x, x)[(labels[:, None] != labels[None, :]).numpy()]
    found = resolution(x, labels, top=100)
    assert found.seen == pytest.approx(distances.min(), rel=1e-9)
    assert found.extrapolated <= found.seen


def test_a_larger_sample_comes_nearer_and_stops_at_the_gap():
    """Two classes on a line, one unit apart: however many points, no two come nearer than that."""
    u = torch.rand(400, 1, generator=stream(0, "gap"), dtype=torch.float64)
    labels = torch.arange(400) % 2
    x = torch.where(labels[:, None] == 0, -u, 1 + u)
    same, more, most = (resolution(x, labels, n=n, top=400).extrapolated for n in (400, 10_000, 1_000_000))
    assert same > more > most > 0.97


def test_order_and_names_of_the_classes_do_not_matter():
    x, labels = points()
    assert resolution(x.flip(0), (labels.flip(0) + 5) * 7, top=100) == resolution(x, labels, top=100)


def test_one_image_with_two_labels_is_refused():
    x, labels = points()
    x[1] = x[0]
    with pytest.raises(ValueError, match="coincide"):
        resolution(x, labels, top=100)


@pytest.mark.parametrize(("labels", "top", "says"), [(torch.zeros(60), 100, "two classes"), (torch.arange(59), 9, "a label each")])
def test_labels_that_do_not_fit_are_refused(labels, top, says):
    with pytest.raises(ValueError, match=says):
        resolution(points()[0], labels, top=top)


def test_more_extremes_than_pairs_are_refused():
    with pytest.raises(ValueError, match="the 2000 nearest of 1200 pairs"):
        resolution(*points())
