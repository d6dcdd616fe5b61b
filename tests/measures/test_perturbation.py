import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.measures.perturbation import (
    accuracy,
    block_shares,
    gradients,
    label_free,
    margin,
    mean_sign,
    pgd,
    signed,
    singular_directions,
)
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "perturbation", name), dtype=torch.float64)


def labels(*shape):
    return torch.randint(2, shape, generator=stream(0, "perturbation", "y"))


def linear(w):
    """Logits (0, w x): the margin of class 1 is w x. A stack when w is (S, d)."""
    return lambda x: torch.stack([torch.zeros_like(x @ w[..., None])[..., 0], (x @ w[..., None])[..., 0]], -1)


def bent(x):
    """A smooth score of three classes, of points of shape (2, 3)."""
    return torch.tanh(x.flatten(-2) @ normal(6, 8, name="a")) @ normal(8, 3, name="b")


def unit(v):
    return v / v.norm(dim=-1, keepdim=True)


def test_the_margin_of_two_classes_is_the_difference_of_their_logits():
    logits, y = normal(5, 2), torch.tensor([0, 1, 1, 0, 1])
    expected = (logits[:, 1] - logits[:, 0]) * (2 * y - 1)
    torch.testing.assert_close(checked(margin)(logits, y), expected)


def test_the_cross_entropy_is_a_function_of_the_margin():
    logits, y = normal(3, 50, 4), torch.randint(4, (50,), generator=stream(0, "y"))
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.repeat(3), reduction="none")
    torch.testing.assert_close(torch.nn.functional.softplus(-margin(logits, y)).flatten(), loss)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("steps", [1, 7, 20])
def test_pgd_finds_the_optimum_of_a_linear_score(norm, steps):
    w, x, y = normal(6, name="w"), normal(9, 6), labels(9)
    sign = (2 * y - 1)[:, None].double()
    best = -0.3 * sign * (unit(w) if norm == "l2" else w.sign())
    torch.testing.assert_close(checked(pgd)(linear(w), x, y, 0.3, norm, steps), best, atol=1e-9, rtol=0)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_pgd_stays_in_its_ball_and_in_the_range_of_the_pixels_and_does_harm(norm):
    x, y = torch.rand(40, 2, 3, generator=stream(0, "pixels"), dtype=torch.float64), torch.arange(40) % 3
    before = margin(bent(x), y)
    for start in (None, normal(40, 2, 3, name="start")):
        delta = pgd(bent, x, y, 0.2, norm, start=start, bounds=(0.0, 1.0))
        size = delta.flatten(1).norm(dim=1) if norm == "l2" else delta.flatten(1).abs().amax(1)
        assert size.max() <= 0.2 + 1e-12
        assert (x + delta).min() >= 0
        assert (x + delta).max() <= 1
        assert (margin(bent(x + delta), y) < before).double().mean() > 0.95


def test_pgd_is_harmless_without_a_budget_and_where_nothing_changes_the_score():
    x, y = normal(4, 2, 3), torch.tensor([0, 1, 2, 0])
    assert (pgd(bent, x, y, 0.0) == 0).all()
    assert (pgd(lambda x: torch.stack([0 * x.sum((-1, -2))] * 2, -1), x, y % 2, 1.0) == 0).all()


def test_a_saturated_network_is_attacked_as_well_as_any():
    """At margins past 104 the gradient of the cross-entropy is exactly 0 in float32."""
    w, x, y = 1e4 * unit(normal(6, name="w")).float(), normal(9, 6).float(), labels(9)
    x = x + (2 * y - 1)[:, None] * unit(w)
    at = x.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(linear(w)(at), y, reduction="sum")
    sure = margin(linear(w)(x), y) > 110
    assert sure.any()
    assert (torch.autograd.grad(loss, at)[0][sure] == 0).all()
    delta = pgd(linear(w), x, y, 0.3)
    torch.testing.assert_close(delta, -0.3 * (2 * y - 1)[:, None] * unit(w))


@pytest.mark.parametrize("own", [False, True])
def test_each_network_of_a_stack_is_attacked_as_if_alone(own):
    w = normal(3, 6, name="w")
    x, y = (normal(3, 9, 6), labels(3, 9)) if own else (normal(9, 6), labels(9))
    deltas, slopes = pgd(linear(w), x, y, 0.3, "linf"), gradients(linear(w), x, y)
    assert deltas.shape == slopes.shape == (3, 9, 6)
    for s in range(3):
        points, targets = (x[s], y[s]) if own else (x, y)
        torch.testing.assert_close(deltas[s], pgd(linear(w[s]), points, targets, 0.3, "linf"))
        torch.testing.assert_close(slopes[s], gradients(linear(w[s]), points, targets))
        assert accuracy(linear(w), x, y)[s] == accuracy(linear(w[s]), points, targets)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_networks_of_a_stack_may_be_attacked_at_radii_of_their_own(norm):
    w, x, y = normal(3, 6, name="w"), normal(9, 6), labels(9)
    radii = torch.tensor([0.0, 0.1, 0.4])
    deltas = pgd(linear(w), x, y, radii, norm, 5)
    for s, radius in enumerate(radii.tolist()):
        torch.testing.assert_close(deltas[s], pgd(linear(w[s]), x, y, radius, norm, 5))


def test_attacks_leave_no_gradient_in_the_network():
    network = torch.nn.Linear(6, 2)
    pgd(network, normal(4, 6).float(), labels(4), 0.1)
    gradients(network, normal(4, 6).float(), labels(4))
    assert network.weight.grad is None


def test_gradients_are_those_of_one_point_at_a_time():
    x, y = normal(5, 2, 3), torch.tensor([0, 1, 2, 0, 1])
    found = checked(gradients)(bent, x, y)
    for one, label, slope in zip(x, y, found, strict=True):
        twin = torch.autograd.functional.jacobian(lambda v, label=label: margin(bent(v[None]), label[None])[0], one)
        torch.testing.assert_close(slope, twin)


def test_the_direction_of_a_linear_score_is_its_weight():
    w, x = normal(3, 6, name="w"), normal(9, 6)
    slopes = gradients(linear(w), x, torch.ones(9, dtype=torch.long))
    torch.testing.assert_close(checked(singular_directions)(slopes)[:, 0], unit(w))
    torch.testing.assert_close(checked(mean_sign)(slopes), w.sign() / math.sqrt(6))


def test_directions_are_the_right_singular_vectors_of_gradients_of_length_one():
    slopes = normal(40, 6) + torch.linspace(0, 3, 6)
    slopes[7] = 0
    found = singular_directions(slopes, rank=3)
    rows = unit(slopes[torch.arange(40) != 7])
    twin = torch.linalg.svd(rows).Vh[:3]
    torch.testing.assert_close((found @ twin.T).abs(), torch.eye(3, dtype=torch.float64), atol=1e-9, rtol=0)
    assert ((rows @ found.T > 0).sum(0) >= 20).all(), "each agrees with most of the gradients"
    torch.testing.assert_close(singular_directions(slopes * torch.rand(40, 1), rank=3), found)


def test_the_signed_perturbation_moves_each_class_towards_the_other():
    w, x, y = normal(2, 6, name="w"), normal(9, 6), labels(9)
    delta = checked(signed)(unit(w), y, 0.3)
    torch.testing.assert_close(delta, pgd(linear(w), x, y, 0.3))


def test_the_label_free_perturbation_takes_the_worse_sign_and_stops_at_one_half():
    w, x = unit(normal(6, name="w")), normal(400, 6)
    y = (x @ w > 0).long()
    assert accuracy(linear(w), x, y) == 1
    for direction in (w, -w):
        delta = checked(label_free)(linear(w), x, y, direction, 100.0)
        rarer = int(y.double().mean() < 0.5)
        assert accuracy(linear(w), x + delta, y) == (y == rarer).double().mean(), "all go to the class that fewer points have"
    stacked = label_free(linear(torch.stack([w, -w])), x, y, torch.stack([w, w]), 0.5)
    assert stacked.shape == (2, 1, 6)
    tried = torch.stack([accuracy(linear(torch.stack([w, -w])), x + 0.5 * sign * w, y) for sign in (1, -1)])
    assert torch.equal(accuracy(linear(torch.stack([w, -w])), x + stacked, y), tried.amin(0))


def test_shares_of_blocks_are_read_in_the_coordinates_before_the_rotation():
    z, q = normal(2, 9, 6), torch.linalg.qr(normal(2, 6, 6, name="q"))[0]
    expected = torch.stack([z[..., :1].square().sum(-1), z[..., 1:4].square().sum(-1)], -1) / z.square().sum(-1, keepdim=True)
    torch.testing.assert_close(checked(block_shares)(z @ q, [[0], range(1, 4)], q), expected)
    torch.testing.assert_close(block_shares(z @ q[0], [[0], [1, 2, 3]], q[0]), expected)
    torch.testing.assert_close(block_shares(z, [[0], [1, 2, 3], [4, 5]]).sum(-1), torch.ones(2, 9, dtype=torch.float64))
    assert block_shares(torch.zeros(1, 6), [[0]]).isnan().all()


def test_bad_input_is_refused_with_its_value():
    w, x, y = normal(6, name="w"), normal(9, 6), labels(9)
    with pytest.raises(ValueError, match=r"norm 'l3'.*l2, linf"):
        pgd(linear(w), x, y, 0.1, "l3")
    with pytest.raises(ValueError, match="epsilon -1 in 20 steps"):
        pgd(linear(w), x, y, -1)
    with pytest.raises(ValueError, match="in 0 steps"):
        pgd(linear(w), x, y, 0.1, steps=0)
    with pytest.raises(ValueError, match=r"epsilon tensor\(\[ 0\.1000, -0\.1000\]\)"):
        pgd(linear(w), x, y, torch.tensor([0.1, -0.1]))
    with pytest.raises(ValueError, match=r"epsilon of shape \(2,\).*one for each network"):
        pgd(linear(normal(3, 6, name="w")), x, y, torch.tensor([0.1, 0.2]))
    with pytest.raises(ValueError, match="inside of them"):
        pgd(linear(w), x, y, 0.1, bounds=(0, 1))
    with pytest.raises(ValueError, match=r"\(9, 6\) with labels of shape \(8,\)"):
        gradients(linear(w), x, y[:8])
    with pytest.raises(ValueError, match=r"from -1 to 1.*0\.\.1.*signs"):
        margin(linear(w)(x), 2 * y - 1)
    with pytest.raises(ValueError, match="whole numbers"):
        margin(linear(w)(x), y.float())
    with pytest.raises(ValueError, match="two or more classes"):
        margin(x[:, :1], y)
    with pytest.raises(ValueError, match="classes 0 and 1"):
        signed(w, y + 1, 0.1)
    with pytest.raises(ValueError, match="7 directions of 9 gradients of 6"):
        singular_directions(x, rank=7)
    with pytest.raises(ValueError, match="no point has a gradient"):
        singular_directions(torch.stack([x, 0 * x]))
