"""What each network can hear, and what it cannot tell apart: the bias that its architecture brings."""

import pytest
import torch

from whence.nets.build import build
from whence.nets.dit import positions
from whence.seeds import stream


def heard(network, size, channels=1):
    """|d F(y) at the centre / dy|, summed over channels."""
    y = torch.randn(1, channels, size, size, generator=stream(0, "y"), dtype=torch.float64, requires_grad=True)
    centre = network(y, torch.zeros(1, dtype=torch.float64))[0, :, size // 2, size // 2].sum()
    return torch.autograd.grad(centre, y)[0].abs().sum((0, 1))


@pytest.mark.parametrize(("layers", "side"), [(6, 17), (2, 9)])
def test_a_resnet_hears_a_square_of_its_receptive_field_and_nothing_beyond(layers, side, make):
    network = make("resnet", (1, 21, 21), layers=layers)
    assert network.field == side
    field = heard(network, 21)
    square = torch.zeros(21, 21, dtype=torch.bool)
    edge = slice(10 - side // 2, 10 + side // 2 + 1)
    square[edge, edge] = True
    assert not bool(field[~square].any())
    assert bool((field[square] > 0).all()), "the corners of the square are heard too"


@pytest.mark.parametrize("name", ["linear", "mlp", "unet", "dit"])
def test_the_others_hear_the_whole_image(name, make):
    field = heard(make(name, (1, 16, 16), **({"multipliers": (1, 2, 2)} if name == "unet" else {})), 16)
    assert bool((field > 0).all())


def test_a_circular_resnet_commutes_with_shifts_and_one_with_zeros_does_not(make):
    y, noise = torch.randn(1, 2, 8, 8, generator=stream(0, "y"), dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    moved = y.roll((3, -2), (2, 3))
    apart = {}
    for padding in ("circular", "zeros"):
        network = make("resnet", padding=padding)
        apart[padding] = float((network(moved, noise) - network(y, noise).roll((3, -2), (2, 3))).detach().abs().max())
    assert apart["circular"] < 1e-12
    assert apart["zeros"] > 1e-3


def test_the_linear_network_is_affine_at_every_noise(make):
    network = make("linear")
    a, b = torch.randn(2, 4, 2, 8, 8, generator=stream(0, "y"), dtype=torch.float64)
    noise = torch.linspace(-1, 1, 4, dtype=torch.float64)
    mixed = network(0.3 * a + 0.7 * b, noise)
    torch.testing.assert_close(mixed, 0.3 * network(a, noise) + 0.7 * network(b, noise), rtol=1e-10, atol=1e-12)
    assert float(network(torch.zeros_like(a), noise).abs().max()) > 0.01, "affine, not linear"


def test_the_linear_network_has_the_rank_it_was_given(make):
    network = make("linear", (1, 4, 4), rank=3)
    basis = torch.eye(16, dtype=torch.float64).reshape(16, 1, 4, 4)
    noise = torch.zeros(16, dtype=torch.float64)
    matrix = (network(basis, noise) - network(torch.zeros_like(basis), noise)).flatten(1)
    assert int(torch.linalg.matrix_rank(matrix)) == 3


def test_the_default_unet_has_point_eight_million_parameters():
    count = sum(p.numel() for p in build("unet", (3, 32, 32), 0).parameters())
    assert 0.7e6 < count < 0.9e6
    assert "0.8 million" in type(build("unet", (1, 8, 8), 0)).__doc__


def test_positions_of_a_transformer_tell_all_places_apart():
    table = positions(16, 16, 48)
    assert table.shape == (256, 48)
    apart = torch.cdist(table, table) + 10 * torch.eye(256)
    assert float(apart.min()) > 0.1


def test_a_transformer_without_positions_would_not_know_where_a_patch_is(make):
    """Shuffled patches give shuffled answers only if the positions are taken away."""
    network, noise = make("dit", (1, 8, 8)), torch.zeros(1, dtype=torch.float64)
    y = torch.randn(1, 1, 8, 8, generator=stream(0, "y"), dtype=torch.float64)
    moved = y.roll(4, 2)
    assert float((network(moved, noise) - network(y, noise).roll(4, 2)).detach().abs().max()) > 1e-3
    network.positions.zero_()
    torch.testing.assert_close(network(moved, noise), network(y, noise).roll(4, 2), rtol=1e-9, atol=1e-12)
