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
# # What does a network learn when several features predict the label?
#
# **The simplest, and nothing else, even where that costs accuracy.** Of {glue:text}`d:.0f` coordinates each of which gives every label
# away, one by a single cut and the others by five slabs, a network learns the one: with it redrawn at random the area under the curve
# is {glue:text}`lms_redrawn:.2f`, which is chance, and with all others redrawn {glue:text}`lms_rest:.2f`. Where that coordinate is
# silent for {glue:text}`noise:.0%` of the points, a network stays at {glue:text}`noisy_accuracy:.1%` of the labels, though without it
# the same network gets {glue:text}`ms7_accuracy:.1%` of them from the rest. Of two digits, one above the other, a convolutional network
# uses hardly more than the easier one ({glue:text}`cnn_redrawn:.2f` once that is redrawn), and three of them no more than one
# ({glue:text}`three_redrawn:.2f`). A fully connected network does use the harder digit a little ({glue:text}`flat_redrawn:.2f`), and
# adversarial training makes that less, not more ({glue:text}`hard_redrawn:.2f`).

# %% tags=["hide-input"]
from itertools import islice
from math import log10

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep, kept
from whence.data.dominoes import named, upper
from whence.data.slabs import Linear, Slab, lms, ms, noisy_lms
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.glue import glue
from whence.figures.maps import gallery
from whence.figures.tables import table
from whence.measures.perturbation import accuracy, pgd
from whence.measures.randomised import randomised
from whence.nets.build import build
from whence.seeds import derive, stream
from whence.stats import bootstrap, paired
from whence.train.adversarial import attacked
from whence.train.loop import fit
from whence.train.orthogonal import together
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled

# %% tags=["parameters"]
dataset: str = "digits"  # what dominoes are made of: digits, or mnist+cifar10
seed: int = 0  # first seed; a seed chooses data, first weights and order
n_seeds: int = 3  # how many seeds, counted up from the first
n_test: int = 5000  # test points
n_lms: int = 100000  # training points of LMS-5
d_lms: int = 50  # its coordinates
lms_steps: int = 500  # its updates
n_ms: int = 50000  # training points of MS-(5,7)
d_ms: int = 20  # its coordinates
ms_rate: float = 0.3  # its learning rate
ms_steps: int = 3000  # its updates
n_noisy: int = 10000  # training points of noisy LMS-7 and of MS-7
d_noisy: int = 20  # their coordinates
noise: float = 0.1  # share of points whose linear coordinate says nothing
noisy_width: int = 100  # units of their networks' two hidden layers
noisy_rate: float = 0.3  # learning rate of both
noisy_steps: int = 2000  # updates of both
n_dominoes: int = 4000  # training dominoes
n_pairs: int = 2000  # test dominoes
cnn_width: int = 8  # channels of the first convolution
cnn_steps: int = 200  # updates of a convolutional network
cnn_batch: int = 64  # dominoes in one
cnn_clip: float = 0.0  # bound on the norm of its gradient, 0 for none
radius: float = 0.2  # of adversarial perturbations, pixels in [-1, 1]
hard_steps: int = 300  # updates of the perceptrons on dominoes
hard_clip: float = 0.0  # bound on the norm of their gradients, 0 for none
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Coordinates that tell the classes apart
#
# Labels $y$ are 0 or 1, a coin's throw each, and given the label all coordinates are independent {cite}`shah2020pitfalls`. On a
# **linear** coordinate one cut separates the classes: $x = s\,(\gamma + (1 - \gamma) u)$, $s = 2 y - 1$, $u$ uniform in $[0, 1]$. A
# **$k$-slab** coordinate needs $k - 1$ cuts: $k$ slabs of equal width in $[-1, 1]$, gaps of $2 \gamma$ between them, the one in the
# centre of class 0, the next two of class 1, and so on outwards. Each coordinate alone is enough. In the published data the slabs'
# probabilities (the last column: slab 0, then ±1, ±2 and ±3 together) make the two classes of five and of seven slabs have the same
# variance:

# %%
features = {"linear": Linear(), **{f"{k} slabs": Slab(k) for k in (3, 5, 7)}}
rows = []
for name, f in features.items():
    first = f.order() if isinstance(f, Slab) else 1
    shares = ", ".join(f"{p:.3g}" for p in f.spread) if isinstance(f, Slab) else ""
    moments = [f.moment(r, label) for r in (2, 4) for label in (0, 1)]
    rows.append([name, first, *moments, f.accuracy(), shares])
table(
    [
        "coordinate",
        "first",
        "x² | 0",
        "x² | 1",
        "x⁴ | 0",
        "x⁴ | 1",
        "best",
        "shares",
    ],
    rows,
    "In closed form, margin 0.1: the first moment in which the classes differ, their second and fourth moments, the best accuracy from "
    "this coordinate alone, and the slabs' probabilities.",
    ".3f",
)

# %% [markdown]
# No quadratic statistic sees five or seven slabs, and none of odd order sees any: about the centre they are even. At its first weights
# a network is nearly linear in its input, and what gradient descent finds first is the correlation of the label with low powers of
# it. The linear coordinate is there in the first update; the slabs have to come in through the fourth power. In the published data
# the coordinate with fewer pieces always has the lower moment, too; the notebook on the limits of simplicity bias takes the two apart.
#
# *Nor is it the margin that decides.* Points of different classes are at least $2 \gamma$ apart in *every* one of the $d$ coordinates,
# hence $2 \gamma \sqrt d$ in space: a boundary that used all of them could keep $\gamma \sqrt d$ away from every point. The linear cut
# keeps $\gamma$.
#
# All data are then turned by a random orthogonal matrix $Q$, $x = z Q$ with $z$ the coordinates above, so that no input is a feature by
# itself.
#
# ## How one sees what is used
#
# Take test points, undo the rotation, and **redraw** a set $S$ of coordinates: permute them among the points, jointly, whatever the
# label. Turn back, and ask the network again. If it uses nothing but $S$, its area under the curve falls to 1/2; if it does not use
# $S$, nothing changes. Here the points are the same three times: as they are, with $S$ redrawn, and with all *other* coordinates
# redrawn, by one permutation.

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
noted = []  # what the record keeps of every setting


def points(data, n, split):
    """(S, n, ...) and (S, n): every seed its own."""
    drawn = [data.draw(n, s, split) for s in seeds]
    return tuple(torch.stack([d[i] for d in drawn]).to(where) for i in (0, 1))


def learn(x, y, steps, rate, name="perceptron", momentum=0.0, decay=5e-5, batch=256,
          member=0, attack=None, watch=None, clip=None, **options):  # fmt: skip
    """A stack, one network a seed, and what `watch` saw of it on the way."""
    own = [s if member == 0 else derive(s, "member", member) for s in seeds]
    networks = [
        build(name, tuple(x.shape[2:]), s, **options).to(where) for s in own
    ]
    stack = Stack.of(networks)
    feed = islice(labelled(x, y, batch, own), steps)
    if attack:
        feed = attacked(feed, stack, attack, own, spread=1e-3)
    sgd = torch.optim.SGD(
        list(stack.parameters()), rate, momentum=momentum, weight_decay=decay
    )
    made = fit(
        stack.parameters(),
        lambda b: cross_entropy(stack(b.x), b.y),
        feed,
        sgd,
        clip,
    )
    seen = []
    for step in tqdm(made, total=steps):
        if watch and step.number in times(steps):
            seen.append(watch(stack))
    return stack, seen


def times(steps):
    """Moments of a training, evenly spaced in the logarithm."""
    found = torch.logspace(max(0.0, log10(steps / 100)), log10(steps), 14)
    return found.round().int().unique().tolist()


# %%
ARMS = ("as it is", "simple redrawn", "rest redrawn")


def redrawn(network, test, subset, rotations=None):
    """(2, 3, S): AUC and accuracy, as they are, subset redrawn, rest redrawn."""
    found = randomised(
        lambda x: network(x)[..., 1] - network(x)[..., 0],
        *test, subset, stream(seed, "redrawn"), rotations,
    )  # fmt: skip
    return torch.stack([torch.stack(part) for part in found]).transpose(0, 1).cpu()


def note(setting, scores):
    """Into the record: the scores of every seed."""
    for s, of_seed in zip(seeds, scores.permute(2, 0, 1).tolist(), strict=True):
        noted.append([setting, s, *of_seed[0], *of_seed[1]])


def slabs(setting, data, n, steps, rate, **recipe):
    """Train on slabs; (T, 2, 3, S), scores with the first coordinate redrawn."""
    turn = torch.stack([data.rotation(s) for s in seeds]).to(where)
    test = points(data, n_test, "test")
    x, y = points(data, n, "train")
    _, seen = learn(
        x, y, steps, rate, watch=lambda f: redrawn(f, test, [0], turn), **recipe
    )
    note(setting, seen[-1])
    return torch.stack(seen)


# %% [markdown]
# ## One linear coordinate among slabs
#
# LMS-5 has one linear coordinate and all others of five slabs; MS-(5,7) has one coordinate of five slabs and all others of seven. The
# first is trained as published, two hidden layers of 100 units and plain gradient descent at the published rate, number of points and
# dimension, but for fewer updates: it is done long before the published stop. The second has fewer coordinates and a higher rate, so that
# a laptop can afford it. Every seed has its own data, rotation, first weights and order.

# %%
lms5 = slabs("LMS-5", lms(5, d_lms), n_lms, lms_steps, 0.1)
ms57 = slabs("MS-(5,7)", ms(5, 7, d_ms), n_ms, ms_steps, ms_rate)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "No slab is learnt at any time: with the linear coordinate redrawn the network stays at chance, with all slabs redrawn it loses next to nothing. LMS-5 during training: area under the curve on test points as they are, with the linear coordinate redrawn, and with all slab coordinates redrawn; two curves on each other show as one. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-pitfalls-lms"}}
curves(
    times(lms_steps),
    {arm: lms5[:, 0, i].T for i, arm in enumerate(ARMS)},
    "update",
    "area under the curve",
    alt="Area under the curve against the number of updates on LMS-5, three curves: test points as they are, with the linear coordinate "
    "redrawn, and with all slab coordinates redrawn.",
    levels=[(0.5, "chance")],
    ylim=(0.38, 1.03),
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The simplest feature need not be linear: here the network learns the five slabs alone, after hundreds of updates at chance. The same curves for MS-(5,7), where the simplest feature is the one coordinate of five slabs. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-pitfalls-ms"}}
curves(
    times(ms_steps),
    {arm: ms57[:, 0, i].T for i, arm in enumerate(ARMS)},
    "update",
    "area under the curve",
    alt="Area under the curve against the number of updates on data of one five-slab and many seven-slab coordinates, three curves: test "
    "points as they are, with the five-slab coordinate redrawn, and with all others redrawn.",
    levels=[(0.5, "chance")],
    ylim=(0.38, 1.03),
)

# %%
glue("d", d_lms)
glue("lms_redrawn", lms5[-1, 0, 1].mean())
report("simplicity/only-the-linear-coordinate-is-used", lms5[-1, 0, 1])

# %%
glue("lms_rest", lms5[-1, 0, 2].mean())
report("simplicity/redrawing-all-slabs-changes-nothing", lms5[-1, 0, 2])

# %%
report("simplicity/only-the-five-slabs-are-used", ms57[-1, 0, 1])

# %% [markdown]
# The curves say more than their ends. *Rest redrawn* lies on *as it is* all the way: there is no time at which the network has learnt a
# little of everything and later drops it. And where the simplest feature is one of five slabs, nothing at all is learnt for hundreds of
# updates, then all of it in a few; when, differs between seeds, hence the wide band.
#
# ## When the simple feature is not enough
#
# Let the linear coordinate be silent for a share $p$ of the points: uniform in $[-\gamma, \gamma]$, whatever the label. Alone it can be
# right on $1 - p/2$ of them. The others, here of seven slabs, are still right on all. Does a network that has to classify the silent
# points, too, take them up?
#
# The area under the curve cannot tell. Silent points lie between all points that speak, so of the pairs it counts only those of two
# silent points are in doubt, and the linear coordinate alone has area $1 - p^2/2$: {glue:text}`auc_ceiling:.3f`, where the network has
# {glue:text}`noisy_auc:.3f`. So here it is accuracy that counts.

# %%
hard = {"momentum": 0.9, "decay": 5e-4, "width": noisy_width}
recipe = {"n": n_noisy, "steps": noisy_steps, "rate": noisy_rate, **hard}
noisy = slabs("noisy LMS-7", noisy_lms(7, d_noisy, noise), **recipe)
ms7 = slabs("MS-7", ms(7, 7, d_noisy), **recipe)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "A simple feature costs accuracy: beside it the slabs stay unlearnt, without it the same network learns them and gets nearly all points right. Test accuracy on noisy LMS-7 as it is, with the linear coordinate redrawn, with all slabs redrawn; and that of the same network on MS-7, the same data without a linear coordinate. Dotted: what the linear coordinate alone can give. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-pitfalls-noisy"}}
curves(
    times(noisy_steps),
    {arm: noisy[:, 1, i].T for i, arm in enumerate(ARMS)}
    | {"MS-7": ms7[:, 1, 0].T},
    "update",
    "test accuracy",
    alt="Test accuracy against the number of updates: on noisy LMS-7 as it is, with the linear coordinate redrawn, with all slabs "
    "redrawn, and on MS-7.",
    levels=[(1 - noise / 2, "1 − p/2")],
    ylim=(0.38, 1.03),
)

# %%
glue("noise", noise)
glue("auc_ceiling", 1 - noise**2 / 2)
glue("noisy_auc", noisy[-1, 0, 0].mean())
glue("noisy_accuracy", noisy[-1, 1, 0].mean())
report("simplicity/noise-in-the-simple-feature-is-a-ceiling", noisy[-1, 1, 0])

# %%
glue("ms7_accuracy", ms7[-1, 1, 0].mean())
report(
    "simplicity/a-simple-feature-costs-accuracy", ms7[-1, 1, 0] - noisy[-1, 1, 0]
)

# %% [markdown]
# The two arms see as many points in as many updates at the same rate, and differ in one coordinate. In the arm that has it the slabs stay
# unlearnt, and with them the points that only they could tell: redrawn, they change nothing. (The published runs took different rates
# for the two arms. Here both have the higher one, at which both train well on validation points.)
#
# ## Dominoes
#
# Coordinates are made up; the published images put an MNIST 0 or 1 above a car or a truck of CIFAR-10, one label for both. What needs no
# download is smaller: a digit of 8 × 8 pixels, 0 or 1, above another one that is even (2, 4, 6, 8) or odd (3, 5, 7, 9). Given the label,
# chance says which images meet, and every image of a label is used before any is used again; those of the test dominoes are of the test
# split. The parameter `dataset="mnist+cifar10"` asks for the published pair; what is on record of it stands in the last table.

# %%
dominoes = named(dataset)
train, test = (
    points(dominoes, n, s) for n, s in ((n_dominoes, "train"), (n_pairs, "test"))
)
top = upper(test[0][0])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Within a label the upper digit is always the same, while the lower image varies; either is enough to tell the label. Dominoes of label 0 and of label 1.", "name": "fig-pitfalls-dominoes"}}
examples = {
    f"label {label}": test[0][0][test[1][0] == label][:7].cpu() for label in (0, 1)
}
gallery(
    examples,
    alt="Two rows of seven pictures, each of one small image above another, the first row of label 0, the second of label 1.",
)

# %% [markdown]
# The network has three convolutions. Three are trained from independent first weights in independent order, for the ensemble below, and
# one more where the upper image is drawn whatever the label: can such a network learn the lower one at all, in as many updates?

# %%
cnn = {"name": "cnn", "width": cnn_width}
cnn |= {"rate": 0.1, "momentum": 0.9, "batch": cnn_batch}
cnn |= {"clip": cnn_clip or None}
networks = [learn(*train, cnn_steps, member=m, **cnn)[0] for m in range(3)]


def shuffled(x, split):
    """The dominoes with upper halves of others, whatever the label."""
    order = torch.randperm(x.shape[1], generator=stream(seed, "upper", split))
    return torch.where(top.to(where), x[:, order.to(where)], x)


lower, _ = learn(shuffled(train[0], "train"), train[1], cnn_steps, **cnn)
learnt = accuracy(lower, shuffled(test[0], "test"), test[1]).cpu()

# %%
report("simplicity/the-lower-half-could-be-learnt", learnt)

# %%
scores = {
    "CNN": redrawn(networks[0], test, top),
    "mean of three CNNs": redrawn(together(*networks), test, top),
}
glue("cnn_redrawn", scores["CNN"][0, 1].mean())
report("simplicity/dominoes-only-the-upper-digit-is-used", scores["CNN"][0, 1])

# %%
report(
    "simplicity/dominoes-redrawing-the-lower-half-changes-nothing",
    scores["CNN"][0, 2],
)

# %% [markdown]
# ## What does not help
#
# *Ensembles.* The logits of the three networks are averaged. If independent first weights led to different features, the mean would
# stand on more of them than each does.

# %%
glue("three_redrawn", scores["mean of three CNNs"][0, 1].mean())
report("simplicity/ensembles-do-not-help", scores["mean of three CNNs"][0, 1])

# %% [markdown]
# *Adversarial training*, on images moved by at most a radius in every pixel, in the direction that costs the network most
# {cite}`madry2018robust`. If the simple feature can be destroyed by small changes and the complex one not, it should force the network
# to the latter. Here a perceptron is trained, with and without it. The published radius, 0.6 of pixels in $[-1, 1]$, is more than
# digits of 8 × 8 pixels bear: trained against that, validation accuracy stays at chance. Of 0.2, 0.4 and 0.6 the first was the only one
# at which nine in ten attacked validation dominoes were still classified.


# %%
def attack(score, x, y, begin=None):
    return pgd(score, x, y, radius, "linf", 7, 0.4 * radius, begin)


flat = {"momentum": 0.9, "batch": 128, "rate": 0.05, "clip": hard_clip or None}
plain, _ = learn(*train, hard_steps, **flat)
hardened, _ = learn(*train, hard_steps, attack=attack, **flat)
attacks = [test[0] + attack(f, *test) for f in (plain, hardened)]
robust = [
    accuracy(f, x, test[1]).cpu()
    for f, x in zip((plain, hardened), attacks, strict=True)
]
scores["perceptron"] = redrawn(plain, test, top)
scores["perceptron, adversarial"] = redrawn(hardened, test, top)
hard_auc = scores["perceptron, adversarial"][0]

# %%
glue("plain_robust", robust[0].mean())
glue("hard_robust", robust[1].mean())
glue("flat_redrawn", scores["perceptron"][0, 1].mean())
glue("hard_redrawn", hard_auc[1].mean())
glue("difference", str(paired(hard_auc[1], scores["perceptron"][0, 1])))
report("simplicity/adversarial-training-does-not-help", hard_auc[1])

# %% [markdown]
# It does what it is for: of attacked test dominoes {glue:text}`hard_robust:.0%` are classified, {glue:text}`plain_robust:.0%` without
# it. But the sentence is about what a network uses, and there is something to use less of: where all pixels are connected to all, the
# lower digit counts for more than in a convolutional network from the start, and the test asks for chance. That adversarial training
# adds nothing is what we see as well (with it less without, paired by seed: {glue:text}`difference`); that nothing was there is not.
#
# ## Beside the published numbers
#
# What needs a download is run apart: this notebook with `dataset="mnist+cifar10"`, the published pair of sets in the published number and
# size, 3 × 64 × 32 pixels, of which {glue:text}`pair_seeds:.0f` seeds are on record. The network is not the published ResNet-50 but the
# one above; the radius of the attacks on the perceptron was chosen on validation dominoes. At the rate that serves digits some networks
# diverge here, or learn nothing, so the norms of gradients are bounded. Convolutional ones: of 0.3 and 1, at which none of three seeds
# that are not on record diverged, 1 was after 2,000 updates at least as accurate on validation dominoes in both arms; the record has
# 1,600, for the sake of time, and there cars and trucks alone had been told apart a little better with 0.3. Perceptrons: without a
# bound three attacked ones of ten had learnt nothing after 200 updates, and what has learnt nothing is at chance whatever is redrawn.
# With 0.3 and 400 updates all of three other seeds learnt, by their training loss; with 1, or half the rate, not all did.

# %% tags=["hide-input"]
PAIR = "mnist+cifar10"
record = kept("simplicity/pitfalls", PAIR, "scores")
alone = kept("simplicity/pitfalls", PAIR, "lower half")


def recorded(setting, kind="AUC"):
    """Of the committed run on the published pair: an interval over seeds each arm."""
    rows = record.where(setting=f"dominoes, {setting}")
    return [bootstrap(torch.tensor(rows.column(f"{kind}, {arm}"))) for arm in ARMS]


on_pair = {name: recorded(name) for name in scores} if record else {}
says = "Of the published pair nothing is on record yet."
if record and alone:
    learnt_alone = bootstrap(torch.tensor(alone.column("accuracy")))
    _, no_top, no_bottom = on_pair["CNN"]
    says = (
        "On the published pair a small network has a test accuracy of "
        f"{recorded('CNN', 'accuracy')[0]} (published .998). With the digits of "
        f"MNIST redrawn its area under the curve is {no_top} (published .494), with "
        f"the cars and trucks of CIFAR-10 redrawn {no_bottom} (published 1.000). "
        "Given digits of either label above them, the same network in as many "
        f"updates tells cars from trucks in {learnt_alone} of cases"
    )
    slow = ": what is learnt so slowly is ignored whatever stands above it."
    says += slow if learnt_alone.value < 0.9 else "."
glue("pair_says", says)
glue("pair_seeds", len(alone.column("accuracy")) if alone else 0)

# %% tags=["hide-input"]
for setting, found in scores.items():
    note(f"dominoes, {setting}", found)
PUBLISHED = {
    "LMS-5": "1.000, 0.507, 1.000",
    "MS-(5,7)": "1.000, 0.502, 1.000",
    "noisy LMS-7, accuracy": "0.949, 0.497, 0.949",
    "dominoes, CNN": "1.000, 0.494, 1.000",
    "dominoes, mean of three CNNs": "1.000, 0.502, 1.000",
    "dominoes, perceptron, adversarial": "1.000, 0.508, 1.000",
}
shown = {"LMS-5": lms5[-1, 0], "MS-(5,7)": ms57[-1, 0], "noisy LMS-7": noisy[-1, 0]}
shown["noisy LMS-7, accuracy"] = noisy[-1, 1]
shown |= {f"dominoes, {name}": found[0] for name, found in scores.items()}
rows = [[name, *map(bootstrap, found)] for name, found in shown.items()]
rows += [
    [f"dominoes, {name} (record, {PAIR})", *of] for name, of in on_pair.items()
]
table(
    ["", *ARMS, "published"],
    [[*row, PUBLISHED.get(row[0].partition(" (")[0], "")] for row in rows],
    "Area under the curve, or accuracy where it says so, on test points, with 95 % intervals over seeds; and the three published numbers "
    "where there are any: one run each, slabs with d = 50, dominoes with ResNet-50 on MNIST above CIFAR-10.",
    ".3f",
)

# %%
keep("lower half", {"seed": seeds, "accuracy": learnt})
columns = ["setting", "seed"]
columns += [f"{kind}, {arm}" for kind in ("AUC", "accuracy") for arm in ARMS]
keep("scores", dict(zip(columns, zip(*noted, strict=True), strict=True)))

# %% [markdown]
# On slabs the published picture comes out, now with intervals, which single runs had not. On digits above digits its direction does;
# small images whose lower half is not very hard are no extreme case. {glue:text}`pair_says`
#
# ## What stays open
#
# - *Where it ends.* The ceiling is not a law: with enough examples on which the simple feature fails, networks get past it. Which of
#   number of points, noise, dimension and width decide that, and whether it is pieces or moments that make a feature simple, is the
#   question of the notebook on the limits of simplicity bias. What mends it, at equal numbers of updates, is that of the one on
#   mitigations.
# - *Dominoes and large networks.* A network of three convolutions is not a ResNet-50. On digits above digits the lower image could be
#   learnt, yet it was not easy; on the published pair a network that learns cars and trucks well in the same time is what the question
#   asks for, and is more than two cores can train for ten seeds. Of the registered test images of CIFAR-10, the first thousand, about 200
#   are cars or trucks, so that each is in several test dominoes.
# - *Chance among seeds.* Of few networks one that is a little off leaves a verdict undecided. The claims page has a run of ten.
