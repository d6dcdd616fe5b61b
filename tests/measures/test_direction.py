import itertools

import pytest
import torch

from whence.measures.direction import direction_variance
from whence.seeds import stream


def test_it_is_the_mean_cosine_distance_over_pairs_of_every_seed():
    g = torch.randn(2, 5, 7, generator=stream(0, "direction")) + 0.5
    expected = [sum(1 - torch.cosine_similarity(a, b, 0) for a, b in itertools.combinations(one, 2)) / 10 for one in g.double()]
    torch.testing.assert_close(direction_variance(g), torch.stack(expected))


def test_length_counts_for_nothing_and_opposites_are_furthest():
    g = torch.tensor([[1.0, 2.0], [2.0, 4.0], [30.0, 60.0]])
    assert float(direction_variance(g)) == pytest.approx(0)
    assert float(direction_variance(torch.tensor([[1.0, 0.0], [-3.0, 0.0]]))) == pytest.approx(2)


def test_what_has_no_direction_is_refused():
    with pytest.raises(ValueError, match="2 gradients, the shortest of norm 0"):
        direction_variance(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match="1 gradients"):
        direction_variance(torch.ones(1, 3))
