"""Flatness by radii without units, basins and curves between solutions: against closed forms and naive twins."""

from itertools import count, islice

import numpy as np
import pytest
import torch

from whence.measures.flatness import Bezier, along, barrier, direction, moved, returned, rise
from whence.seeds import stream
from whence.train.loop import fit


def normal(*shape, name):
    return torch.randn(*shape, generator=stream(0, "flatness", name), dtype=torch.float64)


def streams(s=3):
    return [stream(i, "direction") for i in range(s)]


X, Y = normal(20, 4, name="x"), normal(20, name="y")


def weights(s=3):
    return {
        "first.weight": normal(s, 6, 4, name="w1"),
        "first.bias": normal(s, 6, name="b1"),
        "last.weight": normal(s, 1, 6, name="w2"),
        "last.bias": normal(s, 1, name="b2"),
    }


def loss(w):
    """The squared loss of ReLU networks."""
    h = (X @ w["first.weight"].mT + w["first.bias"][:, None]).relu()
    return ((h @ w["last.weight"].mT + w["last.bias"][:, None])[..., 0] - Y).square().mean(-1)


def rescaled(w, factor=20.0):
    """Other units inside, the same answers."""
    return {name: t * factor if name.startswith("first") else t / factor if name == "last.weight" else t for name, t in w.items()}


def quadratic(s=2, n=5):
    """1/2 (w - a)^T H (w - a) of each network, with its a and H."""
    turn = torch.linalg.qr(normal(s, n, n, name="root")).Q
    centre, hessian = normal(s, n, name="centre"), turn @ torch.diag(torch.linspace(1, 3, n).double()) @ turn.mT

    def value(w):
        off = w["w"] - centre
        return (off[:, None] @ hessian @ off[..., None])[:, 0, 0] / 2

    return value, centre, hessian


@pytest.mark.parametrize("by", ["layer", "filter"])
def test_a_direction_is_as_long_as_each_layer_or_each_filter(by):
    w = weights()
    found = direction(w, streams(), by)
    for name, t in w.items():
        kept = 1 if by == "layer" or t.ndim == 2 else 2
        torch.testing.assert_close(found[name].flatten(kept).norm(dim=-1), t.flatten(kept).norm(dim=-1))
        assert not torch.equal(found[name], t)


@pytest.mark.parametrize("by", ["layer", "filter"])
def test_other_units_inside_a_relu_network_do_not_change_its_flatness(by):
    w = weights()
    torch.testing.assert_close(loss(rescaled(w)), loss(w))
    found = rise(loss, w, [0.1, 0.5], streams(), 4, by)
    assert found.shape == (3, 4, 2)
    torch.testing.assert_close(rise(loss, rescaled(w), [0.1, 0.5], streams(), 4, by), found, rtol=1e-9, atol=1e-9)


def test_with_noise_of_one_size_they_would():
    w = weights()

    def rise_of(w):
        noise = {name: normal(*t.shape, name=name) for name, t in w.items()}
        return loss(moved(w, noise, 0.1)) - loss(w)

    assert float((rise_of(rescaled(w)) / rise_of(w)).abs().min()) > 2


def test_of_a_quadratic_loss_it_is_half_the_curvature_along_the_direction_whatever_the_slope():
    value, _, hessian = quadratic()
    w = {"w": normal(2, 5, name="at")}
    d = direction(w, streams(2))["w"]
    found = rise(value, w, [0.0, 0.3, 2.0], streams(2), 1)[:, 0]
    curvature = (d[:, None] @ hessian @ d[..., None])[:, 0, 0]
    torch.testing.assert_close(found, torch.tensor([0.0, 0.09, 4.0], dtype=torch.float64) / 2 * curvature[:, None])


def test_over_directions_its_mean_is_the_trace_at_the_length_of_the_weights():
    value, _, hessian = quadratic()
    w = {"w": normal(2, 5, name="at")}
    found = rise(value, w, [0.5], streams(2), 1500)[..., 0].mean(1)
    expected = 0.25 / 2 * w["w"].square().sum(1) * hessian.diagonal(dim1=1, dim2=2).mean(1)
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0)


def test_a_network_draws_alike_alone_or_in_a_stack():
    w = weights()
    together = rise(loss, w, [0.2], streams(), 3)
    for i in range(3):
        alone = rise(loss, {name: t[i : i + 1] for name, t in w.items()}, [0.2], [streams()[i]], 3)
        torch.testing.assert_close(alone[0], together[i])


def test_it_is_the_mean_of_both_ways_written_out():
    w, gens = weights(1), [stream(0, "direction")]
    found = rise(loss, w, [0.4], streams(1), 2)
    for k in range(2):
        steps = {}
        for name, t in w.items():
            u = torch.randn(t.shape[1:], generator=gens[0], dtype=torch.float64)
            steps[name] = 0.4 * t.norm() * u / u.norm()
        up, down = ({name: t + sign * steps[name] for name, t in w.items()} for sign in (1, -1))
        torch.testing.assert_close(found[:, k, 0], (loss(up) + loss(down)) / 2 - loss(w))


def test_what_is_zero_stays_zero():
    w = weights() | {"last.bias": torch.zeros(3, 1, dtype=torch.float64)}
    assert not bool(direction(w, streams())["last.bias"].any())


def test_training_again_falls_back_into_the_basin_it_was_moved_to():
    """A double well in each of two networks: from +1 a small move returns, a large one ends in the other well."""

    def train(w):
        x = w["w"]
        for _ in range(300):
            x = x - 0.1 * (x**3 - x)
        return {"w": x}

    start = {"w": torch.ones(2, 1, dtype=torch.float64)}
    down = [k for k in range(20) if torch.randn(1, generator=stream(k, "sign"), dtype=torch.float64) < 0][:2]
    found = returned(start, [0.0, 0.5, 1.5], [stream(k, "sign") for k in down], train, lambda w: w["w"][:, 0])
    torch.testing.assert_close(found, torch.tensor([[1.0, 1.0, -1.0]] * 2, dtype=torch.float64))


def test_a_curve_of_a_quadratic_loss_is_fitted_to_its_closed_form():
    """Over uniform t the best bend is a - 3/4 (start + end - 2 a), whatever the curvature."""
    value, centre, _ = quadratic()
    start, end = {"w": normal(2, 5, name="start")}, {"w": normal(2, 5, name="end")}
    curve = Bezier.between(start, end)
    places, masses = (torch.tensor(v) for v in gauss(5))

    def mean(_):
        return sum(m * value(curve.at(float(t))) for t, m in zip(places, masses, strict=True))

    optimizer = torch.optim.SGD(curve.bend.values(), lr=2.0, momentum=0.5)
    for _ in fit(list(curve.bend.values()), mean, islice(count(), 150), optimizer):
        pass
    apart = start["w"] + end["w"] - 2 * centre
    torch.testing.assert_close(curve.bend["w"].detach(), centre - 0.75 * apart, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(curve.at(0.5)["w"].detach() - centre, -apart / 8, rtol=1e-4, atol=1e-4)


def gauss(n):
    """Nodes and weights of n-point Gauss quadrature on [0, 1]: exact up to degree 2 n - 1."""
    nodes, mass = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, mass / 2


def test_points_of_a_curve_are_its_formula_for_one_t_and_for_one_each():
    curve = Bezier.between(weights(), rescaled(weights()))
    curve.bend["first.weight"].data.add_(1.0)
    t = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    each = curve.at(t)
    for i, u in enumerate(t.tolist()):
        for name, a in curve.start.items():
            expected = (1 - u) ** 2 * a + 2 * u * (1 - u) * curve.bend[name] + u * u * curve.end[name]
            torch.testing.assert_close(curve.at(u)[name], expected)
            torch.testing.assert_close(each[name][i], expected[i])


def test_the_straight_line_between_two_wells_climbs_by_what_lies_between_and_a_valley_by_nothing():
    ends = [{"w": torch.tensor([[x], [1.0]], dtype=torch.float64)} for x in (-1.0, 1.0)]
    losses = along(lambda w: (w["w"][:, 0] ** 2 - 1) ** 2 + 3, Bezier.between(*ends), 21)
    assert losses.shape == (2, 21)
    torch.testing.assert_close(barrier(losses), torch.tensor([1.0, 0.0], dtype=torch.float64))


def test_a_slope_between_the_ends_is_no_barrier():
    assert barrier(torch.tensor([[0.0, 1.0, 2.0], [2.0, 2.0, 0.0]])).tolist() == [0.0, 1.0]


def test_weights_are_left_alone():
    w = {name: t.clone().requires_grad_() for name, t in weights().items()}
    rise(loss, w, [0.3], streams())
    Bezier.between(w, rescaled(w)).at(0.3)
    assert all(t.grad is None and torch.equal(t, weights()[name]) for name, t in w.items())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: direction(weights(), streams(2)), "2 generators for 3 networks"),
        (lambda: direction(weights(), streams(), "unit"), "by 'unit' .*expected one of layer, filter"),
        (lambda: rise(loss, weights(), [], streams()), r"8 draws at radii \[\]"),
        (lambda: rise(loss, weights(), [-0.1], streams()), r"radii \[-0.1\]: expected .*radii >= 0"),
        (lambda: rise(loss, weights(), [0.1], streams(), 0), "0 draws"),
        (lambda: Bezier.between(weights(), weights(2)), r"ends that differ in \('first.bias', \(2, 6\)\)"),
        (lambda: along(loss, Bezier.between(weights(), weights()), 2), "2 points along a curve"),
    ],
)
def test_what_is_no_question_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
