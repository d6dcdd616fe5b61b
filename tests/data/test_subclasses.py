import pytest
import torch

from whence.data.subclasses import Subclasses


def test_features_lie_along_their_axes_and_the_rest_is_noise_of_the_norm_asked_for():
    law = Subclasses(1.5, 0.5, (2.0, 0.0), noise=3.0, dimension=400)
    x, y, s, example = law.draw(600, 0)
    assert x.shape == (600, 400)
    assert torch.equal(example, torch.arange(600))
    torch.testing.assert_close((x[:, 0] * (2 * y - 1)).mean(), torch.tensor(1.5), atol=0.03, rtol=0)
    torch.testing.assert_close((x[:, 1] * (2 * s - 1)).mean(), torch.tensor(0.5), atol=0.03, rtol=0)
    torch.testing.assert_close(x[:, 2].abs().mean(), torch.tensor(2.0), atol=0.03, rtol=0)
    assert x[:, 4:].square().sum(1).mean() == pytest.approx(9.0, rel=0.03)


def test_each_class_holds_the_majority_to_the_example_and_class_and_subclass_are_uncorrelated():
    _, y, s, _ = Subclasses(dimension=5, majority=0.7).draw(100, 3)
    assert [int(s[y == c].sum()) for c in (0, 1)] == [35, 35]
    assert torch.corrcoef(torch.stack([y, s]).float())[0, 1].abs() < 1e-6


def test_views_of_an_example_share_its_features_and_not_its_noise():
    x, y, s, example = Subclasses(irrelevant=(1.0,), noise=1.0, dimension=60).draw(40, 1, views=3)
    clean = Subclasses(irrelevant=(1.0,), noise=0.0, dimension=60).draw(40, 1, views=3)
    assert torch.equal(clean.x[0::3], clean.x[2::3])
    assert example.tolist()[:4] == [0, 0, 0, 1]
    noise = (x - clean.x).unflatten(0, (40, 3))
    across = torch.nn.functional.cosine_similarity(noise[:, 0], noise[:, 1])
    assert across.abs().mean() < 0.2
    assert all(len(part) == 120 for part in (y, s, clean.classes))


def test_splits_and_seeds_differ_and_a_seed_repeats_itself():
    law = Subclasses(dimension=9)
    assert torch.equal(law.draw(20, 0).x, law.draw(20, 0).x)
    assert not torch.equal(law.draw(20, 0).x, law.draw(20, 0, "test").x)
    assert not torch.equal(law.draw(20, 0).x, law.draw(20, 1).x)


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ({"majority": 1.0}, "majority 1.0: expected a share"),
        ({"noise": -1.0}, "noise -1.0: expected numbers >= 0"),
        ({"dimension": 2, "irrelevant": (1.0,)}, "2 dimensions for 3 features"),
    ],
)
def test_a_law_that_cannot_be_drawn_from_is_refused(law, words):
    with pytest.raises(ValueError, match=words):
        Subclasses(**law)


def test_a_sample_that_leaves_a_subclass_empty_is_refused():
    with pytest.raises(ValueError, match=r"2 examples of a class at a majority of 0\.9"):
        Subclasses(majority=0.9).draw(4, 0)
    with pytest.raises(ValueError, match="5 examples in 1 views"):
        Subclasses().draw(5, 0)
