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
# # When does a network stop remembering and start to generalise, and in what basis does it then shrink?
#
# **It depends on how many images it has seen.** Trained on {glue:text}`fewest:.0f` images, a small convolutional network denoises them
# {glue:text}`gap_few:.1f` dB better than others of the same kind, and what it makes from noise correlates at {glue:text}`copies_few:.2f`
# with one of them. Trained for as many steps on {glue:text}`most:,.0f`, the difference is {glue:text}`gap_many:.2f` dB, and two networks
# whose images have no pixel in common make, from the same noise, images that correlate at {glue:text}`agree_many:.2f`; with the nearest
# training image they correlate at {glue:text}`copies_many:.2f`. At noise $\sigma = 0.3$ such a network keeps about
# {glue:text}`kept_directions:.0f` of {glue:text}`directions:.0f` directions. They depend on the image: a tenth of all directions holds
# {glue:text}`held_own:.0%` of an image in the basis found there, {glue:text}`held_another:.0%` in the one found at another image, and
# {glue:text}`held_covariance:.0%` in the eigenvectors of the covariance.

# %% tags=["hide-input"]
from functools import cache

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.calpha import calpha
from whence.data.edits import permutation, permute, remove_mean
from whence.data.halves import half, with_contrast
from whence.data.images import draw
from whence.denoisers.optimal import Optimal
from whence.denoisers.sample import coarse_to_fine, final
from whence.denoisers.wiener import Wiener
from whence.denoisers.wrap import Blind
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.maps import gallery
from whence.measures.bases import cosine_basis, energy_held, frequency_order
from whence.measures.error import denoising_error
from whence.measures.jacobian import asymmetry, harmonic_basis, jacobian
from whence.measures.likeness import likeness, most_alike
from whence.measures.sure import estimated_trace, sure
from whence.nets.build import build
from whence.noise import log_grid
from whence.seeds import stream
from whence.stats import bootstrap, slope
from whence.train.learn import Recipe, learn

# %% tags=["parameters"]
dataset: str = "photos"  # photos, fields, digits, mnist, fashion_mnist or cifar10
seed: int = 0  # first seed; a seed chooses images, first weights and noise
n_seeds: int = 3  # how many seeds, counted up from the first
size: int = 16  # side of an image in pixels
contrast: float = 0.1  # images of a smaller standard deviation are left out
counts: list[int] = [4, 40, 400, 4000]  # training images, ascending
width: int = 8  # channels of the networks at full resolution
n_steps: int = 1000  # training steps of each network, whatever its images
n_batch: int = 16  # images a step
rate: float = 4e-3  # learning rate at its highest
n_heldout: int = 128  # images for each error
n_samples: int = 12  # samples of each network
n_ascent: int = 400  # steps of the sampler at most
n_jacobians: int = 8  # images at which the whole Jacobian is taken
n_calpha: int = 2000  # C^alpha images to train on
calpha_size: int = 32  # their side in pixels
n_calpha_steps: int = 2000  # training steps on them
n_calpha_batch: int = 16  # images a step
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two networks that have seen nothing in common
#
# Noise an image as $y = x + \sigma z$, pixels in $[-1, 1]$. With few training images the best that training can reach is to know them by
# heart: [the optimal denoiser](memorisation) answers with one of them. Whether a network has come to that can be seen without opening
# it {cite}`kadkhodaie2024generalization`: train two, on images without a pixel in common, from other first weights, in another order.
# Where both give the same answer, it is not a training image.
#
# The networks are small UNets that are *not told* $\sigma$, and *without additive constants*: scaling the input scales the
# output. All are trained for the same number of steps with $\sigma = 2 U^2$, $U$ uniform, as in the paper, on squared error.


# %%
where = choose(device)
seeds = range(seed, seed + n_seeds)
fewest, most = counts[0], counts[-1]


def noise(shape, s, *names):
    return torch.randn(shape, generator=stream(s, *names)).to(where)


def learned(name, pool, s, steps, batch, about):
    """A blind denoiser trained on a pool; `about` says what the pool is."""
    scales = (1, 2, 2) if pool.shape[-1] % 4 == 0 else (1, 2)
    plain = {"norm": False, "bias": False, "conditioned": False}
    shape = tuple(pool.shape[1:])
    network = build("unet", shape, s, width=width, multipliers=scales, **plain)
    recipe = Recipe(steps, batch, rate, average=0.99, seed=s)
    return learn(Blind(network), pool, recipe, about, name)


# %% [markdown]
# Photographs are cut into stripes, alternately of one half and the other, and crops without contrast, such as of the sky, are left out:
# without their mean level nothing is left to compare. The sets are nested: a larger one begins with the smaller.


# %%
def images(split, n, s):
    """The first n images with contrast of a split, or of half 0 or 1 of training."""
    give = half if split in (0, 1) else draw

    def source(m):
        return give(dataset, split, m, s, size, True)

    return with_contrast(source, n, contrast).to(where)


drawn = {"dataset": dataset, "size": size, "grey": True, "contrast": contrast}
halves = {s: [images(which, most, s) for which in (0, 1)] for s in seeds}


def pair(s, n):
    """Two networks that share neither images nor first weights nor order."""
    kind, about = "harmonic-half", drawn | {"draw": s, "n": n}
    return [
        learned(kind, pool[:n], 2 * s + h, n_steps, n_batch, about | {"half": h})
        for h, pool in enumerate(halves[s])
    ]


def each(measure, title):
    """(S, counts, ...): a measure of every seed and number of images."""
    cases = tqdm([(s, n) for s in seeds for n in counts], desc=title)
    flat = torch.stack([torch.as_tensor(measure(s, n)) for s, n in cases]).cpu()
    return flat.unflatten(0, (n_seeds, len(counts)))


networks = {(s, n): pair(s, n) for s in seeds for n in counts}

# %% [markdown]
# ## The gap
#
# Denoise the training images and as many of the other network's, and compare
#
# $$
# \mathrm{PSNR} = 10 \log_{10} \frac{4}{\mathbb E\, \lVert D(y) - x \rVert^2 / d} ,
# $$ (harmonic-psnr)
#
# 4 being the square of the pixel range. Each set is once the one that was learned and once the one that was not, so it does not matter
# whether one of them is easier.

# %%
levels = log_grid(0.06, 2, 6)


def psnr(denoiser, x, z, at):
    """(levels,): PSNR over all of the images."""
    errors = [denoising_error(denoiser, x, float(v), z) for v in at]
    return 10 * torch.log10(4 / torch.stack(errors).double().mean(1))


def own_and_other(s, n):
    """(2, levels): PSNR on a network's own images and on the other one's."""
    rows = [pool[: min(n, n_heldout)] for pool in halves[s]]
    rows = [x.repeat(max(1, n_heldout // len(x)), 1, 1, 1) for x in rows]
    z = [noise(x.shape, s, "gap", h) for h, x in enumerate(rows)]
    one, two = networks[s, n]
    own = psnr(one, rows[0], z[0], levels) + psnr(two, rows[1], z[1], levels)
    other = psnr(one, rows[1], z[1], levels) + psnr(two, rows[0], z[0], levels)
    return torch.stack([own, other]) / 2


quality = each(own_and_other, "errors")
gap = (quality[:, :, 0] - quality[:, :, 1]).mean(-1)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Trained on few images, a network denoises these far better than others; trained on many, both alike. PSNR against noise, on a network's own training images and on the other network's, for the smallest and the largest training set. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-harmonic-psnr"}}
curves(
    levels,
    {
        f"own {fewest}": quality[:, 0, 0],
        f"other {fewest}": quality[:, 0, 1],
        f"own {most}": quality[:, -1, 0],
        f"other {most}": quality[:, -1, 1],
    },
    "noise σ",
    "PSNR, dB",
    alt=f"PSNR against noise in four falling curves: networks trained on {fewest} and on {most} images, each on its own training images "
    "and on the images of the other network.",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The gap between training and unseen images closes as the training set grows. How much better a network denoises its own training images than the other network's, against the number of training images, averaged over the noise levels. Band: 95 % bootstrap interval over seeds.", "name": "fig-harmonic-gap"}}
curves(
    counts,
    {"gap": gap},
    "training images",
    "own minus other, dB",
    alt=f"The gap in PSNR between own and other images, {gap[:, 0].mean():.1f} dB for {fewest} training images and "
    f"{gap[:, -1].mean():.2f} dB for {most}.",
    levels=[(0, "no gap")],
)

# %% [markdown]
# ## What they make of the same noise
#
# A blind denoiser tells how noisy an image is by what it takes away: $s = \lVert D(y) - y \rVert / \sqrt d$. Coarse-to-fine ascent
# {cite}`kadkhodaie2021stochastic` goes a part $h$ of the way to $D(y)$ and puts some noise back,
#
# $$
# \begin{aligned}
# y &\leftarrow y + h\, (D(y) - y) + \gamma z, \\
# \gamma^2 &= \left[ (1 - \beta h)^2 - (1 - h)^2 \right] s^2 ,
# \end{aligned}
# $$ (harmonic-ascent)
#
# so that $s$ falls by $1 - \beta h$ a step. Both networks start from the same $y$ and are disturbed by the same $z$. Two images
# are compared by their correlation, each without its mean level.


# %%
@cache
@torch.no_grad()
def samples(s, n):
    y = 2 * noise((n_samples, *halves[s][0].shape[1:]), s, "start")
    return [
        final(coarse_to_fine(network, y, s, stop=0.1, limit=n_ascent))
        for network in networks[s, n]
    ]


def known(s, n):
    return torch.cat([pool[:n] for pool in halves[s]])


def alikeness(s, n):
    """Of the pair; of a sample and the nearest own image; the nearest of either
    half; and how many samples are flatter than any training image."""
    one, two = samples(s, n)
    own = [
        most_alike(x, pool[:n]).correlation
        for x, pool in zip((one, two), halves[s], strict=True)
    ]
    either = most_alike(torch.cat([one, two]), known(s, n)).correlation
    flat = torch.cat([one, two]).flatten(1).std(1, correction=0) < contrast
    rows = likeness(one, two), torch.cat(own), either, flat.float()
    return torch.stack([row.mean() for row in rows])


alike = each(alikeness, "samples")

# %% [markdown]
# A correlation needs something to be held against: dashed below is how well *unseen* images correlate with the nearest training image.
# The more training images there are, and the smoother they are, the higher that is, without any copying.

# %%
new = {s: images("test", n_heldout, s) for s in seeds}
chance = each(
    lambda s, n: most_alike(new[s], known(s, n)).correlation.mean(), "chance"
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "On few images samples are copies; on many they are about as near to a training image as unseen images are, and about as near to the other network's samples. Correlation of the two networks' samples from the same noise, and of a sample with the nearest training image of either, against the number of training images. Dashed: of unseen images with the nearest training image. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-harmonic-alike"}}
curves(
    counts,
    {"nearest image": alike[:, :, 2], "each other": alike[:, :, 0]},
    "training images",
    "correlation",
    alt=f"Two curves against the number of training images. The correlation with the nearest training image goes from {alike[:, 0, 2].mean():.2f} "
    f"to {alike[:, -1, 2].mean():.2f}, that of the two networks' samples from {alike[:, 0, 0].mean():.2f} to {alike[:, -1, 0].mean():.2f}.",
    dashed=[chance.mean(0)],
    ylim=(0, 1.02),
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "On few images a network draws its own training images; on many, most samples of either fade. Samples from the same noise, a column each: of one network, of the other, and the training image of either that is nearest to the first.", "name": "fig-harmonic-samples"}}
rows = {}
for n in (fewest, counts[len(counts) // 2], most):
    one, two = (x[:8] for x in samples(seed, n))
    near = most_alike(one, known(seed, n)).place
    rows |= {f"{n} images: one network": one, f"{n} images: the other": two}
    rows[f"{n} images: the nearest of them to the first"] = known(seed, n)[near]
gallery(
    rows,
    alt="Nine rows of samples: for three numbers of training images the samples of two networks from the same noise and the nearest "
    "training images.",
)

# %%
glue("fewest", fewest)
glue("most", most)
glue("gap_few", gap[:, 0].mean())
glue("gap_many", gap[:, -1].mean())
glue("copies_few", alike[:, 0, 1].mean())
glue("copies_many", alike[:, -1, 2].mean())
glue("agree_few", alike[:, 0, 0].mean())
glue("agree_many", alike[:, -1, 0].mean())
glue("chance_many", chance[:, -1].mean())
glue("flat_many", alike[:, -1, 3].mean())
glue("contrast", contrast)
agree = alike[:, -1, 0] - alike[:, -1, 2]
report("locality/networks-on-disjoint-halves-agree", agree)

# %%
report("locality/networks-on-few-images-differ", alike[:, 0, 0])

# %%
report("locality/networks-on-few-images-copy", alike[:, 0, 1])

# %%
report("locality/gap-opens-on-few-images", gap[:, 0])

# %%
report("locality/gap-closes-on-many-images", gap[:, -1])

# %% [markdown]
# The gap tells remembering from generalising clearly; the samples do so less sharply here. At {glue:text}`most:,.0f` images those of the
# two networks correlate at {glue:text}`agree_many:.2f`, against {glue:text}`agree_few:.2f` at {glue:text}`fewest:.0f`, and with the nearest
# training image at {glue:text}`copies_many:.2f`. An unseen image correlates with its nearest at {glue:text}`chance_many:.2f`: among many
# small crops there is always a similar one, copied or not. And {glue:text}`flat_many:.0%` of the samples are flatter than any training image
# (a deviation under {glue:text}`contrast:.1f`). Without additive constants $D(a y) = a D(y)$ for $a > 0$: a faint image under faint noise is
# to such a network what a strong one is under strong noise, so nothing holds up a sample that has begun to fade, and its faint remains are
# compared like any image.

# %% [markdown]
# ## The basis it shrinks in
#
# A network without additive constants is, on the piece of space around $y$, a matrix: $D(y) = J(y)\, y$ with the Jacobian
# $J = \partial D / \partial y$. The optimal denoiser's is symmetric and has no negative eigenvalue, since it is a covariance
# {cite}`miyasawa1961`: $J(y) = \operatorname{Cov}[x \mid y] / \sigma^2$. If the network's is too, it denoises by shrinking along an
# orthogonal basis,
#
# $$
# D(y) = \sum_k \lambda_k \langle y, e_k \rangle\, e_k ,
# $$ (harmonic-shrinkage)
#
# as the [best linear denoiser](sensitivity) does, with the difference that this basis may depend on the image.


# %%
def basis_at(s, sigma=0.3):
    """Clean, noisy and denoised images, the asymmetry and the eigenbasis there."""
    x, net = new[s][:n_jacobians], networks[s, most][0]
    y = x + sigma * noise(x.shape, s, "basis")
    J, denoised = jacobian(net, y, sigma).double(), net(y, sigma)
    product = (J @ y.double().flatten(1)[..., None]).reshape(y.shape)
    print(f"seed {s}: D(y) - J y reaches {(denoised - product).abs().max():.0e}")
    basis = harmonic_basis(J, tuple(x.shape[1:]))
    return x, y, denoised, J, basis


found = {s: basis_at(s) for s in tqdm(seeds, desc="Jacobians")}
skew = [float(asymmetry(found[s][3]).mean()) for s in seeds]
values = torch.stack([found[s][4].values for s in seeds]).cpu()
inside = ((values > -0.05) & (values < 1.05)).double().mean((1, 2))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The less the network keeps of a pattern, the finer the pattern is. Three unseen images, noisy and denoised, and eigenvectors of the network's Jacobian there, grey being zero; above, how much is kept of each, below, their places. Of the first one more than all is kept: below is what that may come from.", "name": "fig-harmonic-eigenvectors"}}
x, y, denoised, _, basis = found[seed]
places = [k for k in (0, 2, 5, 10, 20, 40, 80) if k < x[0].numel()]
rows = {}
for i in range(min(3, len(x))):
    peaks = basis.images[i].abs().amax((1, 2, 3), keepdim=True)
    vectors = (basis.images[i] / peaks)[places].float()
    kept = ", ".join(f"{v:.2f}" for v in basis.values[i][places].tolist())
    rows[f"kept: {kept}"] = torch.cat(
        [x[i, None], y[i, None], denoised[i, None], vectors]
    )
gallery(
    rows,
    alt="Rows of ten small images: an unseen image, the same under noise, denoised, and eigenvectors of the Jacobian from the first to "
    "the eighty-first, coarse ones first.",
    notes=["clean", "noisy", "denoised", *(f"{k + 1}" for k in places)],
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Most eigenvalues lie between 0 and 1 and fall off much as the best linear denoiser's do; what stands out lies at the two ends. Eigenvalues of the symmetric part of the Jacobian at σ = 0.3, in descending order, averaged over images. Dashed: the best linear denoiser of the same training images. Band: 95 % bootstrap interval over seeds.", "name": "fig-harmonic-eigenvalues"}}
linear = {s: Wiener.fit(halves[s][0]) for s in seeds}
ranks = torch.arange(1, values.shape[-1] + 1)
gains = linear[seed].matrix(0.3)  # symmetric: its eigenvalues are its gains
curves(
    ranks,
    {"network": values.mean(1)},
    "place of the eigenvalue",
    "eigenvalue",
    alt="Eigenvalues against their place on a log axis: a falling curve from about one to about zero, beside the dashed one of the best "
    "linear denoiser.",
    dashed=[torch.linalg.eigvalsh(gains).flip(0)],
)

# %%
report("locality/jacobian-is-nearly-symmetric", skew)

# %%
report("locality/denoising-is-shrinkage", inside)

# %% [markdown]
# What is not symmetric about it? These networks are not told $\sigma$ and have to guess it from $y$. A guess $s(y)$ adds to the Jacobian
# the product of two vectors, $\partial D / \partial s$ and the gradient of $s$, which points along the noise that is found, $y - D(y)$.
# The symmetric part of such a product has one positive and one negative eigenvalue, which may be what stands out at the two ends of
# {numref}`fig-harmonic-eigenvalues`; its antisymmetric part lives in one plane, and the noise that was found lies in it.


# %%
def plane(s):
    """Share of J - J^T in its leading plane, and of the residual in that plane."""
    _, y, denoised, J, _ = found[s]
    left, size, _ = torch.linalg.svd(J - J.mT)
    residual = (y - denoised).double().flatten(1)
    along = (left[:, :, :2].mT @ residual[..., None]).square().sum((1, 2))
    share = size[:, :2].square().sum(1) / size.square().sum(1)
    return torch.stack([share, along / residual.square().sum(1)]).mean(1).cpu()


planes = torch.stack([plane(s) for s in seeds])
glue("in_plane", planes[:, 0].mean())
glue("noise_in_plane", planes[:, 1].mean())
glue("by_chance", 2 / values.shape[-1])
glue("skew", sum(skew) / n_seeds)
print(f"in the plane {bootstrap(planes[:, 0])}, noise {bootstrap(planes[:, 1])}")

# %% [markdown]
# One plane of {glue:text}`directions:.0f` dimensions' worth holds {glue:text}`in_plane:.0%` of the antisymmetric part, and
# {glue:text}`noise_in_plane:.0%` of the noise that was found, where a plane drawn at random would hold {glue:text}`by_chance:.1%`. The
# asymmetry of {glue:text}`skew:.2f` is in good part the price of not knowing $\sigma$, which an image of a few hundred pixels does not
# tell for certain; the larger the image, the smaller that price.

# %% [markdown]
# ## How many directions, and what that tells of the error
#
# The trace of $J$ counts the directions that are kept. For any denoiser it also tells the error without the clean image, by Stein's
# unbiased estimate {cite}`stein1981estimation`:
#
# $$
# \mathbb E\, \frac{\lVert D(y) - x \rVert^2}{d} = \mathbb E \left[ \frac{\lVert y - D(y) \rVert^2}{d} - \sigma^2
# + \frac{2 \sigma^2}{d} \operatorname{tr} J(y) \right] .
# $$ (harmonic-sure)


# %%
def estimate(s, sigma=0.3):
    """Unbiased estimate over the true error, means over noisy unseen images."""
    x, net = new[s].repeat(8, 1, 1, 1), networks[s, most][0]
    z, generator = noise(x.shape, s, "sure"), stream(s, "probe")
    parts = (x + sigma * z).split(256)
    guess = torch.cat([sure(net, y, sigma, generator) for y in parts]).mean()
    return float(guess / denoising_error(net, x, sigma, z).mean())


def directions(s):
    """(2, levels): mean trace of the network's Jacobian, and of the linear one's."""
    x, net = new[s], networks[s, most][0]
    z, generator = noise(x.shape, s, "trace"), stream(s, "trace probe")
    traces = [estimated_trace(net, x + v * z, float(v), generator) for v in levels]
    both = [
        torch.stack([trace.mean().double() for trace in traces]),
        torch.stack([linear[s].matrix(float(v)).trace() for v in levels]),
    ]
    return torch.stack(both).cpu()


def against_linear(s):
    """(levels,): PSNR of the network minus that of the linear denoiser."""
    x, net, z = new[s], networks[s, most][0], noise(new[s].shape, s, "against")
    return (psnr(net, x, z, levels) - psnr(linear[s], x, z, levels)).cpu()


told = [estimate(s) for s in seeds]
behind = -torch.stack([against_linear(s) for s in seeds]).mean(0)
print("dB behind the linear denoiser:", [f"{v:.2f}" for v in behind.tolist()])
dimensions = torch.stack([directions(s) for s in seeds])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The network keeps fewer directions than the best linear denoiser at low noise, and more where noise is loudest. How many directions are kept: the trace of the Jacobian against noise, for the network on unseen images and for the best linear denoiser. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-harmonic-dimension"}}
curves(
    levels,
    {"network": dimensions[:, 0], "linear": dimensions[:, 1]},
    "noise σ",
    "directions kept",
    alt="The trace of the Jacobian against noise on log axes, falling for the network and for the best linear denoiser.",
    logy=True,
)

# %%
glue("behind_least", behind[0])
glue("least", levels[0])
glue("behind_middle", behind[2])
glue("middle", levels[2])
glue("kept_directions", values.sum(-1).mean())
glue("directions", values.shape[-1])
report("locality/trace-tells-the-error", told)

# %% [markdown]
# ## Oscillations, bent to the image
#
# The eigenvectors look like waves, slow ones kept and fast ones discarded, as in a Fourier basis; unlike there they follow the
# image. Both can be measured: the mean frequency of an eigenvector against its place, and how few eigenvectors hold the clean image. For
# comparison: the network's eigenvectors at *another* image, and two bases from the training images that know of no image at all, the
# eigenvectors of their covariance and the cosine transform, its frequencies in the order of their mean energy.


# %%
def order(s):
    basis = found[s][4]
    pairs = zip(basis.images, basis.values, strict=True)
    return sum(frequency_order(e[v > 0.01]) for e, v in pairs) / len(basis.values)


def compaction(s):
    """(4, d): energy of images in the first vectors of the four bases."""
    x, pool = remove_mean(found[s][0]), remove_mean(halves[s][0])
    own = found[s][4].images.flatten(2)
    covariance = torch.zeros_like(own[0])
    covariance[: linear[s].basis.shape[1]] = linear[s].basis.T
    bases = own, own.roll(1, 0), covariance, cosine_basis(pool)
    return torch.stack([energy_held(basis, x).mean(0) for basis in bases])


energy = torch.stack([compaction(s) for s in seeds]).cpu()
tenth = max(1, energy.shape[-1] // 10)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The network's basis at an image holds no more of it than the covariance's, but on average more than its basis at another image. Share of a clean image's energy in the first vectors of a basis: the network's at that image under noise σ = 0.3, the network's at another image, the covariance's, and the cosine transform. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-harmonic-compaction"}}
curves(
    ranks,
    {
        "its own": energy[:, 0],
        "another's": energy[:, 1],
        "covariance": energy[:, 2],
        "cosine": energy[:, 3],
    },
    "number of vectors",
    "share of the image's energy",
    alt="Share of the energy against the number of vectors for four bases, all rising towards one.",
    marks=[(tenth, "compared here")],
    ylim=(0, 1.02),
)

# %%
report("locality/basis-oscillates", [order(s) for s in seeds])

# %%
gain = energy[:, 0, tenth - 1] - energy[:, 2, tenth - 1]
glue("held_own", energy[:, 0, tenth - 1].mean())
glue("held_another", energy[:, 1, tenth - 1].mean())
glue("held_covariance", energy[:, 2, tenth - 1].mean())
glue("tenth", tenth)
report("locality/basis-adapts-to-the-image", gain)

# %% [markdown]
# A tenth of the vectors, {glue:text}`tenth:.0f`, holds {glue:text}`held_own:.1%` of a clean image in the basis that the network has found on
# the noisy one, and {glue:text}`held_another:.1%` in the basis it has found at another image: that much is adapted. The eigenvectors of the
# covariance hold {glue:text}`held_covariance:.1%`. They are in the order that is best on average, while the network's own order has
# to put up with what it takes for signal in a single noisy image.
#
# ## Images for which the best rate is known
#
# A $C^\alpha$ image is $\alpha$ times differentiable except across a contour, which is $\alpha$ times differentiable too. As the noise
# falls, the best possible PSNR on the worst such images rises with slope
#
# $$
# \frac{\mathrm d\, \mathrm{PSNR}_{\text{out}}}{\mathrm d\, \mathrm{PSNR}_{\text{in}}} = \frac{\alpha}{\alpha + 1} ,
# \qquad \mathrm{PSNR}_{\text{in}} = 10 \log_{10} \frac{4}{\sigma^2} ,
# $$ (harmonic-rate)
#
# and no basis chosen in advance gets there: it takes one that bends with the contour {cite}`kadkhodaie2024generalization`. The slope is
# fitted from $\sigma = 0.5$, above which the noise exceeds what differs between these images and no detail is left to resolve, down to
# $\sigma = 0.04$, below which fewer than one in seven of the training images were noised.

# %%
alphas = [1.0, 2.0, 3.0, 5.0]
published = {1.0: 0.46, 2.0: 0.61, 3.0: 0.75, 5.0: 0.83}
rough = log_grid(0.04, 0.5, 8)
psnr_in = 20 * torch.log10(2 / rough)


def smooth(alpha, split, n, s):
    generator = stream(s, "calpha", f"{alpha:g}", split)
    return calpha(n, calpha_size, alpha, generator).to(where)


def smooth_network(alpha, pool, s):
    about = {"dataset": "calpha", "alpha": alpha, "size": calpha_size}
    about |= {"draw": s, "n": n_calpha}
    return learned(
        "harmonic-calpha", pool, s, n_calpha_steps, n_calpha_batch, about
    )


def rates(alpha, s):
    """PSNR (network, linear) against noise on unseen C^alpha images."""
    pool = smooth(alpha, "train", n_calpha, s)
    x = smooth(alpha, "test", n_heldout, s)
    denoisers = smooth_network(alpha, pool, s), Wiener.fit(pool, "ledoit-wolf")
    z = noise(x.shape, s, "rate", f"{alpha:g}")
    rows = [psnr(denoiser, x, z, rough) for denoiser in denoisers]
    return torch.stack(rows).cpu()


psnr_out = {
    a: torch.stack([rates(a, s) for s in seeds]) for a in tqdm(alphas, desc="rates")
}


def slopes(alpha, kind, some=slice(None)):
    """Of every seed, for the network (0) or the linear denoiser (1)."""
    rows = psnr_out[alpha][:, kind, some]
    return [slope(psnr_in[some], row) for row in rows]


# %% tags=["hide-input"] mystnb={"figure": {"caption": "Images that are α times differentiable on either side of a contour that is, too: the smoother, the fewer numbers say what they are.", "name": "fig-harmonic-calpha-images"}}
gallery(
    {f"α = {a:g}": smooth(a, "test", 6, seed) for a in alphas},
    alt="Four rows of six images, each of two shaded grounds on either side of a curve: ragged at alpha one, smooth at alpha five.",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The network meets the optimal rate at α = 1 and falls short of it on smoother images. Slope of output on input PSNR for each regularity α: the network, the best linear denoiser, the optimal rate α/(α+1), and the network of the paper (80 × 80 pixels, 100,000 images). Lines: 95 % bootstrap intervals over seeds, a tick for each.", "name": "fig-harmonic-slopes"}}
dots(
    {
        f"α = {a:g}": {
            "network": slopes(a, 0),
            "linear": slopes(a, 1),
            "optimal": a / (a + 1),
            "published": published[a],
        }
        for a in alphas
    },
    "slope of PSNR out on PSNR in",
    alt="For each regularity four dots: measured slopes of the network and of the best linear denoiser, the optimal one, and the published "
    "one.",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "On the smoother images the network leaves the optimal line as the noise falls. Output PSNR against input PSNR for the least and the most regular images, with lines of the optimal slope through the noisiest point (dashed). Bands: 95 % bootstrap intervals over seeds.", "name": "fig-harmonic-rates"}}
ends = (alphas[0], alphas[-1])
first = {a: psnr_out[a][:, 0, -1].mean() for a in ends}
curves(
    psnr_in,
    {f"α = {a:g}": psnr_out[a][:, 0] for a in ends},
    "input PSNR, dB",
    "output PSNR, dB",
    alt="Output against input PSNR for alpha one and five: both rise, beside straight dashed lines of the optimal slopes.",
    logx=False,
    dashed=[first[a] + a / (a + 1) * (psnr_in - psnr_in[-1]) for a in ends],
)

# %%
noisy = slice(len(rough) // 2, None)  # the upper half of the noise levels
ahead = torch.stack([rows[:, 0] - rows[:, 1] for rows in psnr_out.values()])
glue("ahead_least", ahead[..., 0].mean())
glue("ahead_most", ahead[..., -1].mean())
for a in alphas:
    print(f"alpha {a:g}: linear {bootstrap(slopes(a, 1))}")
    glue(f"slope_{a:g}", sum(slopes(a, 0)) / n_seeds)
    glue(f"slope_linear_{a:g}", sum(slopes(a, 1)) / n_seeds)
    glue(f"slope_noisy_{a:g}", sum(slopes(a, 0, noisy)) / n_seeds)
report("locality/calpha-slope-1", slopes(1.0, 0))

# %%
report("locality/calpha-slope-2", slopes(2.0, 0))

# %%
report("locality/calpha-slope-3", slopes(3.0, 0))

# %%
report("locality/calpha-slope-5", slopes(5.0, 0))

# %% [markdown]
# The network's slopes are {glue:text}`slope_1:.2f`, {glue:text}`slope_2:.2f`, {glue:text}`slope_3:.2f` and {glue:text}`slope_5:.2f` for
# $\alpha = 1, 2, 3, 5$, where the optimal ones are .50, .67, .75 and .83; the best linear denoiser of the same images has
# {glue:text}`slope_linear_1:.2f`, {glue:text}`slope_linear_2:.2f`, {glue:text}`slope_linear_3:.2f` and {glue:text}`slope_linear_5:.2f`.
# That is no smaller error: at the most noise the network is {glue:text}`ahead_most:.1f` dB ahead of the linear denoiser, at the least
# {glue:text}`ahead_least:.1f` dB, on average over $\alpha$. {numref}`fig-harmonic-rates` shows where it leaves the optimal line: from the
# noisy end it rises more steeply (in the upper half of the noise levels the slopes are {glue:text}`slope_noisy_1:.2f`,
# {glue:text}`slope_noisy_2:.2f`, {glue:text}`slope_noisy_3:.2f` and {glue:text}`slope_noisy_5:.2f`), then it bends. The smoother the images,
# the smaller the error that is asked for at low noise, and the sooner a small network, trained briefly, cannot give it. The published slopes
# are those of a larger one, trained for longer on more images.
#
# ## The same pixels, permuted
#
# Where does the basis come from? Move every pixel to another place, the same move for all images. Distances between images stay what
# they were, so the optimal denoiser makes the same error as before, up to rounding, and so does the best linear one. A network made of
# convolutions does not {cite}`kadkhodaie2024generalization`: it was made for neighbours that have something to do with each other.


# %%
moved_levels = [0.06, 0.12, 0.3, 0.6, 1.0, 2.0]


def moved_network(pool, s):
    about = drawn | {"draw": s, "half": 0, "n": most, "edit": "permuted"}
    return learned("harmonic-moved", pool, 2 * s, n_steps, n_batch, about)


def moved(s):
    """(3, levels): what the permutation costs optimal, linear and network, dB."""
    move, pool = permutation(size, s).to(where), halves[s][0]
    plain = pool, new[s], noise(new[s].shape, s, "moved")
    after = tuple(permute(images, move) for images in plain)
    kinds = [
        (Optimal(pool[:2048]), Optimal(after[0][:2048])),
        (linear[s], Wiener.fit(after[0])),
        (networks[s, most][0], moved_network(after[0], s)),
    ]
    return torch.stack(
        [
            psnr(before, *plain[1:], moved_levels)
            - psnr(then, *after[1:], moved_levels)
            for before, then in kinds
        ]
    ).cpu()


lost = torch.stack([moved(s) for s in tqdm(seeds, desc="permuted")])
for name, row in zip(("optimal", "linear", "network"), lost.unbind(1), strict=True):
    print(
        f"{name}: {row.abs().max():.1e} dB at most, at 0.3 {row[:, 2].mean():.2g} dB"
    )

# %% tags=["hide-input"] mystnb={"figure": {"caption": "What a fixed permutation of the pixels costs on unseen images, each denoiser given its own kind of training images: the optimal and the best linear denoiser nothing, the convolutional network what is shown. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-harmonic-permuted"}}
curves(
    moved_levels,
    {name: lost[:, i] for i, name in enumerate(("optimal", "linear", "network"))},
    "noise σ",
    "loss, dB",
    alt="Loss in decibels against noise: zero throughout for the optimal and the linear denoiser, above zero for the network.",
)

# %%
glue("shuffled", lost[:, 2, 2].mean())
report("locality/shuffled-pixels-cost-the-network", lost[:, 2, 2])

# %% [markdown]
# Convolution is no part of the *optimum*, but it is of what a network of this kind reaches: at $\sigma = 0.3$ the permutation costs it
# {glue:text}`shuffled:.1f` dB. Which networks can follow the data and which cannot is [a question of its own](interventions).
#
# **Other images.** On CIFAR-10, 16 × 16 and grey, and on Fashion-MNIST, 14 × 14, three seeds each are on record, with
# every setting as it is here. There, too, remembering
# ends: the gap between own and other images goes from {measured}`locality/gap-opens-on-few-images cifar10` and
# {measured}`locality/gap-opens-on-few-images fashion_mnist` dB on the fewest to {measured}`locality/gap-closes-on-many-images cifar10` and
# {measured}`locality/gap-closes-on-many-images fashion_mnist` dB on the most images; the Jacobian is as far from symmetric
# ({measured}`locality/jacobian-is-nearly-symmetric cifar10` and {measured}`locality/jacobian-is-nearly-symmetric fashion_mnist`). In one
# point the verdicts differ: on Fashion-MNIST the basis does adapt, its leading vectors hold {measured}`locality/basis-adapts-to-the-image fashion_mnist`
# more of the image's energy than those of the covariance, on CIFAR-10 {measured}`locality/basis-adapts-to-the-image cifar10`. Why, we
# have not tested.
#
# **What stays open.** These networks are small, briefly trained, and not told the noise level, which {glue:text}`directions:.0f` pixels do
# not tell for certain. On unseen images they are {glue:text}`behind_least:.1f` dB behind the best linear denoiser, which is told, at
# $\sigma =$ {glue:text}`least:.2f`, and {glue:text}`behind_middle:.1f` dB at {glue:text}`middle:.2f`: the bases of a good denoiser of these
# images may be other ones. Crops of seven photographs are not
# independent, so {glue:text}`most:,.0f` of them are fewer than they seem: the count at which the gap closes is that of these data and this
# network, not a constant. The published networks saw 80 × 80 pixels, up to 100,000 faces and hundreds of thousands of steps; the profile
# `paper` comes nearer to that.
