"""Edits of images."""

import pytest
import torch

from whence.data.edits import inverse, permutation, permute, remove_mean
from whence.seeds import stream

IMAGES = torch.randn(4, 3, 6, 6, generator=stream(0, "t"))


def test_a_permutation_moves_every_pixel_once_and_all_channels_alike():
    order = permutation(6, seed=1)
    moved = permute(IMAGES, order)
    for new, old in enumerate(order.tolist()):
        assert torch.equal(moved[:, :, new // 6, new % 6], IMAGES[:, :, old // 6, old % 6])


def test_the_inverse_undoes_it():
    order = permutation(6, seed=1)
    assert not torch.equal(permute(IMAGES, order), IMAGES)
    assert torch.equal(permute(permute(IMAGES, order), inverse(order)), IMAGES)


def test_the_seed_decides_the_permutation():
    assert torch.equal(permutation(8, seed=2), permutation(8, seed=2))
    assert not torch.equal(permutation(8, seed=2), permutation(8, seed=3))


@pytest.mark.parametrize("order", [permutation(5, seed=0), torch.zeros(36, dtype=torch.int64), torch.arange(36) + 1])
def test_what_is_no_permutation_of_these_pixels_is_refused(order):
    with pytest.raises(ValueError, match=r"expected each of the 36 pixel positions once, as permutation\(6, seed\) gives"):
        permute(IMAGES, order)


def test_the_mean_level_of_each_image_and_channel_is_removed_and_nothing_else():
    removed = remove_mean(IMAGES)
    assert removed.mean((2, 3)).abs().max() < 1e-6
    shift = IMAGES - removed
    assert torch.allclose(shift, shift[:, :, :1, :1].expand_as(shift), atol=1e-6)
