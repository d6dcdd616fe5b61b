import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.photos import crops
from whence.denoisers.optimal import Optimal
from whence.denoisers.wiener import Wiener
from whence.measures.jacobian import asymmetry, effective_dimension, harmonic_basis, jacobian, mean_frequency, near_edges
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "jacobian", name), dtype=torch.float64)


def photographs(n, size=4, grey=False):
    return crops("train", n, size, stream(0, "jacobian"), grey).double()


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_the_jacobian_of_the_linear_denoiser_is_its_matrix(sigma):
    wiener = Wiener.fit(photographs(100))
    found = checked(jacobian)(wiener, normal(3, 3, 4, 4), sigma)
    torch.testing.assert_close(found, wiener.matrix(sigma).expand(3, 48, 48))


def test_rows_are_outputs_and_columns_inputs_in_the_order_of_flatten():
    matrix = normal(30, 30)
    found = jacobian(lambda y, sigma: torch.sin((y.flatten(1) @ matrix.T).reshape(y.shape)), normal(2, 2, 3, 5), 0.5)
    twin = [torch.autograd.functional.jacobian(lambda v: torch.sin(matrix @ v), one.flatten()) for one in normal(2, 2, 3, 5)]
    torch.testing.assert_close(found, torch.stack(twin))


def test_each_image_has_its_own_noise_level():
    wiener, y, levels = Wiener.fit(photographs(100)), normal(2, 3, 4, 4), torch.tensor([0.1, 1.0]).double()
    both = jacobian(wiener, y, levels)
    for i in range(2):
        torch.testing.assert_close(both[i : i + 1], jacobian(wiener, y[i : i + 1], float(levels[i])))


def test_the_jacobian_of_a_posterior_mean_is_a_covariance_over_the_noise():
    """Symmetric, positive semi-definite, and sigma^2 tr J is the posterior variance (miyasawa1961)."""
    pool = photographs(50)
    y = pool[:4] + 0.8 * normal(4, 3, 4, 4)
    found = jacobian(Optimal(pool), y, 0.8)
    assert checked(asymmetry)(found).max() < 1e-10
    assert torch.linalg.eigvalsh(found).min() > -1e-10
    weights = torch.softmax(-(y[:, None] - pool).flatten(2).square().sum(2) / (2 * 0.64), 1)
    mean = weights @ pool.flatten(1)
    variance = (weights * (pool.flatten(1) - mean[:, None]).square().sum(2)).sum(1)
    torch.testing.assert_close(0.64 * checked(effective_dimension)(found), variance)


def test_asymmetry_runs_from_zero_to_two():
    a = normal(40, 40)
    assert float(asymmetry(a + a.T)) == 0
    assert float(asymmetry(a - a.T)) == pytest.approx(2)
    assert float(asymmetry(a)) == pytest.approx(math.sqrt(2), abs=0.1)
    torch.testing.assert_close(asymmetry(torch.stack([a, 7 * a])), asymmetry(a).expand(2))


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_effective_dimension_of_the_linear_denoiser_counts_components_above_the_noise(sigma):
    wiener = Wiener.fit(photographs(100))
    expected = (wiener.eigenvalues / (wiener.eigenvalues + sigma**2)).sum()
    found = effective_dimension(jacobian(wiener, normal(1, 3, 4, 4), sigma))
    assert float(found) == pytest.approx(float(expected))


def test_the_basis_of_the_linear_denoiser_is_that_of_the_principal_components():
    wiener = Wiener.fit(photographs(200))
    found = checked(harmonic_basis)(jacobian(wiener, normal(2, 3, 4, 4), 0.3), (3, 4, 4))
    torch.testing.assert_close(found.values, (wiener.eigenvalues / (wiener.eigenvalues + 0.09)).expand(2, -1))
    along = found.images.flatten(2) @ wiener.basis
    torch.testing.assert_close(along.abs(), torch.eye(48, dtype=torch.float64).expand(2, 48, 48), rtol=0, atol=1e-6)


def test_the_basis_rebuilds_the_symmetric_part():
    matrices = normal(3, 12, 12)
    basis = harmonic_basis(matrices, (1, 3, 4))
    rows = basis.images.flatten(2)
    torch.testing.assert_close(rows.mT * basis.values[:, None] @ rows, (matrices + matrices.mT) / 2)
    torch.testing.assert_close(rows @ rows.mT, torch.eye(12, dtype=torch.float64).expand(3, 12, 12))
    assert (basis.values.diff() <= 0).all()


def test_a_shape_that_does_not_hold_the_numbers_is_refused():
    with pytest.raises(
        ValueError, match=r"images of shape \(1, 4, 4\) for a Jacobian of 12 x 12: expected \(c, h, w\) with c h w = 12"
    ):
        harmonic_basis(normal(1, 12, 12), (1, 4, 4))


@pytest.mark.parametrize(("u", "v"), [(0, 0), (3, 0), (0, 5), (3, 4), (-2, 6), (8, 0)])
def test_a_plane_wave_has_its_frequency_whatever_its_phase_and_contrast(u, v):
    place = torch.arange(16, dtype=torch.float64)
    waves = torch.stack(
        [c * torch.cos(2 * math.pi * (u * place[:, None] + v * place) / 16 + p) for c in (1, 5) for p in (0.3, 1.0)]
    )
    found = checked(mean_frequency)(waves[:, None])
    torch.testing.assert_close(found, torch.full((4,), math.hypot(u, v), dtype=torch.float64))


def test_a_mixture_has_the_mean_frequency_of_its_energy():
    place = torch.arange(16, dtype=torch.float64)
    slow, fast = (torch.cos(2 * math.pi * k * place / 16).expand(16, 16) for k in (2, 6))
    images = torch.stack([torch.stack([slow, 2 * fast]), torch.stack([slow + 2 * fast, 0 * fast])])
    torch.testing.assert_close(mean_frequency(images), torch.full((2,), (2 + 4 * 6) / 5, dtype=torch.float64))


def test_white_noise_has_a_mean_frequency_of_about_three_eighths_of_the_side():
    assert float(mean_frequency(normal(200, 1, 32, 32)).mean()) == pytest.approx(0.383 * 32, rel=0.01)
    assert bool(mean_frequency(torch.zeros(1, 1, 8, 8)).isnan())


def test_an_oblong_image_is_measured_by_its_longer_side():
    place = torch.arange(12, dtype=torch.float64)
    along = torch.cos(2 * math.pi * 3 * place / 12).expand(1, 6, 12)
    across = torch.cos(2 * math.pi * 1 * place[:6] / 6)[:, None].expand(1, 6, 12)
    assert mean_frequency(torch.stack([along, across])).tolist() == pytest.approx([3, 2])


def test_energy_on_an_edge_is_told_from_energy_off_it():
    """A step between columns 3 and 4: central differences see it in both, a quarter of the pixels."""
    scene = torch.ones(1, 2, 8, 8, dtype=torch.float64)
    scene[..., 4:] = -1
    on, off, flat = torch.zeros(3, 2, 8, 8, dtype=torch.float64)
    on[:, :, 3:5] = 1
    off[:, :, 6] = 1
    flat += 1
    found = checked(near_edges)(torch.stack([on, off, flat])[None], scene, 0.25)
    torch.testing.assert_close(found, torch.tensor([[1, 0, 0.25]]).double())


def test_noise_has_its_share_of_energy_near_edges():
    scene = photographs(3, 16)
    for share in (0.1, 0.5):
        found = near_edges(normal(3, 200, 3, 16, 16), scene, share)
        torch.testing.assert_close(found.mean(1), torch.full((3,), share, dtype=torch.float64), rtol=0.05, atol=0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, math.nan])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r"expected in \(0, 1\), such as 0.2"):
        near_edges(normal(1, 2, 1, 4, 4), normal(1, 1, 4, 4), share)
