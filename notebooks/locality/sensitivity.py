# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Is a denoiser local because of its network, or because of its data?
#
# **The data suffice.** The best *linear* denoiser knows a mean and a covariance and nothing of convolution. On images it is local
# all the same: at $\sigma = 0.1$ half of the squared weight for a pixel lies in a square of {glue:text}`side_low:.1f` pixels a side,
# at $\sigma = 3$ of {glue:text}`side_high:.1f`. How wide it looks follows from the power spectrum: for $P(f) \propto f^{-a}$ the
# radius grows as $\sigma^{2/a}$, to {glue:text}`law_error_2:.1%` on fields with $a = 2$, and with slope
# {glue:text}`photo_slope:.2f` on photographs whose spectrum asks for {glue:text}`photo_predicted:.2f`. Permute the pixels and the
# locality moves with them: the field is then {glue:text}`permuted_ratio:.1f` times as wide.

# %% tags=["hide-input"]
import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.edits import inverse, permutation, permute, remove_mean
from whence.data.fields import spectrum
from whence.data.images import draw
from whence.denoisers.wiener import Circulant, Wiener
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.glue import glue
from whence.figures.maps import fields
from whence.measures.error import denoising_error
from whence.measures.sensitivity import field, jacobian_rows, side
from whence.measures.spectrum import exponent, radial_spectrum
from whence.noise import log_grid
from whence.seeds import stream
from whence.stats import array, bootstrap, slope

# %% tags=["parameters"]
dataset: str = "photos"  # photos, digits, mnist, fashion_mnist or cifar10
seed: int = (
    0  # first seed; a seed chooses the images, the noise and the permutation
)
n_seeds: int = 5  # how many seeds, counted up from the first
n_pool: int = 8000  # training images
n_heldout: int = 200  # held-out images
size: int = 0  # side of an image in pixels, 0 for the data set's own
law_size: int = 48  # side of the crops on which the radius law is tested; only photographs can be cut larger than they come
grey: bool = True  # luma only
field_size: int = 512  # side of the exact fields
exponents: list[float] = [1.0, 2.0, 3.0]  # spectrum exponents of the exact fields
n_sigmas: int = 16  # noise levels on the axes
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## The best linear denoiser
#
# Noise an image as $y = x + \sigma z$, pixels in $[-1, 1]$. Of all affine functions of $y$ the one nearest to $x$ in expected square is
# the Wiener filter {cite}`wiener1949`. With the mean $\mu$ and covariance $S = U \operatorname{diag}(\lambda)\, U^\top$ of the images,
#
# $$
# \begin{aligned}
# D(y, \sigma) &= \mu + W_\sigma (y - \mu), \\
# W_\sigma &= S (S + \sigma^2 I)^{-1} \\
# &= U \operatorname{diag}\!\left(\frac{\lambda}{\lambda + \sigma^2}\right) U^\top .
# \end{aligned}
# $$ (wiener)
#
# *Why:* the error of $W$ is $\operatorname{tr}\,(W - I) S (W - I)^\top + \sigma^2 \operatorname{tr}\, W W^\top$; its derivative in $W$
# vanishes where $W (S + \sigma^2 I) = S$. Any law with this mean and covariance has the same best linear denoiser, so it is what a
# *linear network* learns from the data, whatever its architecture {cite}`lukoianov2025locality`.
#
# The **sensitivity field** of output pixel $q$ is what the answer there owes to each input pixel $p$,
# $S_q(p) = \mathbb E\,|\partial D(y)_q / \partial y_p|$, here simply row $q$ of $|W_\sigma|$. Its width is the side of the centred square
# that holds half of its mass.

# %%
where = choose(device)
seeds = range(seed, seed + n_seeds)
sigmas = log_grid(0.03, 30, n_sigmas)


def images(split, n, s, side=None):
    return draw(dataset, split, n, s, side or size or None, grey).to(where)


def centre(side):
    return torch.tensor([[side // 2, side // 2]], device=where)


def anywhere(denoiser):
    """Some y: a linear denoiser has the same field at every one."""
    return denoiser.mean[None].float()


def widths(denoiser, levels, power, pixels=None):
    """Side of the square with half a field's mass, at each noise level, averaged
    over the output pixels (a dead pixel has no field and does not count)."""
    y = anywhere(denoiser)
    pixels = centre(y.shape[-1]) if pixels is None else pixels
    rows = (denoiser.jacobian(y, float(level), pixels) for level in levels)
    sides = [side(field(row, power), pixels).nanmean() for row in rows]
    return torch.stack(sides).cpu()


def per_seed(measure):
    """(S, ...): a measure of every seed."""
    return torch.stack([measure(s) for s in seeds])


# %%
pools = {s: images("train", n_pool, s) for s in seeds}
wieners = {s: Wiener.fit(pools[s]) for s in tqdm(seeds, desc="covariances")}
width = len(wieners[seed].mean[0])

# %% [markdown]
# Before anything is read off the closed form, one look at whether it is what automatic differentiation finds:

# %%
x = pools[seed][:2]
y = (
    x + 0.3 * torch.randn(x.shape, generator=stream(seed, "check")).to(where)
).double()
closed = wieners[seed].jacobian(y, 0.3, centre(width))
found = jacobian_rows(wieners[seed], y, 0.3, centre(width))
print(f"largest difference: {(closed - found).abs().max():.1e}")

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Sensitivity fields of the best linear denoiser for the centre pixel, one noise level each: a point at low noise, wider as the noise grows, the whole crop at last. Nothing in it is a convolution.", "name": "fig-linear-fields"}}
shown = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
y = anywhere(wieners[seed])
fields(
    {
        f"σ = {sigma:g}": field(wieners[seed].jacobian(y, sigma, centre(width)))[0]
        for sigma in shown
    },
    alt="Six heat maps of the linear denoiser's weights around the centre pixel for noise from 0.03 to 10: "
    "concentrated on a few pixels at low noise, spreading over the whole crop at high noise.",
)

# %% [markdown]
# ## Its width against the noise
#
# Two measures of width part company at low noise. Half of the *absolute* weight is the published one {cite}`niedoba2025pspc`; with a
# covariance estimated from finitely many images it counts thousands of tiny wrong entries, each nothing, together most of the mass.
# Half of the *squared* weight does not listen to them.

# %%
squared_sides = per_seed(lambda s: widths(wieners[s], sigmas, 2))
absolute_sides = per_seed(lambda s: widths(wieners[s], sigmas, 1))
fewer = {s: Wiener.fit(pools[s][: n_pool // 4]) for s in seeds}
fewer_sides = per_seed(lambda s: widths(fewer[s], sigmas, 1))

levels = torch.tensor([0.03, 0.1, 3.0, 30.0])
absolute = per_seed(lambda s: widths(wieners[s], levels, 1))
squared = per_seed(lambda s: widths(wieners[s], levels, 2))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Width of the linear denoiser's field against noise. By squared weight it grows steadily; by absolute weight it turns up again at low noise, the more so with fewer images: that branch is the noise of the covariance, not the denoiser's. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-width"}}
curves(
    sigmas,
    {
        "squared": squared_sides,
        "absolute": absolute_sides,
        "abs., n/4": fewer_sides,
    },
    "noise σ",
    "side of the square, pixels",
    alt="Side of the square holding half the weight against noise. By squared weight it grows from under one pixel to most of the crop. "
    "By absolute weight it is smallest in between and rises again at low noise, more with a quarter of the images.",
)

# %%
glue("side_low", squared[:, 1].mean())
glue("side_high", squared[:, 2].mean())
glue("n_pool", n_pool)
glue("n_seeds", n_seeds)
report("locality/linear-denoiser-is-local", squared[:, 1])

# %%
band = (sigmas >= 0.1) & (sigmas <= 3)
widening = [slope(sigmas[band].log(), row[band].log()) for row in squared_sides]
report("locality/field-widens-with-noise", widening)

# %% [markdown]
# A trained network (DDPM++ on CIFAR-10) needs a square of 3 pixels at $\sigma = 0.03$ and of 13 at $\sigma = 30$ for half the absolute
# weight {cite}`niedoba2025pspc`. The linear denoiser of these images needs {glue:text}`absolute_low:.1f` and
# {glue:text}`absolute_high:.1f`, and both claims are judged by that:

# %%
glue("absolute_low", absolute[:, 0].mean())
glue("absolute_high", absolute[:, 3].mean())
report("locality/as-wide-as-a-network-at-low-noise", absolute[:, 0])

# %%
report("locality/as-wide-as-a-network-at-high-noise", absolute[:, 3])

# %% [markdown]
# At low noise the published measure reads the estimation noise of the covariance (the figure above: fewer images, wider field); the
# part of the field that matters is far narrower than a network's. At high noise the field is wide for a reason of its own, found in
# the last section. So the two agree in what they do, narrow at low noise and wide at high, and not in these figures.
#
# ## Shift invariance that nobody built in
#
# A convolution answers every pixel by the same rule. The linear denoiser has a separate row for each pixel, $d^2$ free numbers; if the
# rows come out as shifted copies of one another, the images have put that there.

# %%
step = min(6, width // 4)  # 6 pixels, less on images too small for it
offsets = [
    (i, j) for i in (-step, 0, step) for j in (-step, 0, step) if (i, j) != (0, 0)
]


def cut(wiener, pixel, sigma=0.3, reach=4):
    """The signed weights around a pixel, zero outside of the image."""
    at = torch.tensor([pixel], device=where)
    row = wiener.jacobian(anywhere(wiener), sigma, at)[0, 0, 0, 0]
    padded = torch.nn.functional.pad(row, (reach,) * 4)
    rows, columns = (slice(i, i + 2 * reach + 1) for i in pixel)
    return padded[rows, columns].flatten().cpu()


def likeness(wiener):
    middle = width // 2
    places = [(middle + i, middle + j) for i, j in [(0, 0), *offsets]]
    cuts = torch.stack([cut(wiener, place) for place in places])
    return torch.corrcoef(cuts)[0, 1:].mean().item()


alike = [likeness(wieners[s]) for s in seeds]
glue("alike", sum(alike) / n_seeds)
report("locality/shift-invariance-without-convolution", alike)

# %% [markdown]
# ## How wide: the spectrum decides
#
# On a stationary field $S$ is diagonal in Fourier space with eigenvalues $P(f)$, so the filter is the kernel
#
# $$
# k_\sigma = \mathcal F^{-1}\!\left[ \frac{P(f)}{P(f) + \sigma^2} \right] .
# $$ (kernel)
#
# For $P(f) = c\,f^{-a}$ the bracket is $1 / (1 + (\ell f)^a)$ with the length $\ell = (\sigma^2 / c)^{1/a}$. Noise enters through $\ell$
# alone: in two dimensions $k_\sigma(r) = \ell^{-2} g(r / \ell)$ for one fixed shape $g$ (for $a = 2$ the Bessel function $K_0$), and
# every width is a constant times $\ell$:
#
# $$
# \text{radius} \;\propto\; \sigma^{2/a} .
# $$ (law)
#
# The law has a window. Below about 1.5 pixels the grid rules, above about a twelfth of the field its border does. And it has a
# condition: the power law goes on to $f = 0$, where $P$ is infinite, that is, the field's mean level is unknown and must be read off
# the field. With a known mean, $P(0) = 0$, the kernel sums to nothing, half of its absolute mass is a faint negative background over
# the whole field, and no law is to be seen (the last number below; what that means for images is the last section).


# %%
def law(a, levels, level_known=False):
    """Radius of half the kernel's absolute mass on an exact field, at each level."""
    power, origin = spectrum(field_size, a), torch.tensor([[0, 0]])
    power[0, 0] = 0 if level_known else 1e30
    circulant = Circulant(power)
    kernels = (circulant.kernel(float(level)).abs()[None] for level in levels)
    return torch.stack([side(k, origin, torus=True)[0] / 2 for k in kernels])


def window(radius, width):
    return (radius > 1.5) & (radius < width / 12)


def law_slope(radius, levels, width):
    """Log-log slope inside the window, nan when the window is empty."""
    inside = window(radius, width)
    if inside.sum() < 2:
        return float("nan")
    return slope(levels[inside].log(), radius[inside].log())


fine = log_grid(1e-2, 1e2, 40)
radii = {a: law(a, fine) for a in exponents}
slopes = {a: law_slope(radius, fine, field_size) for a, radius in radii.items()}
for a in exponents:
    known = law_slope(law(a, fine, level_known=True), fine, field_size)
    print(
        f"a = {a:g}: slope {slopes[a]:.3f}, predicted {2 / a:.3f}; mean known {known:.3f}"
    )

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The radius law on exact fields, drawn inside its window: the measured radius lies on the line of slope 2/a (dashed) for each spectrum exponent a.", "name": "fig-law"}}
inside = {
    a: torch.where(window(radius, field_size), radius, torch.nan)
    for a, radius in radii.items()
}


def predicted(a, radius):
    """A line of slope 2/a through the middle of the window."""
    known = torch.isfinite(radius)
    at = known.nonzero().flatten()[known.sum() // 2]
    return torch.where(known, radius[at] * (fine / fine[at]) ** (2 / a), torch.nan)


curves(
    fine,
    {f"a = {a:g}": radius for a, radius in inside.items()},
    "noise σ, in units of the field's standard deviation",
    "radius, pixels",
    alt="Radius against noise on log axes for spectrum exponents one, two and three: three straight lines, each on its dashed "
    "prediction of slope two over a, the steepest for exponent one.",
    logy=True,
    dashed=[predicted(a, radius) for a, radius in inside.items()],
)

# %%
for a in exponents:
    if a in (1, 2, 3):
        glue(f"law_error_{a:g}", abs(slopes[a] * a / 2 - 1))
        glue(f"law_slope_{a:g}", slopes[a])
        print(report(f"locality/radius-law-exponent-{a:g}", slopes[a]))

# %% [markdown]
# The slopes are {glue:text}`law_slope_1:.3f`, {glue:text}`law_slope_2:.3f` and {glue:text}`law_slope_3:.3f` for
# $a = 1, 2, 3$, where the law asks for 2, 1 and 2/3.
#
# ## On photographs
#
# Their spectrum is near a power law {cite}`field1987natural`. The exponent is read off the crops (Hann window, each crop's mean
# removed) between the lowest frequencies, which the window smears, and the highest, which the camera and the compression shape;
# images of fewer than 24 pixels have to make do with all of it.


# %%
def on_images(s):
    """Measured slope, predicted slope, exponent and power spectrum of one seed."""
    pool = images("train", n_pool, s, law_size if dataset == "photos" else None)
    frequency, power = radial_spectrum(pool)
    side = pool.shape[-1]
    low, high = (3, side / 4) if side >= 24 else (1, side / 2)
    a = exponent(frequency, power, low, high)
    levels = log_grid(0.05, 10, 40)
    radius = widths(Wiener.fit(pool), levels, 2) / 2
    return law_slope(radius, levels, side), 2 / a, a, power


law_rows = [on_images(s) for s in tqdm(seeds, desc="radius law")]
measured, asked, a_found = (array([row[i] for row in law_rows]) for i in range(3))
glue("photo_slope", measured.mean())
glue("photo_predicted", asked.mean())
glue("photo_exponent", a_found.mean())
glue("law_size", law_size)
print(
    f"a = {bootstrap(a_found)}\n2/a = {bootstrap(asked)}\nslopes {measured.round(3)}"
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Power spectrum of the images with the line of the fitted exponent (dashed): near a power law, steeper towards high frequencies, with a floor of noise and compression.", "name": "fig-spectrum"}}
powers = torch.stack([row[3] for row in law_rows]).cpu()
k = torch.arange(1, powers.shape[1] + 1).double()
fit = powers.mean(0).log()[2:].mean() - (-a_found.mean() * k.log())[2:].mean()
curves(
    k,
    {"images": powers},
    "frequency, cycles per image",
    "power",
    alt="Power against frequency on log axes: nearly a straight line falling over several decades, slightly bent.",
    logy=True,
    dashed=[(fit - a_found.mean() * k.log()).exp()],
)

# %%
verdict = "images too small: no width falls inside the window"
if (measured == measured).all():
    verdict = report("locality/radius-law-on-photographs", measured - asked)
verdict

# %% [markdown]
# ## The same pixels, permuted
#
# Move every pixel to a new place, the same move for all images. The covariance becomes $Q S Q^\top$, so $W_\sigma$ becomes
# $Q W_\sigma Q^\top$: the error is what it was, and the field is as concentrated as before, *on the pixels that used to be neighbours*.
# On the page they lie scattered. A convolution cannot follow {cite}`kadkhodaie2024generalization`; this filter does.


# %%
def permuted(s, sigma=0.3):
    """Ratio of the widths, relative change of the held-out error, field, field put back."""
    move = permutation(width, s).to(where)
    shuffled = Wiener.fit(permute(pools[s], move))
    x = images("test", n_heldout, s)
    z = torch.randn(x.shape, generator=stream(s, "permuted")).to(where)
    before = denoising_error(wieners[s], x, sigma, z).mean()
    moved = permute(x, move), permute(z, move)
    after = denoising_error(shuffled, moved[0], sigma, moved[1]).mean()
    middle = width // 2
    near = torch.arange(middle - width // 8, middle + width // 8 + 1, device=where)
    seats = torch.cartesian_prod(near, near)  # whichever pixels sit there
    wide = [
        widths(wiener, [sigma], 2, seats).item()
        for wiener in (shuffled, wieners[s])
    ]
    target = int((move == middle * width + middle).nonzero()[0])
    seat = torch.tensor([[target // width, target % width]], device=where)
    scattered = field(shuffled.jacobian(anywhere(shuffled), sigma, seat))
    back = permute(scattered[None], inverse(move))[0]
    return wide[0] / wide[1], float(after / before - 1), scattered[0], back[0]


shuffles = [permuted(s) for s in tqdm(seeds, desc="permutations")]
spread = [row[0] for row in shuffles]
change = max(abs(row[1]) for row in shuffles)
print(f"relative change of the held-out error: {change:.1e} at most")

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The field of one pixel before the permutation, after it, and after it with every pixel put back: permuted data make a scattered field, and it is the same field.", "name": "fig-permuted"}}
true = field(wieners[seed].jacobian(anywhere(wieners[seed]), 0.3, centre(width)))[0]
fields(
    {
        "true layout": true,
        "permuted layout": shuffles[0][2],
        "permuted, put back": shuffles[0][3],
    },
    alt="Three heat maps: a compact field around the centre, the same weights scattered over the whole image, "
    "and the compact field again once the pixels are put back.",
)

# %%
glue("permuted_ratio", sum(spread) / n_seeds)
report("locality/locality-follows-the-permutation", spread)

# %% [markdown]
# ## Why it is so wide at high noise
#
# Crops differ in brightness more than in anything else, and every pixel of a crop tells of it. Take each image's mean level out of the
# data and see what is left.

# %%
flat = {
    s: Wiener.fit(remove_mean(pools[s])) for s in tqdm(seeds, desc="mean removed")
}
without = per_seed(lambda s: widths(flat[s], sigmas, 2))
narrower = per_seed(lambda s: widths(flat[s], [3.0], 2)[0]) / squared[:, 2]

# %% tags=["hide-input"] mystnb={"figure": {"caption": "With each image's mean level removed the field stays narrower at high noise: part of its width is the brightness of the crop. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-mean-level"}}
curves(
    sigmas,
    {"as they are": squared_sides, "mean removed": without},
    "noise σ",
    "side of the square, pixels",
    alt="Width of the field against noise for images as they are and with their mean level removed; the second curve stays below the "
    "first at high noise.",
)

# %%
glue("narrower", narrower.mean())
report("locality/mean-level-widens-the-field", narrower)

# %% [markdown]
# Without its mean level a crop needs {glue:text}`narrower:.0%` of the width at $\sigma = 3$. In the language of equation {eq}`kernel`: a
# crop's mean level is the frequency $f = 0$, the one with the most power, and the last to drown in the noise.
#
# **What stays open.** The law is exact for stationary Gaussian fields and holds on photographs only as far as their spectrum is one
# power law inside a window that a crop of {glue:text}`law_size:.0f` pixels leaves narrow. And a linear denoiser is not a network: whether
# trained networks follow the same data, or their own architecture, is for the notebooks to come.
