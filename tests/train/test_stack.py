"""A stack is its networks, and trains them as if each were alone."""

from itertools import islice

import pytest
import torch
from torch import nn

from whence.nets.build import build
from whence.seeds import stream
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled, masks

OPTIONS = [
    {},
    {"norm": True, "gate": True, "residual": True, "activation": "gelu"},
    {"bias": False, "norm": True},
    {"outputs": 3, "depth": 3},
]


class Convolutional(nn.Module):
    """A network that knows nothing of stacks, with running statistics."""

    shape = (1, 4, 4)
    seed = None

    def __init__(self, seed):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv, self.norm, self.last = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Linear(12, 2)

    def forward(self, x):
        return self.last(self.norm(self.conv(x)).relu().flatten(1))


def perceptrons(seeds=range(3), **options):
    return [build("perceptron", (5,), s, **({"width": 6} | options)) for s in seeds]


def data(shape=(5,), n=40):
    x = torch.randn(n, *shape, generator=stream(0, "x"))
    return x, (x.flatten(1)[:, 0] > 0).long()


def trained(network, seeds, steps=30, data=data(), rate=0.1):  # noqa: B008 (tensors that nobody changes)
    sgd = torch.optim.SGD(network.parameters(), rate, momentum=0.9, weight_decay=1e-3)
    stacked = isinstance(network, Stack)

    def loss(b):
        return cross_entropy(network(b.x), b.y) if stacked else cross_entropy(network(b.x[0]), b.y[0])

    return torch.stack([s.loss for s in fit(network.parameters(), loss, islice(labelled(*data, 16, seeds), steps), sgd)])


@pytest.mark.parametrize("options", OPTIONS)
def test_a_call_is_each_networks_own_answer(options):
    networks, x = perceptrons(**options), torch.randn(3, 4, 5, generator=stream(0, "own"))
    stack = Stack.of(networks)
    torch.testing.assert_close(stack(x), torch.stack([n(x[i]) for i, n in enumerate(networks)]))
    torch.testing.assert_close(stack(x[0]), torch.stack([n(x[0]) for n in networks]))
    torch.testing.assert_close(stack.features(x), torch.stack([n.features(x[i]) for i, n in enumerate(networks)]))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_a_seed_trains_alike_alone_or_in_a_stack(options, dtype, near):
    own = (data()[0].to(dtype), data()[1])
    stack = Stack.of([network.to(dtype) for network in perceptrons(**options)])
    together = trained(stack, range(3), data=own)
    assert together[-5:].mean() < 0.8 * together[:5].mean(), "it learns"
    for s in range(3):
        alone = perceptrons([s], **options)[0].to(dtype)
        torch.testing.assert_close(trained(alone, [s], data=own), together[:, s], rtol=near, atol=near)
        for name, p in alone.named_parameters():
            torch.testing.assert_close(stack.weights[name][s], p, rtol=near, atol=near)


def test_a_network_with_running_statistics_trains_alike_alone_or_in_a_stack():
    shared = data((1, 4, 4))
    stack = Stack.of([Convolutional(s) for s in range(3)])
    together = trained(stack, range(3), 20, shared)
    for s in range(3):
        alone = Convolutional(s)
        torch.testing.assert_close(trained(alone, [s], 20, shared), together[:, s], rtol=1e-5, atol=1e-5)
        again = stack.unstack(s)
        for name, t in alone.state_dict().items():
            torch.testing.assert_close(again.state_dict()[name], t, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "local", "vit", "gated_vit"])
def test_a_network_for_images_trains_alike_alone_or_in_a_stack(name):
    def networks(seeds):
        return [build(name, (1, 8, 8), s, width=4).double() for s in seeds]

    x, y = data((1, 8, 8))
    shared = (x.double(), y)
    stack = Stack.of(networks(range(3)))
    together = trained(stack, range(3), 10, shared)
    for s in range(3):
        (alone,) = networks([s])
        torch.testing.assert_close(trained(alone, [s], 10, shared), together[:, s], rtol=1e-10, atol=1e-10)
        for key, p in alone.named_parameters():
            torch.testing.assert_close(stack.weights[key][s], p, rtol=1e-10, atol=1e-10)


def test_a_network_that_stacks_by_itself_answers_as_through_vmap():
    networks, x = perceptrons(norm=True), data()[0]
    direct, mapped = Stack.of(networks), Stack.of(networks)
    mapped.template.STACKS = False
    torch.testing.assert_close(direct(x), mapped(x))


def test_a_seed_drops_the_same_units_alone_or_in_a_stack():
    networks, x = perceptrons(dropout=0.5), data()[0][:8]
    kept = masks(range(3), 4, (8, 6), 0.5, depth=2)
    answers = Stack.of(networks)(x, kept)
    for s, network in enumerate(networks):
        own = masks([s], 4, (8, 6), 0.5, depth=2)
        torch.testing.assert_close(network(x, [m[0] for m in own]), answers[s])


def test_without_masks_the_networks_of_a_stack_drop_different_units():
    stack = Stack.of([perceptrons([0], dropout=0.5)[0]] * 2)
    x = data()[0]
    assert not torch.equal(*stack(x))
    torch.testing.assert_close(*stack.eval()(x))


def test_the_networks_that_were_given_are_left_as_they_are():
    networks = perceptrons()
    before = [p.detach().clone() for n in networks for p in n.parameters()]
    trained(Stack.of(networks), range(3), 3)
    assert all(torch.equal(a, b) for a, b in zip(before, (p for n in networks for p in n.parameters()), strict=True))
    assert all(p.grad is None for n in networks for p in n.parameters())


def test_a_network_taken_out_is_its_own():
    stack, x = Stack.of(perceptrons()), data()[0]
    out, expected = stack.unstack(1), stack(x)[1].detach().clone()
    trained(stack, range(3), 3)
    torch.testing.assert_close(out(x), expected)
    assert out.seed is None
    assert len(stack) == 3


def test_some_networks_taken_make_a_stack_of_their_own():
    stack, x = Stack.of(perceptrons()), data()[0]
    some, expected = stack.take([2, 0, 2]), stack(x)[[2, 0, 2]].detach().clone()
    trained(stack, range(3), 3)
    torch.testing.assert_close(some(x), expected)
    with pytest.raises(ValueError, match="a stack of no networks"):
        stack.take([])


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (perceptrons([0]) + perceptrons([1], width=7), "network 1 has options .*'width': 7.*one shape and the same options"),
        ([*perceptrons([0]), build("perceptron", (6,), 1, width=6)], r"network 1 has shape \(6,\), network 0 has \(5,\)"),
        ([*perceptrons([0]), Convolutional(0)], "network 1 has class"),
        ([perceptrons([0])[0], perceptrons([1])[0].eval()], "network 1 has mode 'evaluation'"),
        ([perceptrons([0])[0], perceptrons([1])[0].double()], "network 1 has layers.0.weight .*float64"),
        ([], "a stack of no networks"),
    ],
)
def test_networks_that_differ_are_refused(networks, message):
    with pytest.raises(ValueError, match=message):
        Stack.of(networks)


def test_inputs_for_another_number_of_seeds_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 4, 5\) for a stack of 3"):
        Stack.of(perceptrons())(torch.zeros(2, 4, 5))


def test_a_network_that_does_not_say_its_shape_is_refused():
    with pytest.raises(TypeError, match="Linear has no `shape` of one input"):
        Stack.of([nn.Linear(2, 2)])(torch.zeros(3, 2))
