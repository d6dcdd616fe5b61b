import pytest
import torch

from whence.device import describe, device


def test_auto_is_the_accelerator_where_there_is_one():
    assert device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_is_the_one_named():
    assert device("cpu") == torch.device("cpu")


def test_choosing_a_device_turns_tf32_off():
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    device("cpu")
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "CPU"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(ValueError, match=f"device '{name}': expected 'auto', 'cpu' or a device of this machine"):
        device(name)


def test_the_cpu_in_words_is_its_model_where_the_system_tells():
    words = describe(torch.device("cpu"))
    assert words.endswith(" (CPU)")
    assert len(words) > len(" (CPU)")
    assert "\n" not in words


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator on this machine")
def test_an_accelerator_in_words_is_its_model():
    assert describe(device()) == torch.cuda.get_device_name()
