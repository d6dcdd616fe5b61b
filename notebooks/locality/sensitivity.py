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
# **The data suffice.** The best *linear* denoiser knows a mean and a covariance and nothing of convolution. On images it is local all the
# same: at noise $\sigma = 1$ half of the squared weight for a pixel lies in a square of {glue:text}`side_one:.1f` pixels a side, of an
# image of {glue:text}`width:.0f`; with the same pixels permuted it takes {glue:text}`side_one_permuted:.1f`. How wide it looks follows
# from the power spectrum: for $P(f) \propto f^{-a}$ the radius grows as $\sigma^{2/a}$, to {glue:text}`law_error_2:.1%` on exact fields
# with $a = 2$, and on these images with slope {glue:text}`photo_slope:.2f` where their spectrum asks for
# {glue:text}`photo_predicted:.2f`.

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
dataset: str = "photos"  # photos, fields, digits, mnist, fashion_mnist or cifar10
seed: int = 0  # first seed; a seed chooses images, noise and permutation
n_seeds: int = 5  # how many seeds, counted up from the first
n_pool: int = 8000  # training images
n_heldout: int = 200  # held-out images
size: int = 0  # side of an image in pixels, 0 for the data set's own
law_size: int = 48  # side of the crops for the radius law, for photos and fields
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
# Before anything is read off the eigenvectors, the same row by other means: by solving with the sample covariance, and by automatic
# differentiation of the denoiser.

# %%
flat = pools[seed].flatten(1).double()
q = (width // 2) * width + width // 2
S = torch.cov(flat.T, correction=0)
solved = torch.linalg.solve(S + 0.3**2 * torch.eye(len(S), device=where), S[:, q])
y = anywhere(wieners[seed]).double()
closed = wieners[seed].jacobian(y, 0.3, centre(width))[0, 0, 0].flatten()
found = jacobian_rows(wieners[seed], y, 0.3, centre(width))[0, 0, 0].flatten()
for name, row in {"solved": solved, "differentiated": found}.items():
    print(f"{name}: largest difference {(row - closed).abs().max():.1e}")

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
counts = [n_pool // k for k in (8, 4, 2, 1)]
fewer = {s: [Wiener.fit(pools[s][:n]) for n in counts[:-1]] for s in seeds}
fewer_sides = per_seed(lambda s: widths(fewer[s][1], sigmas, 1))

levels = torch.tensor([0.03, 1.0, 3.0, 30.0])
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
glue("side_one", squared[:, 1].mean())
glue("width", width)
report("locality/linear-denoiser-is-local", squared[:, 1] / width)

# %%
band = (sigmas >= 0.1) & (sigmas <= 3)
widening = [slope(sigmas[band].log(), row[band].log()) for row in squared_sides]
report("locality/field-widens-with-noise", widening)

# %% [markdown]
# At low noise the published measure depends on how many images the covariance was estimated from, the squared one hardly:


# %%
def by_count(s):
    """(powers, counts): absolute and squared width at the lowest level, by images."""
    some = [*fewer[s], wieners[s]]
    return torch.tensor(
        [[widths(w, levels[:1], p).item() for w in some] for p in (1, 2)]
    )


few = per_seed(by_count)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Width at the lowest noise, 0.03, against the number of training images: by absolute weight it is a property of the estimate and still falling, by squared weight it is one of the data. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-width-count"}}
curves(
    counts,
    {"absolute": few[:, 0], "squared": few[:, 1]},
    "training images",
    "side of the square, pixels",
    alt="Side of the square holding half the weight at noise 0.03 against the number of training images. By absolute weight it falls "
    "with more images; by squared weight it is small and nearly constant once there are more images than pixels.",
)

# %% [markdown]
# A trained network (DDPM++ on CIFAR-10) needs a square of 3 pixels at $\sigma = 0.03$ and of 13 at $\sigma = 30$ for half the absolute
# weight, averaged over output pixels {cite}`niedoba2025pspc`. The linear denoiser of these images needs
# {glue:text}`absolute_low:.1f` and {glue:text}`absolute_high:.1f` at the centre. The first figure is as much about the number of images
# as about the denoiser; the second is about the images, whatever their number.

# %%
glue("absolute_low", absolute[:, 0].mean())
glue("absolute_high", absolute[:, 3].mean())
report("locality/as-wide-as-a-network-at-low-noise", absolute[:, 0])

# %%
report("locality/as-wide-as-a-network-at-high-noise", absolute[:, 3])

# %% [markdown]
# ## Shift invariance that nobody built in
#
# A convolution answers every pixel by the same rule. The linear denoiser has a separate row for each pixel, $d^2$ free numbers; if the
# rows come out as shifted copies of one another, the images have put that there. The pixel itself is left out of the comparison: its
# weight is the largest for any data. As a control, the same on images whose pixels have been permuted.

# %%
step = min(6, width // 4)  # 6 pixels, less on images too small for it
offsets = [
    (i, j) for i in (-step, 0, step) for j in (-step, 0, step) if (i, j) != (0, 0)
]


def cut(wiener, pixel, sigma=0.3, reach=4):
    """The signed weights around a pixel but not of it, zero outside of the image."""
    at = torch.tensor([pixel], device=where)
    row = wiener.jacobian(anywhere(wiener), sigma, at)[0, 0, 0, 0]
    padded = torch.nn.functional.pad(row, (reach,) * 4)
    rows, columns = (slice(i, i + 2 * reach + 1) for i in pixel)
    around = padded[rows, columns].flatten().cpu()
    return torch.cat([around[: len(around) // 2], around[len(around) // 2 + 1 :]])


def likeness(wiener):
    middle = width // 2
    places = [(middle + i, middle + j) for i, j in [(0, 0), *offsets]]
    cuts = torch.stack([cut(wiener, place) for place in places])
    alike = torch.corrcoef(cuts)[0, 1:]
    return alike.nan_to_num(0).mean().item()  # a dead pixel has no field to compare


moves = {s: permutation(width, s).to(where) for s in seeds}
shuffled = {
    s: Wiener.fit(permute(pools[s], moves[s])) for s in tqdm(seeds, desc="permuted")
}
alike = [likeness(wieners[s]) for s in seeds]
control = bootstrap([likeness(shuffled[s]) for s in seeds])
print(f"correlation {bootstrap(alike)}; with permuted pixels {control}")
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
# the whole field, and no law is to be seen (the last number below; the last section takes the mean level out of images).


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
# ## On images
#
# The spectrum of photographs is near a power law {cite}`field1987natural`. The exponent is read off the crops (Hann window, each crop's mean
# removed) between the lowest frequencies, which the window smears, and the highest, which the camera and the compression shape;
# images of fewer than 24 pixels have to make do with all of it.


# %%
law_side = law_size if dataset in ("photos", "fields") else width
law_range = (3, law_side / 4) if law_side >= 24 else (1, law_side / 2)


def on_images(s):
    """Measured slope, predicted slope, exponent and power spectrum of one seed."""
    pool = images("train", n_pool, s, law_side)
    frequency, power = radial_spectrum(pool)
    a = exponent(frequency, power, *law_range)
    if n_pool < pool[0].numel():  # the width would be that of the estimation noise
        return float("nan"), 2 / a, a, power
    levels = log_grid(0.05, 10, 40)
    radius = widths(Wiener.fit(pool), levels, 2) / 2
    return law_slope(radius, levels, law_side), 2 / a, a, power


law_rows = [on_images(s) for s in tqdm(seeds, desc="radius law")]
measured, asked, a_found = (array([row[i] for row in law_rows]) for i in range(3))
glue("photo_slope", measured.mean())
glue("photo_predicted", asked.mean())
glue("law_side", law_side)
print(
    f"a = {bootstrap(a_found)}\n2/a = {bootstrap(asked)}\nslopes {measured.round(3)}"
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Power spectrum of the images, with the fitted power law over the range it was fitted to (dashed): a power law in the middle, not at either end. Band: 95 % bootstrap interval over seeds.", "name": "fig-spectrum"}}
powers = torch.stack([row[3] for row in law_rows]).cpu()
k = torch.arange(1, powers.shape[1] + 1).double()
fitted = (k >= law_range[0]) & (k <= law_range[1])
level = (powers.mean(0).log() + a_found.mean() * k.log())[fitted].mean()
line = torch.where(fitted, (level - a_found.mean() * k.log()).exp(), torch.nan)
curves(
    k,
    {"images": powers},
    "frequency, cycles per image",
    "power",
    alt="Power against frequency on log axes: a falling curve, close to the dashed line of the fitted power law over the middle range.",
    logy=True,
    dashed=[line],
)

# %%
verdict = (
    "no width falls inside the window, or fewer images than pixels: not judged"
)
if (measured == measured).all():
    verdict = report("locality/radius-law-on-photographs", measured - asked)
verdict

# %% [markdown]
# The slope is {glue:text}`photo_slope:.2f` and the law asks for {glue:text}`photo_predicted:.2f`. Where the two differ beyond the
# interval, look at the spectrum: radii of a few pixels are ruled by its high frequencies, where it is no longer the power law that was
# fitted to its middle.
#
# ## The same pixels, permuted
#
# Move every pixel to a new place, the same move for all images. The covariance becomes $Q S Q^\top$, so $W_\sigma$ becomes
# $Q W_\sigma Q^\top$: the error is what it was, and the field is as concentrated as before, *on the pixels that used to be neighbours*.
# On the page they lie scattered. A convolution cannot follow {cite}`kadkhodaie2024generalization`; this filter does.


# %%
def permuted(s, sigma=0.3):
    """Widths (permuted, true), change of the held-out error, field, field put back."""
    move, x = moves[s], images("test", n_heldout, s).double()
    z = torch.randn(x.shape, generator=stream(s, "permuted"), dtype=x.dtype).to(
        where
    )
    before = denoising_error(wieners[s], x, sigma, z).mean()
    moved = permute(x, move), permute(z, move)
    after = denoising_error(shuffled[s], moved[0], sigma, moved[1]).mean()
    middle = width // 2
    near = torch.arange(middle - width // 8, middle + width // 8 + 1, device=where)
    seats = torch.cartesian_prod(near, near)  # whichever pixels sit there
    pair = shuffled[s], wieners[s]
    wide = [widths(wiener, [sigma, 1.0], 2, seats) for wiener in pair]
    target = int((move == middle * width + middle).nonzero()[0])
    seat = torch.tensor([[target // width, target % width]], device=where)
    scattered = field(shuffled[s].jacobian(anywhere(shuffled[s]), sigma, seat))
    back = permute(scattered[None], inverse(move))[0]
    return wide, float(after / before - 1), scattered[0], back[0]


shuffles = [permuted(s) for s in tqdm(seeds, desc="permutations")]
spread = [float(after[0] / before[0]) for (after, before), *_ in shuffles]
glue("side_one_permuted", torch.stack([row[0][0][1] for row in shuffles]).mean())
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
report("locality/locality-follows-the-permutation", spread)

# %% [markdown]
# ## Why it is so wide at high noise
#
# Images differ in brightness, and every pixel of an image tells of it. Take each image's mean level out of the data and see what is
# left.

# %%
flat = {
    s: Wiener.fit(remove_mean(pools[s])) for s in tqdm(seeds, desc="mean removed")
}
without = per_seed(lambda s: widths(flat[s], sigmas, 2))
narrower = per_seed(lambda s: widths(flat[s], [3.0], 2)[0]) / squared[:, 2]

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Width of the field with each image's mean level in the data and without it: the difference, where there is one, is what the brightness of the image is worth to its pixels. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-mean-level"}}
curves(
    sigmas,
    {"as they are": squared_sides, "mean removed": without},
    "noise σ",
    "side of the square, pixels",
    alt="Width of the field by squared weight against noise, one curve for images as they are and one for images with their mean level "
    "removed; they part at high noise.",
)

# %%
high = {p: per_seed(lambda s, p=p: widths(flat[s], [30.0], p)[0]) for p in (1, 2)}
glue("narrower", narrower.mean())
glue("squared_high", squared[:, 3].mean())
glue("squared_high_flat", high[2].mean())
glue("absolute_high_flat", high[1].mean())
report("locality/mean-level-widens-the-field", narrower)

# %% [markdown]
# Without its mean level an image needs {glue:text}`narrower:.0%` of the width at $\sigma = 3$, and at $\sigma = 30$
# {glue:text}`squared_high_flat:.1f` pixels instead of {glue:text}`squared_high:.1f` by squared weight, but
# {glue:text}`absolute_high_flat:.1f` instead of {glue:text}`absolute_high:.1f` by absolute weight: brightness is where the strong
# weights come from, not all of the weak ones. In the language of equation {eq}`kernel`: the mean level is the frequency $f = 0$, on
# photographs the one with the most power, and the last to drown in the noise.
#
# **What stays open.** The law is exact for stationary Gaussian fields and holds on images only as far as their spectrum is one power law
# inside a window that {glue:text}`law_side:.0f` pixels leave narrow. And a linear denoiser is not a network: whether trained networks
# follow the same data, or their own architecture, is for the notebooks to come.
