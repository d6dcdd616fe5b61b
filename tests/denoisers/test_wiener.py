import pytest
import torch
from sklearn.covariance import ledoit_wolf

from whence.data.fields import power_law, spectrum
from whence.denoisers.wiener import Circulant, Wiener
from whence.seeds import stream


def correlated(n, size=5, channels=2):
    d = channels * size**2
    mix = torch.randn(d, d, generator=stream(2, "mix"), dtype=torch.float64) / d**0.5
    return (torch.randn(n, d, generator=stream(2, "pool"), dtype=torch.float64) @ mix + 0.1).reshape(n, channels, size, size)


def naive(pool, sigma, rho=0.0):
    """W = S (S + sigma^2 I)^-1 by solving, not by eigenvectors."""
    flat = pool.flatten(1).double()
    centred = flat - flat.mean(0)
    s = centred.T @ centred / len(flat)
    s = (1 - rho) * s + rho * s.trace() / len(s) * torch.eye(len(s), dtype=s.dtype)
    return torch.linalg.solve(s + sigma**2 * torch.eye(len(s), dtype=s.dtype), s).T


@pytest.mark.parametrize("sigma", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("rho", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("n", [20, 300])
def test_matrix_equals_its_naive_twin_with_few_images_or_many(sigma, rho, n):
    pool = correlated(n)
    torch.testing.assert_close(Wiener.fit(pool, rho).matrix(sigma), naive(pool, sigma, rho), rtol=1e-8, atol=1e-10)


def test_no_affine_denoiser_has_less_error_on_the_pool_it_was_fitted_to():
    pool, sigma = correlated(400), 0.5
    matrix, mean = Wiener.fit(pool).matrix(sigma), pool.flatten(1).mean(0)
    x = pool.flatten(1) - mean

    def risk(a):  # exact expectation over the noise
        return ((x @ (a.T - torch.eye(len(a)))).square().sum(1).mean() + sigma**2 * a.square().sum()).item()

    for step in range(5):
        nudge = torch.randn(matrix.shape, generator=stream(2, "nudge", step), dtype=torch.float64)
        assert risk(matrix + 1e-3 * nudge) > risk(matrix)


def test_fewer_images_than_pixels_leave_unseen_directions_at_the_mean():
    pool = correlated(10)
    wiener = Wiener.fit(pool)
    assert len(wiener.eigenvalues) == 9
    unseen = torch.linalg.svd(pool.flatten(1) - pool.flatten(1).mean(0), full_matrices=True).Vh[-1]
    answer = wiener((wiener.mean.flatten() + unseen).reshape(1, 2, 5, 5), 0.01)
    torch.testing.assert_close(answer[0], wiener.mean, rtol=0, atol=1e-9)


def test_shrinkage_of_ledoit_and_wolf_equals_an_independent_library():
    pool = correlated(30)
    covariance, _ = ledoit_wolf(pool.flatten(1).numpy())
    wiener = Wiener.fit(pool, "ledoit-wolf")
    rest = wiener.rest.max()
    ours = wiener.basis * (wiener.eigenvalues - rest) @ wiener.basis.T + rest * torch.eye(50, dtype=torch.float64)
    torch.testing.assert_close(ours, torch.from_numpy(covariance), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3, "ledoit-wolf"])
def test_a_dead_pixel_is_answered_by_its_mean_at_any_noise(shrinkage):
    pool = correlated(60)
    pool[:, 1, 2, 2] = -1.0
    wiener = Wiener.fit(pool, shrinkage)
    for sigma in (1e-3, 1.0, 100.0):
        row = wiener.matrix(sigma).reshape(2, 5, 5, 50)[1, 2, 2]
        assert row.abs().max() == 0
        assert float(wiener(torch.rand(1, 2, 5, 5), sigma)[0, 1, 2, 2]) == pytest.approx(-1)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3, "ledoit-wolf"])
@pytest.mark.parametrize("n", [2, 5, 16, 100])
def test_a_pool_of_one_colour_is_answered_by_it_with_few_images_or_many(n, shrinkage):
    flat = torch.full((n, 1, 4, 4), 0.25)
    wiener = Wiener.fit(flat, shrinkage)
    y = torch.randn(2, 1, 4, 4, generator=stream(2, "y"))
    torch.testing.assert_close(wiener(y, 0.1), flat[:1].expand(2, -1, -1, -1))
    assert wiener.matrix(0.1).tolist() == torch.zeros(16, 16).tolist()
    assert wiener.jacobian(y, 0.1, torch.tensor([[0, 0]])).abs().max() == 0


def test_permuted_pixels_permute_the_filter():
    """Nothing in it knows where a pixel is: W' = Q W Q^T."""
    pool = correlated(300, channels=1)
    order = torch.randperm(25, generator=stream(2, "order"))
    moved = pool.flatten(1)[:, order].reshape(pool.shape)
    torch.testing.assert_close(Wiener.fit(moved).matrix(0.3), Wiener.fit(pool).matrix(0.3)[order][:, order], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shrinkage", [-0.1, 1.1, "ledoit", float("nan")])
def test_a_shrinkage_that_is_none_is_refused(shrinkage):
    with pytest.raises(ValueError, match=r"expected a number in \[0, 1\]"):
        Wiener.fit(correlated(5), shrinkage)


def test_circulant_is_the_wiener_denoiser_of_its_covariance():
    power = spectrum(6, 2.0)
    circulant, sigma = Circulant(power), 0.4
    first = torch.fft.ifft2(power).real
    rows = [first.roll((i, j), (0, 1)).flatten() for i in range(6) for j in range(6)]
    covariance = torch.stack(rows)
    exact = torch.linalg.solve(covariance + sigma**2 * torch.eye(36, dtype=torch.float64), covariance)
    pixels = torch.cartesian_prod(torch.arange(6), torch.arange(6))
    found = circulant.jacobian(torch.zeros(1, 1, 6, 6, dtype=torch.float64), sigma, pixels).reshape(36, 36)
    torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(found[0].reshape(6, 6), circulant.kernel(sigma), rtol=1e-9, atol=1e-12)


def test_a_sampled_covariance_comes_to_the_circulant_one():
    fields = power_law(40_000, 6, 2.0, stream(2, "fields"))
    y = power_law(8, 6, 2.0, stream(2, "query"))
    close = Wiener.fit(fields)(y, 0.5) - Circulant(spectrum(6, 2.0))(y, 0.5)
    assert close.square().mean() < 1e-3 * y.square().mean()


def test_a_spectrum_of_no_real_field_is_refused():
    crooked = torch.rand(4, 4, generator=stream(2, "crooked"))
    with pytest.raises(ValueError, match="non-negative and symmetric"):
        Circulant(crooked)
    with pytest.raises(ValueError, match="non-negative and symmetric"):
        Circulant(-torch.ones(4, 4))
