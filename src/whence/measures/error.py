"""Denoising error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def denoising_error(
    denoiser: Callable[[Tensor, float], Tensor],
    x: Float[Tensor, "b c h w"],
    sigma: float,
    z: Float[Tensor, "b c h w"],
    batch: int = 256,
) -> Float[Tensor, " b"]:
    """Mean squared error per pixel of each image, |D(x + sigma z) - x|^2 / d, pixels in [-1, 1].

    The noise is given, not drawn: pass the same z to two denoisers and their errors are paired. The batch size changes nothing.
    Raises ValueError when x and z differ in shape.
    """
    if x.shape != z.shape:
        raise ValueError(f"images of shape {tuple(x.shape)} and noise of shape {tuple(z.shape)}: expected the same")
    parts = zip(x.split(batch), z.split(batch), strict=True)
    errors = [(denoiser(clean + sigma * noise, sigma) - clean).square().flatten(1).mean(1) for clean, noise in parts]
    return torch.cat(errors)


def psnr(error: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    """Peak signal-to-noise ratio in dB, 10 log10(4 / error), of mean squared errors of pixels in [-1, 1]; infinite at error 0."""
    return 10 * torch.log10(4 / error)


def psnr_slope(sigmas: Float[Tensor, " k"], errors: Float[Tensor, "*s k"]) -> Float[Tensor, "*s"]:
    """Slope of the output PSNR on the input PSNR, least squares over the noise levels given, for each row of errors.

    1 where the error falls like sigma^2, 0 where noise does not matter. `errors` are mean squared errors per pixel; average them
    over images first, since a mean of PSNRs is another number. Choose a range of sigma where the curve is straight.
    Raises ValueError for fewer than 2 levels, another number of errors, or anything that is not positive.
    """
    if errors.shape[-1:] != sigmas.shape or len(sigmas) < 2 or not bool((sigmas > 0).all() and (errors > 0).all()):
        raise ValueError(
            f"errors of shape {tuple(errors.shape)} at sigmas {sigmas.tolist()}: expected one error for each of at least 2 noise "
            "levels, all positive"
        )
    given = psnr(sigmas.double() ** 2).to(errors.device)
    given = given - given.mean()
    return psnr(errors.double()) @ given / (given @ given)
