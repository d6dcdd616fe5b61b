import numpy as np
import pytest

from whence.figures.clouds import clouds
from whence.figures.style import BLUE, ORANGE

POINTS = np.arange(12.0).reshape(6, 2)
GROUPS = [0, 0, 0, 1, 1, 1]
ALT = "Two panels of six points in two groups."


def test_every_panel_shows_every_group_in_its_colour_and_the_same_input_gives_the_same_bytes():
    def draw():
        return clouds({"early": POINTS, "late": 0 * POINTS}, GROUPS, ["one", "two"], "x", "y", ALT)

    picture = draw()
    assert picture.svg == draw().svg
    assert picture.alt == ALT
    assert BLUE in picture.svg
    assert ORANGE in picture.svg


def test_points_that_are_no_pairs_and_groups_without_a_name_are_refused():
    with pytest.raises(ValueError, match=r"points of shape \(6, 3\)"):
        clouds({"early": np.zeros((6, 3))}, GROUPS, ["one", "two"], "x", "y", ALT)
    with pytest.raises(ValueError, match="group 1 of 1 names"):
        clouds({"early": POINTS}, GROUPS, ["one"], "x", "y", ALT)
