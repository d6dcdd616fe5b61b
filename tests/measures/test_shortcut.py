"""Reliance and preference: what a classifier goes by is what these say of classifiers whose rule is known."""

import math

import pytest
import torch

from whence.measures.shortcut import bias, follows, linear_reliance, preference, probe, reliance
from whence.seeds import stream

MEANS = torch.tensor([1.0364, 1.2816], dtype=torch.float64)  # predictivities .85 and .9


def optimal(rho):
    """Means and weights of the optimum beside a core of predictivity .9, correlation .6: by a general solver."""
    means = math.sqrt(2) * torch.special.erfinv(2 * torch.tensor([rho, 0.9], dtype=torch.float64) - 1)
    return means, torch.linalg.solve(torch.tensor([[1, 0.6], [0.6, 1]], dtype=torch.float64), means)


def test_the_grid_is_even_in_each_cue_symmetric_and_without_a_cue_of_sign_0():
    z = probe(MEANS, 4, 2.0)
    assert z.shape == (16, 2)
    torch.testing.assert_close(z[::4, 0], 2 * MEANS[0] * torch.tensor([-1, -1 / 3, 1 / 3, 1], dtype=torch.float64))
    torch.testing.assert_close(z[:4, 1], 2 * MEANS[1] * torch.tensor([-1, -1 / 3, 1 / 3, 1], dtype=torch.float64))
    assert bool((probe(MEANS) != 0).all())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda z: z[:, 0], (1, 0)),
        (lambda z: z[:, 1], (0, 1)),
        (lambda z: -z[:, 0], (-1, 0)),
        (lambda z: z[:, 0] * z[:, 1], (0, 0)),
        (lambda z: torch.ones(len(z)), (0, 0)),
        (lambda z: torch.zeros(len(z)), (0, 0)),
    ],
)
def test_signed_reliance_of_rules_that_are_known(rule, expected):
    z = probe(MEANS)
    found = reliance(rule(z), z)
    assert [float(r) for r in found] == pytest.approx(expected, abs=1e-12)
    assert float(found.unsigned) == pytest.approx(abs(expected[0]) - abs(expected[1]), abs=1e-12)
    assert float(found.signed) == pytest.approx(expected[0] - expected[1], abs=1e-12)


@pytest.mark.parametrize(("rho", "expected"), [(0.6, -0.910), (0.7, -0.896), (0.8, -0.938), (0.85, -0.672), (0.9, 0.0)])
def test_unsigned_reliance_of_the_optimum_at_the_five_reference_designs(rho, expected):
    """On a grid of 201 x 201 and without one, where it is q - 1; 0 where both cues are alike."""
    means, weights = optimal(rho)
    z = probe(means, 201)
    assert float(reliance(z @ weights, z).unsigned) == pytest.approx(expected, abs=1e-3)
    assert float(linear_reliance(weights, means).unsigned) == pytest.approx(expected, abs=1e-3)


def test_what_the_absolute_values_hide_the_signed_reliance_shows():
    """The optimum subtracts a shortcut that predicts little: its signed difference then is -1, and grows with predictivity."""
    found = [linear_reliance(*reversed(optimal(rho))) for rho in (0.6, 0.7, 0.8, 0.85, 0.9)]
    assert [float(f.shortcut) < 0 for f in found] == [True, True, False, False, False]
    assert [float(f.signed) for f in found[:2]] == pytest.approx([-1, -1])
    later = [float(f.signed) for f in found[1:]]
    assert later == sorted(later)
    assert float(found[1].unsigned) > float(found[2].unsigned)


def test_reliance_of_weights_in_closed_form_is_that_on_a_fine_grid():
    weights = torch.randn(20, 2, generator=stream(0, "weights"), dtype=torch.float64)
    z = probe(MEANS, 400)
    found, exact = reliance(weights @ z.T, z), linear_reliance(weights, MEANS)
    for a, b in zip(found, exact, strict=True):
        torch.testing.assert_close(a, b, atol=0.005, rtol=0)
    torch.testing.assert_close(exact.shortcut.abs() + exact.core.abs(), torch.ones(20, dtype=torch.float64))


def test_reliance_of_a_single_weight_and_of_equal_ones():
    weights = torch.tensor([[-2.0, 0.0], [1 / MEANS[0], 1 / MEANS[1]], [0.0, 0.0]])
    found = torch.stack(linear_reliance(weights, MEANS), 1)
    torch.testing.assert_close(found[:2], torch.tensor([[-1, 0], [0.5, 0.5]], dtype=torch.float64))
    assert bool(found[2].isnan().all())


def test_no_rule_whatever_leaves_the_stated_ranges():
    z = probe(MEANS, 6)
    score = torch.randn(3000, 36, generator=stream(0, "score"), dtype=torch.float64).sign()
    extreme = torch.where((z[:, 0] * z[:, 1] > 0), score[:2], z[:, 0].sign() * torch.tensor([[1.0], [-1.0]]))
    found = reliance(torch.cat([score, extreme]), z)
    assert float((found.shortcut.abs() + found.core.abs()).max()) <= 1 + 1e-12
    assert float(found.signed.abs().max()) == pytest.approx(1)


def test_seeds_stay_and_each_is_what_it_is_alone():
    z = probe(MEANS, 10)
    score = torch.randn(2, 3, 100, generator=stream(0, "score"))
    found = reliance(score, z)
    assert found.shortcut.shape == (2, 3)
    naive = (
        sum(math.copysign(1, s) * math.copysign(1, c) for s, c in zip(score[1, 2].tolist(), z[:, 0].tolist(), strict=True)) / 100
    )
    assert float(found.shortcut[1, 2]) == pytest.approx(naive)


def test_a_score_that_is_nan_makes_its_network_nan_and_no_other():
    z = probe(MEANS, 4)
    score = torch.ones(2, 16)
    score[1, 3] = math.nan
    assert reliance(score, z).core.isnan().tolist() == [False, True]


def test_the_scale_of_a_score_says_nothing():
    z = probe(MEANS, 20)
    score = torch.randn(5, 400, generator=stream(0, "score"))
    assert torch.equal(reliance(1e-30 * score, z).shortcut, reliance(score, z).shortcut)


def test_bias_is_0_at_the_optimum_and_up_to_2_for_the_other_cue():
    z = probe(MEANS)
    shortcut, core = reliance(z[:, 0], z), reliance(z[:, 1], z)
    assert [float(b) for b in bias(core, core)] == [0, 0]
    assert [float(b) for b in bias(shortcut, core)] == [2, 2]
    against = reliance(-z[:, 0], z)  # relies on it with the wrong sign
    assert [float(b) for b in bias(against, core)] == [2, 0]


def test_preference_of_two_cues_is_the_one_over_either():
    """Ten points at odds: six answers follow the first cue, two the second, two neither; a diagonal point says nothing."""
    levels = torch.tensor([[0, 1]] * 10 + [[2, 2]])
    answers = torch.tensor([0] * 6 + [1] * 2 + [2] * 2 + [2])
    torch.testing.assert_close(preference(answers, levels), torch.tensor([6 / 8, 2 / 8], dtype=torch.float64))
    torch.testing.assert_close(follows(answers, levels), torch.tensor([7 / 11, 3 / 11], dtype=torch.float64))


def test_an_answer_that_follows_two_cues_is_half_a_vote_for_each():
    levels = torch.tensor([[0, 0, 1], [0, 1, 2]])
    found = preference(torch.tensor([[0, 0], [1, 1], [2, 2], [0, 2]]), levels)
    expected = torch.tensor([[3 / 4, 1 / 4, 0], [0, 1 / 2, 1 / 2], [0, 0, 1], [1 / 4, 1 / 4, 1 / 2]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.sum(-1), torch.ones(4, dtype=torch.float64))


def test_a_network_that_follows_no_cue_has_no_preference():
    assert bool(preference(torch.tensor([2, 2]), torch.tensor([[0, 1], [1, 0]])).isnan().all())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: reliance(torch.ones(9), probe(MEANS, 4)), r"scores of shape \(9,\) at latent points of shape \(16, 2\)"),
        (lambda: reliance(torch.ones(9), torch.ones(9, 3)), r"latent points of shape \(9, 3\): expected \(..., n\) at \(n, 2\)"),
        (lambda: probe(-MEANS), "expected two numbers > 0"),
        (lambda: probe(MEANS, 1), "a grid of 1 x 1 points"),
        (lambda: probe(MEANS, reach=0.0), "reaches 0.0 means"),
        (lambda: preference(torch.tensor([0]), torch.tensor([[1, 1]])), "all cues agree at each of 1 points"),
        (lambda: follows(torch.ones(4, 3), torch.ones(4, 2)), r"answers of shape \(4, 3\) .* not as logits"),
    ],
)
def test_what_cannot_be_measured_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
