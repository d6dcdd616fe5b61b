import math

import pytest
import torch

from whence.measures.complexity import chebyshev, chebyshev_grid, cosines, expected_power, fourier, grid, lempel_ziv
from whence.nets.build import build
from whence.nets.initial import randomise
from whence.nets.wide import relu_covariance

POINTS = {fourier: grid(20), lempel_ziv: grid(20), chebyshev: chebyshev_grid(20)}


def network(seed=0, scale=1.0, depth=3, width=24, outputs=1, options=None, **how):
    made = build("perceptron", (2,), 0, outputs=outputs, width=width, depth=depth, **(options or {})).double()
    for norm in made.norms:
        norm.eps = 0.0
    return randomise(made, seed, scale, **how)


@torch.no_grad()
def values(net, points):
    return net(points.reshape(-1, 2)).T.reshape(-1, *points.shape[:-1])


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_weights_and_biases_have_the_variance_that_is_asked_for(law):
    net = network(width=600, depth=2, scale=2.0, bias=0.5, law=law)
    for layer, fans in zip((*net.layers, net.last), (602, 1200, 601), strict=True):
        assert float(layer.weight.var()) == pytest.approx(4 * 2 / fans, rel=0.08)
    assert float(torch.cat([layer.bias for layer in net.layers]).var()) == pytest.approx(0.25 / 3, rel=0.08)
    if law == "uniform":
        assert float(net.layers[1].weight.abs().max()) == pytest.approx(2 * math.sqrt(6 / 1200), rel=1e-4)


def test_fan_in_alone_gives_a_first_layer_that_does_not_depend_on_the_width():
    spread = [float(network(width=w, fan="in").layers[0].weight.abs().max()) for w in (200, 800)]
    assert spread == pytest.approx([math.sqrt(3 / 2)] * 2, rel=0.03)


def test_the_same_seed_at_another_scale_is_the_same_network_with_larger_weights():
    one, ten = network(3), network(3, 10.0)
    for a, b in zip(one.parameters(), ten.parameters(), strict=True):
        torch.testing.assert_close(b, a if a.ndim == 1 else 10 * a)
    assert not torch.equal(network(4).last.weight, one.last.weight)


def test_the_global_random_state_is_not_moved():
    before = torch.random.get_rng_state()
    randomise(network(), 1)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("scale", [0.1, 7.0, 100.0])
@pytest.mark.parametrize("measure", POINTS)
def test_a_relu_network_whose_biases_grow_with_depth_only_changes_its_size(measure, scale):
    """f is homogeneous: layer l hears inputs scale^l times as large, and its biases must keep pace."""
    before = values(network(), POINTS[measure])
    after = values(network(scale=scale, bias=[scale ** (i + 1) for i in range(4)]), POINTS[measure])
    torch.testing.assert_close(after, scale**4 * before, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(measure(after), measure(before), rtol=1e-6, atol=0)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sine", "gauss"])
@pytest.mark.parametrize("measure", POINTS)
def test_a_normalised_network_does_not_hear_its_scale_where_weights_and_biases_grow_together(measure, activation):
    options = {"norm": True, "activation": activation}
    before, after = (values(network(scale=s, bias=s, options=options), POINTS[measure]) for s in (1.0, 30.0))
    torch.testing.assert_close(measure(after), measure(before), rtol=1e-6, atol=0)
    plain, scaled = (values(network(scale=s, bias=s, options={"activation": "sine"}), POINTS[measure]) for s in (1.0, 30.0))
    assert float(measure(scaled)) > 1.5 * float(measure(plain)), "without normalisation it does"


def by_quadrature(x, z, depth, scale, bias, n=200_000):
    """The same recursion, each layer's Gaussian expectation of relu(u) relu(v) summed over the angle of (u, v)."""
    angle = 2 * math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n
    kxx, kzz, kxz = (scale**2 * float(a @ b) / len(a) + bias**2 / 3 for a, b in ((x, x), (z, z), (x, z)))
    for _ in range(depth):
        norm = math.sqrt(kxx * kzz)
        product = angle.cos().relu() * (angle - math.acos(kxz / norm)).cos().relu()
        kxz = bias**2 / 3 + scale**2 * norm * 2 * float(product.mean())
        kxx, kzz = bias**2 / 3 + scale**2 * kxx / 2, bias**2 / 3 + scale**2 * kzz / 2
    return kxz


@pytest.mark.parametrize("depth", [1, 3])
def test_the_wide_covariance_equals_its_integral(depth):
    x, z = torch.tensor([[0.3, -0.8], [0.9, 0.1]]).double(), torch.tensor([[-0.5, 0.4]]).double()
    found = relu_covariance(x, depth, 1.5, 0.7, z)
    expected = [by_quadrature(row, z[0], depth, 1.5, 0.7) for row in x]
    assert found[:, 0].tolist() == pytest.approx(expected, rel=1e-8)
    torch.testing.assert_close(relu_covariance(x, depth), relu_covariance(x, depth).T)


def test_wide_networks_have_the_covariance_and_the_spectrum_of_their_limit():
    """Averaged over the outputs of a few networks, at every frequency; the power falls over three orders of magnitude."""
    points = grid(6)
    functions = torch.cat([values(network(s, 1.5, 2, 400, 400, fan="in", law="normal"), points) for s in range(6)])
    covariance = relu_covariance(points.reshape(-1, 2), 2, 1.5)
    flat = functions.flatten(1)
    torch.testing.assert_close(flat.T @ flat / len(flat), covariance, rtol=0.12, atol=0)
    found, expected = cosines(functions).square().mean(0), expected_power(covariance)
    torch.testing.assert_close(found, expected, rtol=0.25, atol=0)
    assert float(expected.max() / expected.min()) > 1e3


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"fan": "out"}, "fan is 'out', expected 'both' or 'in'"),
        ({"law": "cauchy"}, "law is 'cauchy', expected 'uniform' or 'normal'"),
        ({"scale": -1.0}, "scale is -1.0, expected a finite number >= 0"),
        ({"bias": [1.0, 2.0]}, "2 half-widths of biases for 4 layers"),
    ],
)
def test_what_is_no_law_of_weights_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        network(**how)


def test_inputs_of_unlike_lengths_are_refused():
    with pytest.raises(ValueError, match=r"inputs of shapes \(3, 2\) and \(3, 4\)"):
        relu_covariance(torch.ones(3, 2), 1, z=torch.ones(3, 4))
    with pytest.raises(ValueError, match="depth is 0, expected a whole number >= 1"):
        relu_covariance(torch.ones(3, 2), 0)
