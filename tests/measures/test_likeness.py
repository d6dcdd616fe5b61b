from __future__ import annotations

import numpy as np
import pytest
import torch

from whence.measures.likeness import likeness, most_alike
from whence.seeds import stream


def images(n, name, dtype=torch.float64):
    return torch.rand(n, 2, 4, 4, generator=stream(0, name), dtype=dtype) * 2 - 1


def test_likeness_is_the_correlation_coefficient():
    a, b = images(5, "a"), images(5, "b")
    twin = [np.corrcoef(x.flatten(), y.flatten())[0, 1] for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    np.testing.assert_allclose(likeness(a, b), twin, atol=1e-12)


def test_brightness_and_contrast_do_not_count():
    a = images(5, "a")
    torch.testing.assert_close(likeness(a, 0.2 * a + 0.7), torch.ones(5, dtype=a.dtype))
    torch.testing.assert_close(likeness(a, -a), -torch.ones(5, dtype=a.dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_flat_image_is_like_nothing(dtype):
    a = images(3, "a", dtype)
    assert likeness(a, torch.full_like(a, 0.3)).abs().max() == 0


@pytest.mark.parametrize("chunk", [1, 7, 8192])
def test_most_alike_is_the_best_of_all_whatever_the_chunk(chunk):
    x, pool = images(4, "x"), images(30, "pool")
    pool[17] = 0.1 - 0.9 * -x[2]
    table = torch.stack([likeness(x, image.expand_as(x)) for image in pool], 1)
    found = most_alike(x, pool, chunk)
    torch.testing.assert_close(found.correlation, table.amax(1))
    assert found.place.tolist() == table.argmax(1).tolist()
    assert found.place[2] == 17


def test_images_of_other_shapes_and_empty_pools_are_refused():
    with pytest.raises(ValueError, match="expected the same"):
        likeness(images(3, "a"), images(4, "b"))
    with pytest.raises(ValueError, match="expected a pool"):
        most_alike(images(3, "a"), images(3, "b")[:0])
    with pytest.raises(ValueError, match="expected a pool"):
        most_alike(images(3, "a"), images(3, "b")[..., :2])
