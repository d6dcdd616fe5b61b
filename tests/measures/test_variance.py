import math

import jaxtyping
import numpy as np
import pytest
import torch
from beartype import beartype
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression

from whence.measures import variance
from whence.measures.variance import dissimilarity, rsa, total_variance
from whence.seeds import stream

explained = jaxtyping.jaxtyped(typechecker=beartype)(variance.explained)


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "variance", name), dtype=torch.float64)


def signs(*shape, name="f"):
    return torch.randint(0, 2, shape, generator=stream(0, "variance", name)).double() * 2 - 1


def rotation(d, name="q"):
    return torch.linalg.qr(normal(d, d, name=name)).Q


def example(n=200, m=150, k=2, w=5):
    """A feature and a representation that knows it among other things, of first and new items, neither centred."""
    f = 3 + normal(n + m, k, name="feature")
    phi = 7 + f @ normal(k, w, name="map") + normal(n + m, w, name="rest")
    return f[:n], phi[:n], f[n:], phi[n:]


def test_a_representation_that_is_the_feature_is_explained_in_full():
    f = 5 + signs(80, 3)
    found = explained(f[:40], 2 * f[:40] @ rotation(3), f[40:], 2 * f[40:] @ rotation(3))
    assert float(found) == pytest.approx(1, abs=1e-12)


def test_an_independent_feature_explains_nothing_but_sampling_noise():
    n = 4000
    f, phi = signs(100, 2 * n, 1), normal(100, 2 * n, 6)
    shares = explained(f[:, :n], phi[:, :n], f[:, n:], phi[:, n:])
    # |W|^2 is about w / n by chance, and counts against the fit on new items: mean -1/n, deviation about 2/n
    assert shares.abs().max() < 10 / n
    assert float(shares.mean()) == pytest.approx(-1 / n, abs=4 * 2 / n / 10)


def test_shares_of_independent_features_add_up_to_one_at_most_and_to_that_of_both():
    n = 5000
    f = signs(2 * n, 2)
    phi = f @ normal(2, 8, name="map") + f.prod(1, keepdim=True) * 0.7 + 0.5 * normal(2 * n, 8)
    one, two, both = (float(explained(part[:n], phi[:n], part[n:], phi[n:])) for part in (f[:, :1], f[:, 1:], f))
    assert one + two == pytest.approx(both, abs=4 / math.sqrt(n))
    assert one + two < 1 + 4 / math.sqrt(n)
    assert explained(f[:n], f[:n], f[n:], f[n:]) == pytest.approx(1)


def test_correlated_features_share_what_they_explain():
    """The reason for independence in the law above: two copies of one feature add up to twice what there is."""
    f = signs(400, 1)
    share = float(explained(f[:200], f[:200], f[200:], f[200:]))
    assert 2 * share == pytest.approx(2)


def test_rotation_shift_and_scale_of_the_representation_change_nothing():
    f, phi, g, psi = example()
    q = rotation(5)
    moved = explained(f, 30 * phi @ q - 4, g, 30 * psi @ q - 4)
    torch.testing.assert_close(moved, explained(f, phi, g, psi))


def test_recoding_the_feature_changes_nothing():
    f, phi, g, psi = example()
    code = normal(2, 2, name="code")
    torch.testing.assert_close(explained(f @ code + 1, phi, g @ code + 1, psi), explained(f, phi, g, psi))


def test_columns_that_say_the_same_count_once():
    f, phi, g, psi = example(k=1)
    doubled = explained(torch.cat([f, 2 * f], 1), phi, torch.cat([g, 2 * g], 1), psi)
    torch.testing.assert_close(doubled, explained(f, phi, g, psi))


def by_loops(f, phi, g, psi):
    """The definition, item by item, with an independent least-squares fit."""
    mean_f, mean_phi = f.mean(0), phi.mean(0)
    model = LinearRegression(fit_intercept=False).fit((f - mean_f).numpy(), (phi - mean_phi).numpy())
    left = whole = 0.0
    for item in range(len(g)):
        guess = sum(model.coef_[:, j] * float(g[item, j] - mean_f[j]) for j in range(g.shape[1]))
        for unit in range(psi.shape[1]):
            value = float(psi[item, unit] - mean_phi[unit])
            left += (guess[unit] - value) ** 2
            whole += value**2
    return 1 - left / whole


def test_the_share_is_what_loops_over_items_and_units_give():
    assert float(explained(*example(30, 20, 2, 4))) == pytest.approx(by_loops(*example(30, 20, 2, 4)), rel=1e-10)


def test_a_binary_feature_explains_the_variance_between_its_two_means():
    f, phi = signs(600, 1), normal(600, 4) + signs(600, 1) * 2
    between = torch.stack([(f == v).double().mean() * (phi[f[:, 0] == v].mean(0) - phi.mean(0)).square().sum() for v in (-1, 1)])
    torch.testing.assert_close(explained(f, phi, f, phi), between.sum() / (phi - phi.mean(0)).square().sum(1).mean())


def test_exclusive_or_never_explains_more_than_a_third_of_one_rectified_layer():
    """A theorem, whatever the weights; single units that are on at one corner only reach it."""
    cube = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 4)
    odd = (cube[:, :1] * cube[:, 1:2]).expand(2000, 16, 1)
    for units in (1, 3, 30):
        layers = (cube @ normal(2000, 4, units, name="weights") + normal(2000, 1, units, name="biases")).relu()
        shares = explained(odd, layers, odd, layers)
        assert shares[shares.isfinite()].max() < 1 / 3 + 1e-12
    corner = (cube[:, :2].sum(1, keepdim=True) - 1).relu()
    assert float(explained(odd[0], corner, odd[0], corner)) == pytest.approx(1 / 3)


def test_leading_axes_survive():
    parts = [torch.stack([torch.stack([part * (i + 1) for part in [t] * 3]) for i in range(2)]) for t in example()]
    parts[1] = parts[1] + normal(*parts[1].shape, name="seeds")
    found = explained(*parts)
    assert found.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(found[i, j], explained(*(part[i, j] for part in parts)))


def test_over_the_final_variance_shares_are_amounts():
    f, phi, g, psi = example()
    final = total_variance(2 * phi, 2 * psi)
    torch.testing.assert_close(explained(f, phi, g, psi, final) * 4, explained(f, 2 * phi, g, 2 * psi))
    assert float(explained(f, phi * 1e-9, g, psi * 1e-9, final)) == pytest.approx(0, abs=1e-12)


def test_a_dead_representation_has_no_share_and_spoils_no_other():
    f, phi, g, psi = (torch.stack([part, part]) for part in example())
    phi[0], psi[0] = 0, 0
    found = explained(f, phi, g, psi)
    assert math.isnan(found[0])
    assert found[1].isfinite()


@pytest.mark.parametrize(("column", "complaint"), [(0, "column 0 of the feature is 1 for all 20"), (1, "column 1")])
def test_a_constant_feature_is_refused(column, complaint):
    f = signs(2, 20, 2)
    f[1, :, column] = 1
    with pytest.raises(ValueError, match=complaint):
        explained(f, normal(2, 20, 3), f, normal(2, 20, 3))


@pytest.mark.parametrize(
    "shapes",
    [
        ((20,), (20, 3), (20,), (20, 3)),
        ((20, 1), (19, 3), (20, 1), (20, 3)),
        ((20, 1), (20, 3), (20, 2), (20, 3)),
        ((20, 1), (20, 3), (20, 1), (20, 4)),
        ((2, 20, 1), (20, 3), (2, 20, 1), (20, 3)),
        ((1, 1), (1, 3), (1, 1), (1, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match=r"expected \(..., items, columns\)"):
        variance.explained(*map(torch.ones, shapes))


def test_dissimilarity_is_numpys_correlation_pair_by_pair():
    phi = 2 + normal(7, 5)
    wanted = [1 - np.corrcoef(phi[i], phi[j])[0, 1] for i in range(7) for j in range(i + 1, 7)]
    assert dissimilarity(phi).tolist() == pytest.approx(wanted)


def test_similarity_is_scipys_spearman_of_the_pairs():
    a, b = 2 + normal(3, 9, 5), signs(3, 9, 4)  # signs: many ties
    for i, found in enumerate(rsa(a, b)):
        wanted = spearmanr(dissimilarity(a[i]).round(decimals=12), dissimilarity(b[i]).round(decimals=12)).statistic
        assert float(found) == pytest.approx(wanted)


def test_a_representation_is_like_a_rotation_of_itself_by_the_cosine():
    phi = 1 + normal(12, 6)
    assert float(rsa(phi, 3 * phi @ rotation(6) + 5, cosine=True)) == pytest.approx(1)
    assert float(rsa(phi, phi @ rotation(6))) < 0.999  # a correlation depends on the basis


def test_by_the_correlation_a_rotation_that_keeps_the_mean_of_the_units_changes_nothing():
    basis = torch.linalg.qr(torch.cat([torch.ones(6, 1).double(), normal(6, 5, name="rest")], 1)).Q
    turn = torch.block_diag(torch.ones(1, 1).double(), rotation(5))
    phi = 1 + normal(12, 6)
    assert float(rsa(phi, 3 * phi @ basis @ turn @ basis.T)) == pytest.approx(1)
    assert float(rsa(phi, phi[:, torch.arange(6).flip(0)] * 2 + 1)) == pytest.approx(1)


def test_unrelated_representations_are_unlike():
    found = rsa(normal(20, 60, 8, name="a"), normal(20, 60, 8, name="b"))
    assert abs(float(found.mean())) < 4 * float(found.std()) / math.sqrt(20)
    assert found.abs().max() < 0.2


def test_other_items_or_too_few_are_refused():
    with pytest.raises(ValueError, match="expected the same items in both"):
        rsa(normal(5, 3), normal(6, 3))
    with pytest.raises(ValueError, match="at least 3 items"):
        rsa(normal(2, 3), normal(2, 3))
