"""Sprites whose cues have predictivities of their own: what each says, and what all of them together can."""

import itertools
import math

import pytest
import torch

from whence.data.looks import Look
from whence.data.predictive import Predictive

SPRITES = Predictive()


def test_each_cue_says_the_label_as_often_as_it_should_and_by_itself():
    """Within five standard errors: each alone, and of each pair, given the label, how often both do."""
    n, rho = 4000, SPRITES.predictivity
    _, y, levels = SPRITES.draw(n, 0)
    says = (levels == y[:, None]).double()
    assert abs(float(y.double().mean()) - 0.5) < 5 * 0.5 / math.sqrt(n)
    for label in (0, 1):
        mine = says[y == label]
        pairs = [((k,), rho[k]) for k in range(4)] + [((j, k), rho[j] * rho[k]) for j, k in itertools.combinations(range(4), 2)]
        for which, share in pairs:
            found = float(mine[:, list(which)].prod(1).mean())
            assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / len(mine))


def test_bayes_rule_is_the_likelihood_ratio_and_its_accuracy_what_it_scores():
    rho = torch.tensor(SPRITES.predictivity, dtype=torch.float64)
    right = 0.0
    for cell in itertools.product((0, 1), repeat=4):
        level = torch.tensor(cell)
        shares = [torch.where(level == label, rho, 1 - rho).prod() for label in (0, 1)]
        assert float((2 * level - 1).double() @ SPRITES.weights) == pytest.approx(float((shares[1] / shares[0]).log()))
        right += float(max(shares)) / 2
    assert SPRITES.accuracy == pytest.approx(right)
    _, y, levels = SPRITES.draw(4000, 1)
    answers = ((2 * levels - 1).double() @ SPRITES.weights > 0).long()
    assert abs(float((answers == y).double().mean()) - right) < 5 * math.sqrt(right * (1 - right) / 4000)


def test_of_two_cues_the_more_predictive_decides_alone():
    assert Predictive(("colour", "scale"), (0.7, 0.9)).accuracy == pytest.approx(0.9)


def test_what_a_look_changes_moves_no_label_and_no_level_and_a_shorter_draw_begins_a_longer_one():
    faint = Predictive(look=Look(shapes=("ellipse", "triangle"), saturation=0.1, footprint=(0.02, 0.1), background=("grass",)))
    a, b = SPRITES.draw(60, 2), faint.draw(60, 2)
    assert torch.equal(a.y, b.y)
    assert torch.equal(a.levels, b.levels)
    assert not torch.equal(a.x, b.x)
    assert all(torch.equal(p, q[:20]) for p, q in zip(SPRITES.draw(20, 2), a, strict=True))


def test_a_higher_predictivity_only_turns_levels_of_its_cue_to_the_label():
    higher = Predictive(predictivity=(0.85, 0.9, 0.95, 0.7)).draw(300, 3)
    usual = SPRITES.draw(300, 3)
    moved = higher.levels != usual.levels
    assert torch.equal(higher.y, usual.y)
    assert set(moved.nonzero()[:, 1].tolist()) == {2}
    assert (higher.levels[moved[:, 2], 2] == higher.y[moved[:, 2]]).all()
    same = ~moved[:, 2]
    assert torch.equal(higher.x[same], usual.x[same])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictivity": (0.9, 0.8)}, r"predictivities \(0\.9, 0\.8\) of .*: expected as many, one a cue"),
        ({"predictivity": (0.9, 0.8, 0.5, 0.7)}, r"predictivity 0\.5 of scale: expected a probability in \(\.5, 1\)"),
        ({"predictivity": (0.9, 1.0, 0.6, 0.7)}, r"predictivity 1\.0 of shape: .*one that says all is the core of `Correlated`"),
        ({"predictivity": (85, 0.8, 0.6, 0.7)}, r"predictivity 85 of colour: .*not in percent"),
        ({"cues": ("colour", "colour"), "predictivity": (0.9, 0.8)}, "expected each once"),
        ({"look": Look()}, "2 levels of shape, but the look has 3"),
    ],
)
def test_designs_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Predictive(**options)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="0 images: expected at least 1"):
        SPRITES.draw(0, 0)
