"""The two-feature patch model, against what it says."""

import math

import pytest
import torch

from whence.data.patches import FAST, SLOW, Patches


def test_features_are_where_they_should_be_and_noise_is_orthogonal():
    found = Patches(slow=0.4, fast=2.0, share=0.75, d=9, patches=4).draw(200, 0)
    sign = 2.0 * found.y - 1
    rows = found.x[:, 0]
    assert rows.shape == (200, 4, 9)
    assert torch.equal(rows[:, SLOW, SLOW], 0.4 * sign)
    assert torch.equal(rows[:, FAST, FAST], 2.0 * sign * found.fast)
    assert int(found.fast.sum()) == 150
    assert not bool(rows[:, 2:, :2].any())
    assert int((rows[:, :2] != 0).sum()) == 200 + 150


def test_the_noise_has_the_deviation_it_was_given():
    rows = Patches(noise=0.6, d=16, patches=5).draw(4000, 1).x[:, 0, 2:, 2:]
    assert float(rows.std()) == pytest.approx(0.6 / math.sqrt(16), rel=0.02)
    assert float(rows.mean()) == pytest.approx(0, abs=0.002)


def test_splits_and_seeds_differ_and_a_draw_can_be_repeated():
    model = Patches(d=5)
    first = model.draw(30, 0)
    assert all(torch.equal(a, b) for a, b in zip(first, model.draw(30, 0), strict=True))
    assert not torch.equal(first.x, model.draw(30, 0, "test").x)
    assert not torch.equal(first.x, model.draw(30, 1).x)


@pytest.mark.parametrize("options", [{"slow": 0}, {"share": 1.1}, {"noise": -1}, {"d": 2}, {"patches": 1}, {"fast": math.inf}])
def test_what_is_no_model_is_refused(options):
    with pytest.raises(ValueError, match=r"expected slow and fast above 0, a share in \[0, 1\]"):
        Patches(**options)


def test_no_inputs_are_refused():
    with pytest.raises(ValueError, match="0 inputs: expected at least 1"):
        Patches().draw(0, 0)
