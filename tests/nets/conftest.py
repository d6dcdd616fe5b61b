import pytest
from small import SMALL, awake

from whence.nets.build import build


@pytest.fixture
def make():
    """Build a small network by name, awake, for images (2, 8, 8) unless told."""
    return lambda name, shape=(2, 8, 8), **options: awake(build(name, shape, 0, **(SMALL[name] | options)))
