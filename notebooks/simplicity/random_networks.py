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
# # How simple is a network before any training?
#
# **Simple, most of them, and how simple is up to the activation.** With random weights at the usual scale, three layers of ReLU have
# {glue:text}`relu_one:.2f` of white noise's mean frequency and three of sine {glue:text}`sine_one:.2f`. Weights thirty times as large
# change little with ReLU ({glue:text}`relu_thirty:.2f`) and everything with sine ({glue:text}`sine_thirty:.2f`, which is noise). For ReLU
# there is a reason that is exact, and its spectrum is known without drawing a network (to {glue:text}`wide_error:.1%`). It bears on what
# is *learnt*: of a colour and a digit that both name the number to tell, a simple network hears the colour alone (correlation with the
# digit {glue:text}`digit_small:.2f`), a more complex one also the digit ({glue:text}`digit_sweet:.2f`). It is not all: a ReLU network that
# fits {glue:text}`relu_hard_train:.0%` of its examples of a sum modulo 4 gets {glue:text}`relu_hard:.0%` of the unseen ones right, a tanh
# network of the complexity that validation chose {glue:text}`tanh_hard:.0%`, and "yes" to all would get {glue:text}`yes_hard:.0%`.

# %% tags=["hide-input"]
from dataclasses import replace
from itertools import islice

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.images import draw_labelled
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.maps import gallery
from whence.figures.tables import table
from whence.measures.complexity import (
    chebyshev,
    chebyshev_grid,
    cosines,
    expected_power,
    fourier,
    grid,
    lempel_ziv,
    mean_frequency,
    phrases,
)
from whence.nets.build import build
from whence.nets.gpt import greedy, untrained
from whence.nets.initial import randomise
from whence.nets.wide import relu_covariance
from whence.seeds import derive, stream
from whence.stats import bootstrap
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import labelled, logistic, squared

# %% tags=["parameters"]
dataset: str = (
    "digits"  # digits or mnist, for the two cues of the last but one section
)
seed: int = 0  # first seed; a seed chooses weights, splits and images
n_seeds: int = 3  # how many seeds, counted up from the first
n_networks: int = 4  # random networks per seed and kind
n_side: int = 32  # points along a side of the grid
width: int = 64  # units of a hidden layer
scales: list[float] = [
    0.3,
    1.0,
    3.0,
    10.0,
    30.0,
]  # of the random weights; with 1 and 30
n_spectrum: int = 40  # networks per seed whose spectra are pooled
spectrum_width: int = 256  # and how wide they are
n_steps: int = 1000  # of training, whole batches, for both tasks
task_width: int = 64  # units of a hidden layer of the networks that are trained
sum_prefactors: list[float] = [0.5, 1.0, 2.0, 4.0, 8.0]  # for the sums
cue_prefactors: list[float] = [0.3, 1.0, 3.0, 8.0, 24.0]  # for the cues
n_train: int = 500  # images of digits with a band of colour
n_band: int = 2  # pixels of that band
n_speakers: int = 4  # transformers per seed and kind
n_tokens: int = 36  # that each says
speaker_depth: int = 6  # blocks of a transformer
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## What to read complexity from
#
# Take a network $f: \mathbb R^2 \to \mathbb R$ with random weights, before any training, and look at its values on the square
# $[-1, 1]^2$. Three measures of how complex a function that is {cite}`teney2024redshift`, each divided by what white noise
# reads on the same grid:
#
# $$
# C_{\text{Fourier}} = \frac{\sum_k \lvert \hat f_k \rvert\, \lvert k \rvert}{\sum_k \lvert \hat f_k \rvert} ,
# \qquad
# C_{\text{Chebyshev}} = \text{the same with the degree of } T_{k_1}(x)\, T_{k_2}(y) ,
# \qquad
# C_{\text{LZ}} = \text{phrases of } f(x_1), f(x_2), \dots
# $$ (complexity)
#
# White noise has exchangeable coefficients in any orthonormal basis, so its mean frequency is the plain mean of $\lvert k \rvert$
# and needs no sampling. Which basis matters. A Fourier transform takes the square for a torus; where $f$ differs from one border to
# the other it meets a step, and reads that instead of $f$: a plane comes out at {glue:text}`plane_wrapped:.2f`. The cosine transform
# continues $f$ evenly, and reads {glue:text}`plane:.2f`. Values for Lempel-Ziv are cut into ten levels of equal share, and read along
# both axes in turn: one reading alone misses what repeats across its lines.

# %%
where = choose(device)
seeds = range(seed, seed + n_seeds)
plain = ("relu", "gelu", "tanh", "gauss", "sine")


def networks(
    s, n, depth=3, scale=1.0, width=width, how=None, skip=False, **options
):
    """n random networks of one seed as a stack, in float64."""
    options |= {"depth": depth, "width": width, "outputs": 1}
    made = [build("perceptron", (2,), 0, **options).double() for _ in range(n)]
    for i, net in enumerate(made):
        randomise(net, derive(s, "network", i), scale, **(how or {}))
        if skip:
            net.act = lambda h, act=net.act: h + act(h)
        for norm in net.norms:
            norm.eps = 0.0  # as in the definition
    return Stack.of([net.to(where) for net in made])


@torch.no_grad()
def values(points, stack):
    """(networks, ...): what they answer on a grid."""
    answers = stack(points.reshape(-1, 2).to(where)).movedim(-1, 1)
    return answers.reshape(-1, *points.shape[:-1]).cpu()


def complexity(s, **kind):
    """Mean over the networks of a seed: Fourier, Chebyshev and Lempel-Ziv."""
    stack = networks(s, n_networks, **kind)
    even, nodes = (
        values(points(n_side), stack) for points in (grid, chebyshev_grid)
    )
    each = [fourier(even), chebyshev(nodes), lempel_ziv(even)]
    return torch.stack([found.mean() for found in each])


def per_seed(measure):
    return torch.stack([measure(s) for s in seeds])


def frequencies(*kinds):
    """(S, kinds): Fourier complexity of networks of each kind."""

    def one(s, kind):
        return fourier(values(grid(n_side), networks(s, n_networks, **kind))).mean()

    return per_seed(lambda s: torch.stack([one(s, kind) for kind in kinds]))


# %% tags=["hide-input"]
points = grid(n_side)
known = {
    "a plane": points.sum(-1),
    "one tanh network": values(points, networks(seed, 1, activation="tanh"))[0],
    "one sine network, weights × 30": values(
        points, networks(seed, 1, activation="sine", scale=30.0)
    )[0],
    "white noise": torch.randn(n_side, n_side, generator=stream(seed, "white")),
}
rows = [
    [
        name,
        float(fourier(f, periodic=True)),
        float(fourier(f)),
        float(lempel_ziv(f)),
    ]
    for name, f in known.items()
]
glue("plane_wrapped", rows[0][1])
glue("plane", rows[0][2])
table(
    ["function", "Fourier, wrapped", "by cosines", "Lempel-Ziv"],
    rows,
    "Complexity of known functions relative to white noise",
)

# %% [markdown]
# ## Activation and size of the weights
#
# Biases are $U(-1, 1)$, weights $U(-s, s)$ with $s = \alpha \sqrt{6 / (n_{\text{in}} + n_{\text{out}})}$ and three hidden layers, as in
# the paper; the same seed at another scale $\alpha$ is the same network with larger weights.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Large weights turn smooth ramps into noise with sine and Gaussian, into thin rays with tanh, and into broad wedges with ReLU and GELU. Untrained networks as pictures: the value of one random network of each activation on the square, by the scale α of its weights (below).", "name": "fig-random_networks-pictures"}}


def picture(activation, scale):
    f = values(grid(n_side), networks(seed, 1, activation=activation, scale=scale))
    return 2 * (f - f.amin()) / (f.amax() - f.amin()) - 1


gallery(
    {a: torch.stack([picture(a, scale) for scale in scales]) for a in plain},
    alt="Rows of grey pictures, one for each activation, from small weights on the left to large ones on the right: with ReLU creases "
    "and facets, with the others smooth ramps that turn into ripples and, for sine, into noise.",
    notes=[f"α = {scale:g}" for scale in scales],
)


# %%
def sweep(s):
    """(activations, scales, measures) of one seed."""
    rows = [[complexity(s, activation=a, scale=c) for c in scales] for a in plain]
    return torch.stack([torch.stack(row) for row in rows])


swept = torch.stack([sweep(s) for s in tqdm(seeds, desc="scales")])
by_scale = dict(zip(plain, swept[..., 0].unbind(1), strict=True))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Larger weights make tanh, Gaussian and sine networks far more complex; those of ReLU and GELU level off and stay simple. Fourier complexity, relative to white noise, against the scale of the weights: three hidden layers, biases as they are. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-random_networks-scales"}}
curves(
    scales,
    by_scale,
    "scale of the weights α",
    "complexity, white noise = 1",
    alt="Complexity against the scale of the weights for five activations: ReLU and GELU level off at a small value, tanh, Gaussian and "
    "sine rise towards that of white noise.",
)

# %% [markdown]
# A ReLU network is homogeneous. Multiply the weights by $\alpha$ and the bias of layer $l$ by $\alpha^l$, and $f$ becomes
# $\alpha^{L} f$, of which no measure here can tell the difference. With biases that stay as they are, a large $\alpha$ only switches them
# off: the curve ends in a plateau, that of the network without biases. Layer normalisation is exact in the same way: with weights *and*
# biases times $\alpha$ every normalised layer is what it was. Both are tests of the library, the first is measured here.


# %%
def drift(s):
    """Largest relative change of the three measures from scale 1 to 30."""
    kept_pace = {"bias": [30.0 ** (i + 1) for i in range(4)]}
    after = complexity(s, scale=30.0, how=kept_pace)
    return (after / complexity(s) - 1).abs().max()


report("simplicity/relu-is-exactly-scale-free", per_seed(drift))

# %%
one, thirty = scales.index(1.0), scales.index(30.0)
growth = {a: by_scale[a][:, thirty] / by_scale[a][:, one] for a in plain}
for a in plain:
    print(f"{a}: from scale 1 to 30 times {bootstrap(growth[a])}")
for name, place in {"one": one, "thirty": thirty}.items():
    for a in ("relu", "sine"):
        glue(f"{a}_{name}", by_scale[a][:, place].mean())
glue("growth_relu", growth["relu"].mean())
glue("growth_tanh", growth["tanh"].mean())
report("simplicity/relu-does-not-hear-its-weights", growth["relu"])

# %%
others = torch.stack([growth[a] for a in ("tanh", "gauss", "sine")])
report(
    "simplicity/other-activations-hear-their-weights",
    others.amin(0) - growth["relu"],
)

# %% [markdown]
# "Unaffected" {cite}`teney2024redshift` is not quite what the plateau says: from scale 1 to 30 the complexity of ReLU networks becomes
# {glue:text}`growth_relu:.2f` times what it was, and that of tanh networks {glue:text}`growth_tanh:.1f` times. Nor is ReLU the simplest
# at small weights, where its creases show and the others are all but linear. What sets it apart is that it stops.
#
# The three measures were computed for every activation and scale. They read different things (a frequency, a degree, what repeats) and
# tell much the same; the smallest of their correlations is {glue:text}`alike:.2f`.


# %%
def least_correlation(table):
    """(activations, scales, measures): smallest Pearson correlation of two measures."""
    return torch.corrcoef(table.flatten(0, 1).T).min()


alike = torch.stack([least_correlation(found) for found in swept])
glue("alike", alike.mean())
report("simplicity/measures-agree", alike)

# %% [markdown]
# ## Depth, width, and what is added to a layer
#
# A hidden layer may be normalised before its activation, multiplied by a gate $\operatorname{sigmoid}(W' h + b')$, or be given a way
# around: $x + \phi(x)$ around the activation, as in the paper, or $h + \phi(W h + b)$ around the layer, as in a residual network.

# %%
depths = [1, 2, 3, 5]
by_depth = {}
for a in tqdm(plain, desc="depths"):
    kinds = [{"activation": a, "depth": d, "scale": 3.0} for d in depths]
    by_depth[a] = frequencies(*kinds)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "More layers make networks of every activation more complex on average, those of sine by far the most. Fourier complexity against the number of hidden layers, at scale 3. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-random_networks-depths"}}
curves(
    depths,
    by_depth,
    "hidden layers",
    "complexity, white noise = 1",
    alt="Complexity against the number of hidden layers for five activations at weights three times the default.",
    logx=False,
)

# %%
additions = {
    "as it is": {},
    "normalised": {"norm": True},
    "skip (activation)": {"skip": True},
    "skip (layer)": {"residual": True},
    "gated": {"gate": True},
}


shown = ("relu", "tanh", "sine")
added = {}
for name, kind in tqdm(additions.items(), desc="additions"):
    kinds = [{"activation": a, "scale": 30.0} | kind for a in shown]
    found = frequencies(*kinds)
    added[name] = dict(zip(shown, found.T, strict=True))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Layer normalisation makes tanh and sine networks much simpler, but ReLU networks more complex; a skip around the activation simplifies all three on average. What an addition to every layer does to the Fourier complexity at scale 30, three hidden layers: layer normalisation before the activation, a residual connection around it or around the whole layer, a sigmoid gate beside it. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-random_networks-additions"}}
dots(
    added,
    "complexity, white noise = 1",
    alt="Five rows, as it is, normalised, a skip around the activation, one around the layer, and gated, with dots for ReLU, tanh and sine: "
    "complexity relative to white noise.",
)

# %%
less = torch.stack(
    [
        added[name][a] / added["as it is"][a]
        for name in ("normalised", "skip (activation)")
        for a in shown
    ]
)
for name, kind in {"gated": "gated", "normalised": "normalised"}.items():
    for a in ("relu", "sine"):
        glue(f"{name}_{a}", (added[kind][a] / added["as it is"][a]).mean())
report("simplicity/normalisation-and-residuals-simplify", less.amax(0))

# %%
widths = [16, 64, 256]


def of_width(fan):
    kind = {"activation": "tanh", "scale": 10.0, "how": {"fan": fan}}
    kinds = [kind | {"width": w} for w in widths]
    return frequencies(*kinds)


by_width = {"by fan-in and fan-out": of_width("both"), "by fan-in": of_width("in")}
glue(
    "width_fan_in",
    (by_width["by fan-in"][:, 2] / by_width["by fan-in"][:, 0]).mean(),
)
for name, row in by_width.items():
    print(f"{name}: " + ", ".join(f"{bootstrap(column)}" for column in row.T))
paper = by_width["by fan-in and fan-out"]
glue("width_paper", (paper[:, 2] / paper[:, 0]).mean())
report("simplicity/width-does-not-matter", paper[:, 2] / paper[:, 0])

# %% [markdown]
# Normalisation and the way around the activation do to tanh and sine what the paper says: the one keeps their inputs small, the other
# makes a layer nearly linear where they are large. To ReLU normalisation does the opposite. At this scale the biases hardly count, and
# a normalised network then depends on the *direction* of its input alone, with a jump at the origin: ReLU becomes
# {glue:text}`normalised_relu:.2f` times as complex, sine {glue:text}`normalised_sine:.2f` times. A gate is a product, and ReLU with one
# is {glue:text}`gated_relu:.1f` times as complex as without.
#
# Width does matter under the paper's weights, {glue:text}`width_paper:.2f` times from 16 to 256 units, and for a reason that is no
# property of width: $s \propto 1 / \sqrt{n_{\text{in}} + n_{\text{out}}}$ shrinks the *first* layer, with its two inputs, as the next one
# grows. Scaled by $n_{\text{in}}$ alone the ratio is {glue:text}`width_fan_in:.2f`.
#
# ## The spectrum in closed form
#
# With normal weights of variance $\alpha^2 / n_{\text{in}}$ an infinitely wide network is a Gaussian process. For ReLU its covariance
# is the arc-cosine kernel {cite}`cho2009kernel`, layer upon layer, with $\theta$ the angle between two inputs under $K_l$:
#
# $$
# K_{l+1}(x, z) = \tfrac13 + \alpha^2 \sqrt{K_l(x, x)\, K_l(z, z)}\; \frac{\sin\theta + (\pi - \theta) \cos\theta}{2 \pi} .
# $$ (arc-cosine)
#
# The expected power of cosine $k$ is then $(C K C^\top)_{kk}$ with $C$ the transform: the mean frequency of a random network,
# with no network drawn.

# %%
law = {"fan": "in", "law": "normal"}
covariance = relu_covariance(grid(n_side).reshape(-1, 2), depth=3)
predicted = expected_power(covariance)


def pooled(s):
    stack = networks(s, n_spectrum, width=spectrum_width, how=law)
    return cosines(values(grid(n_side), stack)).square().mean(0)


spectra = per_seed(pooled)
ratio = mean_frequency(spectra) / mean_frequency(predicted)
glue("wide_error", abs(ratio.mean() - 1))
report("simplicity/spectrum-of-the-wide-limit", ratio)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The spectrum of random ReLU networks follows that of the infinitely wide limit, which needs no network to be drawn, at all frequencies. Power of the cosines along one axis: random ReLU networks, pooled, and the closed form of their infinitely wide limit (dashed). Band: 95 % bootstrap interval over seeds.", "name": "fig-random_networks-spectrum"}}
curves(
    range(1, n_side),
    {"networks": spectra[:, 1:, 0]},
    "half cycles k",
    "power",
    alt="Power against frequency on two logarithmic axes: the networks' spectrum lies on the dashed line of the wide limit.",
    logy=True,
    dashed=[predicted[1:, 0]],
)

# %% [markdown]
# ## Does it matter for what is learnt?
#
# A prefactor $a$ inside the activation, $\phi(a (W h + b))$, sets the complexity at the start {cite}`teney2024redshift`. First task: is
# $(x_1 + x_2) \bmod M$ at most $M / 2$, for all pairs of whole numbers from 0 to 15? The smaller $M$, the higher the frequency. 70 % of
# the pairs are for training, 15 % for choosing the prefactor, 15 % for the result. First weights are torch's own, smaller than those
# above; the steps are Adam's, on all examples at once.


# %%
def trained(shape, depth, x, y, loss, activation, inside=(1.0,)):
    """Networks for every prefactor and seed, each seed on its own examples; what
    they answer to (S, n, ...), as (S, prefactors, n)."""
    kind = {"outputs": 1, "width": task_width, "depth": depth}
    kind |= {"activation": activation}
    made = [build("perceptron", shape, s, **kind) for s in seeds]
    stack = Stack.of([net.to(where) for net in made for _ in inside])
    a = torch.tensor(inside, device=where).repeat(n_seeds)

    def answer(x):
        scaled = {
            name: w * a.reshape(-1, *[1] * (w.ndim - 1)) if "layers" in name else w
            for name, w in stack.weights.items()
        }
        return replace(stack, weights=scaled)(x)[..., 0]

    x, y = (t.repeat_interleave(len(inside), 0) for t in (x, y))
    batches = islice(labelled(x, y, None, range(len(stack))), n_steps)
    optimizer = torch.optim.Adam(stack.parameters(), 3e-3)
    for _ in fit(
        stack.parameters(), lambda b: loss(answer(b.x), b.y), batches, optimizer
    ):
        pass

    def answers(x):
        many = answer(x.repeat_interleave(len(inside), 0)).detach()
        return many.unflatten(0, (n_seeds, len(inside)))

    return answers


numbers = torch.cartesian_prod(torch.arange(16), torch.arange(16)).to(where)
parts = torch.tensor([180, 38, 38])  # training, validation, test
split = torch.stack(
    [torch.randperm(256, generator=stream(s, "split")) for s in seeds]
)
cut = [part.to(where) for part in split.split(parts.tolist(), 1)]


def modulo(M, activation, inside=(1.0,)):
    """(S, prefactors, 3): accuracy on the three parts."""
    x, y = numbers / 7.5 - 1, (numbers.sum(1) % M <= M / 2).float()

    def loss(f, y):
        return logistic((2 * y - 1) * f)

    answers = trained((2,), 3, x[cut[0]], y[cut[0]], loss, activation, inside)
    right = [(answers(x[i]) > 0) == y[i].bool()[:, None] for i in cut]
    return torch.stack([r.float().mean(-1) for r in right], -1).cpu()


easy, hard = (modulo(M, "relu")[:, 0] for M in (10, 4))
tuned = modulo(4, "tanh", sum_prefactors)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "At no prefactor are tanh networks clearly better than ReLU networks: the intervals over seeds are too wide. Accuracy on unseen pairs of the sum modulo 4 against the prefactor; the dotted line is the mean of the ReLU networks. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-random_networks-modulo"}}
curves(
    sum_prefactors,
    {"tanh": tuned[..., 2]},
    "prefactor",
    "test accuracy",
    alt="Test accuracy on the sum modulo four against the prefactor for tanh networks, with the accuracy of ReLU as a line.",
    levels=[(float(hard[:, 2].mean()), "ReLU")],
)

# %%
best = tuned[..., 1].mean(0).argmax()
for name, accuracy in {"easy": easy, "hard": hard}.items():
    glue(f"relu_{name}", accuracy[:, 2].mean())
    glue(f"relu_{name}_train", accuracy[:, 0].mean())
glue("tanh_hard", tuned[:, best, 2].mean())
glue("tanh_best", sum_prefactors[best])
glue("yes_hard", ((numbers.sum(1) % 4) <= 2).float().mean())
report(
    "simplicity/tuned-prefactor-beats-relu",
    tuned[:, best, 2] - hard[:, 2],
)

# %%
logs = torch.tensor(sum_prefactors).log2().double()
powers = torch.stack([logs**2, logs, torch.ones_like(logs)], 1)
quadratic = torch.linalg.lstsq(powers, tuned[..., 2].double().T).solution
report("simplicity/prefactor-has-an-optimum", quadratic[0])

# %% [markdown]
# With $M = 10$ the ReLU networks get {glue:text}`relu_easy:.0%` of the unseen pairs right, with $M = 4$ {glue:text}`relu_hard:.0%`, though
# they fit the training pairs of both ({glue:text}`relu_easy_train:.0%` and {glue:text}`relu_hard_train:.0%`). The tanh networks of
# prefactor {glue:text}`tanh_best:.1f`, which the validation pairs chose, get {glue:text}`tanh_hard:.0%`. Three quarters of all answers
# are "yes", so none of these networks has understood much. The published tanh networks solve the task; their sizes and how long they
# were trained stand in an appendix that we have not seen.
#
# Nor is it a matter of the prefactor alone: with first weights and biases as large as in the sections above, the tanh networks that
# fitted the training pairs did worse on the others than "yes".
#
# ## Two cues
#
# Second task: images of digits beside a few pixels of one colour, and a number to tell, the digit over 9. In training the colour says
# the same number. Afterwards digit and colour are drawn apart, and the answer's correlation with each says which of the two was learnt.


# %%
def images(part, n, s):
    """Digits, their number in [0, 1], and as many numbers drawn apart."""
    x, y = draw_labelled(dataset, part, n, s)[:2]
    apart = torch.randint(10, (n,), generator=stream(s, "colour", part))
    return x.flatten(1), y / 9, apart / 9


def beside(x, colour):
    """The images with a few pixels of one colour."""
    band = (2 * colour[..., None] - 1).expand(*x.shape[:-1], n_band)
    return torch.cat([x, band], -1).to(where)


def drawn(part, n):
    return [
        torch.stack(kind)
        for kind in zip(*(images(part, n, s) for s in seeds), strict=True)
    ]


def correlation(a, b):
    a, b = (t - t.mean(-1, keepdim=True) for t in (a, b))
    return torch.nn.functional.cosine_similarity(a, b, -1, 1e-12)


x, y, _ = drawn("train", n_train)
shape = (beside(x, y).shape[-1],)
unseen = {part: drawn(part, n_train // 4) for part in ("validation", "test")}


answers = trained(
    shape, 2, beside(x, y), y.to(where), squared, "tanh", cue_prefactors
)


def heard(part):
    """(S, prefactors, 2): correlation with the digit and with the colour."""
    new, digit, colour = unseen[part]
    said = answers(beside(new, colour)).cpu()
    return torch.stack(
        [correlation(said, cue[:, None]) for cue in (digit, colour)], -1
    )


chosen_on, learnt = heard("validation"), heard("test")

# %% tags=["hide-input"] mystnb={"figure": {"caption": "At small prefactors the answer is that of the colour alone; at larger ones the colour counts for less and the digit, on average, for more. Which cue a tanh network has learnt, by its prefactor: correlation of its answer with the digit and with the colour, drawn apart, on test images. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-random_networks-cues"}}
curves(
    cue_prefactors,
    {"digit": learnt[..., 0], "colour": learnt[..., 1]},
    "prefactor",
    "correlation with the answer",
    alt="Correlation of the network's answer with digit and with colour against the prefactor.",
)

# %%
small, middle = cue_prefactors.index(0.3), cue_prefactors.index(3.0)
sweet = chosen_on[..., 0].mean(0).argmax()
digit = learnt[..., 0]
for name, i in {"small": small, "middle": middle, "large": -1}.items():
    glue(f"digit_{name}", learnt[:, i, 0].mean())
    glue(f"colour_{name}", learnt[:, i, 1].mean())
glue("sweet", cue_prefactors[sweet])
glue("digit_sweet", digit[:, sweet].mean())
glue("prefactor_large", cue_prefactors[-1])
report(
    "simplicity/complex-networks-see-the-digit", digit[:, middle] - digit[:, small]
)

# %%
report(
    "simplicity/too-complex-networks-lose-the-digit",
    digit[:, sweet] - digit[:, -1],
)

# %% [markdown]
# At prefactor 0.3 the answer is the colour's ({glue:text}`colour_small:.2f`, and {glue:text}`digit_small:.2f` with the digit), at 3 the
# digit counts for something ({glue:text}`digit_middle:.2f`; colour {glue:text}`colour_middle:.2f`), at {glue:text}`sweet:.0f`, which the
# validation images chose, it reaches {glue:text}`digit_sweet:.2f`, at {glue:text}`prefactor_large:.0f` {glue:text}`digit_large:.2f`. All of
# them had the same few pixels, which say everything, within reach. How available a cue is counts too: with a band of a quarter of the
# image no prefactor that we tried made the network look at the digit.
#
# ## Untrained transformers
#
# A decoder as GPT-2's, with its first weights, is given one random token and says the likeliest next one, again and again. How many
# phrases Lempel and Ziv's parsing needs {cite}`ziv1978compression`, over those of uniformly random tokens, is a complexity without any
# grid. The gain of the layer normalisations sets how large the inputs of the activations are.

# %%
voices = ("relu", "gelu", "selu", "tanh", "gauss", "sine")
gains = [1.0, 8.0, 64.0]
vocabulary = 256
uniform = torch.randint(
    vocabulary, (200, n_tokens), generator=stream(seed, "uniform tokens")
)
uniform_phrases = phrases(uniform).double().mean()
glue("speaker_depth", speaker_depth)


def spoken(activation, gain, depth):
    """(S,): mean phrases of each seed's transformers, over those of random tokens."""
    kind = {"vocabulary": vocabulary, "activation": activation}
    kind |= {"gain": gain, "depth": depth}
    who = [(s, i) for s in seeds for i in range(n_speakers)]
    made = [untrained((n_tokens,), derive(*one, "speaker"), **kind) for one in who]
    stack = Stack.of([net.to(where) for net in made])
    first = [
        torch.randint(vocabulary, (1, 1), generator=stream(*one)) for one in who
    ]
    said = greedy(stack, torch.stack(first).to(where), n_tokens - 1).flatten(1)
    return (
        phrases(said).double().unflatten(0, (n_seeds, -1)).mean(1) / uniform_phrases
    )


def by_gain(activation, depth=speaker_depth):
    return torch.stack([spoken(activation, g, depth) for g in gains], 1)


loud = {a: by_gain(a) for a in tqdm(voices, desc="transformers")}
deeper = loud["tanh"] - by_gain("tanh", 2)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "A larger gain makes what transformers say more complex, on average with every activation; the intervals of most activations overlap. Complexity of what untrained transformers say, relative to random tokens, against the gain of their layer normalisations. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-random_networks-transformers"}}
curves(
    gains,
    loud,
    "gain of the layer normalisations",
    "complexity, random tokens = 1",
    alt="Complexity of the sequences against the gain for six activations: it rises with the gain for all of them.",
)

# %%
at = gains.index(8.0)
for a in voices:
    glue(f"voice_{a}", loud[a][:, at].mean())
for i, name in enumerate(("low", "middle", "high")):
    glue(f"gauss_over_gelu_{name}", (loud["gauss"] / loud["gelu"])[:, i].mean())
glue("deeper", deeper[:, at].mean())
above = torch.stack([loud[a] - loud["gelu"] for a in ("tanh", "sine", "selu")])
below = loud["gelu"] - loud["relu"]
report(
    "simplicity/untrained-transformers-inherit-it",
    torch.minimum(above.amin(0), below)[:, at],
)

# %% [markdown]
# At gain 8 the sequences of ReLU have {glue:text}`voice_relu:.2f` of the phrases of random tokens, those of GELU
# {glue:text}`voice_gelu:.2f`, of tanh {glue:text}`voice_tanh:.2f`, of SELU {glue:text}`voice_selu:.2f`, of sine
# {glue:text}`voice_sine:.2f`. The Gaussian changes places: its complexity over that of GELU is
# {glue:text}`gauss_over_gelu_low:.2f`, {glue:text}`gauss_over_gelu_middle:.2f` and {glue:text}`gauss_over_gelu_high:.2f` at the three
# gains. Depth, which magnifies all this in the paper, does not here: {glue:text}`speaker_depth:.0f` blocks of tanh differ from two by
# {glue:text}`deeper:+.2f` at gain 8. GPT-2's first weights shrink what a block adds by the square root of their number.
#
# **What stays open.** That untrained networks are simple is a fact about the activation and the first weights; that trained ones are
# simple *because* of it is a further step. The two tasks here are small, their prefactors few, and the first weights decide as much as the
# prefactor does. No figure of the paper is a number, so its claims could only be tested as orderings, or with tolerances of our own. And
# all measures but the last look at functions of two variables: what "frequency" should mean for an image is not settled by them.
