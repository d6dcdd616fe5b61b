import torch

from whence.seeds import stream
from whence.train.feed import Batch
from whence.train.losses import denoising


class Half:
    """Answers y / 2 and weighs each error by 1 + sigma."""

    def __call__(self, y, sigma):
        return y / 2

    def weight(self, sigma):
        return 1 + sigma


class Two(Half):
    """A stack of two: y / 2 and y / 4."""

    def __call__(self, y, sigma):
        return torch.stack([y / 2, y / 4])


def batch():
    x, z = torch.randn(2, 5, 2, 3, 3, generator=stream(0, "batch"), dtype=torch.float64)
    return Batch(x, torch.linspace(0.1, 2, 5, dtype=torch.float64), z)


def naive(share):
    x, sigma, z = batch()
    errors = []
    for i in range(5):
        y = x[i] + sigma[i] * z[i]
        errors.append((1 + sigma[i]) * ((share * y - x[i]) ** 2).mean())
    return sum(errors) / 5


def test_denoising_loss_is_the_weighted_mean_square_image_by_image():
    found = denoising(Half(), batch())
    assert found.shape == ()
    torch.testing.assert_close(found, naive(0.5))


def test_a_stack_of_networks_has_a_loss_each():
    torch.testing.assert_close(denoising(Two(), batch()), torch.stack([naive(0.5), naive(0.25)]))
