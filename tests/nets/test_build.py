import inspect

import pytest
import torch

from whence.nets.build import BUILD, build


def numbers(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", BUILD)
def test_first_weights_are_a_function_of_the_seed_alone(name):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = numbers(build(name, (1, 8, 8), 3))
    assert torch.equal(torch.random.get_rng_state(), before), "building moved the global random state"
    torch.manual_seed(2)
    assert torch.equal(numbers(build(name, (1, 8, 8), 3)), first)
    assert not torch.equal(numbers(build(name, (1, 8, 8), 4)), first)


@pytest.mark.parametrize("name", BUILD)
def test_the_options_say_all_that_there_is_to_choose_and_make_the_network_again(name):
    network = build(name, (1, 8, 8), 3)
    chosen = {p.name for p in inspect.signature(BUILD[name]).parameters.values() if p.kind == p.KEYWORD_ONLY}
    assert set(network.options) == chosen
    again = build(name, network.shape, network.seed, **network.options)
    assert torch.equal(numbers(again), numbers(network))
    assert isinstance(network.VERSION, int)


@pytest.mark.parametrize("name", ["unet", "resnet", "mlp", "linear"])
def test_options_other_than_the_defaults_are_remembered(name):
    network = build(name, (1, 8, 8), 0, bias=False, conditioned=False)
    assert network.options["bias"] is False
    assert network.options["conditioned"] is False


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"no network 'unett': did you mean 'unet'\? there are linear, mlp, resnet, unet, dit"):
        build("unett", (1, 8, 8), 0)


def test_an_unknown_option_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"'unet' has no option 'widht': did you mean 'width'\?"):
        build("unet", (1, 8, 8), 0, widht=8)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [("unet", "width", 0), ("resnet", "layers", 2.5), ("mlp", "depth", -1), ("linear", "rank", 0), ("dit", "heads", True)],
)
def test_sizes_that_are_not_whole_and_positive_are_refused(name, option, value):
    with pytest.raises(ValueError, match=rf"{option} is {value}, expected a whole number >= 1"):
        build(name, (1, 8, 8), 0, **{option: value})


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8.0), (1, 0, 8)])
@pytest.mark.parametrize("name", BUILD)
def test_what_is_no_shape_of_images_is_refused(name, shape):
    with pytest.raises(ValueError, match=r"expected \(c, h, w\)"):
        build(name, shape, 0)


def test_a_unet_is_refused_for_images_its_scales_do_not_divide():
    with pytest.raises(ValueError, match=r"images of 30 x 32 pixels, expected both divisible by 4: .*take fewer multipliers"):
        build("unet", (1, 30, 32), 0)


def test_a_unet_without_scales_is_refused():
    with pytest.raises(ValueError, match="0 multipliers"):
        build("unet", (1, 8, 8), 0, multipliers=())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": 3}, "patch is 3, expected a divisor of both sides of an image of 8 x 8"),
        ({"width": 18, "heads": 4}, r"width is 18, expected a multiple of heads \(4\) and of 4"),
        ({"bias": False}, "bias is False, expected True"),
    ],
)
def test_a_transformer_is_refused_where_it_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        build("dit", (1, 8, 8), 0, **options)


def test_a_resnet_with_another_padding_is_refused():
    with pytest.raises(ValueError, match="padding is 'reflect', expected 'zeros' or 'circular'"):
        build("resnet", (1, 8, 8), 0, padding="reflect")
