"""Scores with features redrawn."""

import jaxtyping
import pytest
import torch
from beartype import beartype
from sklearn.metrics import roc_auc_score

from whence.measures.randomised import randomised, scores
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def points(n=2000, d=4, seed=0):
    """Every coordinate tells the label by its sign."""
    generator = stream(seed, "points")
    y = torch.randint(2, (n,), generator=generator)
    return (2 * y[:, None] - 1) * torch.rand(n, d, generator=generator), y


def turn(d=4, seed=0):
    return torch.linalg.qr(torch.randn(d, d, generator=stream(seed, "turn"), dtype=torch.float64)).Q


def test_auc_is_that_of_scikit_learn_ties_included():
    generator = stream(0, "scores")
    y = torch.randint(2, (3, 200), generator=generator)
    for values in (torch.randn(3, 200, generator=generator), torch.randint(5, (3, 200), generator=generator).float()):
        expected = [roc_auc_score(y[i], values[i]) for i in range(3)]
        assert checked(scores)(values, y).auc.tolist() == pytest.approx(expected, abs=1e-12)


def test_a_constant_score_is_chance_and_a_perfect_one_is_one():
    y = torch.tensor([0, 1, 1, 0, 1])
    assert tuple(map(float, scores(torch.zeros(5), y))) == (0.5, 0.5)
    assert tuple(map(float, scores(y - 0.5, y))) == (1, 1)
    assert tuple(map(float, scores(0.5 - y, y))) == (0, 0)


def test_accuracy_has_its_threshold_at_zero():
    y = torch.tensor([0, 0, 1, 1])
    shifted = scores(torch.tensor([1.0, 2.0, 3.0, 4.0]), y)
    assert (float(shifted.auc), float(shifted.accuracy)) == (1, 0.5)


def test_a_seed_that_diverged_gives_nan_and_leaves_the_others():
    y = torch.tensor([0, 1, 0, 1])
    values = torch.stack([torch.full((4,), torch.nan), y - 0.5])
    for found in scores(values, y):
        assert found.isnan().tolist() == [True, False]


def test_a_model_of_the_subset_alone_falls_to_chance_and_hears_nothing_else():
    x, y = points(20_000)
    found = randomised(lambda x: x[:, 0], x, y, [0], stream(0, "redraw"))
    assert tuple(map(float, found.standard)) == (1, 1)
    assert found.complement == found.standard
    assert found.subset.auc.item() == pytest.approx(0.5, abs=0.02)
    assert found.subset.accuracy.item() == pytest.approx(0.5, abs=0.02)


def test_a_model_of_two_features_is_right_by_the_larger_one():
    """Half of the redrawn signs are wrong; of these the sum is right where the other coordinate is larger: 3/4 in all."""
    x, y = points(20_000, 2)
    found = randomised(lambda x: x.sum(1), x, y, [0], stream(0, "redraw"))
    assert found.subset.accuracy.item() == pytest.approx(0.75, abs=0.02)
    assert found.complement.accuracy.item() == pytest.approx(0.75, abs=0.02)


def test_only_the_features_of_the_subset_move_and_they_move_together():
    x, y = points(50)
    seen = []
    randomised(lambda x: seen.append(x) or x[:, 0], x, y, [1, 3], stream(0, "redraw"))
    standard, subset, complement = seen
    assert torch.equal(standard, x)
    assert torch.equal(subset[:, [0, 2]], x[:, [0, 2]])
    assert torch.equal(complement[:, [1, 3]], x[:, [1, 3]])
    order = torch.randperm(50, generator=stream(0, "redraw"))
    assert torch.equal(subset[:, [1, 3]], x[order][:, [1, 3]])
    assert torch.equal(complement[:, [0, 2]], x[order][:, [0, 2]]), "paired: the same permutation in both"


def test_turned_features_are_redrawn_where_they_are_features():
    """The same data turned, and a model that turns them back, score the same."""
    x, y = points(500)
    q = turn()
    turned = (x.double() @ q).float()
    weight = torch.tensor([2.0, 1.0, 0.5, 0.1])
    plain = randomised(lambda x: x @ weight, x, y, [0, 2], stream(0, "redraw"))
    other = checked(randomised)(lambda x: (x.double() @ q.T).float() @ weight, turned, y, [0, 2], stream(0, "redraw"), q)
    for a, b in zip(plain, other, strict=True):
        assert float(a.auc) == pytest.approx(float(b.auc), abs=1e-5)
        assert float(a.accuracy) == pytest.approx(float(b.accuracy), abs=5e-3)


def test_a_mask_redraws_a_part_of_images():
    x, y = points(300, 12)
    x = x.reshape(300, 1, 4, 3)
    mask = torch.zeros(1, 4, 3, dtype=torch.bool)
    mask[:, :2] = True
    found = checked(randomised)(lambda x: x[:, :, :2].mean((1, 2, 3)), x, y, mask, stream(0, "redraw"))
    assert found.complement.auc == found.standard.auc == 1
    assert found.subset.auc < 0.7


def test_networks_alone_and_in_a_stack_score_alike_each_on_points_of_its_own():
    own = [points(100, seed=s) for s in range(3)]
    x, y = torch.stack([x for x, _ in own]), torch.stack([y for _, y in own])
    q = torch.stack([turn(seed=s) for s in range(3)])
    weight = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]])
    stacked = randomised(lambda x: torch.einsum("snd,sd->sn", x, weight), x, y, [0], stream(0, "redraw"), q)
    for s in range(3):
        alone = randomised(lambda x, s=s: x @ weight[s], x[s], y[s], [0], stream(0, "redraw"), q[s])
        for a, b in zip(stacked, alone, strict=True):
            assert float(a.auc[s]) == pytest.approx(float(b.auc), abs=1e-4)


def test_shared_points_serve_a_stack_of_networks():
    x, y = points(100)
    found = randomised(lambda x: x.T, x, y, [0], stream(0, "redraw"))
    assert found.standard.auc.shape == (4,)
    assert found.subset.auc[1:].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ([4], r"features \[4\] of inputs of shape \(4,\)"),
        ([], r"features \[\] of inputs"),
        ([-1], r"features \[-1\]"),
        (torch.ones(3, dtype=torch.bool), r"a mask of shape \(3,\) for inputs of shape \(4,\)"),
    ],
)
def test_a_subset_that_is_no_part_of_the_input_is_refused(subset, message):
    x, y = points(10)
    with pytest.raises(ValueError, match=message):
        randomised(lambda x: x[:, 0], x, y, subset, stream(0, "redraw"))


def test_coordinates_of_an_image_are_refused_with_what_to_give():
    x, y = points(10)
    with pytest.raises(ValueError, match="of images, a mask of the shape of one"):
        randomised(lambda x: x[:, 0, 0, 0], x.reshape(10, 1, 2, 2), y, [0], stream(0, "redraw"))


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 1, 2], [-1, 1, 1]])
def test_labels_without_two_classes_are_refused(labels):
    with pytest.raises(ValueError, match="expected both 0 and 1 among the points"):
        scores(torch.zeros(3), torch.tensor(labels))
