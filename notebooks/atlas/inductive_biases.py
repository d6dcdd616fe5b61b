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
# # What goes with what, among six architectures?
#
# **Every ruler tells architectures apart; of the ten pairs of five rulers, those that go together beyond chance, ten to choose from:
# {glue:text}`beyond`.** Of what one pixel does to a decision together with another, half lies within {glue:text}`reach_cnn:.1f` pixels
# in a convolutional network and within {glue:text}`reach_mlp:.1f` in a fully connected one, of images where everywhere would be
# {glue:text}`everywhere:.1f`; permuted pixels take {glue:text}`paid_cnn:.1%` from the accuracy of the first and {glue:text}`paid_mlp:.1%` from that of the second. With a simple
# and a complex half to choose from, the area under the curve that each of the six gets out of the complex one alone lies between
# {glue:text}`use_least:.2f` and {glue:text}`use_most:.2f`, where it could be {glue:text}`alone_least:.2f` and more. The two rulers that agree most,
# {glue:text}`best_pair`, have a rank correlation of {glue:text}`best_rho:.2f` (exact $p$ {glue:text}`best_p:.3f`); with the training loss that
# equal updates leave, they correlate by {glue:text}`first_loss:.2f` and {glue:text}`second_loss:.2f`.

# %% tags=["hide-input"]
from itertools import combinations, islice

import numpy as np
import torch
from scipy.stats import rankdata
from torch.nn.functional import one_hot
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep, kept
from whence.data.dominoes import Dominoes, Half, stack, upper
from whence.data.images import draw_labelled
from whence.data.twocues import TwoCues
from whence.device import device as choose
from whence.figures.atlas import atlas
from whence.figures.glue import glue
from whence.figures.maps import gallery
from whence.figures.panels import panels
from whence.figures.tables import table
from whence.measures.bits import posterior
from whence.measures.complexity import fourier, grid
from whence.measures.interaction import interactions, reach
from whence.measures.randomised import randomised, scores
from whence.measures.shortcut import bias, reliance
from whence.nets.build import build
from whence.ranks import chance, over_seeds, spearman
from whence.seeds import derive, stream
from whence.stats import bootstrap
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import labelled

# %% tags=["parameters"]
dataset: str = "digits"  # both halves of every image: 8 x 8 digits, ten classes
seed: int = 0  # first seed; a seed chooses images, first weights and order
n_seeds: int = 3  # how many seeds, counted up from the first
n_train: int = 600  # training images of every task
n_validation: int = 200  # images that choose the learning rate
n_test: int = 400  # images that all numbers are about
rates: list[float] = [0.003, 0.01]  # learning rates to choose from, for Adam
n_steps: int = 150  # updates of every network
n_batch: int = 32  # images an update
width: int = 8  # channels of the convolutions, half of those of the tokens
units: int = 64  # units of the fully connected layers
n_looked: int = 10  # images at which interactions are looked at
n_networks: int = 6  # untrained networks a seed, for their complexity
n_side: int = 16  # points along a side of the planes they are evaluated on
ratio: float = 4.0  # contrast of the shortcut over that of the core
shortcut: float = 0.85  # predictivity of the shortcut
core: float = 0.9  # predictivity of the core
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## One kind of image, one way to train
#
# Every image is a domino: one digit of 8 × 8 pixels above another. What they say of the label makes the task, so that all rulers see
# the same inputs and the same six networks:
#
# - *one digit*: both are of the same class, one of ten;
# - *permuted*: the same with the pixels moved to other places, one permutation for all images;
# - *simple above complex*: 0 or 1 above an even or an odd digit, each half enough {cite}`shah2020pitfalls`; and, as a control, the
#   same with the upper half drawn whatever the label;
# - *two cues*: 0 or 1 above 4 or 7, one of them, the core, right more often than the other, the shortcut
#   {cite}`hermann2024shortcut`; once in equal contrast and once with the core fainter.
#
# The locally connected network is the convolutional one without sharing; both end in a mean over places. The transformers have patches of
# 4 × 4 pixels; the gated one's heads begin as a convolution and may unlearn it {cite}`dascoli2021convit`. All are trained by Adam on
# the squared error to one-hot labels, the same images in the same order for the same number of updates. The learning rate is chosen
# from one short list for every architecture, by the loss on validation images of *one digit*, and kept for all tasks.

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
token = {"width": 2 * width, "patch": 4, "depth": 2, "heads": 4}
ARCHITECTURES = {
    "linear": ("perceptron", {"activation": "linear", "depth": 1, "width": 32}),
    "MLP": ("perceptron", {"depth": 2, "width": units}),
    "local": ("local", {"width": width}),
    "CNN": ("cnn", {"width": width}),
    "ViT": ("vit", token),
    "gated ViT": ("gated_vit", token),
}
counts = {"train": n_train, "validation": n_validation, "test": n_test}


def one_digit(split, s):
    """Dominoes of two images of one digit: each above the next one of its class."""
    x, y = draw_labelled(dataset, split, counts[split], s)
    partner = torch.arange(len(y))
    for digit in y.unique():
        mine = (y == digit).nonzero()[:, 0]
        partner[mine] = mine.roll(-1)
    return stack(x, x[partner]), y


def permuted(split, s):
    """The same with one permutation of the pixels for all images of a seed."""
    x, y = one_digit(split, s)
    order = torch.randperm(x[0].numel(), generator=stream(s, "permutation"))
    return x.flatten(1)[:, order].reshape(x.shape), y


# %%
def both(split, s):
    """Simple above complex, each half enough."""
    simple = Half(dataset, (0,), (1,))
    complex_ = Half(dataset, (2, 4, 6, 8), (3, 5, 7, 9))
    return Dominoes(simple, complex_).draw(counts[split], s, split)


def lower(split, s):
    """The same with upper halves of others, whatever the label."""
    x, y = both(split, s)
    order = torch.randperm(len(x), generator=stream(s, "upper", split))
    return torch.where(upper(x), x[order], x), y


def cues(contrast):
    """Two cues, the core at that contrast: it is below for even seeds, above for odd."""
    halves = Half(dataset, (0,), (1,)), Half(dataset, (4,), (7,))

    def draw(split, s):
        right = (shortcut, core) if split == "train" else (0.5, 0.5)
        design = (
            (right, (1.0, contrast))
            if s % 2 == 0
            else (right[::-1], (contrast, 1.0))
        )
        return TwoCues(*halves, *design).draw(counts[split], s, split)

    return draw


def points(tasks, split):
    """(T S, n, ...): images and labels, seeds within tasks."""
    drawn = [task(split, s) for task in tasks for s in seeds]
    return tuple(torch.stack([d[i] for d in drawn]).to(where) for i in (0, 1))


TEN = {"one digit": one_digit, "permuted": permuted}
TWO = {"both": both, "lower": lower, "even": cues(1.0), "faint": cues(1 / ratio)}
data = {
    (outputs, split): points(tasks.values(), split)
    for outputs, tasks in ((10, TEN), (2, TWO))
    for split in ("train", "test")
}
data[10, "validation"] = points(TEN.values(), "validation")
shape = tuple(data[10, "train"][0].shape[2:])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Permuted, no digit is left for the eye, though the pixels are the same; a fainter core is hardly seen below its shortcut. Images of four tasks, nine of each (two cues: what the cues say may differ).", "name": "fig-biases-images"}}
shown = {name: data[10, "train"][0][i * n_seeds] for i, name in enumerate(TEN)}
shown |= {name: data[2, "train"][0][i * n_seeds] for i, name in enumerate(TWO)}
titles = {
    "one digit": "one digit",
    "permuted": "permuted",
    "both": "simple above complex",
    "faint": "two cues, the core fainter",
}
gallery(
    {title: shown[name][:9].cpu() for name, title in titles.items()},
    alt="Four rows of nine small images, each one digit above another: both of one class, the same with permuted pixels, 0 or 1 above "
    "any other digit, and 0 or 1 above a fainter 4 or 7.",
)


# %%
def untrained(name, numbers, outputs=10):
    """A stack of one architecture with the first weights of these numbers."""
    kind, options = ARCHITECTURES[name]
    return Stack.of(
        [
            build(kind, shape, i, outputs=outputs, **options).to(where)
            for i in numbers
        ]
    )


def error(answers, y):
    """Squared error to one-hot labels, (S,)."""
    wanted = one_hot(y, answers.shape[-1]).to(answers)
    return (answers - wanted).square().mean((-2, -1))


def train(name, rate, x, y, numbers, outputs):
    """A trained stack and its loss over the last tenth of the updates, (S,)."""
    nets = untrained(name, numbers, outputs)
    feed = islice(labelled(x, y, n_batch, numbers), n_steps)
    optimizer = torch.optim.Adam(list(nets.parameters()), rate)
    steps = fit(nets.parameters(), lambda b: error(nets(b.x), b.y), feed, optimizer)
    losses = torch.stack([step.loss for step in steps])
    return nets.eval(), losses[-max(1, n_steps // 10) :].mean(0).cpu()


@torch.no_grad()
def asked(nets, x):
    """Answers, a few hundred images at a time."""
    return torch.cat([nets(part) for part in x.split(200, 1)], 1)


# %%
def chosen(name):
    """The rate of least validation loss, on the first seed."""
    (x, y), (new, truth) = (data[10, part] for part in ("train", "validation"))
    losses = {}
    for rate in rates:
        nets, _ = train(name, rate, x[:1], y[:1], seeds[:1], 10)
        losses[rate] = float(error(asked(nets, new[:1]), truth[:1]))
    return min(losses, key=losses.get)


trained = {}  # architecture -> outputs -> (stack of tasks and seeds, training loss)
rate_of = {}
for name in tqdm(ARCHITECTURES, desc="training"):
    rate_of[name] = chosen(name)
    trained[name] = {
        outputs: train(
            name,
            rate_of[name],
            *data[outputs, "train"],
            seeds * len(tasks),
            outputs,
        )
        for outputs, tasks in ((10, TEN), (2, TWO))
    }


def of(name, task):
    """The networks of a task, one a seed."""
    tasks, outputs = (TEN, 10) if task in TEN else (TWO, 2)
    first = list(tasks).index(task) * n_seeds
    return trained[name][outputs][0].take(range(first, first + n_seeds))


def part(task, split):
    """Images and labels of a task, (S, n, ...)."""
    tasks, outputs = (TEN, 10) if task in TEN else (TWO, 2)
    first = list(tasks).index(task) * n_seeds
    return tuple(t[first : first + n_seeds] for t in data[outputs, split])


def accuracy(name, task, split):
    """(S,): share of right answers."""
    x, y = part(task, split)
    return (asked(of(name, task), x).argmax(-1) == y).double().mean(-1).cpu()


accuracies = {
    task: {name: accuracy(name, task, "test") for name in ARCHITECTURES}
    for task in [*TEN, "both", "lower"]
}

# %% tags=["hide-input"]
losses = {name: trained[name][10][1][:n_seeds] for name in ARCHITECTURES}
table(
    [
        "",
        "numbers",
        "rate",
        "training loss",
        "validation",
        "test",
        "permuted",
        "complex half alone",
    ],
    [
        [
            name,
            sum(w[0].numel() for w in trained[name][10][0].parameters()),
            rate_of[name],
            bootstrap(losses[name]),
            bootstrap(accuracy(name, "one digit", "validation")),
            *(bootstrap(accuracies[task][name]) for task in (*TEN, "lower")),
        ]
        for name in ARCHITECTURES
    ],
    "The networks after training: how many numbers each has, its learning rate, squared error of the last tenth of the updates, and "
    "accuracy on validation and on test images of one digit, of permuted ones, and of simple above complex when trained with the "
    "simple half drawn whatever the label. 95 % intervals over seeds.",
    ["", "", "g", ".3f", ".3f", ".3f", ".3f", ".3f"],
)

# %%
paid = {  # for the permutation
    name: accuracies["one digit"][name] - accuracies["permuted"][name]
    for name in ARCHITECTURES
}
for name in ("MLP", "local", "CNN"):
    glue(f"paid_{name.lower()}", paid[name].mean())
print(report("atlas/permuting-costs-a-perceptron-nothing", paid["MLP"]))
report("atlas/permuting-costs-a-convolution", paid["CNN"])

# %% [markdown]
# One number of updates does not mean one stage of training: see the training loss, which is why it comes back at the end as a sixth
# quantity. Numbers of parameters differ, too; unshared filters are many. Under the permutation the linear and the fully connected network
# cannot lose anything, since neither their first weights nor their training know where a pixel is: they are the control.
# The convolutional one loses {glue:text}`paid_cnn:.1%`, the locally connected one {glue:text}`paid_local:.1%`.
#
# ## How far it reaches
#
# The locality of a denoiser is that of its Jacobian, and a denoiser is a gradient: $D = y + \sigma^2 \nabla \log p$, so its sensitivity field
# around pixel $q$ is row $q$ of a Hessian. A classifier has no output pixel, but its score $f$, a log odds, has the same Hessian: which pixels
# it takes *together*. With a finite move of pixel $q$, since the Hessian of a ReLU network is zero wherever it exists,
#
# $$
# I_q(p) = \mathbb E_x \left( \frac{\partial f}{\partial x_p}(x \text{ with } q \text{ moved}) - \frac{\partial f}{\partial x_p}(x) \right)^2 .
# $$ (biases-interaction)
#
# Its **reach** is the side of the square around $q$ that holds half of it, as in the study of locality, averaged over pixels. A linear network
# adds pixels up: $I = 0$, which we count as a reach of 0. A network that averages over places a function of 9 × 9 pixels has none
# beyond 8 pixels. A field that is the same everywhere is the other end. Here $f$ is the score of the right digit less the mean of the others'.

# %%
at = torch.cartesian_prod(
    torch.arange(1, shape[1], 2), torch.arange(1, shape[2], 2)
).to(where)
everywhere = float(reach(torch.ones(len(at), *shape[1:]), at.cpu()))


def margin(nets, y):
    """Score of the right label less the mean of the others', (S, b)."""

    def score(x):
        answers = nets(x)
        own = answers.gather(-1, y[..., None])[..., 0]
        return own - (answers.sum(-1) - own) / (answers.shape[-1] - 1)

    return score


def looked(name, task, nets=None):
    """(S, q, h, w): the fields of interaction on test images."""
    x, y = (t[:, :n_looked] for t in part(task, "test"))
    return interactions(margin(nets or of(name, task), y), x, at).cpu()


near = {}  # how -> architecture -> fields
for name in tqdm(ARCHITECTURES, desc="interactions"):
    found = {
        "trained": looked(name, "one digit"),
        "untrained": looked(name, "one digit", untrained(name, seeds)),
        "permuted": looked(name, "permuted"),
    }
    for how, values in found.items():
        near.setdefault(how, {})[name] = values
reaches = {
    how: {name: reach(rows, at.cpu()) for name, rows in by_name.items()}
    for how, by_name in near.items()
}

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The locally connected and the convolutional network take near pixels together, also where pixels are permuted; the fully connected one takes them from everywhere. What each trained network takes together with one pixel (outlined), averaged over seeds: trained on the images, and on the same images with permuted pixels, in the coordinates that the network sees. The linear network takes nothing together and is left out.", "name": "fig-biases-fields"}}
nonlinear = list(ARCHITECTURES)[1:]
middle = len(at) // 2 + shape[2] // 4
one = tuple(at[middle].tolist())
atlas(
    {
        title: {name: near[how][name][:, middle].mean(0) for name in nonlinear}
        for title, how in {
            "images": "trained",
            "pixels permuted": "permuted",
        }.items()
    },
    alt="Two rows of five heat maps, of the interactions of one pixel in the middle with all others, a column for each network that is not "
    "linear: trained on the images, and on permuted pixels.",
    marks={"images": one, "pixels permuted": one},
)

# %%
trained_reach = reaches["trained"]
KEYS = {
    "MLP": "mlp",
    "local": "local",
    "CNN": "cnn",
    "ViT": "vit",
    "gated ViT": "gated",
}
for start, how in {
    "reach": "trained",
    "start": "untrained",
    "moved": "permuted",
}.items():
    for name, key in KEYS.items():
        glue(f"{start}_{key}", reaches[how][name].mean())
glue("everywhere", everywhere)
report(
    "atlas/convolution-takes-near-pixels-together",
    trained_reach["MLP"] - trained_reach["CNN"],
)

# %%
report(
    "atlas/sharing-is-not-what-makes-it-near",
    trained_reach["local"] - trained_reach["CNN"],
)

# %%
between = (
    trained_reach["ViT"] - trained_reach["CNN"],
    trained_reach["MLP"] - trained_reach["ViT"],
)
report("atlas/attention-is-between", torch.minimum(*between))

# %%
report(
    "atlas/gates-keep-attention-near",
    trained_reach["ViT"] - trained_reach["gated ViT"],
)

# %%
report(
    "atlas/nearness-of-a-convolution-is-its-own",
    reaches["permuted"]["CNN"] / trained_reach["CNN"],
)

# %%
report(
    "atlas/nearness-of-a-perceptron-is-the-data-s",
    reaches["permuted"]["MLP"] - trained_reach["MLP"],
)


# %%
def matrix(by_name, names):
    """(S, A): one ruler, the architectures in a row."""
    return torch.stack([by_name[name] for name in names], 1)


def order(a, b, names):
    """(S,): rank correlation of two rulers; 0 where ties leave no order."""
    return np.nan_to_num(spearman(matrix(a, names), matrix(b, names)))


report(
    "atlas/reach-is-there-before-training",
    order(reaches["untrained"], trained_reach, nonlinear),
)

# %% [markdown]
# After training, half of a pixel's interactions lie within {glue:text}`reach_local:.1f` pixels in the locally connected network,
# {glue:text}`reach_cnn:.1f` in the convolutional one, {glue:text}`reach_gated:.1f` in the gated transformer, {glue:text}`reach_vit:.1f` in the plain
# one and {glue:text}`reach_mlp:.1f` in the fully connected one; before it {glue:text}`start_local:.1f`, {glue:text}`start_cnn:.1f`,
# {glue:text}`start_gated:.1f`, {glue:text}`start_vit:.1f` and {glue:text}`start_mlp:.1f`. With permuted pixels the convolutional network stays at
# {glue:text}`moved_cnn:.1f` *in the coordinates it sees*, where neighbours have nothing to do with each other any more: this locality is its own.
# The fully connected one is at {glue:text}`moved_mlp:.1f`. A transformer's patches of 4 × 4 pixels are read by one linear map
# and normalised together, so that it, too, is nearer than its attention needs to be.
#
# ## How complex it is before training
#
# Four training images are the corners of a square, and the square's points are their mixtures. Along it an untrained network is a function of two
# variables: its mean frequency, relative to white noise, is the ruler of the study of random networks {cite}`teney2024redshift`. Weights
# are each architecture's own first weights, not ones chosen to be large.


# %%
def plane(s):
    """(m, c, h, w): mixtures of four training images, on a grid."""
    corners = one_digit("train", s)[0][:4].double()
    a, b = ((grid(n_side).reshape(-1, 2) + 1) / 2).T
    shares = torch.stack([(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b], 1)
    return torch.einsum("mk,kchw->mchw", shares, corners)


@torch.no_grad()
def at_start(name):
    """(S,): mean frequency over networks and outputs."""
    numbers = [derive(s, "untrained", i) for s in seeds for i in range(n_networks)]
    kind, options = ARCHITECTURES[name]
    nets = Stack.of(
        [
            build(kind, shape, i, outputs=10, **options).double().to(where)
            for i in numbers
        ]
    )
    planes = torch.stack([plane(s) for s in seeds for _ in range(n_networks)])
    values = nets(planes.to(where)).mT.unflatten(-1, (n_side, n_side))
    return fourier(values).mean(1).unflatten(0, (n_seeds, -1)).mean(1).cpu()


complexity = {
    name: at_start(name) for name in tqdm(ARCHITECTURES, desc="untrained")
}
attention = torch.minimum(complexity["ViT"], complexity["gated ViT"])
others = matrix(complexity, ("MLP", "local", "CNN")).amax(1)
for name, key in KEYS.items():
    glue(f"complexity_{key}", complexity[name].mean())
glue("complexity_linear", complexity["linear"].mean())
report("atlas/attention-is-complex-from-the-start", attention - others)

# %% [markdown]
# The linear network, for which the function is one of degree one along each side, reads {glue:text}`complexity_linear:.3f`: the floor. The
# fully connected network reads {glue:text}`complexity_mlp:.3f`, the locally connected and the convolutional one
# {glue:text}`complexity_local:.3f` and {glue:text}`complexity_cnn:.3f`, the transformers {glue:text}`complexity_vit:.3f` and
# {glue:text}`complexity_gated:.3f`. That products make functions complex was the reason to expect most of the last two. But they
# also normalise, which lowers complexity, and bend with a smooth activation where the others have the kinks of ReLU, and with first weights
# as small as these attention is nearly even, so that there is little to multiply.
#
# ## Which half it goes by
#
# Trained on *simple above complex*, where each half is enough: the area under the curve on test images with the simple half redrawn is how
# much of the complex one is used (1/2: nothing), with the complex half redrawn how much of the simple one. What each could have learnt of the
# complex half is in the table above.


# %%
def gap(nets):
    """Score for label 1, (S, n)."""

    def score(x):
        answers = asked(nets, x)
        return answers[..., 1] - answers[..., 0]

    return score


def halves(name):
    x, y = part("both", "test")
    return randomised(
        gap(of(name, "both")), x, y, upper(x[0]), stream(seed, "redrawn")
    )


redrawn = {name: halves(name) for name in ARCHITECTURES}
complex_used = {name: found.subset.auc.cpu() for name, found in redrawn.items()}
simple_used = {name: found.complement.auc.cpu() for name, found in redrawn.items()}
alone = {
    name: scores(
        gap(of(name, "lower"))(part("lower", "test")[0]), part("lower", "test")[1]
    ).auc.cpu()
    for name in ARCHITECTURES
}
preference = matrix(simple_used, ARCHITECTURES) - matrix(
    complex_used, ARCHITECTURES
)
means = matrix(complex_used, ARCHITECTURES).mean(0)
glue("use_least", means.min())
glue("use_most", means.max())
glue("alone_least", matrix(alone, ARCHITECTURES).mean(0).min())
report("atlas/all-go-by-the-simple-half", preference.amin(1))

# %%
report(
    "atlas/simple-at-the-start-goes-with-simplicity-bias",
    order(complexity, complex_used, ARCHITECTURES),
)

# %% [markdown]
# ## Which cue it goes by
#
# Two cues of predictivity $\rho_s < \rho_c$, independent given the label: the best rule is the core's, whatever the contrasts. On test images
# where all combinations are equally frequent, reliance is $R_i = \operatorname{mean} \hat t\, z_i$, and the **signed shortcut bias**
# $R_s - R_c$ less that of the best rule, which is $-1$. What contrast does to it is the difference between a fainter core and equal
# contrast, the same images otherwise. The core is below for even seeds and above for odd ones.


# %%
def leaning(name, task):
    """(S,): signed shortcut bias on test images with all combinations of cues."""
    x, _ = part(task, "test")
    score = gap(of(name, task))(x).cpu()
    found = []
    for s, row in zip(seeds, score, strict=True):
        z = TWO[task]("test", s).z
        z = z if s % 2 == 0 else z.flip(1)  # shortcut first
        found.append(bias(reliance(row, z), reliance(z[:, 1], z)).signed)
    return torch.stack(found)


biased = {
    task: {name: leaning(name, task) for name in ARCHITECTURES}
    for task in ("even", "faint")
}
moved = {
    name: biased["faint"][name] - biased["even"][name] for name in ARCHITECTURES
}
for name, key in (KEYS | {"linear": "linear"}).items():
    glue(f"shift_{key}", moved[name].mean())
report("atlas/contrast-moves-every-network", matrix(moved, ARCHITECTURES).amin(1))

# %%
report(
    "atlas/simplicity-goes-with-shortcuts",
    order(complex_used, moved, ARCHITECTURES),
)

# %% [markdown]
# The shift is {glue:text}`shift_linear:.2f` for the linear network, {glue:text}`shift_mlp:.2f` for the fully connected one,
# {glue:text}`shift_local:.2f` without and {glue:text}`shift_cnn:.2f` with sharing, {glue:text}`shift_vit:.2f` and {glue:text}`shift_gated:.2f` for the
# transformers. One reason why sharing matters may be the optimiser: Adam makes the steps of every parameter equally large, so filters
# of their own for the faint half grow as fast as those for the other, while shared ones go by the half that is seen best. How long
# a bias lasts is a matter of training, as the notebook on availability shows for data without pixels: these are its values after
# {glue:text}`n_steps:.0f` updates.
#
# ## How many bits it brings
#
# Of all smooth functions that pass through the training labels of *one digit*, the share that does as well on test images as the network does,
# in bits: exact by the saddlepoint, the hypotheses those of the study of bits, for the test loss that each network reaches {cite}`boopathy2024exact`.
# For a given seed it is the test loss on another scale.


# %%
def law(s):
    """The law of the test loss of a smooth function that fits the training data."""
    (x, y), (new, truth) = one_digit("train", s), one_digit("test", s)
    x, new = ((t.flatten(1) + 1) / 2 for t in (x, new))
    wide = float(torch.pdist(x[:400]).median())
    return posterior(x, one_hot(y, 10).float(), new, wide).loss(one_hot(truth, 10))


laws = {s: law(s) for s in tqdm(seeds, desc="bits")}


def brought(name):
    """(S,): bits of the test loss."""
    x, y = part("one digit", "test")
    losses = error(asked(of(name, "one digit"), x).double(), y).cpu()
    return torch.tensor(
        [laws[s].bits(float(loss)) for s, loss in zip(seeds, losses, strict=True)]
    )


bits = {name: brought(name) for name in ARCHITECTURES}
report(
    "atlas/near-goes-with-bits",
    order(trained_reach, bits, nonlinear),
)

# %% [markdown]
# ## What goes with what
#
# All together, and then pair by pair. The unit is an architecture, and there are six. Seeds say how well these six are measured, which the
# intervals show; they do not make more architectures. What chance does with six is exact: all 720 ways to pair them. No correlation
# can be rarer than 2 in 720, and with ten pairs to choose from, one that is rarer than .005 is asked for.

# %% tags=["hide-input"]
RULERS = {
    "reach": trained_reach,
    "complexity at the start": complexity,
    "use of the complex half": complex_used,
    "shift by contrast": moved,
    "bits": bits,
}
columns = {"seed": [], "architecture": []} | {r: [] for r in RULERS}
CONTROLS = {
    "training loss": losses,
    "reach, untrained": reaches["untrained"],
    "reach, permuted": reaches["permuted"],
    "complex half alone": alone,
    "bias, fainter core": biased["faint"],
    "bias at equal contrast": biased["even"],
    "test accuracy": accuracies["one digit"],
    "test accuracy, permuted": accuracies["permuted"],
}
columns |= {r: [] for r in CONTROLS}
for i, s in enumerate(seeds):
    for name in ARCHITECTURES:
        columns["seed"].append(s)
        columns["architecture"].append(name)
        for r, by_name in (RULERS | CONTROLS).items():
            columns[r].append(float(by_name[name][i]))
own = keep("rulers", columns)
places = {name: [] for name in ("seed", "ruler", "architecture", "rank")}
for ruled, by_name in (RULERS | {"training loss": losses}).items():
    for s, row in zip(
        seeds, rankdata(matrix(by_name, ARCHITECTURES), axis=1), strict=True
    ):
        for name, rank in zip(ARCHITECTURES, row, strict=True):
            for column, cell in zip(
                places.values(), (s, ruled, name, float(rank)), strict=True
            ):
                column.append(cell)
_ = keep("ranks", places)
record = kept("atlas/inductive_biases", dataset, "rulers")
drawn = record or own


def ruler(name, source=drawn, among=ARCHITECTURES):
    """(S, A): one ruler, from the committed record where there is one."""
    rows = [source.where(architecture=a).column(name) for a in among]
    return np.array(rows, dtype=float).T


def of_each(name):
    return dict(zip(ARCHITECTURES, ruler(name).T, strict=True))


# %% tags=["hide-input"] mystnb={"figure": {"caption": "Every ruler tells some of the architectures apart; no two of them put the six in the same order, on average over seeds. Six architectures, by the rulers of all three studies. Controls: reach and accuracy with permuted pixels; what the complex half alone would have allowed; the bias at equal contrast. Ticks are seeds, lines 95 % bootstrap intervals.", "name": "fig-biases-rulers"}}
PANELS = {
    "reach, pixels": ("reach", "reach, permuted"),
    "complexity at the start": ("complexity at the start", None),
    "AUC from the complex half": ("use of the complex half", "complex half alone"),
    "signed shortcut bias": ("bias, fainter core", "bias at equal contrast"),
    "bits": ("bits", None),
    "test accuracy": ("test accuracy", "test accuracy, permuted"),
}
panels(
    {
        title: {
            name: {"measured": values}
            | ({"control": of_each(control)[name]} if control else {})
            for name, values in of_each(main).items()
        }
        for title, (main, control) in PANELS.items()
    },
    alt="Six small dot plots with a row for each of six architectures: reach of interactions, complexity before training, area under the "
    "curve from the complex half alone, signed shortcut bias, bits, and test accuracy; measured in one colour, its control in another.",
    references={
        "reach, pixels": (everywhere, "everywhere"),
        "AUC from the complex half": (0.5, "chance"),
        "signed shortcut bias": (0.0, "best rule"),
    },
)

# %% tags=["hide-input"]
pairs = list(combinations(RULERS, 2))


def correlated(a, b):
    """A row: correlation of the means, its exact p, and both without the linear."""
    cells = []
    for among in (ARCHITECTURES, nonlinear):
        x, y = (ruler(name, drawn, among) for name in (a, b))
        cells += [over_seeds(x, y), chance(x.mean(0), y.mean(0))]
    return [f"{a} – {b}", *cells]


found = {pair: correlated(*pair) for pair in pairs}
trained_by = {name: correlated(name, "training loss") for name in RULERS}
table(
    ["", "six", "p", "without the linear", "p"],
    [*found.values(), *trained_by.values()],
    "Spearman's rank correlation between the rulers' means over seeds, then of each with the training loss; intervals from resampled "
    "seeds, and the exact share of all pairings of the architectures that do as well.",
    ["", ".2f", ".3f", ".2f", ".3f"],
)

# %%
glue("n_steps", n_steps)
glue("n_drawn", len(set(drawn.column("seed"))))
best = min(pairs, key=lambda pair: found[pair][2])
glue("best_pair", f"{best[0]} and {best[1]}")
glue("best_rho", found[best][1].value)
glue("best_p", found[best][2])
glue("first_loss", trained_by[best[0]][1].value)
glue("second_loss", trained_by[best[1]][1].value)
glue(
    "beyond",
    str(sum(row[2] < 0.05 / len(pairs) for row in found.values()) or "none"),
)
glue("alone_each", str(sum(row[2] < 0.05 for row in found.values()) or "none"))
pair = found["use of the complex half", "shift by contrast"]
glue("use_shift", pair[1].value)
glue("use_shift_p", pair[2])
glue("reach_bits", found["reach", "bits"][1].value)
glue("reach_bits_five", found["reach", "bits"][3].value)
for key, name in zip(("use", "shift", "bits"), list(RULERS)[2:], strict=True):
    glue(f"{key}_loss", trained_by[name][1].value)
beyond = [
    sum(
        chance(ruler(a, own)[i], ruler(b, own)[i]) < 0.05 / len(pairs)
        for a, b in pairs
    )
    for i in range(n_seeds)
]
report("atlas/six-architectures-decide-nothing", beyond)

# %% [markdown]
# Figure and table are of {glue:text}`n_drawn:.0f` seeds. Taken one by one, the number of pairs with $p$ below .05 is {glue:text}`alone_each`; with ten
# to choose from, {glue:text}`beyond`. Use of the complex half and shift by contrast correlate by {glue:text}`use_shift:.2f`
# ($p$ {glue:text}`use_shift_p:.3f`): where that is negative, an architecture that uses less of what is hard is moved more by what is bright, as
# one should expect if both describe the feature that is learnt first. But they correlate with the training loss, too, by
# {glue:text}`use_loss:.2f` and {glue:text}`shift_loss:.2f`, and bits by {glue:text}`bits_loss:.2f`: part of it may be how far equal updates
# have brought each architecture, and six of them do not allow to take that out again. Reach, the ruler of locality, correlates with the bits by
# {glue:text}`reach_bits:.2f`, and by {glue:text}`reach_bits_five:.2f` without the linear network.
#
# **What stays open.** Whether the rulers of training agree at equal loss, and not only at equal updates; that needs networks that can be
# trained to the end, and more architectures than six, best a family with one knob each. Sizes are not matched in
# parameters, and each architecture is one choice of width, depth and patch. The images are 16 × 8 pixels. Reach sees pairs of
# pixels and one size of move; what three pixels do together is beyond it. And the linear network's reach of 0 is a convention, which
# is why everything stands there without it, too.
