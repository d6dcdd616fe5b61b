"""What must hold for every network F(y, noise), whatever it is."""

import jaxtyping
import pytest
import torch
from beartype import beartype
from small import BIAS_FREE, SMALL, awake

from whence.nets.build import build
from whence.seeds import stream


def batch(n=3, shape=(2, 8, 8)):
    y = torch.randn(n, *shape, generator=stream(0, "y"), dtype=torch.float64)
    return y, torch.linspace(-1, 1, n, dtype=torch.float64)


@pytest.mark.parametrize("name", SMALL)
def test_an_untrained_network_answers_zero_and_can_learn(name):
    network = build(name, (2, 8, 8), 0, **SMALL[name])
    y, noise = (t.float() for t in batch())
    answer = network(y, noise)
    assert answer.shape == y.shape
    assert not bool(answer.any())
    (answer - y).square().sum().backward()
    assert any(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_counts_once_the_network_is_awake(name, make):
    network = make(name)
    network(*batch()).square().sum().backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())] == []


@pytest.mark.parametrize("name", SMALL)
def test_samples_do_not_mix(name, make):
    network, (y, noise) = make(name), batch(5)
    each = torch.cat([network(y[i : i + 1], noise[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(network(y, noise), each, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", SMALL)
def test_a_blind_network_does_not_hear_the_noise_and_others_do(name, make):
    y, noise = batch()
    blind, hearing = make(name, conditioned=False), make(name)
    assert torch.equal(blind(y, noise), blind(y, noise + 0.7))
    assert bool((hearing(y, noise) - hearing(y, noise + 0.7)).abs().amax((1, 2, 3)).gt(1e-6).all())


@pytest.mark.parametrize("factor", [0.01, 3.0, 100.0])
@pytest.mark.parametrize("name", BIAS_FREE)
def test_without_additive_constants_the_answer_scales_with_the_image(name, factor, make):
    network, (y, noise) = make(name, bias=False), batch()
    torch.testing.assert_close(network(factor * y, noise), factor * network(y, noise), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", BIAS_FREE)
def test_with_them_it_does_not(name, make):
    network, (y, noise) = make(name), batch()
    assert float((network(3 * y, noise) - 3 * network(y, noise)).detach().abs().max()) > 0.01


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 16, 16), (3, 32, 32), (3, 8, 16)])
@pytest.mark.parametrize("name", SMALL)
def test_images_of_the_usual_sizes_are_welcome(name, shape):
    network = build(name, shape, 0, **(SMALL[name] | ({"rank": 4} if name == "linear" else {})))
    y = torch.ones(2, *shape)
    assert network(y, torch.zeros(2)).shape == y.shape


@pytest.mark.parametrize("shape", [(1, 2, 8, 4), (1, 3, 8, 8), (2, 8, 8)])
@pytest.mark.parametrize("name", SMALL)
def test_images_of_another_shape_are_refused(name, shape, make):
    with pytest.raises(ValueError, match=r"this network was made for \(b, 2, 8, 8\): build one for these images"):
        make(name)(torch.zeros(shape, dtype=torch.float64), torch.zeros(shape[0], dtype=torch.float64))


@pytest.mark.parametrize("name", SMALL)
def test_noise_that_is_not_one_number_an_image_is_refused(name, make):
    with pytest.raises(ValueError, match=r"noise has shape \(1,\), expected \(3,\)"):
        make(name)(batch()[0], torch.zeros(1, dtype=torch.float64))


@pytest.mark.parametrize("name", SMALL)
def test_shapes_are_those_of_the_annotations(name, make):
    network = make(name)
    assert jaxtyping.jaxtyped(typechecker=beartype)(type(network).forward)(network, *batch()).shape == (3, 2, 8, 8)


@pytest.mark.parametrize("name", SMALL)
def test_seeds_can_be_stacked(name):
    """One call for several networks, as `torch.func` does it, is each network's own answer."""
    networks = [awake(build(name, (2, 8, 8), s, **SMALL[name]), s) for s in range(3)]
    parameters, buffers = torch.func.stack_module_state(networks)
    y, noise = batch()
    stacked = torch.func.vmap(lambda p, b: torch.func.functional_call(networks[0], (p, b), (y, noise)))(parameters, buffers)
    torch.testing.assert_close(stacked, torch.stack([n(y, noise) for n in networks]), rtol=1e-10, atol=1e-12)
