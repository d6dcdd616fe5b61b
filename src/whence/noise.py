"""The noise level sigma, interpreted here and nowhere else.

Everything is variance exploding (VE): y = x + sigma z with z ~ N(0, I) and pixels x in [-1, 1]. A variance-preserving state
x_t = sqrt(alpha_bar) x + sqrt(1 - alpha_bar) eps is the same point scaled: y = x_t / sqrt(alpha_bar).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def per_sample(sigma: float | Float[Tensor, ""] | Float[Tensor, " b"], y: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 1 1"]:
    """Sigma as one positive number per sample, in y's dtype and on y's device; the first line of every denoiser.

    Raises ValueError when sigma is not finite and positive, when its shape is neither () nor (b,), or when y is not a batch.
    """
    if y.ndim != 4:
        raise ValueError(f"y has shape {tuple(y.shape)}, expected (b, c, h, w): add the batch axis with y[None]")
    level = torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
    if level.ndim > 1 or (level.ndim == 1 and level.shape[0] != y.shape[0]):
        raise ValueError(
            f"sigma has shape {tuple(level.shape)}, expected () or ({y.shape[0]},) for y of shape {tuple(y.shape)}: "
            "one noise level per sample, not per pixel"
        )
    if not bool((torch.isfinite(level) & (level > 0)).all()):
        raise ValueError(
            f"sigma is {level.detach().cpu().tolist()}, expected finite and > 0 (VE units: y = x + sigma z, pixels in [-1, 1]); "
            "a schedule that ends at 0 ends with the denoised image, not with a call at sigma 0"
        )
    return level.expand(y.shape[0]).reshape(-1, 1, 1, 1)


def sigma_from_alpha_bar(alpha_bar: float | Tensor) -> Tensor:
    """sigma = sqrt((1 - alpha_bar) / alpha_bar), alpha_bar in (0, 1]."""
    level = torch.as_tensor(alpha_bar, dtype=torch.float64)
    if not bool(((level > 0) & (level <= 1)).all()):
        raise ValueError(f"alpha_bar is {level.tolist()}, expected in (0, 1]: it is the share of signal variance left")
    return ((1 - level) / level).sqrt()


def alpha_bar_from_sigma(sigma: float | Tensor) -> Tensor:
    """alpha_bar = 1 / (1 + sigma^2), sigma >= 0."""
    level = torch.as_tensor(sigma, dtype=torch.float64)
    if not bool((level >= 0).all()):
        raise ValueError(f"sigma is {level.tolist()}, expected >= 0: it is the standard deviation of the noise")
    return 1 / (1 + level**2)


def log_grid(low: float, high: float, n: int) -> Float[Tensor, " n"]:
    """n noise levels from low to high, evenly spaced in log sigma, ascending: for measuring against sigma."""
    _check_range(low, high, n)
    return torch.logspace(math.log10(low), math.log10(high), n, dtype=torch.float64)


def edm_grid(n: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> Float[Tensor, " n"]:
    """Descending sampling levels, linear in sigma^(1/rho) (karras2022edm eq. 5): for Heun's sampler."""
    _check_range(low, high, n)
    ramp = torch.linspace(0, 1, n, dtype=torch.float64)
    return (high ** (1 / rho) + ramp * (low ** (1 / rho) - high ** (1 / rho))) ** rho


def ddpm_grid(n: int, steps: int = 1000, low: float = 1e-4, high: float = 0.02) -> Float[Tensor, " n"]:
    """Descending levels that DDIM visits with n steps of the linear-beta DDPM schedule ("leading" spacing, ho2020ddpm).

    t = (n-1) r, ..., r, 0 with r = steps // n, and sigma_t from alpha_bar_t = prod (1 - beta).
    """
    if not 1 <= n <= steps:
        raise ValueError(f"{n} sampling steps: expected between 1 and {steps}, the length of the schedule")
    alpha_bar = torch.cumprod(1 - torch.linspace(low, high, steps, dtype=torch.float64), 0)
    return sigma_from_alpha_bar(alpha_bar[(torch.arange(n) * (steps // n)).flip(0)])


def _check_range(low: float, high: float, n: int) -> None:
    if not (0 < low < high and math.isfinite(high)):
        raise ValueError(f"noise levels from {low} to {high}: expected 0 < low < high < inf")
    if n < 2:
        raise ValueError(f"a grid of {n} noise levels: expected at least 2")
