"""The small convolutional classifier."""

import pytest
import torch
from torch import nn

from whence.nets.build import build
from whence.nets.cnn import CNN
from whence.seeds import derive, stream
from whence.train.stack import Stack


def images(n=3, shape=(2, 16, 8)):
    return torch.randn(n, *shape, generator=stream(0, "x"), dtype=torch.float64)


def test_it_is_the_same_network_written_with_torchs_own_layers():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(3, "init"))
        twin = nn.Sequential(
            nn.Conv2d(2, 5, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(5, 10, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(10, 10, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(10, 3),
        ).double()
    network = build("cnn", (2, 16, 8), 3, width=5, outputs=3).double()
    torch.testing.assert_close(network(images()), twin(images()))
    torch.testing.assert_close(network(images()), network.last(network.features(images())))


def test_a_place_of_the_last_layer_sees_nine_by_nine_pixels():
    network = build("cnn", (1, 32, 32), 0, width=4).double()
    x = images(1, (1, 32, 32)).requires_grad_()
    h = x
    for conv in network.convs:
        h = conv(h)  # without ReLU, so that no path is cut by chance
    (heard,) = torch.autograd.grad(h[..., 4, 4].sum(), x)
    rows = heard[0, 0].abs().sum(1).nonzero()[:, 0]
    assert (rows.min().item(), rows.max().item()) == (12, 20)


def test_in_a_stack_each_answers_as_alone_for_shared_images_and_for_its_own():
    networks = [build("cnn", (2, 16, 8), s, width=3).double() for s in range(3)]
    stack, own = Stack.of(networks), images(12).reshape(3, 4, 2, 16, 8)
    torch.testing.assert_close(stack(own), torch.stack([n(own[i]) for i, n in enumerate(networks)]))
    torch.testing.assert_close(stack(own[0]), torch.stack([n(own[0]) for n in networks]))
    assert stack.features(own).shape == (3, 4, 6)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(3, 1, 16, 8\), this network was made for \(b, 2, 16, 8\)"):
        CNN((2, 16, 8)).double()(images(shape=(1, 16, 8)))


@pytest.mark.parametrize("option", ["width", "outputs"])
def test_sizes_that_are_none_are_refused(option):
    with pytest.raises(ValueError, match=rf"{option} is 0, expected a whole number >= 1"):
        build("cnn", (1, 8, 8), 0, **{option: 0})
