import pytest
import torch

from whence.data.placed import placed
from whence.seeds import stream


def images(n=200, c=2, h=3, w=5):
    return torch.rand(n, c, h, w, generator=stream(0, "images"))  # none of it black


def corners(frames):
    """Row and column of the first pixel that is not black, (n, 2)."""
    lit = (frames > -1).all(1)
    return torch.stack([lit.any(2).int().argmax(1), lit.any(1).int().argmax(1)], 1)


def test_an_image_is_whole_and_all_else_is_black():
    x = images()
    frames = placed(x, 9, 9, stream(0, "places"))
    for image, frame, (i, j) in zip(x, frames, corners(frames).tolist(), strict=True):
        torch.testing.assert_close(frame[:, i : i + 3, j : j + 5], image)
    assert int((frames == -1).sum()) == 200 * 2 * (81 - 15)


def test_places_are_those_within_the_shift_and_no_others():
    found = corners(placed(images(), 9, 1, stream(0, "places")))
    assert sorted(set(map(tuple, found.tolist()))) == [(i, j) for i in (2, 3, 4) for j in (1, 2, 3)]


def test_the_frame_bounds_the_shift():
    found = corners(placed(images(h=9), 9, 100, stream(0, "places")))
    assert found[:, 0].tolist() == [0] * 200
    assert sorted(set(found[:, 1].tolist())) == [0, 1, 2, 3, 4]


def test_without_shift_images_are_centred():
    assert corners(placed(images(), 9, 0, stream(0, "places"))).unique(dim=0).tolist() == [[3, 2]]


@pytest.mark.parametrize(("side", "shift"), [(4, 1), (9, -1)])
def test_a_frame_too_small_and_a_negative_shift_are_refused(side, shift):
    with pytest.raises(ValueError, match="expected a frame as large, a shift >= 0"):
        placed(images(), side, shift, stream(0, "places"))
