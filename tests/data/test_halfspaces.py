import pytest
import torch

from whence.data.halfspaces import dense, sparse


def test_the_side_is_the_majority_of_the_relevant_coordinates_of_corners_of_the_cube():
    x, side = sparse(200, 9, 3, 0)
    assert set(x.unique().tolist()) == set(side.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(side, torch.where((x[:, :3] > 0).sum(1) >= 2, 1.0, -1.0))


def test_all_splits_lie_on_the_sides_of_one_plane_with_the_gap_between_them():
    train, test = dense(500, 30, 4.0, 1), dense(500, 30, 4.0, 1, "test")
    plain = dense(500, 30, 0.0, 1)
    normal = ((train.x - plain.x) * train.side[:, None]).mean(0) / 2
    assert float(normal.norm()) == pytest.approx(1.0, abs=1e-5)
    for x, side in (train, test):
        assert float((side * (x @ normal)).min()) >= 2 - 1e-4
    assert not torch.equal(train.x, test.x)


def test_a_side_that_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match="4 relevant of 9 coordinates: expected an odd number"):
        sparse(5, 9, 4, 0)
    with pytest.raises(ValueError, match="11 relevant of 9"):
        sparse(5, 9, 11, 0)
    with pytest.raises(ValueError, match="gap -1: expected a width"):
        dense(5, 9, -1, 0)
