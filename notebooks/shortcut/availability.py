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
# # When does a network lean on a feature more than the data warrant?
#
# **Early in training whenever one feature is easier to read, whatever the network; for longer with ReLU units, and by less than one look
# at one moment suggests.** Of two cues of a label the less predictive one is {glue:text}`ratio:.0f` times as
# available. On the way a *linear* network comes to a shortcut bias of {glue:text}`linear_peak:.2f`, where 0 is the share that the best rule
# gives the shortcut. It ends at {glue:text}`linear_end:.2f`, and on the same examples with both cues equally available at
# {glue:text}`linear_one:.2f`: what is left is chance of the sample. A ReLU network of one hidden layer ends at {glue:text}`relu_end:.2f`
# against {glue:text}`relu_one:.2f`, a tanh network at {glue:text}`tanh_end:.2f` against {glue:text}`tanh_one:.2f`. At equal training loss ReLU
# leads linear by {glue:text}`gap:.2f`, but there the linear network still has {glue:text}`same_linear:.2f`.

# %% tags=["hide-input"]
from itertools import product, repeat
from math import inf, sqrt

import torch
from torch.nn.functional import softplus
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep
from whence.data.availability import Availability
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.tables import table
from whence.measures.shortcut import bias, linear_reliance, probe, reliance
from whence.nets.build import build
from whence.nets.initial import randomise
from whence.nets.ntk import predict, rates
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import logistic, squared

# %% tags=["parameters"]
seed: int = 0  # first seed; a seed chooses directions, examples and first weights
n_seeds: int = 4  # how many seeds, counted up from the first
ratios: list[float] = [
    1.0,
    8.0,
    64.0,
]  # how many times as available, from 1 upwards
shortcuts: list[float] = [0.7, 0.85, 0.9]  # predictivity of the shortcut
main: float = 0.85  # the one of them that the claims are about
core: float = 0.9  # predictivity of the core
n_train: int = 500  # examples
d: int = 100  # their dimension
width: int = 32  # hidden units
deep: int = 3  # hidden layers of a deep network
rate: float = 0.05  # learning rate, with momentum .9
clip: float = 1.0  # largest norm of a network's gradient
n_steps: int = 1200  # updates, all examples in each
excesses: list[float] = [
    0.1,
    0.05,
    0.02,
    0.01,
]  # losses above the optimum's, falling
n_probe: int = 40  # latent points along each cue at which decisions are looked at
wide: int = 256  # hidden units of the network beside its tangent kernel
wide_rate: float = 0.2  # its learning rate
n_wide_steps: int = 500  # its updates
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two cues, and what is best
#
# The label $t = \pm 1$ shows in two latent cues, a shortcut $z_s$ and a core $z_c$ {cite}`hermann2024shortcut`:
#
# $$
# z \mid t \sim \mathcal N\!\left(t \mu, \begin{pmatrix} 1 & r \\ r & 1 \end{pmatrix}\right),
# \quad P(\operatorname{sign} z_i = t) = \rho_i,
# \qquad
# x = a_s z_s w_s + a_c z_c w_c \in \mathbb R^{100} .
# $$ (two-cues)
#
# How well a cue *predicts* is $\rho_i$, how *available* it is $a_i$: the directions $w_i$ are random, all of one length on average.
# Here $a_s = 1$ throughout and $a_c = 1 / \text{ratio}$, with $r = 0.6$. Availability changes nothing in what can be known: the best
# rule is $\Sigma^{-1} \mu \cdot z > 0$ at any ratio, linear in $z$ and in $x$.
#
# **Reliance** on a cue is $R_i = \operatorname{mean}\, \hat t(z) \operatorname{sign} z_i$ over a grid of latent points that reaches three means
# either way. The published number is $|R_s| - |R_c|$; its excess over that of the best rule is the **shortcut bias**. We divide by
# the number of points, so it lies in $[-2, 2]$. For a linear rule with weights $v$ in latent space and $q \le 1$ the lesser of $|v_i| \mu_i$ over the
# greater, $|R_s| - |R_c|$ is $q - 1$ where the core is the greater and $1 - q$ where the shortcut is.


# %% tags=["hide-input"]
def closed(rho):
    """A row: the best rule for one predictivity of the shortcut."""
    design = Availability((rho, core))
    found = linear_reliance(design.optimum.weights, design.means)
    v = [float(w) for w in design.optimum.weights]
    return [f"{rho:g}", *v, design.optimum.accuracy, *map(float, found), float(found.unsigned), float(found.signed)]  # fmt: skip


table(
    ["ρ<sub>s</sub>", "v<sub>s</sub>", "v<sub>c</sub>", "accuracy", "R<sub>s</sub>", "R<sub>c</sub>", "unsigned", "signed"],
    [closed(rho) for rho in (0.6, 0.7, 0.8, 0.85, 0.9)],
    "The best rule in closed form: weights, accuracy, reliance on either cue, and their difference without and with signs.",
)  # fmt: skip

# %% [markdown]
# Where $\mu_s < r \mu_c$ the best rule *subtracts* the shortcut: what the cues have in common besides the label is noise. Absolute values do
# not see the difference between adding and subtracting, so the signed difference $R_s - R_c$ stands beside the published one below.
#
# ## The problem in two dimensions
#
# All $x$ lie in the plane of the two directions. Every gradient of the first layer's weights lies in it, too, so gradient descent on the plane's
# two coordinates is gradient descent in {glue:text}`d:.0f`, exactly, if the first weights are projected. Tried before it is used:

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
cells = list(product(seeds, shortcuts, ratios))
grid = probe(torch.ones(2).double(), n_probe)  # in units of the means
moments = sorted({round(1.15**k) for k in range(200) if 1.15**k < n_steps})
moments.append(n_steps)


def design(rho, ratio):
    return Availability((rho, core), amplification=(1.0, 1 / ratio), d=d)


def network(s, shape, depth, activation):
    kind = {"outputs": 1, "width": width, "depth": depth, "activation": activation}
    return build("perceptron", shape, s, **kind)


def flat(s, law, *kind):
    """The network in d dimensions of that seed, as it is in the plane."""
    plain, whole = network(s, (2,), *kind), network(s, (d,), *kind)
    numbers = whole.state_dict()
    seen = numbers["layers.0.weight"].double() @ law.plane(s).basis.T
    plain.load_state_dict(numbers | {"layers.0.weight": seen.float()})
    return plain


def sign(y):
    return 2.0 * y - 1


def descend(stack, x, t, steps):
    """Full-batch gradient descent with momentum: a Step after each update."""
    weights = list(stack.parameters())
    momentum = torch.optim.SGD(weights, lr=rate, momentum=0.9)

    def loss(_):
        return logistic(t * stack(x)[..., 0])

    return fit(weights, loss, repeat(None, steps), momentum, clip)


# %%
law, few = design(main, ratios[-1]), 30
sample = law.draw(n_train, seed)
points = {
    "whole": sample.x,
    "plane": (sample.z @ law.plane(seed).coordinates).float(),
}
nets = {
    "whole": network(seed, (d,), 1, "relu"),
    "plane": flat(seed, law, 1, "relu"),
}
answers = {}
for name, x in points.items():
    stack = Stack.of([nets[name]])
    for _ in descend(stack, x, sign(sample.y), few):
        pass
    answers[name] = stack(x)[0, :, 0].detach()
off = (answers["whole"] - answers["plane"]).abs().max() / answers["whole"].std()
glue("d", d)
glue("n_train", n_train)
print(
    f"after {few} updates: largest difference {float(off):.0e} standard deviations"
)

# %% [markdown]
# ## Bias along training
#
# Networks of one hidden layer, and of several: linear, ReLU, tanh. A seed shares labels, noise, directions and first weights over all
# networks of a kind, ratios and predictivities. Gradients are clipped to one norm everywhere: without it the deep linear network
# diverged at the largest ratio, where its weights for the core must grow beside a steep shortcut. Clipping leaves the plane exact.


# %%
def stacked(cases):
    """Training points (S, n, 2), labels, and probes (S, m, 2), in plane coordinates."""
    rows = []
    for s, rho, ratio in cases:
        law = design(rho, ratio)
        sample, axes = law.draw(n_train, s), law.plane(s).coordinates
        best = softplus(-sign(sample.y) * law.optimum.score(sample.z)).mean()
        latent = grid * law.means
        rows.append((sample.z @ axes, sign(sample.y), latent @ axes, best))
    return [torch.stack(c).float().to(where) for c in zip(*rows, strict=True)]


def learn(depth, activation, cases):
    """Loss above the optimum's, reliance on shortcut and core: (3, S, P, R, T)."""
    nets = [
        flat(s, design(rho, ratio), depth, activation) for s, rho, ratio in cases
    ]
    stack = Stack.of([net.to(where) for net in nets])
    x, t, probes, best = stacked(cases)
    found = []
    for step in descend(stack, x, t, n_steps):
        if step.number in moments:
            with torch.no_grad():
                loss = logistic(t * stack(x)[..., 0]) - best
                relied = reliance(stack(probes)[..., 0], grid.to(where))
            found.append(torch.stack([loss, relied.shortcut, relied.core]).cpu())
    rows = torch.stack(found, -1).double()
    return rows.reshape(3, n_seeds, -1, len(ratios), len(moments))


kinds = {"ReLU": (1, "relu"), "tanh": (1, "tanh"), "linear": (1, "linear")}
deeper = {f"{deep} × ReLU": (deep, "relu"), f"{deep} × linear": (deep, "linear")}
trained = {k: learn(*kind, cells) for k, kind in tqdm(kinds.items(), "grid")}
some = [cell for cell in cells if cell[1] == main]
depths = {k: learn(*kind, some) for k, kind in tqdm(deeper.items(), "depth")}


# %%
def biases(rows, rhos):
    """Unsigned and signed bias (S, P, R, T) against the best rule."""
    laws = [design(rho, 1.0) for rho in rhos]
    best = [reliance(w.optimum.score(grid * w.means), grid) for w in laws]
    unsigned, signed = (torch.stack([getattr(b, k) for b in best])[:, None, None]
                        for k in ("unsigned", "signed"))  # fmt: skip
    s, c = rows[1], rows[2]
    return s.abs() - c.abs() - unsigned, s - c - signed


at = shortcuts.index(main)
along = {k: biases(rows, shortcuts) for k, rows in trained.items()}
paths = {k: (rows[0, :, at], along[k][0][:, at]) for k, rows in trained.items()}
paths |= {k: (r[0, :, 0], biases(r, [main])[0][:, 0]) for k, r in depths.items()}
ends = {k: path[1][..., -1] for k, path in paths.items()}  # (S, R)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Whatever the network, the shortcut decides almost alone early in training, and most of that bias is gone by the last update. Shortcut bias against updates at the largest availability ratio, for a shortcut somewhat less predictive than the core: networks of one hidden layer. 0 is the share of the best rule. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-availability-time"}}
curves(
    moments,
    {k: paths[k][1][:, -1] for k in kinds},
    "updates",
    "shortcut bias",
    alt="Shortcut bias against updates on a log axis, one curve each for ReLU, tanh and linear networks of one hidden layer.",
    levels=[(0, "best rule")],
)

# %%
glue("ratio", ratios[-1])
for k in kinds:
    glue(f"{k.lower()}_one", ends[k][:, 0].mean())
glue("relu_end", ends["ReLU"][:, -1].mean())
glue("tanh_end", ends["tanh"][:, -1].mean())
glue("linear_end", ends["linear"][:, -1].mean())
lesser = torch.minimum(ends["ReLU"], ends["tanh"])[:, -1]
print(report("shortcut/one-hidden-layer-overuses-the-available-cue", lesser))
report("shortcut/linear-networks-do-not", ends["linear"][:, -1])

# %%
peak = paths["linear"][1][:, -1].amax(-1)
glue("linear_peak", peak.mean())
report("shortcut/linear-bias-is-a-transient", peak - ends["linear"][:, -1])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Linear networks end alike at every ratio; on average only ReLU with one hidden layer ends more biased at the largest ratio than at ratio 1. Shortcut bias after the last update, by availability ratio and network. At ratio 1 neither cue is more available: the control. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-availability-end"}}
dots(
    {
        f"ratio {r:g}": {k: ends[k][:, i] for k in ends}
        for i, r in enumerate(ratios)
    },
    "shortcut bias after training",
    alt="Shortcut bias after training in rows by availability ratio, five networks in each.",
    reference=(0, "best rule"),
)

# %% [markdown]
# All begin with the shortcut alone and come to the core later, the later the less available it is. What the linear network converges
# to cannot depend on availability: the loss is convex in $v$ and rescaling a cue rescales its weight. Its bias at the end is that of
# the best *fitted* rule on {glue:text}`n_train:.0f` examples, the same at every ratio once it has converged ({numref}`fig-availability-end`), and ratio 1 is
# the control that shows it: a network's bias counts as one of availability only beyond its own there. The published protocol, one
# training time and one reference from the population, mixes all three.
#
# ## At matched loss
#
# Networks learn at different speeds, and a network that has not learnt the core yet has a bias whatever its kind. So compare not
# at equal updates but at equal training loss: each at the first moment at which its loss is no more than a given excess above that
# of the best rule on the same examples. One that never gets there counts as it is at the end; the excess axis says how far each got.


# %%
def matched(path, excess):
    """(S, R): bias at the first moment with that excess loss, and whether reached."""
    loss, found = path
    there = loss <= excess
    last = torch.full(there.shape[:-1], len(moments) - 1)
    first = torch.where(there.any(-1), there.int().argmax(-1), last)
    return found.gather(-1, first[..., None])[..., 0], there.any(-1)


level = excesses[-1]
same = {k: matched(path, level)[0] for k, path in paths.items()}
by_loss = {
    k: torch.stack([matched(path, e)[0][:, -1] for e in excesses], -1)
    for k, path in paths.items()
}
for k, path in paths.items():
    share = matched(path, level)[1].double().mean(0).tolist()
    print(f"{k}: share that reaches it, by ratio: {[round(v, 2) for v in share]}")

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Nearest to the best rule's loss the ReLU network is more biased than the linear one on average, and the linear one is still biased. Shortcut bias at matched training loss, at the largest ratio: against how far the loss is above that of the best rule on the same examples. Training runs from right to left. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-availability-loss"}}
curves(
    excesses[::-1],
    {k: by_loss[k].flip(-1) for k in paths},
    "training loss above the best rule's, nats",
    "shortcut bias",
    alt="Shortcut bias against the excess of the training loss, one curve for each of five networks.",
)

# %%
glue("level", level)
glue("deep", deep)
glue("gap", (same["ReLU"] - same["linear"])[:, -1].mean())
for key, k in {"relu": "ReLU", "tanh": "tanh", "linear": "linear"}.items():
    glue(f"same_{key}", same[k][:, -1].mean())
glue("same_deep_relu", same[f"{deep} × ReLU"][:, -1].mean())
glue("same_deep", same[f"{deep} × linear"][:, -1].mean())
gap = (same["ReLU"] - same["linear"])[:, -1]
print(report("shortcut/relu-beyond-linear-at-matched-loss", gap))
alone = same[f"{deep} × linear"]
report("shortcut/deep-linear-does-not", alone[:, -1] - alone[:, 0])

# %% [markdown]
# At {glue:text}`level:.2f` nats above the best rule's loss: ReLU {glue:text}`same_relu:.2f`, tanh {glue:text}`same_tanh:.2f`, linear
# {glue:text}`same_linear:.2f`, and with {glue:text}`deep:.0f` hidden layers ReLU {glue:text}`same_deep_relu:.2f`, linear
# {glue:text}`same_deep:.2f`. Speed alone is not what sets ReLU apart from linear. But a loss that near the best is no proof of
# convergence: where the cues say almost the same, leaving one out costs little, and networks with nearly the loss of the best rule decide
# differently from it on a grid that asks them about cues at odds. Deep networks near the end oscillate, so their first moment at a
# loss is a matter of luck: see their bands.
#
# ## Signed and unsigned
#
# Where the shortcut is the least predictive here, the best rule subtracts it.

# %%
weak = {k: trained[k][1, :, 0, :, -1] for k in kinds}  # R_s at the end (S, R)
both = {k: [b[:, 0, -1, -1] for b in along[k]] for k in kinds}
print(report("shortcut/added-where-it-should-be-subtracted", weak["ReLU"][:, -1]))
glue("weak_relu", weak["ReLU"][:, -1].mean())
glue("weak_rho", shortcuts[0])
glue("weak_unsigned", both["ReLU"][0].mean())
glue("weak_signed", both["ReLU"][1].mean())
lower = design(shortcuts[0], 1.0)
glue("weak_best", linear_reliance(lower.optimum.weights, lower.means).shortcut)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "With the weakest shortcut all three networks end close to the best rule on average, by either number. Bias after training with the least predictive shortcut at the largest ratio: as published, of absolute values, and of the signed reliances. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-availability-signed"}}
dots(
    {k: {"unsigned": b[0], "signed": b[1]} for k, b in both.items()},
    "shortcut bias after training",
    alt="Unsigned and signed shortcut bias of ReLU, tanh and linear networks for a shortcut that the best rule subtracts.",
    reference=(0, "best rule"),
)

# %% [markdown]
# With predictivity {glue:text}`weak_rho:.1f` the ReLU network ends with a signed reliance of {glue:text}`weak_relu:.2f` on the shortcut, where
# the best rule has {glue:text}`weak_best:.2f`: too little subtracted, or added. In the published number that is a bias of
# {glue:text}`weak_unsigned:.2f`, with signs one of {glue:text}`weak_signed:.2f`. The most that absolute values can hide of a *linear* rule that adds what it
# should subtract is the best rule's $q$ (the lesser share in the table, twice its $|R_s|$): little, since a weak cue has a weak part in
# the probe's box.
#
# ## The tangent kernel
#
# A network of infinite width, trained on the squared loss, is a kernel predictor whose decisions at any time are known
# {cite}`jacot2018ntk`: the bias itself can be computed from it, ReLU and linear alike, and set beside a wide network that is trained the
# same way (its first outputs subtracted).

# %%
some_moments = [m for m in moments if m <= n_wide_steps]
times = [*(m * wide_rate for m in some_moments), inf]
some_x, some_t, some_probes, _ = stacked(some)
shrunk = sqrt(2 / d)  # the kernel divides by the dimension: d, not 2


def kernel(activation):
    """(S R, times, m): what the exact predictor says at the probes."""
    triples = zip(some_x, some_t, some_probes, strict=True)
    return torch.stack(
        [
            predict(x * shrunk, t, new * shrunk, times, activation=activation).cpu()
            for x, t, new in tqdm(list(triples), activation)
        ]
    )


def trained_wide():
    """(S R, moments, m): what trained ReLU networks say at the probes."""
    kind = {"outputs": 1, "width": wide, "depth": 1}
    draw = {"bias": 0.1 * sqrt(3), "fan": "in", "law": "normal"}
    nets = [build("perceptron", (2,), s, **kind) for s, _, _ in some]
    pairs = zip(nets, some, strict=True)
    stack = Stack.of([randomise(net, s, sqrt(2), **draw).to(where) for net, (s, *_) in pairs])  # fmt: skip
    x, new = some_x * shrunk, some_probes * shrunk
    with torch.no_grad():
        start, start_new = stack(x)[..., 0], stack(new)[..., 0]

    def loss(_):
        return squared(stack(x)[..., 0] - start, some_t) / 2

    weights, found = list(stack.parameters()), []
    descent = torch.optim.SGD(rates(stack.weights, wide_rate))
    for step in fit(weights, loss, repeat(None, n_wide_steps), descent):
        if step.number in some_moments:
            found.append((stack(new)[..., 0] - start_new).detach().cpu())
    return torch.stack(found, 1).double()


answered = {"ReLU kernel": kernel("relu"), "linear kernel": kernel("linear")}
answered["ReLU, wide"] = trained_wide()

# %%
optimum = design(main, 1.0).optimum.score(grid * design(main, 1.0).means)
leaning = {
    k: bias(reliance(f, grid), reliance(optimum, grid)).unsigned.reshape(
        n_seeds, len(ratios), -1
    )
    for k, f in answered.items()
}
pair = answered["ReLU kernel"][:, :-1], answered["ReLU, wide"]
differ = (pair[0].sign() != pair[1].sign()).double().mean(-1)
differ = differ.reshape(n_seeds, len(ratios), -1)
last = differ[..., -1].amax(1)
final = leaning["ReLU kernel"][..., -1]
glue("wide", wide)
glue("differ", last.mean())
glue("kernel_end", final[:, -1].mean())
glue("kernel_end_one", final[:, 0].mean())
glue("linear_kernel_end", leaning["linear kernel"][:, -1, -1].mean())
print(report("shortcut/tangent-kernel-decides-as-the-network", last))
report("shortcut/tangent-kernel-ends-biased", final[:, -1] - final[:, 0])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The ReLU kernel tells the wide network's bias at all times, and the linear kernel nearly the same: all fall alike as training goes on. Shortcut bias along time at the middle ratio: of the exact tangent-kernel predictors and of a wide ReLU network trained for as long. Time is rate times updates. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-availability-kernel"}}
middle = len(ratios) // 2
curves(
    times[:-1],
    {k: leaning[k][:, middle, : len(some_moments)] for k in leaning},
    "time",
    "shortcut bias",
    alt="Shortcut bias against time for the ReLU kernel, the linear kernel and a wide ReLU network.",
)

# %% tags=["hide-input"]
picks = [round(i * (len(moments) - 1) / 5) for i in range(6)]
columns = {c: [] for c in ("seed", "network", "ratio", "predictivity", "updates", "bias")}  # fmt: skip
for k, (i, s), (p, rho), (j, r), m in product(
    kinds, enumerate(seeds), enumerate(shortcuts), enumerate(ratios), picks
):
    row = s, k, r, rho, moments[m], round(float(along[k][0][i, p, j, m]), 3)
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)
_ = keep("grid", columns)

# %% [markdown]
# The exact predictor and a network of {glue:text}`wide:.0f` units decide differently at {glue:text}`differ:.1%` of the probe's points, at the
# ratio where that is most. Its bias can be had without training, then, and along the way it is the transient again, ReLU and linear
# nearly alike. At the end of time the ReLU kernel has {glue:text}`kernel_end:.2f` at the largest ratio and
# {glue:text}`kernel_end_one:.2f` at ratio 1, the linear one {glue:text}`linear_kernel_end:.2f`: the ReLU kernel interpolates noisy labels, and what it does
# far from them is as much chance as availability. The published theory measures a sensitivity instead, which is zero or not; the
# bias itself says how much.
#
# **What stays open.** Whether the ReLU network's bias is for good: it still falls at the last update, and its kernel's end says nothing
# for it. Chance of samples of {glue:text}`n_train:.0f` is as large as most differences in the grid, so single cells need tens of
# seeds. Cues nested behind random networks leave the plane, as does Adam: both are for the paper's sizes. And the probe reaches three means
# either way, mostly where no data are: how much of a bias would show on data is another question.
