"""One call for images of any set."""

import numpy as np
import pytest
import torch

from whence.data.entries import DataError
from whence.data.images import draw, draw_labelled
from whence.data.photos import crops
from whence.data.registry import arrays
from whence.seeds import stream

BUNDLED = ("photos", "textures", "digits", "fields")


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_shorter_draw_is_the_start_of_a_longer_one(name, split):
    long = draw(name, split, 50, seed=0)
    assert long.dtype == torch.float32
    assert torch.equal(draw(name, split, 20, seed=0), long[:20])
    assert not torch.equal(draw(name, split, 20, seed=1), long[:20])


@pytest.mark.parametrize("name", BUNDLED)
def test_splits_are_drawn_by_streams_of_their_own(name):
    assert not torch.equal(draw(name, "train", 5, seed=0), draw(name, "test", 5, seed=0))


def test_photographs_are_the_crops_of_the_named_stream():
    expected = crops("test", 6, 20, stream(4, "data", "photos", "test"), grey=True)
    assert torch.equal(draw("photos", "test", 6, seed=4, size=20, grey=True), expected)
    assert draw("photos", "test", 2, seed=4).shape == (2, 3, 32, 32)


def test_fields_have_the_stated_deviation_and_size():
    x = draw("fields", "train", 2000, seed=0, size=16)
    assert x.shape == (2000, 1, 16, 16)
    assert abs(x.std().item() - 0.5) < 0.01


def test_all_images_of_a_split_are_its_images_each_once():
    drawn = draw("digits", "validation", 200, seed=0)
    stored = torch.from_numpy(np.array(arrays("digits", "validation")[0])).permute(0, 3, 1, 2) / 8 - 1
    assert sorted(map(tuple, drawn.flatten(1).tolist())) == sorted(map(tuple, stored.flatten(1).tolist()))


def test_stored_images_span_minus_one_to_one():
    drawn = draw("digits", "train", 100, seed=0)
    assert (drawn.min(), drawn.max()) == (-1, 1)


def test_a_smaller_size_averages_whole_blocks():
    full, half = (draw("digits", "train", 10, seed=0, size=size) for size in (8, 4))
    naive = torch.stack([full[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((2, 3)) for i in range(4) for j in range(4)], -1)
    assert torch.allclose(half.flatten(2), naive, atol=1e-6)


@pytest.mark.parametrize("size", [3, 5, 16, 0, -8])
def test_a_size_without_whole_blocks_is_refused_with_those_there_are(size):
    with pytest.raises(ValueError, match=rf"size {size} of 'digits', whose images are 8 x 8: expected one of \[1, 2, 4, 8\]"):
        draw("digits", "train", 1, seed=0, size=size)


def test_more_images_than_there_are_is_refused_with_the_number():
    with pytest.raises(ValueError, match="201 images asked of 'digits' 'validation', which holds 200"):
        draw("digits", "validation", 201, seed=0)


@pytest.mark.parametrize("n", [0, -1])
def test_no_images_is_refused(n):
    with pytest.raises(ValueError, match="at least 1"):
        draw("photos", "train", n, seed=0)


def test_an_unknown_set_or_split_is_refused_for_every_kind():
    with pytest.raises(ValueError, match="did you mean 'photos'"):
        draw("photo", "train", 1, seed=0)
    for name in BUNDLED:
        with pytest.raises(ValueError, match="no split 'tests'"):
            draw(name, "tests", 1, seed=0)


def test_a_set_that_is_not_here_is_never_fetched(project):
    with pytest.raises(DataError, match="whence data fetch tiny"):
        draw("tiny", "train", 1, seed=0)
    assert project.site.asked == []


def test_a_fetched_colour_set_is_drawn_grey_by_luma_and_averaged(project):
    for array in ("train", "test_first5"):
        project.put(project.cache, "tiny", array)
    colour, grey = draw("tiny", "train", 15, seed=0), draw("tiny", "train", 15, seed=0, size=4, grey=True)
    luma = torch.einsum("nchw,c->nhw", colour.double(), torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64))
    assert torch.allclose(grey[:, 0].double(), luma.reshape(15, 4, 2, 4, 2).mean((2, 4)), atol=1e-6)


def test_labelled_images_are_those_of_the_same_draw_with_the_label_each_is_stored_with():
    found = draw_labelled("digits", "validation", 200, seed=3, size=4)
    assert torch.equal(found.x, draw("digits", "validation", 200, seed=3, size=4))
    images, labels = arrays("digits", "validation")
    stored = [(tuple(image.flatten()), int(label)) for image, label in zip(images, labels, strict=True)]
    full = draw_labelled("digits", "validation", 200, seed=3)
    drawn = [(tuple(image), int(label)) for image, label in zip((8 * (full.x + 1)).flatten(1).tolist(), full.y, strict=True)]
    assert sorted(drawn) == sorted(stored)


@pytest.mark.parametrize("name", ["photos", "fields"])
def test_images_without_labels_are_refused(name):
    with pytest.raises(ValueError, match=f"images of {name!r} have no labels: expected a set of stored images"):
        draw_labelled(name, "train", 1, seed=0)


def test_more_labelled_images_than_there_are_are_refused_as_unlabelled_ones():
    with pytest.raises(ValueError, match="201 images asked of 'digits' 'validation', which holds 200"):
        draw_labelled("digits", "validation", 201, seed=0)
