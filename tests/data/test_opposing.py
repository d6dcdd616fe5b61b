import pytest
import torch

from whence.data.opposing import Opposing


def test_the_outliers_share_the_large_feature_and_oppose_each_other_in_the_label():
    x, y, group = Opposing(dimension=5, outliers=0.1, strength=12.0).draw(200, 0)
    assert group.bincount().tolist() == [180, 10, 10]
    assert bool((x[group > 0, 1] == 12).all())
    assert torch.equal(y[group > 0], torch.where(group[group > 0] == 1, -1.0, 1.0))
    assert float(x[group == 0, 1].abs().max()) < 6


def test_the_rest_is_labelled_by_its_first_coordinate_and_is_the_same_without_outliers():
    x, y, group = Opposing(dimension=5, outliers=0.1).draw(200, 0)
    assert torch.equal(y[group == 0], torch.where(x[group == 0, 0] < 0, -1.0, 1.0))
    bare = Opposing(dimension=5, outliers=0.0).draw(200, 0)
    assert torch.equal(bare.x[:180], x[:180])
    assert bare.group.sum() == 0


@pytest.mark.parametrize("law", [{"dimension": 1}, {"outliers": 1.5}])
def test_impossible_data_are_refused(law):
    with pytest.raises(ValueError, match="expected at least 2, and a share in"):
        Opposing(**law)
