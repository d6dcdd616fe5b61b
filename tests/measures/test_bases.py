from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.stats import spearmanr

from whence.measures.bases import cosine_basis, energy_held, frequency_order
from whence.measures.jacobian import mean_frequency
from whence.seeds import stream


def images(n, name="x", size=6):
    return torch.randn(n, 1, size, size, generator=stream(0, name), dtype=torch.float64)


def rotation(d, name):
    return torch.linalg.qr(torch.randn(d, d, generator=stream(0, name), dtype=torch.float64)).Q


def test_whole_basis_holds_all_of_an_image_and_each_vector_adds():
    held = energy_held(rotation(36, "basis"), images(4))
    assert bool((held.diff(dim=1) >= 0).all())
    torch.testing.assert_close(held[:, -1], torch.ones(4, dtype=held.dtype))


def test_energy_held_is_that_of_the_projection():
    basis, x = rotation(36, "basis"), images(3)
    first = basis[:5]
    projection = x.flatten(1) @ first.T @ first
    torch.testing.assert_close(energy_held(basis, x)[:, 4], projection.square().sum(1) / x.flatten(1).square().sum(1))


def test_basis_of_each_image_is_used_for_that_image_alone():
    bases, x = torch.stack([rotation(36, str(i)) for i in range(3)]), images(3)
    each = [energy_held(bases[i], x[i : i + 1])[0] for i in range(3)]
    torch.testing.assert_close(energy_held(bases, x), torch.stack(each))


def test_basis_that_begins_with_the_image_holds_it_at_once():
    x = images(1)
    basis = torch.linalg.qr(torch.cat([x.flatten(1), torch.eye(36, dtype=x.dtype)[1:]]).T).Q.T
    assert energy_held(basis, x)[0, 0] == pytest.approx(1)


def test_cosine_basis_is_the_orthonormal_dct_in_the_order_of_its_energy():
    pool = images(50).cumsum(2).cumsum(3)
    basis, waves = cosine_basis(pool), dctn(pool.numpy(), axes=(2, 3), norm="ortho").reshape(50, 36)
    torch.testing.assert_close(basis @ basis.T, torch.eye(36, dtype=basis.dtype), atol=1e-12, rtol=0)
    order = np.argsort(-np.square(waves).mean(0))
    np.testing.assert_allclose(pool.flatten(1).numpy() @ basis.numpy().T, waves[:, order], atol=1e-10)


def test_frequency_order_is_spearmans_rank_correlation():
    basis = images(20)
    twin = spearmanr(mean_frequency(basis).numpy(), np.arange(20)).statistic
    assert frequency_order(basis) == pytest.approx(twin)


def test_waves_from_slow_to_fast_are_in_order():
    at = torch.arange(16, dtype=torch.float64) / 16
    waves = torch.stack([(2 * torch.pi * k * at).cos().expand(1, 16, 16) for k in range(8)])
    assert frequency_order(waves) == pytest.approx(1)
    assert frequency_order(waves.flip(0)) == pytest.approx(-1)


def test_what_has_no_basis_or_no_order_is_refused():
    with pytest.raises(ValueError, match="vectors as rows"):
        energy_held(torch.eye(35), images(2))
    with pytest.raises(ValueError, match="one channel"):
        cosine_basis(images(4).expand(4, 3, 6, 6))
    with pytest.raises(ValueError, match="at least two"):
        frequency_order(images(1))
