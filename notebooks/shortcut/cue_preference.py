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
# # Of cues that are worth the same, which one does a network take?
#
# **Of these sprites {glue:text}`leader`, {glue:text}`lasting`.** Colour, shape, scale and orientation all give every training label away. Where
# they are put at odds, a perceptron, a CNN and a vision transformer follow {glue:text}`leader` in {glue:text}`leader_least:.0%` of the images or more and
# no other cue in more than {glue:text}`other_most:.0%`, where {glue:text}`floor:.0%` is chance. On grey sprites {glue:text}`grey_leader` is followed most, in
# {glue:text}`grey_most:.0%`. At a saturation of {glue:text}`faint:.1f` colour alone is still learnt, to {glue:text}`faint_alone:.0%`; beside the other cues it is
# then followed in {glue:text}`faint_colour:.0%`, and {glue:text}`faint_leader` in {glue:text}`faint_most:.0%`. Under noise relative to each layer, solutions that use colour are
# {glue:text}`flat_word` the flattest of the others after equal updates (the loss rises by {glue:text}`rise_colour:.4f` and {glue:text}`rise_flattest:.4f` nats), and
# at equal training loss {glue:text}`matched_word` the others on average ({glue:text}`rise_matched:.4f` and {glue:text}`rise_rest:.4f`).

# %% tags=["hide-input"]
from dataclasses import replace
from functools import cache
from itertools import islice, product
from math import cos, pi
from types import SimpleNamespace

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep
from whence.data.designs import Equal, floor
from whence.data.looks import Look
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.maps import gallery
from whence.figures.tables import table
from whence.measures.flatness import Bezier, along, barrier, returned, rise
from whence.measures.shortcut import follows, preference
from whence.nets.build import build
from whence.seeds import stream
from whence.stats import bootstrap
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled

# %% tags=["parameters"]
seed: int = 0  # first seed; a seed chooses images, first weights and their order
n_seeds: int = 3  # how many seeds, counted up from the first
side: int = 16  # pixels
smallest: float = 0.05  # share of the image that the smallest sprites cover
largest: float = 0.2  # and the largest
faint: float = 0.1  # saturation of colours that hardly show
between: list[float] = [0.3, 0.05]  # further saturations, for the perceptron
n_train: int = 1500  # images on the diagonal
n_test: int = 800  # images off it
counters: list[int] = [
    10,
    100,
    1500,
]  # images off the diagonal that are labelled by one cue; the last makes the biased
few: int = 100  # the number of them that a claim is about
width: int = 64  # hidden units of the perceptron's two layers
channels: int = 8  # of the first convolution of the CNN
tokens: int = 32  # width of the ViT
depth: int = 1  # its blocks
batch: int = 32  # images an update
rate: float = 0.005  # learning rate of Adam, falling to 0 as a cosine
n_steps: int = 250  # updates
n_alone: int = 1  # seeds on which CNN and ViT learn each cue alone
n_draws: int = 4  # random directions, each taken both ways
radii: list[float] = [0.1, 0.2, 0.4, 0.8]  # relative to each layer, rising
radius: float = 0.4  # the one of them that claims are about
n_again: int = 150  # updates from where a network was moved to by the largest
n_points: int = 11  # along a curve
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Four cues of one label
#
# A sprite has a colour, a shape, a size (*scale*) and an orientation, each cut into $L = 3$ levels. In training all four are at the label's
# level {cite}`scimeca2022shortcut`: of the $L^K$ cells of a table of $K = 4$ cues only the $L$ on its diagonal are shown, so that
# any one cue gives every label away, and none is worth more than another. Which one a network took, only images off the diagonal can
# say: there the cues are at odds, and the accuracy on a cue is how often the answer is that cue's level.
#
# Chance is not $1/L$ there. A network that goes by one cue alone is right about it always, and about any other cue in
#
# $$
# \frac{L^{K-1} - L}{L^K - L}
# $$ (floor)
#
# of the images: two given cues agree in $L^{K-1}$ cells, of which $L$ are on the diagonal and not asked. Its answers that
# follow one cue or several are votes, split among those they follow; the used cue then has a share of {glue:text}`all_votes:.3f`, not 1.

# %%
cues = ("colour", "shape", "scale", "orientation")
rest = cues[1:]
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
full, grey = 1.0, 0.0


def design(saturation):
    """Cues of equal value; without saturation there is no colour among them."""
    look = Look(side, footprint=(smallest, largest), saturation=saturation)
    return Equal(cues if saturation > 0 else rest, 3, look)


@cache
def pool(saturation, split, n):
    """Images (S, n, ...), labels (S, n) and levels (S, n, K), on the diagonal or off."""
    law = design(saturation)
    draw = law.diagonal if split in ("train", "held") else law.off_diagonal
    samples = [draw(n, s, split) for s in seeds]
    x, y, levels = (torch.stack(part) for part in zip(*samples, strict=True))
    return SimpleNamespace(x=x.to(where), y=y.to(where), levels=levels.to(where))


by_colour = design(full).off  # a network that answers with the level of colour
glue("faint", faint)
glue("all_votes", preference(by_colour[:, 0], by_colour)[0])
table(
    ["levels", "2 cues", "3 cues", "4 cues"],
    [[str(n), *(floor(n, k) for k in (2, 3, 4))] for n in (2, 3, 4)],
    "Accuracy off the diagonal on a cue that is not used.",
    ".3f",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Training sprites of one label share colour, shape, size and tilt, so nothing in them says which cue is meant. On the diagonal three images of each label; off it the cues are at odds. Faint colours still differ, by a tenth; grey sprites have none. Size is how many pixels a sprite covers, equal for all shapes; all are turned by no more than a quarter turn, and places say nothing.", "name": "fig-cue-sprites"}}
some = pool(full, "train", n_train)
chosen = some.y[0].argsort(stable=True)[: 3 * (n_train // 3)].reshape(3, -1)[:, :3]
rows = {"on the diagonal, by label": some.x[0, chosen.flatten()]}
for name, saturation in {"off it": full, f"saturation {faint:g}": faint, "grey": grey}.items():  # fmt: skip
    rows[name] = pool(saturation, "test", n_test).x[0, :9]
gallery(
    rows,
    alt="Four rows of nine small images of one coloured shape each: sorted by label, with cues at odds, with faint colours, and grey.",
)

# %% [markdown]
# ## Which cue is taken
#
# Three networks: a perceptron of two hidden layers, a CNN, and a small vision transformer on patches of 4 × 4 pixels. All make
# {glue:text}`n_steps:.0f` updates on the same images from the same seeds. None has batch normalisation, and none drops units: in
# training mode and in evaluation mode they answer alike, as tried below. In the public code networks with batch
# normalisation were evaluated in training mode, where images off the diagonal move what is to be measured.

# %%
options = {
    "perceptron": {"width": width, "depth": 2},
    "cnn": {"width": channels},
    "vit": {"width": tokens, "depth": depth, "patch": 4},
}
names = dict(zip(options, ["perceptron", "CNN", "ViT"], strict=True))


def descend(stack, x, y, steps, n=n_seeds, start=0):
    """Training, as a generator of its steps; n seeds in turn, each on its own images."""
    who = seeds[:n] * (len(stack) // n)
    weights = list(stack.parameters())
    feed = islice(labelled(x, y, batch, who, start), steps)

    def loss(b):
        return cross_entropy(stack(b.x), b.y)

    def share(k):
        return (1 + cos(pi * k / steps)) / 2

    return fit(weights, loss, feed, torch.optim.Adam(weights, rate), schedule=share)


# %%
def fresh(kind, n=n_seeds):
    nets = [
        build(kind, (3, side, side), s, outputs=3, **options[kind]) for s in seeds
    ]
    return [net.to(where) for net in nets[:n]]


def part(stack, first, n):
    weights = {k: t[first : first + n].detach() for k, t in stack.weights.items()}
    return replace(stack, weights=weights)


def learn(kind, sets):
    """A stack of networks, one a seed, for each set of images; all trained together."""
    n = len(next(iter(sets.values()))[1])
    stack = Stack.of(fresh(kind, n) * len(sets))
    x, y = (torch.cat(part) for part in zip(*sets.values(), strict=True))
    for _ in descend(stack, x, y, n_steps, n):
        pass
    return {key: part(stack.eval(), i * n, n) for i, key in enumerate(sets)}


@torch.no_grad()
def read(stack, saturation, measure=follows):
    """Accuracy on each cue off the diagonal (S, K), or another measure of answers."""
    test = pool(saturation, "test", n_test)
    answers = stack(test.x[: len(stack)]).argmax(-1)
    return torch.stack([measure(*pair) for pair in zip(answers, test.levels, strict=False)]).cpu()  # fmt: skip


# %%
glue("n_steps", n_steps)
glue("n_train", n_train)
saturations = {kind: [full, faint, grey] for kind in options}
saturations["perceptron"] = [full, *between, faint, grey]
found, votes = {}, {}
for kind in tqdm(options, "equal cues"):
    sets = {v: pool(v, "train", n_train) for v in saturations[kind]}
    stacks = learn(kind, {v: (train.x, train.y) for v, train in sets.items()})
    found |= {(kind, v): read(stack, v) for v, stack in stacks.items()}
    votes[kind] = read(stacks[full], full, preference)
    x, y = sets[full].x[:, :300], sets[full].y[:, :300]
    with torch.no_grad():
        both = stacks[full].train()(x), stacks[full].eval()(x)
    right = (both[1].argmax(-1) == y).double().mean()
    apart = (both[0] - both[1]).abs().max()
    print(f"{kind}: right on the diagonal {right:.3f}; between modes {apart:.0f}")


# %%
def lead(accuracy, cue):
    """Accuracy on one cue less the largest of the others (S,)."""
    names = cues[-accuracy.shape[-1] :]
    others = [k for k, name in enumerate(names) if name != cue]
    return accuracy[:, names.index(cue)] - accuracy[:, others].amax(-1)


def first(accuracy):
    """The cue that is followed most on average, and how often."""
    score = accuracy.mean(0)
    return cues[-len(score) :][int(score.argmax())], score.max()


def over_networks(saturation, of, how):
    """A number a network and seed, brought together over networks."""
    return how(torch.stack([of(found[kind, saturation]) for kind in options]))


def least(rows):
    return rows.amin(0)


def mean(rows):
    return rows.mean(0)


# %% tags=["hide-input"]
def followed(saturation, alt):
    """A figure: what each network scores on the cues there are at a saturation."""
    there = design(saturation).cues
    return dots(
        {
            names[kind]: dict(zip(there, found[kind, saturation].T, strict=True))
            for kind in options
        },
        "accuracy on the cue, off the diagonal",
        alt=alt,
        reference=(floor(3, len(there)), "floor"),
        xlim=(0, 1.03),
    )


# %% tags=["hide-input"] mystnb={"figure": {"caption": "Of four cues of equal value all three networks take colour and leave the others near the floor. Accuracy on each cue off the diagonal, after training on four cues of equal value. The dotted line is the floor of equation (1): what a network scores that goes by another cue. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-cue-preference"}}
followed(
    full,
    alt="Accuracy on colour, shape, scale and orientation off the diagonal for a perceptron, a CNN and a ViT, with the floor as a line.",
)

# %%
average = {v: torch.stack([found[kind, v] for kind in options]).mean(0) for v in (full, faint, grey)}  # fmt: skip
leader, _ = first(average[full])
glue("leader", leader)
glue("leader_least", min(found[kind, full].mean(0)[cues.index(leader)] for kind in options))  # fmt: skip
for name, v in {"faint": faint, "grey": grey}.items():
    cue, accuracy = first(average[v])
    glue(f"{name}_leader", cue)
    glue(f"{name}_most", accuracy)
others = [k for k, cue in enumerate(cues) if cue != leader]
stays = first(average[faint])[0] == leader
glue("lasting", "even when it hardly shows" if stays else "as long as it shows")
glue("other_most", max(found[k, full].mean(0)[others].max() for k in options))
glue("floor", floor(3, 4))
glue("faint_colour", average[faint][:, 0].mean())
below = torch.stack([found[kind, full][:, 1:].mean(1) - floor(3, 4) for kind in options])  # fmt: skip
farthest = below.gather(0, below.abs().argmax(0, keepdim=True))[0]
most = torch.stack([votes[kind].amax(-1) for kind in options])
print(report("shortcut/equal-cues-are-not-treated-equally", least(most)))
print(report("shortcut/what-is-not-used-is-at-the-floor", farthest))
ahead = over_networks(full, lambda a: lead(a, "colour"), least)
report("shortcut/colour-leads", ahead)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Without colour all three networks follow scale most, and shape and orientation much less. The same without colour: grey sprites, three cues. With fewer cues the floor is lower. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-cue-grey"}}
followed(
    grey,
    alt="Accuracy on shape, scale and orientation off the diagonal of grey sprites for a perceptron, a CNN and a ViT.",
)

# %%
second = over_networks(grey, lambda a: lead(a, "scale"), least)
third = over_networks(grey, lambda a: a[:, 0] - a[:, 2], mean)
print(report("shortcut/without-colour-scale-leads", second))
report("shortcut/then-shape-before-orientation", third)

# %% [markdown]
# Some answers off the diagonal follow no cue exactly, or one cue for some levels and another for others: then several are above the floor,
# as of the grey sprites here. What is far from the floor for one network need not be for another.
#
# ## Could they have taken another?
#
# A cue that a network cannot learn in as many updates was never on offer. So each is also made to learn one cue alone: beside the
# diagonal it is shown as many images off it, labelled by that cue ({numref}`fig-cue-turned` has fewer). What is not
# learnt to at least {glue:text}`gate:.0%` of new images is no fair rival, and stands in the table as such.

# %%
gate = 0.8
law = design(full)


@cache
def mixed(saturation, cue, m, n=n_seeds):
    """Images on the diagonal, and m off it labelled by one cue: (S, n, ...), (S, n)."""
    on = pool(saturation, "train", n_train)
    off = pool(saturation, "counter", counters[-1])
    label = off.levels[:n, :m, law.cues.index(cue)]
    return torch.cat([on.x[:n], off.x[:n, :m]], 1), torch.cat([on.y[:n], label], 1)


turned = {}
for m in tqdm(counters, "one cue"):
    biased = learn("perceptron", {cue: mixed(full, cue, m) for cue in cues})
    turned |= {(cue, m): read(stack, full) for cue, stack in biased.items()}
alone = {("perceptron", cue): turned[cue, m][:, k] for k, cue in enumerate(cues)}
faded = learn("perceptron", {0: mixed(faint, "colour", m)})[0]
alone["perceptron", "faint colour"] = read(faded, faint)[:, 0]

lessons = {cue: (full, cue) for cue in cues} | {"faint colour": (faint, "colour")}
for kind in tqdm(("cnn", "vit"), "one cue alone"):
    sets = {name: mixed(*what, m, n_alone) for name, what in lessons.items()}
    for name, stack in learn(kind, sets).items():
        saturation, cue = lessons[name]
        alone[kind, name] = read(stack, saturation)[:, cues.index(cue)]

# %% tags=["hide-input"]
shown = [*cues, "faint colour"]
glue("gate", gate)
glue("faint_alone", min(alone[kind, "faint colour"].mean() for kind in options))
fair = {k: float(v.mean()) >= gate for k, v in alone.items()}
table(
    ["network", "seeds", *shown, "fair rivals"],
    [
        [
            names[kind],
            len(alone[kind, "colour"]),
            *(float(alone[kind, cue].mean()) for cue in shown),
            ", ".join(cue for cue in shown if fair[kind, cue]),
        ]
        for kind in options
    ],
    "Accuracy on new images off the diagonal when one cue is the only label: what each network could have learnt in as many updates.",
)

# %% [markdown]
# ## Colour, or what shows?
#
# Fade the colours, and nothing changes in what they are worth: levels, labels, shapes and places stay the same image by image. As the
# table says, what is left of them is enough to learn colour if nothing else is to be learnt.

# %%
scale_of = [s for s in sorted(saturations["perceptron"]) if s > 0]
swept = torch.stack([found["perceptron", s] for s in scale_of], -1)  # (S, K, R)
loses = over_networks(faint, lambda a: lead(a, "colour"), mean)
moved_by = over_networks(full, lambda a: a[:, 0], mean)
moved_by = moved_by - over_networks(faint, lambda a: a[:, 0], mean)
print(report("shortcut/faint-colour-loses-its-lead", loses))
report("shortcut/salience-moves-preference", moved_by)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "With full colours the perceptron goes by colour; at every fainter saturation tried it follows scale most. Accuracy of the perceptron on each cue off the diagonal, against the saturation of the colours it was trained and tested on. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-cue-salience"}}
curves(
    scale_of,
    {cue: swept[:, k] for k, cue in enumerate(cues)},
    "saturation of the colours",
    "accuracy on the cue",
    alt="Accuracy on four cues against the saturation of the colours, for the perceptron.",
    levels=[(floor(3, 4), "floor")],
    ylim=(0, 1.03),
)

# %% [markdown]
# ## How much it takes to turn a network
#
# Counter-examples are images off the diagonal labelled by one cue, added to the {glue:text}`n_train:.0f` on it. Nearly a third of them
# say nothing against colour, as it agrees with their cue by chance.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "A hundred counter-examples turn perceptrons to scale almost wholly, to shape less, to orientation least; with many more they follow any cue. Accuracy on the cue by which counter-examples are labelled, against how many there are beside the images on the diagonal; perceptrons. Of colour it is high from the start. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-cue-turned"}}
curves(
    counters,
    {
        cue: torch.stack([turned[cue, m][:, k] for m in counters], -1)
        for k, cue in enumerate(cues)
    },
    "counter-examples",
    "accuracy on their cue",
    alt="Accuracy on colour, shape, scale and orientation against the number of counter-examples labelled by that cue.",
    levels=[(floor(3, 4), "floor")],
    ylim=(0, 1.03),
)

# %%
glue("few", few)
at_few = {cue: turned[cue, few] for cue in cues}
gained = at_few["scale"][:, 2] - at_few["orientation"][:, 3]
turns = at_few["scale"][:, 2] - at_few["scale"][:, 0]
print(report("shortcut/counter-examples-turn-a-network", turns))
report("shortcut/turning-to-a-less-preferred-cue-takes-more", gained)

# %%
for k, cue in enumerate(cues):
    glue(f"few_{cue}", at_few[cue][:, k].mean())

# %% [markdown]
# With {glue:text}`few:.0f` of them the accuracy on their cue is {glue:text}`few_scale:.2f` for scale, {glue:text}`few_shape:.2f` for shape and
# {glue:text}`few_orientation:.2f` for orientation. A preference among cues of equal value is no refusal of the others: it is the answer to a question
# that the data left open, and few images close it.
#
# ## Are preferred solutions flatter?
#
# The perceptrons with the most counter-examples go by one cue each, and all four kinds fit the diagonal: four solutions of one problem, from the
# same first weights. How flat each is must not depend on units. In a ReLU network one layer may be doubled and the next halved: the
# answers stay, and noise of a given size does twice as much in the latter. So noise is relative {cite}`li2018landscape`: layer $l$ moves by
# $r \lVert w_l \rVert$ in a random direction,
#
# $$
# \Delta(r) = \tfrac12 \mathbb E \left[ L(w + r d) + L(w - r d) \right] - L(w),
# \qquad d_l = \lVert w_l \rVert \, \frac{u_l}{\lVert u_l \rVert},
# $$ (rise)
#
# with $L$ the loss on new images of the diagonal, the same for all.

# %%
radius_at = radii.index(radius)


def at(stack, weights):
    return replace(stack, weights=dict(weights))


def on_diagonal(stack, saturation=full):
    """The loss of these networks with any weights, on held-out diagonal images."""
    held = pool(saturation, "held", n_test // 2)
    return lambda weights: cross_entropy(at(stack, weights)(held.x), held.y)


def noise(name="flatness"):
    return [stream(s, name) for s in seeds]


def climb(weights, stack, saturation=full):
    """Rise of the loss at each radius, mean over directions: (S, R)."""
    loss = on_diagonal(stack, saturation)
    return rise(loss, weights, radii, noise(), n_draws).mean(1).cpu()


rises = {cue: climb(stack.weights, stack) for cue, stack in biased.items()}
faint_rise = climb(faded.weights, faded, faint)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "After equal updates and under strong noise, solutions biased to colour are the flattest and those biased to faint colour the sharpest, on average over seeds. Rise of the loss on the diagonal under noise relative to each layer: of perceptrons biased to one cue each, and of those biased to faint colour, on faint sprites. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-cue-flatness"}}
curves(
    radii,
    rises | {"faint colour": faint_rise},
    "radius, share of each layer's norm",
    "rise of the loss, nats",
    alt="Rise of the loss against the relative radius of the noise for solutions biased to colour, shape, scale, orientation and faint colour.",
)

# %%
level = {cue: r[:, radius_at] for cue, r in rises.items()}
flattest = torch.stack([level[cue] for cue in rest]).amin(0)
rivals = torch.minimum(level["shape"], level["orientation"])
print(report("shortcut/colour-solutions-are-flatter", level["colour"] - flattest))
print(report("shortcut/among-the-rest-scale-is-flattest", level["scale"] - rivals))
report("shortcut/fainter-is-sharper", faint_rise[:, radius_at] - level["colour"])


# %%
def than(difference):
    """How one thing stands to another, if its interval over seeds says so."""
    gap = bootstrap(difference)
    if gap.n < 3 or gap.low <= 0 <= gap.high:
        return "not certainly flatter or sharper than"
    return "flatter than" if gap.high < 0 else "sharper than"


glue("radius", radius)
glue("flat_word", than(level["colour"] - flattest))
glue("rise_colour", level["colour"].mean())
glue("rise_flattest", flattest.mean())

# %% [markdown]
# What is learnt sooner is also fitted further after as many updates, and a better fit may be flatter for that alone. So take colour's
# network back to the moment at which its training loss was that of the other cue's network at its end.

# %%
moments = sorted(
    {round(1.2**k) for k in range(100) if 1.2**k < n_steps} | {n_steps}
)


def fitted(stack, cue):
    x, y = mixed(full, cue, counters[-1])
    with torch.no_grad():
        return cross_entropy(stack(x), y)


stack = Stack.of(fresh("perceptron"))
trail = []
for step in descend(stack, *mixed(full, "colour", counters[-1]), n_steps):
    if step.number in moments:
        weights = {k: t.detach().clone() for k, t in stack.weights.items()}
        trail.append((fitted(stack, "colour"), weights))


def back(cue):
    """Colour's weights at the first moment with the other's last loss or less."""
    reached = torch.stack([loss for loss, _ in trail]) <= fitted(biased[cue], cue)
    at_loss = [int(r.int().argmax()) if r.any() else -1 for r in reached.T]
    return at_loss, {
        k: torch.stack([trail[m][1][k][i] for i, m in enumerate(at_loss)])
        for k in stack.weights
    }


# %%
matched, when = {}, {}
for cue in rest:
    when[cue], weights = back(cue)
    matched[cue] = climb(weights, stack)[:, radius_at]
table(
    [
        "other cue",
        "its rise",
        "colour's, same loss",
        "at update",
        "colour's at its end",
    ],
    [
        [
            cue,
            bootstrap(level[cue]),
            bootstrap(matched[cue]),
            sum(moments[m] for m in when[cue]) / n_seeds,
            bootstrap(level["colour"]),
        ]
        for cue in rest
    ],
    f"Rise of the loss at relative radius {radius:g}, in nats, with equal training loss and after equal updates.",
    [".2f", ".3f", ".3f", ".0f", ".3f"],
)

# %%
paired = torch.stack([matched[cue] - level[cue] for cue in rest]).mean(0)
glue("matched_word", than(paired))
glue("rise_matched", torch.stack([matched[cue] for cue in rest]).mean())
glue("rise_rest", torch.stack([level[cue] for cue in rest]).mean())
report("shortcut/flatter-at-matched-loss", paired)

# %% [markdown]
# The comparison after equal updates is the published one, and it cannot tell a flat region from a margin that has had time to grow.
# Nor is this the last word on it: colour's network is caught in the middle of its schedule, at a learning rate
# which the other's has come down from.
#
# ## Are they more abundant?
#
# First by falling: move each solution by the largest radius, train again on the diagonal alone, where every cue is right, and
# see which cue it goes by then. Not moved at all it is trained again as well: what that alone does is the control.

# %%
far = radii[-1]


def again(stack):
    """Train from given weights on the diagonal, with later batches than before."""
    train = pool(full, "train", n_train)

    def run(weights):
        leaves = {k: t.clone().requires_grad_() for k, t in weights.items()}
        moved = replace(stack, weights=leaves)
        for _ in descend(moved, train.x, train.y, n_again, start=n_steps):
            pass
        return leaves

    return run


fallen = {}
for cue, stack in tqdm(biased.items(), "again"):

    def judge(weights, stack=stack):
        return read(at(stack, weights), full)

    steps = returned(stack.weights, [0.0, far], noise("basin"), again(stack), judge)
    fallen[cue] = steps  # (S, 2, K)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Trained again on equal cues, perceptrons biased to colour stay with it; the others end between their own cue and colour, moved or not. Which cue perceptrons go by that were biased to one, after training again on equal cues: from where they were, and moved by the largest radius first. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-cue-basin"}}
dots(
    {
        f"from {cue}": {
            "its cue": fallen[cue][:, 0, k],
            "its cue, moved": fallen[cue][:, 1, k],
            "colour": fallen[cue][:, 0, 0],
            "colour, moved": fallen[cue][:, 1, 0],
        }
        for k, cue in enumerate(cues)
        if cue != "colour"
    }
    | {
        "from colour": {
            "colour": fallen["colour"][:, 0, 0],
            "colour, moved": fallen["colour"][:, 1, 0],
        }
    },
    "accuracy on the cue, off the diagonal",
    alt="Accuracy on a network's own cue and on colour after training again, by the cue it was biased to.",
    reference=(floor(3, 4), "floor"),
    xlim=(0, 1.03),
)

# %%
falls = torch.stack(
    [fallen[cue][:, 1, 0] - fallen[cue][:, 1, cues.index(cue)] for cue in rest]
)
print(report("shortcut/training-again-falls-back-to-colour", falls.mean(0)))
glue("far", far)
own = {c: torch.stack([fallen[cue][:, j, cues.index(cue)] for cue in rest]).mean() for j, c in enumerate(("kept", "kept_moved"))}  # fmt: skip
to_colour = {c: torch.stack([fallen[cue][:, j, 0] for cue in rest]).mean() for j, c in enumerate(("gone", "gone_moved"))}  # fmt: skip
for name, value in (own | to_colour).items():
    glue(name, value)
report("shortcut/colour-stays-colour", fallen["colour"][:, 1, 0])

# %% [markdown]
# Averaged over shape, scale and orientation, accuracy on the network's own cue is {glue:text}`kept:.2f` and on colour {glue:text}`gone:.2f` after training again from
# where it was; moved by {glue:text}`far:.1f` of each layer's norm first, {glue:text}`kept_moved:.2f` and {glue:text}`gone_moved:.2f`. Most of the way back to
# colour, where there is one, is the work of training with a fresh schedule, not of the move: a basin that holds against noise need not hold against
# the updates themselves.
#
# Then by travelling. Between two solutions lies a curve of low loss, a quadratic Bézier curve with its bend trained on the diagonal
# {cite}`garipov2018connectivity`. Every point on it fits the diagonal: which cue does it go by?


# %%
def join(cue):
    """From a cue's networks to colour's: losses straight and curved, and accuracies."""
    stack, train = biased["colour"], pool(full, "train", n_train)
    loss = on_diagonal(stack)
    curve = Bezier.between(biased[cue].weights, stack.weights)
    straight = along(loss, curve, n_points)
    bend = list(curve.bend.values())

    def places():
        for k, b in enumerate(labelled(train.x, train.y, batch, seeds)):
            t = [torch.rand((), generator=stream(s, "bend", k)) for s in seeds]
            yield b, torch.stack(t).to(where)

    def there(pair):
        return cross_entropy(at(stack, curve.at(pair[1]))(pair[0].x), pair[0].y)

    for _ in fit(
        bend, there, islice(places(), n_steps), torch.optim.Adam(bend, rate)
    ):
        pass
    with torch.no_grad():
        points = [at(stack, curve.at(i / (n_points - 1))) for i in range(n_points)]
    read_off = torch.stack([read(point, full) for point in points], 1)  # (S, T, K)
    return straight.cpu(), along(loss, curve, n_points).cpu(), read_off


paths = {cue: join(cue) for cue in tqdm(rest, "curves")}
won = {cue: (p[:, :, 0] > p[:, :, cues.index(cue)]).double().mean(1) for cue, (_, _, p) in paths.items()}  # fmt: skip
heights = {cue: (barrier(a), barrier(b)) for cue, (a, b, _) in paths.items()}

# %% tags=["hide-input"] mystnb={"figure": {"caption": "From any other cue the curve turns to colour well before halfway, so that colour decides on most of it. Accuracy on colour along the fitted curves, from the perceptron biased to another cue (0) to the one biased to colour (1). Bands: 95 % bootstrap intervals over seeds.", "name": "fig-cue-curves"}}
curves(
    [i / (n_points - 1) for i in range(n_points)],
    {f"from {cue}": paths[cue][2][:, :, 0] for cue in rest},
    "place on the curve",
    "accuracy on colour",
    alt="Accuracy on colour along curves from solutions biased to shape, scale and orientation to one biased to colour.",
    logx=False,
    levels=[(floor(3, 4), "floor")],
    ylim=(0, 1.03),
)

# %%
highest = torch.stack([heights[cue][1] for cue in rest]).amax(0)
print(report("shortcut/curves-join-the-solutions", highest))
share = torch.stack([won[cue] for cue in rest]).mean(0)
print(report("shortcut/most-of-the-curve-is-colours", share))
table(
    ["from", "barrier, straight", "barrier, curved", "colour's share"],
    [[cue, *map(bootstrap, (*heights[cue], won[cue]))] for cue in rest],
    "How high the loss climbs on the way to colour's network, in nats, and on which share of the points colour is followed more.",
    ".3f",
)


# %% tags=["hide-input"]
def rows_of(names, rows):
    """Columns by name, the last of them rounded."""
    rounded = [(*row[:-1], round(float(row[-1]), 3)) for row in rows]
    return dict(zip(names, map(list, zip(*rounded, strict=True)), strict=True))


preferred = (
    (s, names[kind], v, cue, accuracy[i, k])
    for (kind, v), accuracy in found.items()
    for (i, s), (k, cue) in product(enumerate(seeds), enumerate(design(v).cues))
)
injected = (
    (s, cue, m, asked, accuracy[i, k])
    for (cue, m), accuracy in turned.items()
    for (i, s), (k, asked) in product(enumerate(seeds), enumerate(cues))
)
learnt = (
    (s, names[kind], cue, a)
    for (kind, cue), accuracy in alone.items()
    for s, a in zip(seeds, accuracy, strict=False)
)
keep("preference", rows_of(["seed", "network", "saturation", "cue", "accuracy"], preferred))  # fmt: skip
keep(
    "turned", rows_of(["seed", "labelled", "counters", "cue", "accuracy"], injected)
)
_ = keep("alone", rows_of(["seed", "network", "cue", "accuracy"], learnt))

# %% [markdown]
# **What stays open.** Colour here is large areas of one hue; how cues rank in other pictures is a question to those pictures, and the
# salience of a cue has no unit that would put faint colours and small shapes on one axis. A CNN that averages over
# places takes long to learn orientation; after as few updates as here some cues are not on offer to it, so that its row says less than those
# of the others. Flatness is a matter of where on its schedule a network is caught; solutions annealed at equal loss would settle
# it. And abundance by falling and by curves asks what training finds, from where it starts: not how much of the weight space is whose.
