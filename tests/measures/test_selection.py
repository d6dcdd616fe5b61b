"""Selection: each seed reports its best candidate, whatever their order."""

import pytest
import torch

from whence.measures.selection import selected
from whence.seeds import stream


def test_each_seed_reports_what_its_own_best_candidate_has():
    values, score = torch.arange(12.0).reshape(2, 3, 2), torch.tensor([[0.1, 0.9, 0.5], [0.7, 0.2, 0.3]])
    assert selected(values, score).tolist() == [[2.0, 3.0], [6.0, 7.0]]
    assert selected(values[..., 0], score).tolist() == [2.0, 6.0]


def test_equals_count_as_their_mean_in_any_order():
    values = torch.randn(3, 5, 4, generator=stream(0, "values")).double()
    score = torch.tensor([[1.0, 0.5, 1.0, 1.0, 0.0]]).expand(3, 5)
    torch.testing.assert_close(selected(values, score), values[:, [0, 2, 3]].mean(1))
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(selected(values[:, order], score[:, order]), selected(values, score))


def test_scored_by_what_is_reported_nothing_is_better():
    values = torch.rand(4, 6, generator=stream(0, "accuracy"))
    other = torch.rand(4, 6, generator=stream(1, "accuracy"))
    assert bool((selected(values, values) >= selected(values, other)).all())


@pytest.mark.parametrize("score", [torch.zeros(2, 4), torch.zeros(3), torch.full((2, 3), torch.nan), torch.zeros(2, 0)])
def test_scores_that_choose_nothing_are_refused(score):
    with pytest.raises(ValueError, match="at least one candidate"):
        selected(torch.zeros(2, 3, 4)[:, : score.shape[-1] if score.shape[-1] == 0 else 3], score)
