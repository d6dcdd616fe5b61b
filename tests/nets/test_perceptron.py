"""The perceptron and its options, against what they say."""

import math

import pytest
import torch
from torch import nn

from whence.nets.build import build
from whence.nets.perceptron import ACTIVATIONS, Perceptron
from whence.seeds import derive, stream


def inputs(n=7, shape=(5,)):
    return torch.randn(n, *shape, generator=stream(0, "x"), dtype=torch.float64)


def make(shape=(5,), seed=0, **options):
    return build("perceptron", shape, seed, **({"width": 6} | options)).double()


def test_it_is_the_same_network_written_with_torchs_own_layers():
    """And has its first weights, drawn in the same order."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(3, "init"))
        twin = nn.Sequential(nn.Linear(5, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 2)).double()
    x = inputs()
    torch.testing.assert_close(build("perceptron", (5,), 3).double()(x), twin(x))


def test_depth_counts_hidden_layers_and_width_their_units():
    net = make(width=7, depth=3, outputs=4)
    shapes = [tuple(p.shape) for name, p in net.named_parameters() if name.endswith("weight")]
    assert shapes == [(7, 5), (7, 7), (7, 7), (4, 7)]


def test_features_are_what_the_last_layer_reads():
    net, x = make(), inputs()
    assert net.features(x).shape == (7, 6)
    torch.testing.assert_close(net(x), net.last(net.features(x)))


def test_images_are_flattened():
    net, x = make((2, 3, 4)), inputs(shape=(2, 3, 4))
    flat = make((24,))
    flat.load_state_dict(net.state_dict())
    torch.testing.assert_close(net(x), flat(x.flatten(1)))


CLOSED = {
    "relu": lambda h: max(h, 0),
    "gelu": lambda h: h * (1 + math.erf(h / math.sqrt(2))) / 2,
    "swish": lambda h: h / (1 + math.exp(-h)),
    "selu": lambda h: 1.0507009873554805 * (h if h > 0 else 1.6732632423543772 * (math.exp(h) - 1)),
    "tanh": math.tanh,
    "gauss": lambda h: math.exp(-h * h / 2),
    "sine": math.sin,
    "linear": lambda h: h,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_their_formulas(name):
    h = torch.linspace(-3, 3, 7, dtype=torch.float64)
    torch.testing.assert_close(ACTIVATIONS[name](h), torch.tensor([CLOSED[name](v) for v in h.tolist()], dtype=torch.float64))


def test_a_layer_normalises_gates_and_adds_as_written():
    net, x = make(norm=True, gate=True, residual=True), inputs()
    h = x
    for i in range(2):
        inner = net.norms[i](net.layers[i](h)).relu() * net.gates[i](h).sigmoid()
        h = inner + h if i else inner
    torch.testing.assert_close(net(x), net.last(h))


@pytest.mark.parametrize("options", [{}, {"norm": True}, {"gate": True}, {"residual": True, "activation": "linear"}])
def test_without_bias_zero_gives_zero_and_there_is_no_additive_constant(options):
    net = make(bias=False, **options)
    assert not [name for name, _ in net.named_parameters() if name.endswith("bias")]
    assert not bool(net(torch.zeros(1, 5, dtype=torch.float64)).any())


def test_dropout_acts_in_training_only_and_keeps_the_mean():
    net, x = make(width=4000, depth=1, dropout=0.75), inputs(1)
    whole = net.eval().features(x)
    assert torch.equal(whole, net.features(x))
    torch.manual_seed(0)
    dropped = net.train().features(x)
    alive = whole > 0
    assert float((dropped[alive] == 0).double().mean()) == pytest.approx(0.75, abs=0.03)
    torch.testing.assert_close(dropped[dropped > 0], 4 * whole[dropped > 0])


def test_masks_that_are_given_take_the_place_of_dropout():
    net, x = make(dropout=0.5), inputs()
    kept = [torch.zeros(7, 6, dtype=torch.float64), torch.ones(7, 6, dtype=torch.float64)]
    torch.testing.assert_close(net(x, kept), net.last(net.layers[1].bias.relu()).expand(7, 2))


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5,), {"activation": "rely"}, "activation is 'rely', expected one of relu, gelu"),
        ((5,), {"dropout": 1.0}, r"dropout is 1.0, expected a share in \[0, 1\)"),
        ((5,), {"depth": 0}, "depth is 0, expected a whole number >= 1"),
        ((5,), {"outputs": 2.5}, "outputs is 2.5, expected a whole number"),
        ((5, 5), {}, r"shape is \(5, 5\), expected \(c, h, w\) of images or \(d,\)"),
    ],
)
def test_what_it_cannot_be_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        Perceptron(shape, **options)


def test_inputs_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(7, 4\), this network was made for \(b, 5\)"):
        make()(inputs(shape=(4,)))
