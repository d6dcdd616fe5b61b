"""Denoisers with settings: each noise level gets the one that was chosen for it."""

from __future__ import annotations

import pytest
import torch

from whence.denoisers.schedule import Scheduled, closest
from whence.denoisers.wiener import Wiener

Y = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
MEMBERS = {k: (lambda y, sigma, k=k: y * k) for k in (1, 2, 3)}


@pytest.mark.parametrize(("sigma", "setting"), [(0.01, 1), (0.31, 1), (0.33, 2), (1.0, 2), (3.1, 2), (3.3, 3), (100.0, 3)])
def test_the_setting_is_that_of_the_level_nearest_in_log_sigma(sigma, setting):
    scheduled = Scheduled(MEMBERS, {0.1: 1, 1.0: 2, 10.0: 3})
    assert scheduled.setting(sigma) == setting
    assert torch.equal(scheduled(Y, sigma), setting * Y)


def test_the_order_in_which_levels_are_given_changes_nothing():
    for sigma in (0.5, 2**0.5, 1.7):
        assert Scheduled(MEMBERS, {1.0: 1, 2.0: 2}).setting(sigma) == Scheduled(MEMBERS, {2.0: 2, 1.0: 1}).setting(sigma)


def test_samples_of_different_noise_are_answered_as_one_by_one():
    pool = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(1)) * 2 - 1
    scheduled = Scheduled({"plain": Wiener.fit(pool), "shrunk": Wiener.fit(pool, 0.5)}, {0.1: "plain", 1.0: "shrunk"})
    sigma = torch.tensor([1.0, 0.1, 5.0, 0.2, 0.01, 1.0])
    alone = torch.cat([scheduled(Y[i : i + 1], float(sigma[i])) for i in range(len(Y))])
    torch.testing.assert_close(scheduled(Y, sigma), alone)


@pytest.mark.parametrize(("target", "setting"), [(-Y, 1), (1.1 * Y, 1), (2.4 * Y, 2), (5 * Y, 3)])
def test_the_closest_setting_is_chosen_and_of_two_equally_close_the_first(target, setting):
    assert closest({k: k * Y for k in (1, 2, 3)}, target) == setting
    assert closest({"one": Y, "same": Y.clone()}, target) == "one"


@pytest.mark.parametrize("choice", [{}, {0.0: 1}, {-1.0: 1}, {float("nan"): 1}])
def test_a_choice_at_no_level_or_at_none_that_is_noise_is_refused(choice):
    with pytest.raises(ValueError, match="at least one noise level, all finite and > 0"):
        Scheduled(MEMBERS, choice)


def test_a_setting_that_no_member_has_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"setting 7: expected one of \[1, 2, 3\]"):
        Scheduled(MEMBERS, {1.0: 7})


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(ValueError, match="at least one setting"):
        closest({}, Y)
