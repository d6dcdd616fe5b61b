"""Crops of the bundled photographs."""

import numpy as np
import pytest
import torch

from whence.data.photos import BLOCK, crops, regions, scale
from whence.data.registry import dataset
from whence.seeds import stream

SPLITS = ("train", "validation", "test")


def skimage_photo(name):
    import skimage
    from PIL import Image

    return np.asarray(Image.open(f"{skimage.__path__[0]}/data/{name}").convert("RGB"))


def test_the_bands_of_the_splits_put_together_are_the_photographs():
    together = [np.concatenate(bands, axis=1) for bands in zip(*(regions(split) for split in SPLITS), strict=True)]
    names = [source.file.removeprefix("data/") for source in dataset("photos").sources if source.package == "skimage"]
    assert len(together) == 7
    for whole, name in zip(together, names, strict=False):
        assert np.array_equal(whole, skimage_photo(name)), name


def test_no_jpeg_block_lies_in_two_bands():
    for split in ("train", "validation"):
        assert [band.shape[1] % BLOCK for band in regions(split)] == [0] * 7


def test_every_band_holds_crops_of_96():
    for split in SPLITS:
        assert crops(split, 3, 96, stream(0, "t")).shape == (3, 3, 96, 96)


@pytest.mark.parametrize("size", [0, -1, 97, 1000])
def test_a_size_that_does_not_fit_every_band_is_refused_with_the_largest(size):
    with pytest.raises(ValueError, match=rf"crops of {size} x {size} from the 'validation'.* from 1 to 96"):
        crops("validation", 1, size, stream(0, "t"))


@pytest.mark.parametrize("split", SPLITS)
def test_crops_are_pieces_of_their_own_band(split):
    bands = [torch.from_numpy(np.array(band)).permute(2, 0, 1) for band in regions(split)]
    for crop in crops(split, 5, 48, stream(1, "t")):
        pixels = ((crop + 1) * 127.5).round().to(torch.uint8)
        assert any(contains(band, pixels) for band in bands)


def contains(band, pixels):
    corners = (band[:, : band.shape[1] - 47, : band.shape[2] - 47] == pixels[:, :1, :1]).all(0).nonzero().tolist()
    return any(torch.equal(band[:, r : r + 48, c : c + 48], pixels) for r, c in corners)


def test_all_positions_of_all_photographs_are_equally_likely():
    """Crops of one pixel are pixels: their mean and the share of each photograph are those of the bands."""
    bands = regions("train")
    pixels = np.concatenate([band.reshape(-1, 3) for band in bands]) / 127.5 - 1
    drawn = crops("train", 200_000, 1, stream(0, "t")).reshape(-1, 3).numpy()
    error = pixels.std(0) / np.sqrt(len(drawn))
    assert np.abs(drawn.mean(0) - pixels.mean(0)).max() < 4 * error.max()
    assert np.abs(np.quantile(drawn, [0.1, 0.5, 0.9], 0) - np.quantile(pixels, [0.1, 0.5, 0.9], 0)).max() < 0.02


def test_a_shorter_draw_is_the_start_of_a_longer_one():
    long = crops("train", 2000, 16, stream(3, "t"))
    for n in (1, 15, 16, 17, 1000):
        assert torch.equal(crops("train", n, 16, stream(3, "t")), long[:n])


def test_other_streams_give_other_crops():
    assert not torch.equal(crops("train", 4, 32, stream(0, "t")), crops("train", 4, 32, stream(1, "t")))


def test_grey_is_the_luma_of_the_same_crops_before_scaling():
    colour = crops("test", 20, 24, stream(0, "t")).double()
    grey = crops("test", 20, 24, stream(0, "t"), grey=True)
    stored = (colour + 1) * 127.5
    luma = 0.299 * stored[:, 0] + 0.587 * stored[:, 1] + 0.114 * stored[:, 2]
    assert grey.shape == (20, 1, 24, 24)
    assert torch.allclose(grey[:, 0].double(), luma / 127.5 - 1, atol=1e-6)


def test_scaling_takes_black_to_minus_one_and_white_to_one_exactly():
    ends = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
    for grey in (False, True):
        scaled = scale(ends, 255, grey)
        assert scaled.dtype == torch.float32
        assert scaled.min() == -1
        assert abs(scaled.max().item() - 1) < 1e-6
        assert scaled.max() <= 1


def test_a_split_there_is_not_is_refused():
    with pytest.raises(ValueError, match="it has train, validation, test"):
        crops("val", 1, 8, stream(0, "t"))
