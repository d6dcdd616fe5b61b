import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from whence.nets.build import build
from whence.nets.unet import UNet
from whence.train.checkpoint import identity, load, read, save, tensors

OPTIONS = {"width": 8, "multipliers": (1, 2)}


def unet(seed=0, **options):
    return build("unet", (1, 8, 8), seed, **(OPTIONS | options))


def weights(network):
    return {name: t.clone() for name, t in network.state_dict().items()}


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.safetensors"
    save(path, unet(1), {"steps": 3})
    return path


def test_weights_come_back_rounded_to_half_precision(file):
    network = unet(0)
    assert load(file, network) == {"steps": 3}
    for name, tensor in unet(1).state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor.half().float())


def test_or_exactly_where_asked(tmp_path):
    save(tmp_path / "exact", unet(1), {}, half=False)
    network = unet(0)
    load(tmp_path / "exact", network)
    assert same(weights(network), weights(unet(1)))


def test_other_tensors_travel_unrounded_beside_the_weights(tmp_path):
    probe = torch.randn(3, 2).t()  # not contiguous
    save(tmp_path / "more", unet(), {}, witness=probe)
    found = tensors(tmp_path / "more")
    assert list(found) == ["witness"]
    assert torch.equal(found["witness"], probe)


def test_the_file_says_in_plain_text_what_it_holds(file):
    with safe_open(file, framework="pt") as opened:
        header = opened.metadata()
    assert json.loads(header["network"]) == {
        "class": "UNet",
        "version": UNet.VERSION,
        "shape": [1, 8, 8],
        "options": {"width": 8, "multipliers": [1, 2], "norm": True, "bias": True, "conditioned": True},
    }


def refused(path, network, match):
    before = weights(network)
    with pytest.raises(ValueError, match=match) as caught:
        load(path, network)
    assert same(weights(network), before), "a refused file leaves the network as it was"
    assert f"delete it: rm {path}" in str(caught.value)


def test_another_architecture_is_refused(file):
    refused(
        file, build("resnet", (1, 8, 8), 0), r"holds a network of class 'UNet', expected 'ResNet'; build the network that the file"
    )


def test_other_options_are_refused_by_name(file):
    refused(file, unet(norm=False), r"holds a network of options \{'norm': True\}, expected \{'norm': False\}")


def test_another_shape_is_refused_even_where_the_weights_would_fit(file):
    refused(file, build("unet", (1, 16, 16), 0, **OPTIONS), r"shape \[1, 8, 8\], expected \[1, 16, 16\]")


def test_another_version_of_the_code_is_refused(file, monkeypatch):
    monkeypatch.setattr(UNet, "VERSION", 99)
    refused(file, unet(), r"version 1, expected 99; the code of this network has changed since")


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_refused_with_the_command_that_mends_it(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    refused(file, unet(), "not a whole checkpoint of ours")


def test_a_file_that_is_no_safetensors_is_refused(file):
    file.write_bytes(b"PK\x03\x04 a zip, as torch.save writes it" * 100)
    refused(file, unet(), "expected a safetensors file")


def test_a_safetensors_file_of_someone_else_is_refused(file):
    save_file({"weight": torch.zeros(3)}, file)
    refused(file, unet(), "with a header of network and about")


def test_a_file_whose_tensors_are_not_those_it_announces_is_refused(file):
    with safe_open(file, framework="pt") as opened:
        header = opened.metadata()
    _, found = read(file)
    found.pop("weights.first.weight")
    save_file(found, file, header)
    refused(file, unet(), "the tensor 'first.weight' is not as in this network")


def test_no_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load(tmp_path / "absent.safetensors", unet())


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_weights_that_are_not_finite_are_not_stored_and_what_was_there_stays(file, value):
    before, network = file.read_bytes(), unet()
    with torch.no_grad():
        network.first.weight[0, 0, 0, 0] = value  # 1e6 is beyond float16
    with pytest.raises(ValueError, match=r"weight 'first.weight' is not finite in torch.float16: the training has diverged"):
        save(file, network, {})
    assert file.read_bytes() == before


def test_a_module_that_does_not_say_what_it_is_is_refused(tmp_path):
    with pytest.raises(TypeError, match="Linear does not say what it is"):
        save(tmp_path / "x", torch.nn.Linear(2, 2), {})


def test_identity_is_the_same_before_and_after_a_file(file):
    assert identity(unet()) == read(file)[0]["network"]
