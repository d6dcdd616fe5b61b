"""Networks as denoisers: the laws of D(y, sigma) over every network and wrapper, and what each wrapper adds of its own."""

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.denoisers.wiener import Wiener
from whence.denoisers.wrap import EDM, Blind, NoisePrediction, schedule, step
from whence.measures.sensitivity import jacobian_rows
from whence.nets.build import build
from whence.noise import ddpm_grid
from whence.seeds import stream

WRAPPERS = {"EDM": lambda n: EDM(n, 0.4), "NoisePrediction": NoisePrediction, "Blind": Blind}
NETWORKS = {
    "linear": {},
    "mlp": {"width": 24},
    "resnet": {"width": 6},
    "unet": {"width": 8, "multipliers": (1, 2)},
    "dit": {"width": 16, "depth": 2},
}
SHAPE = (2, 8, 8)
ENDS = (0.002, 0.01, 0.3, 2.0, 60.8, 157.0, 200.0)  # below, at, between, and above the ends of the noise-prediction schedule
PIXELS = torch.tensor([[0, 0], [4, 3]])


def random(*shape, name="y"):
    return torch.randn(*shape, generator=stream(0, name), dtype=torch.float64)


def network(name, **options):
    """A small network, every weight drawn anew, in float64."""
    found = build(name, SHAPE, 0, **(NETWORKS[name] | options)).double()
    generator = stream(0, "awake")
    with torch.no_grad():
        for p in found.parameters():
            fan = p[0].numel() if p.ndim > 1 else 4
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) / fan**0.5)
    return found


def nothing(y, noise):
    """F = 0."""
    return torch.zeros_like(y)


@pytest.fixture(params=[(w, n) for w in WRAPPERS for n in NETWORKS], ids="-".join)
def denoiser(request):
    wrapper, name = request.param
    return WRAPPERS[wrapper](network(name))


def test_batch_split_changes_nothing(denoiser):
    y = random(5, *SHAPE)
    torch.testing.assert_close(denoiser(y, 0.3), torch.cat([denoiser(part, 0.3) for part in y.split(2)]), rtol=1e-9, atol=1e-11)


def test_scalar_sigma_is_the_same_sigma_per_sample(denoiser):
    y, mixed = random(3, *SHAPE), (0.3, 2.0, 0.02)
    each = torch.cat([denoiser(y[i : i + 1], sigma) for i, sigma in enumerate(mixed)])
    torch.testing.assert_close(denoiser(y, torch.tensor(mixed, dtype=torch.float64)), each, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(denoiser(y, torch.tensor(0.3, dtype=torch.float64)), denoiser(y, 0.3))


def test_rows_of_the_jacobian_are_what_finite_differences_find(denoiser):
    y, direction = random(1, *SHAPE), random(1, *SHAPE, name="direction")
    rows = jacobian_rows(denoiser, y, 0.5, PIXELS)
    with torch.no_grad():
        change = (denoiser(y + 1e-6 * direction, 0.5) - denoiser(y - 1e-6 * direction, 0.5)) / 2e-6
    expected = change[:, :, PIXELS[:, 0], PIXELS[:, 1]].transpose(1, 2)
    torch.testing.assert_close((rows * direction).sum((-3, -2, -1)), expected, rtol=1e-5, atol=1e-6)


def test_answers_are_finite_and_continuous_in_sigma_from_end_to_end(denoiser):
    y = random(1, *SHAPE)
    for sigma in ENDS:
        here, beside = denoiser(y * (1 + sigma), sigma), denoiser(y * (1 + sigma), sigma * (1 + 1e-7))
        assert bool(torch.isfinite(here).all())
        assert float((here - beside).abs().max()) < 1e-4 * (1 + sigma)


def test_answer_has_the_dtype_of_the_question_whatever_the_networks(denoiser):
    y = random(2, *SHAPE)
    assert denoiser(y.float(), 0.3).dtype == torch.float32
    torch.testing.assert_close(denoiser(y.float(), 0.3).double(), denoiser(y, 0.3), rtol=1e-4, atol=1e-4)
    denoiser.network.float()
    assert denoiser(y, 0.3).dtype == torch.float64


@pytest.mark.parametrize("sigma", [0.0, -0.1, float("nan"), float("inf")])
def test_noise_that_is_not_positive_and_finite_is_refused(denoiser, sigma):
    with pytest.raises(ValueError, match="expected finite and > 0"):
        denoiser(random(2, *SHAPE), sigma)


@pytest.mark.parametrize("shape", [(2, 2, 8, 4), (2, 1, 8, 8), (2, 8, 8)])
def test_images_of_another_shape_are_refused(denoiser, shape):
    with pytest.raises(ValueError, match=r"expected|made for"):
        denoiser(random(*shape), 0.3)


def test_sigma_per_pixel_is_refused(denoiser):
    with pytest.raises(ValueError, match="one noise level per sample"):
        denoiser(random(2, *SHAPE), torch.full((2, 1, 8, 8), 0.3))


def test_shapes_are_those_of_the_annotations(denoiser):
    checked = jaxtyping.jaxtyped(typechecker=beartype)(type(denoiser).__call__)
    assert checked(denoiser, random(3, *SHAPE), 0.3).shape == (3, *SHAPE)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_training_noise_is_positive_its_own_streams_and_weighed(wrapper):
    denoiser = WRAPPERS[wrapper](nothing)
    torch.manual_seed(0)
    first = denoiser.levels(2000, stream(0, "level"))
    torch.manual_seed(1)
    assert torch.equal(first, denoiser.levels(2000, stream(0, "level")))
    assert first.shape == (2000,)
    assert bool((first > 0).all())
    assert bool((denoiser.weight(first) > 0).all())


@pytest.mark.parametrize("sigma", ENDS)
def test_edm_without_a_network_is_the_wiener_filter_of_white_images(sigma):
    """Of images whose covariance is d^2 I, made exactly: an orthogonal matrix and its negative as the pool."""
    d, y = 0.4, random(3, 1, 4, 4)
    rows = torch.linalg.qr(random(16, 16, name="pool"))[0] * d * 4
    white = Wiener.fit(torch.cat([rows, -rows]).reshape(32, 1, 4, 4))
    torch.testing.assert_close(EDM(nothing, d)(y, sigma), white(y, sigma), rtol=1e-9, atol=1e-12)


def test_edm_gives_the_network_input_and_asks_of_it_output_of_variance_one():
    """For any images of deviation d: c_in y has variance 1, and so has the F that makes D(y) = x."""
    d, seen = 0.4, {}

    def spy(y, noise):
        seen["y"], seen["noise"] = y, noise
        return torch.zeros_like(y)

    for sigma in (0.05, 0.5, 5.0):
        x = d * random(1000, *SHAPE, name="x")
        y = x + sigma * random(1000, *SHAPE, name="z")
        plain = EDM(spy, d)(y, sigma)
        assert float(seen["y"].std()) == pytest.approx(1, abs=0.01)
        assert float(seen["noise"][0]) == pytest.approx(torch.tensor(sigma).log().item() / 4)
        c_out = EDM(lambda y, noise: torch.ones_like(y), d)(y, sigma) - plain
        assert float(((x - plain) / c_out).std()) == pytest.approx(1, abs=0.01)
        assert float(EDM(spy, d).weight(torch.tensor(sigma)) * c_out[0, 0, 0, 0] ** 2) == pytest.approx(1)


def test_edm_trains_at_log_normal_noise():
    levels = EDM(nothing).levels(20_000, stream(0, "level")).log()
    assert float(levels.mean()) == pytest.approx(-1.2, abs=0.03)
    assert float(levels.std()) == pytest.approx(1.2, abs=0.03)


@pytest.mark.parametrize("deviation", [0, -1.0, float("nan"), float("inf")])
def test_edm_refuses_a_deviation_that_is_not_positive(deviation):
    with pytest.raises(ValueError, match=r"expected > 0 and finite: the pixels' standard deviation, as pool\.std\(\)"):
        EDM(nothing, deviation)


@pytest.mark.parametrize("sigma", ENDS)
def test_noise_prediction_returns_the_image_when_the_noise_is_named(sigma):
    x, z = random(2, *SHAPE, name="x"), random(2, *SHAPE, name="z")
    torch.testing.assert_close(NoisePrediction(lambda y, noise: z)(x + sigma * z, sigma), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("t", "sigma"), [(0, 0.010000), (100, 0.342), (500, 3.44), (900, 60.8), (999, 157.4)])
def test_noise_prediction_shows_the_network_the_state_of_the_schedule(t, sigma):
    """At a step's own sigma: x_t of variance 1, and the coordinate of t."""
    exact = schedule()[t]
    assert float(exact) == pytest.approx(sigma, rel=5e-3)
    seen = {}

    def spy(y, noise):
        seen["y"], seen["noise"] = y, noise
        return y

    alpha_bar = 1 / (1 + exact**2)
    x, z = random(2, *SHAPE, name="x"), random(2, *SHAPE, name="z")
    NoisePrediction(spy)(x + exact * z, exact)
    torch.testing.assert_close(seen["y"], alpha_bar.sqrt() * x + (1 - alpha_bar).sqrt() * z)
    torch.testing.assert_close(seen["noise"], torch.full((2,), 2 * t / 999 - 1, dtype=torch.float64))


def test_steps_of_the_schedule_are_found_between_and_held_at_the_ends():
    table = schedule()
    torch.testing.assert_close(step(table), torch.arange(1000, dtype=torch.float64))
    torch.testing.assert_close(step((table[3:5].log().mean()).exp()[None]), torch.tensor([3.5], dtype=torch.float64))
    beyond = step(torch.tensor([1e-4, 0.002, 200.0, 1e6], dtype=torch.float64))
    torch.testing.assert_close(beyond, torch.tensor([0.0, 0, 999, 999], dtype=torch.float64))
    torch.testing.assert_close(step(ddpm_grid(10)), torch.arange(900, -1, -100, dtype=torch.float64))


def test_beyond_the_schedule_the_network_hears_its_end_and_the_answer_keeps_its_sigma():
    y, deep = random(1, *SHAPE), NoisePrediction(lambda y, noise: noise[:, None, None, None].expand_as(y))
    torch.testing.assert_close(deep(y, 0.002), y + 0.002)
    torch.testing.assert_close(deep(y, 500.0), y - 500.0)


def test_noise_prediction_is_differentiable_in_sigma():
    y = random(2, 1, 2, 2)
    level = torch.tensor([0.4, 3.0], dtype=torch.float64, requires_grad=True)
    denoise = NoisePrediction(lambda y, noise: y.sin() * noise[:, None, None, None])
    assert torch.autograd.gradcheck(lambda s: denoise(y, s), (level,), eps=1e-7, atol=1e-5)


def test_noise_prediction_weighs_errors_as_errors_of_the_noise():
    x, z, guess = (random(4, *SHAPE, name=name) for name in ("x", "z", "guess"))
    sigma = NoisePrediction(nothing).levels(4, stream(0, "level")).double()
    denoiser = NoisePrediction(lambda y, noise: guess)
    error = (denoiser(x + sigma[:, None, None, None] * z, sigma) - x).square().mean((1, 2, 3))
    torch.testing.assert_close(denoiser.weight(sigma) * error, (guess - z).square().mean((1, 2, 3)))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "dit"])
def test_a_blind_denoiser_without_additive_constants_is_its_jacobian_times_its_input(name):
    """kadkhodaie2024generalization: D(y) = J(y) y."""
    denoiser, y = Blind(network(name, bias=False, conditioned=False)), random(1, *SHAPE)
    pixels = torch.cartesian_prod(torch.arange(8), torch.arange(8))
    rows = jacobian_rows(denoiser, y, 1.0, pixels)  # 1 q c c h w
    again = (rows * y[:, None, None]).sum((-3, -2, -1)).transpose(1, 2).reshape(y.shape)
    torch.testing.assert_close(again, denoiser(y, 1.0), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_blind_denoiser_answers_alike_at_any_sigma_even_with_a_network_that_could_hear(name):
    denoiser, y = Blind(network(name)), random(2, *SHAPE)
    assert torch.equal(denoiser(y, 0.1), denoiser(y, 5.0))


def test_blind_noise_is_the_square_of_a_uniform_number_up_to_two():
    levels = Blind(nothing).levels(20_000, stream(0, "level"))
    root = (levels / 2).sqrt()
    assert float(root.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(root.square().mean()) == pytest.approx(1 / 3, abs=0.01)
    assert 1.99 < float(levels.max()) <= 2
