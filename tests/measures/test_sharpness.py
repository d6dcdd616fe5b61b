import pytest
import torch

from whence.measures.sharpness import sharpness
from whence.seeds import stream


def normal(*shape, name):
    return torch.randn(*shape, generator=stream(0, "sharpness", name), dtype=torch.float64)


def network(x, y):
    """Two tanh layers for each of three networks, and the loss of one of them as a function of its flat parameters."""
    leaves = [normal(3, 4, 5, name="a").requires_grad_(), normal(3, 5, 1, name="b").requires_grad_()]

    def loss():
        return ((torch.tanh(x @ leaves[0]) @ leaves[1])[..., 0] - y).square().mean(-1)

    def alone(flat):
        return ((torch.tanh(x @ flat[:20].reshape(4, 5)) @ flat[20:, None])[..., 0] - y).square().mean()

    return leaves, loss, alone


def test_it_is_the_largest_eigenvalue_of_the_whole_hessian_of_every_network():
    leaves, loss, alone = network(normal(30, 4, name="x"), normal(30, name="y"))
    found = sharpness(loss, leaves, stream(0, "probe"), tolerance=1e-9, limit=20_000)
    for i, value in enumerate(found):
        flat = torch.cat([leaf[i].detach().flatten() for leaf in leaves])
        assert float(value) == pytest.approx(float(torch.linalg.eigvalsh(torch.func.hessian(alone)(flat))[-1]), rel=1e-5)


@pytest.mark.parametrize("spectrum", [[5.0, 1.0, -2.0], [2.0, 1.0, -5.0], [-1.0, -3.0, -5.0]])
def test_a_large_negative_eigenvalue_is_not_taken_for_the_largest(spectrum):
    rotation = torch.linalg.qr(normal(3, 3, name="q")).Q
    hessian = rotation @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ rotation.T
    w = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    found = sharpness(lambda: (w * (w @ hessian)).sum(1) / 2, [w], stream(0, "probe"), tolerance=1e-9)
    assert found.item() == pytest.approx(spectrum[0], rel=1e-4)


def test_weights_and_their_gradients_are_left_alone():
    w = torch.ones(2, 3, requires_grad=True)
    sharpness(lambda: w.pow(4).sum(1), [w], stream(0, "probe"))
    assert w.grad is None
    assert torch.equal(w.detach(), torch.ones(2, 3))


def test_a_loss_that_has_diverged_is_named_as_such():
    w = torch.full((2, 3), 1e30, requires_grad=True)
    with pytest.raises(ValueError, match=r"losses \[inf, inf\].*lower its learning rate"):
        sharpness(lambda: w.square().sum(1), [w], stream(0, "probe"))


def test_too_few_products_are_an_error_not_an_answer():
    w = torch.zeros(1, 40, requires_grad=True)
    with pytest.raises(ValueError, match="after 3 products"):
        sharpness(lambda: (torch.linspace(0.9, 1, 40) * w.square()).sum(1), [w], stream(0, "probe"), 1e-9, 3)
