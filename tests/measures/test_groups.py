"""Averages over groups by name: each against its definition in words."""

import pytest
import torch

from whence.measures.groups import averages
from whence.seeds import stream

TRAINING = torch.tensor([3498, 184, 56, 1057])  # label x background of the birds


def test_three_averages_of_the_same_answers_as_counted_by_hand():
    """Groups of 4, 2, 1 and 3 points with 4, 1, 0 and 3 right answers."""
    group = torch.tensor([0, 0, 0, 0, 1, 1, 2, 3, 3, 3])
    right = torch.tensor([1, 1, 1, 1, 1, 0, 0, 1, 1, 1])
    found = averages(right, group, TRAINING)
    assert found.by_group.tolist() == [1, 0.5, 0, 1]
    assert float(found.worst_group) == 0
    assert float(found.group_balanced) == pytest.approx(2.5 / 4)
    assert float(found.training_weighted) == pytest.approx((3498 + 92 + 1057) / 4795)


def some(n=400, g=4, seeds=3):
    group = torch.randint(g, (n,), generator=stream(0, "group"))
    return torch.rand(seeds, n, generator=stream(0, "right"), dtype=torch.float64), group


def test_seeds_stay_and_each_agrees_with_a_loop_over_groups():
    right, group = some()
    found = averages(right.reshape(3, 1, -1), group, TRAINING)
    means = torch.stack([right[:, group == g].mean(1) for g in range(4)], 1)
    torch.testing.assert_close(found.by_group[:, 0], means)
    torch.testing.assert_close(found.worst_group[:, 0], means.min(1).values)
    torch.testing.assert_close(found.training_weighted[:, 0], (means * TRAINING).sum(1) / TRAINING.sum())


def test_weighted_by_the_measured_points_it_is_their_plain_mean():
    right, group = some()
    torch.testing.assert_close(averages(right, group, torch.bincount(group)).training_weighted, right.mean(1))


def test_weighted_evenly_it_is_the_group_balanced_one():
    right, group = some()
    found = averages(right, group, torch.full((4,), 0.25))
    torch.testing.assert_close(found.training_weighted, found.group_balanced)


def test_the_worst_group_is_below_both_others_whatever_the_weights():
    right, group = some(40)
    found = averages(right, group, TRAINING)
    assert bool((found.worst_group <= found.group_balanced).all())
    assert bool((found.worst_group <= found.training_weighted).all())


def test_a_group_that_was_never_trained_on_counts_in_the_worst_group_only_and_in_the_balanced():
    group, right = torch.tensor([0, 1]), torch.tensor([1.0, 0.0])
    found = averages(right, group, torch.tensor([10, 0]))
    assert [float(v) for v in found[1:]] == [0, 0.5, 1]


def test_only_where_an_answer_is_nan_its_group_is():
    right, group = torch.tensor([[1.0, torch.nan]]), torch.tensor([0, 1])
    assert averages(right, group, torch.tensor([1, 1])).by_group.isnan().tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("right", "group", "training", "message"),
    [
        (torch.ones(3), torch.tensor([0, 0, 2]), torch.ones(3), r"group 1 has no members \(counts \[2, 0, 1\]\)"),
        (torch.ones(3), torch.tensor([0, 1, 2]), torch.ones(2), "groups 0 to 2 with training counts of 2: expected 0 to 1"),
        (torch.ones(3), torch.tensor([0, -1, 1]), torch.ones(2), "groups -1 to 1"),
        (torch.ones(2), torch.tensor([0, 1]), torch.zeros(2), r"training counts \[0.0, 0.0\]: .* not all of them 0"),
        (torch.ones(2), torch.tensor([0, 1]), torch.tensor([3, -1]), r"training counts \[3, -1\]"),
        (torch.ones(2), torch.tensor([0, 1]), torch.tensor([1.0, torch.nan]), "training counts"),
        (torch.ones(4), torch.tensor([0, 1]), torch.ones(2), r"values of shape \(4,\) in groups of shape \(2,\)"),
        (torch.ones(2), torch.tensor([0.0, 1.0]), torch.ones(2), "whole numbers"),
        (torch.ones(0), torch.tensor([], dtype=torch.long), torch.ones(2), r"group 0 has no members|training counts of 2"),
    ],
)
def test_groups_without_members_and_weights_that_are_none_are_refused(right, group, training, message):
    with pytest.raises(ValueError, match=message):
        averages(right, group, training)
