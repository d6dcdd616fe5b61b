"""The locally connected classifier: the CNN but for sharing."""

import pytest
import torch
from torch.nn import functional

from whence.nets.build import build
from whence.nets.local import Unshared, untied
from whence.seeds import stream


def images(n=3, shape=(2, 9, 8)):
    return torch.randn(n, *shape, generator=stream(0, "x"), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(2, 9, 8), (1, 16, 16), (3, 7, 5)])
def test_with_tied_weights_it_is_the_cnn(shape):
    cnn = build("cnn", shape, 3, width=4, outputs=3).double()
    torch.testing.assert_close(untied(cnn)(images(shape=shape)), cnn(images(shape=shape)))


def test_free_to_leave_the_cnn_it_does():
    cnn, x = build("cnn", (2, 9, 8), 3, width=4).double(), images()
    free = untied(cnn)
    free(x).square().sum().backward()
    slope = free.layers[0].weight.grad
    assert float((slope - slope.mean(0)).abs().max()) > 1e-6, "places have slopes of their own"
    cnn(x).square().sum().backward()
    shared = cnn.convs[0].weight.grad.flatten(1).T
    torch.testing.assert_close(slope.sum(0), shared)  # and the shared filter's is their sum


@pytest.mark.parametrize("stride", [1, 2])
def test_a_layer_is_a_filter_of_its_own_at_every_place(stride):
    layer, x = Unshared(2, 3, (5, 4), stride).double(), images(2, (2, 5, 4))
    answers, padded = layer(x), functional.pad(x, (1, 1, 1, 1))
    assert answers.shape == (2, 3, *layer.side)
    for p in range(len(layer.weight)):
        i, j = divmod(p, layer.side[1])
        window = padded[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3].flatten(1)
        torch.testing.assert_close(answers[:, :, i, j], window @ layer.weight[p] + layer.bias[p])


def test_it_hears_what_the_cnn_hears_and_nothing_else():
    local, cnn = (build(name, (1, 16, 16), 0, width=4).double() for name in ("local", "cnn"))
    x = images(1, (1, 16, 16)).requires_grad_()
    heard = []
    for layers in (local.layers, cnn.convs):
        h = x
        for layer in layers:
            h = layer(h)  # without ReLU, so that no path is cut by chance
        heard.append(torch.autograd.grad(h[..., 2, 2].abs().sum(), x)[0] != 0)
    assert torch.equal(*heard)
    assert int(heard[0].sum()) == 81


def test_first_weights_follow_the_law_of_the_cnns_at_every_place_anew():
    local, cnn = (build(name, (3, 16, 16), 0, width=8) for name in ("local", "cnn"))
    for layer, conv in zip(local.layers, cnn.convs, strict=True):
        drawn = layer.weight.detach()
        assert float(drawn.std()) == pytest.approx(float(conv.weight.detach().std()), rel=0.1)
        assert not torch.equal(drawn[0], drawn[1])


@pytest.mark.parametrize("option", ["width", "outputs"])
def test_sizes_that_are_none_are_refused(option):
    with pytest.raises(ValueError, match=rf"{option} is 0, expected a whole number >= 1"):
        build("local", (1, 8, 8), 0, **{option: 0})
