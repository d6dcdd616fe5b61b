from __future__ import annotations

import numpy as np
import pytest
import torch

from whence.data.halves import half, stripes, with_contrast
from whence.data.photos import BLOCK, crops, regions
from whence.seeds import stream


def numbered():
    """A photograph in which every pixel is a number of its own."""
    return np.arange(320 * 200, dtype=np.int64).reshape(320, 200, 1).repeat(3, 2)


@pytest.mark.parametrize("size", [8, 14, 16, 24])
@pytest.mark.parametrize("turned", [False, True])
def test_halves_of_a_photograph_share_no_pixel_and_no_jpeg_block(size, turned):
    band = numbered().transpose(1, 0, 2) if turned else numbered()
    parts = [np.concatenate([p.ravel() for p in stripes(band, size)[which::2]]) for which in (0, 1)]
    assert not np.intersect1d(*parts).size
    for part in stripes(band, size)[:-1]:
        assert part.shape[int(turned)] % BLOCK == 0
        assert part.shape[int(turned)] >= 2 * size
    covered = sum(map(len, parts)) / band.size
    assert 0.9 < covered <= 1


def test_every_stripe_of_the_photographs_holds_a_crop():
    for band in regions("train"):
        assert all(min(stripe.shape[:2]) >= 16 for stripe in stripes(band, 16))


def test_half_of_the_photographs_is_crops_of_the_training_bands():
    bands = [torch.tensor(band).float() @ torch.tensor([0.299, 0.587, 0.114]) for band in regions("train")]
    for crop in half("photos", 0, 4, 0, 16, grey=True):
        seen = (crop[0] + 1) * 127.5
        begun = [(band, i, j) for band in bands for i, j in ((band[:-15, :-15] - seen[0, 0]).abs() < 0.02).nonzero().tolist()]
        assert any((band[i : i + 16, j : j + 16] - seen).abs().max() < 0.02 for band, i, j in begun)


@pytest.mark.parametrize("name", ["photos", "fields", "digits"])
def test_shorter_draw_of_a_half_begins_a_longer_one(name):
    assert torch.equal(half(name, 1, 3, 5, 8), half(name, 1, 9, 5, 8)[:3])


@pytest.mark.parametrize("name", ["photos", "fields", "digits"])
def test_no_image_is_in_both_halves(name):
    a, b = (half(name, which, 60, 0, 8).flatten(1) for which in (0, 1))
    assert torch.cdist(a, b).min() > 0


def test_another_seed_draws_other_images():
    assert not torch.equal(half("photos", 0, 3, 0, 16), half("photos", 0, 3, 1, 16))


@pytest.mark.parametrize("which", [-1, 2])
def test_third_half_is_refused(which):
    with pytest.raises(ValueError, match="expected 0 or 1"):
        half("photos", which, 3, 0)


def photographs(m):
    return crops("train", m, 16, stream(0, "crops"), grey=True)


def test_contrast_leaves_out_flat_images_and_keeps_the_order():
    kept, long = with_contrast(photographs, 50, 0.1), photographs(400)
    assert kept.shape == (50, 1, 16, 16)
    assert torch.equal(kept, long[long.flatten(1).std(1, correction=0) >= 0.1][:50])
    assert torch.equal(kept[:7], with_contrast(photographs, 7, 0.1))


def test_contrast_of_zero_keeps_everything():
    assert torch.equal(with_contrast(photographs, 9, 0.0), photographs(9))


def test_more_contrast_than_there_is_is_refused_with_how_many_had_it():
    with pytest.raises(ValueError, match=r"0 of 500 images have a deviation of 1\.1"):
        with_contrast(photographs, 5, 1.1)


def test_source_that_holds_too_few_says_so_itself():
    with pytest.raises(ValueError, match="draw at most"):
        with_contrast(lambda m: half("digits", 0, m, 0), 100_000, 0.1)
