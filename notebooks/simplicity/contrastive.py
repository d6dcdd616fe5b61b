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
# # Do contrastive encoders forget what they learnt early?
#
# **On the training data yes, on new data hardly.** Told nothing but classes, a linear encoder soon learns the subclasses as well: those of unseen
# examples come {glue:text}`peak:.2f` of the classes' distance apart. In the end they are one point on the training data
# ({glue:text}`left_training:.3f`), yet {glue:text}`left_unseen:.2f` apart on unseen data. That remainder follows from one number, how unequal the
# subclasses are ({glue:text}`left_predicted:.2f` is predicted); where they are equal, nothing is learnt early and nothing is left. Told
# nothing at all, an encoder suppresses a feature, exactly as long as its embedding has no room for all stronger ones: with
# {glue:text}`stronger:.0f` dimensions a probe finds it with accuracy {glue:text}`without_room:.2f`, with {glue:text}`features:.0f` with
# {glue:text}`with_room:.2f`. The sum of both losses does neither.

# %% tags=["hide-input"]
import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.subclasses import Subclasses
from whence.device import device as choose
from whence.figures.clouds import clouds
from whence.figures.curves import curves
from whence.figures.glue import glue
from whence.measures.separation import distances, probe, separation
from whence.train.contrastive import (
    encoder,
    gradient,
    minimum_norm,
    positives,
    spectral,
    train,
)

# %% tags=["parameters"]
seed: int = 0  # first seed; a seed chooses examples and first weights
n_seeds: int = 3  # how many seeds, counted up from the first
n_train: int = 100  # training examples, half of either class
n_test: int = 1000  # unseen examples
dimension: int = 2000  # of the examples, while subclasses are studied
majority: float = 0.7  # share of the larger subclass
noise: float = 2.0  # length of an example's noise
rate: float = 0.04  # learning rate
n_steps: int = 1500  # steps while subclasses are studied
weights: list[float] = [0.0, 0.3, 0.5, 0.7]  # of the unsupervised loss
n_joint: int = 60  # training examples in two views, with the joint loss
n_irrelevant: int = 6  # features stronger than the class, when it is suppressed
suppressed_dimension: int = 60  # of the examples then
n_suppressed_steps: int = 500  # steps then
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two losses and their sum
#
# An example of class $y = \pm 1$ and subclass $s = \pm 1$ is $x = y\,\phi_1 e_1 + s\,\phi_2 e_2 + \sum_k r_k c_k e_{k+2} + \xi$, with
# irrelevant coins $r_k$ and noise $\xi$ of length about {glue:text}`noise_length:.0f` in {glue:text}`space:,.0f` dimensions. A linear
# encoder $f(x) = W x$ sees {glue:text}`examples:.0f` of them and minimises the spectral contrastive loss
# {cite}`xue2023contrastive`: *positives* should agree, all pairs should be orthogonal. With the second moment $S$ of the examples and
# the moment $C$ of positive pairs,
#
# $$
# \begin{aligned}
# L(W) &= -2\, \mathbb E\, f(x)^\top f(x^+) + \mathbb E\, (f(x)^\top f(x^-))^2 \\
#      &= -2 \operatorname{tr} W C W^\top + \lVert W S W^\top \rVert^2, \\
# \nabla L &= -4\, W C + 4\, W S W^\top W S .
# \end{aligned}
# $$ (contrastive-loss)
#
# Supervised, the positives are all examples of a class. Unsupervised, they are two views of one example, which differ in the noise. A
# *joint* loss has the weight $w$ on the second, $1 - w$ on the first.
#
# What the loss asks of the training embeddings can be written down. Let $P$ be the projector on functions that are constant on groups of
# positives. The best embeddings are $\sqrt{n \lambda_k}\, u_k$ for the leading eigenpairs of $P$: with classes as groups, a constant and
# the class, nothing else. **Subclasses are merged on the training data.** With more dimensions than examples there are many encoders that do
# this, and what they make of unseen examples is another matter.


# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))


def drawn(law, n, split, views=1):
    """Views (S, n, d) of every seed, with the labels that all seeds share."""
    samples = [law.draw(n, s, split, views) for s in seeds]
    x = torch.stack([sample.x for sample in samples]).to(where)
    return samples[0]._replace(x=x)


def trained(law, n, weight, size, steps, views=1, watch=()):
    """Train on a sample: it, an unseen one, the encoder, and the encoders at
    the steps to watch."""
    known, unseen = (
        drawn(law, n, "train", views),
        drawn(law, n_test, "test"),
    )
    groups = positives(known.classes, known.example, weight).to(where)
    w = encoder(size, law.dimension, seeds, 1e-4).to(where)
    seen = {}
    for step in train(w, known.x, groups, rate, steps):
        if step.number in watch:
            seen[step.number] = w.detach().clone()
    return known, unseen, w.detach(), seen


glue("noise_length", noise)
glue("space", dimension)
glue("examples", n_train)

# %% [markdown]
# ## Learnt, and then?
#
# Of the class's two subclasses one has {glue:text}`share:.0%` of the examples. From small weights the supervised encoder learns the class
# at once, then the subclasses, as if it had been told of them.

# %%
law = Subclasses(1.0, 0.9, (), noise, dimension, majority)
even = Subclasses(1.0, 0.9, (), noise, dimension, 0.5)
watch = sorted({round(n_steps * (k / 40) ** 2) for k in range(2, 41)})
known, unseen, w, path = trained(law, n_train, 0.0, 3, n_steps, watch=watch)
known_even, unseen_even, w_even, path_even = trained(
    even, n_train, 0.0, 3, n_steps, watch=watch
)


def progress(sample, path):
    """(S, steps): distances of classes, and of subclasses, on the way, both in
    units of the first at the end."""
    labels = sample.classes, sample.subclasses
    both = [distances(sample.x @ w.mT, *labels) for w in path.values()]
    classes, subclasses = (torch.stack(d, 1).cpu() for d in zip(*both, strict=True))
    return classes / classes[:, -1:], subclasses / classes[:, -1:]


classes, subclasses = progress(unseen, path)
_, merged = progress(known, path)
_, even_subclasses = progress(unseen_even, path_even)
glue("share", majority)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Unequal subclasses are learnt early, then merge on the training data and largely stay apart on unseen data; equal ones are never learnt. Distance between class means and between the subclass means of a class while the encoder is trained on class labels, in units of the distance between classes at the end. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-contrastive-early"}}
curves(
    list(path),
    {
        "classes": classes,
        "unseen": subclasses,
        "training": merged,
        "unseen, even": even_subclasses,
    },
    "step",
    "distance",
    alt="Distances against training steps: between classes it rises first and stays; between subclasses it rises later, then falls on the "
    "training data and less on unseen data; with subclasses of equal size it does not rise.",
    logx=False,
)

# %%
peak = subclasses.amax(1)
glue("peak", peak.mean())
glue("left_unseen", subclasses[:, -1].mean())
glue("left_training", merged[:, -1].mean())
report("simplicity/subclasses-are-learnt-early", peak)

# %%
report("simplicity/subclasses-are-unlearnt-later", 1 - subclasses[:, -1] / peak)

# %%
glue("peak_even", even_subclasses.amax(1).mean())
report(
    "simplicity/early-learning-needs-unequal-subclasses", even_subclasses.amax(1)
)


# %% tags=["hide-input"] mystnb={"figure": {"caption": "In the end the subclasses of a class are one point on the training data, but still two clouds, now touching, on unseen data. Embeddings of one seed at the step at which the subclasses of unseen examples lie farthest apart, and at the end: along the difference of the class means, and along the widest direction orthogonal to it. Either class has a subclass of fewer and one of more examples.", "name": "fig-contrastive-embeddings"}}
def plane(sample, w, every):
    """(n, 2): some embeddings of the first seed, where they differ."""
    f, c = (sample.x[0, ::every] @ w[0].T).cpu(), sample.classes[::every]
    along = torch.nn.functional.normalize(
        f[c == 1].mean(0) - f[c == 0].mean(0), dim=0
    )
    rest = f - torch.outer(f @ along, along)
    across = torch.linalg.svd(rest, full_matrices=False).Vh[0]
    return torch.stack([f @ along, f @ across * (f @ across).mean().sign()], 1)


top = list(path)[int(subclasses[0].argmax())]
every = n_test // n_train
clouds(
    {
        f"training, step {top}": plane(known, path[top], 1),
        f"training, step {n_steps}": plane(known, path[n_steps], 1),
        f"unseen, step {top}": plane(unseen, path[top], every),
        f"unseen, step {n_steps}": plane(unseen, path[n_steps], every),
    },
    2 * known.classes + known.subclasses,
    ["class 1, fewer", "more", "class 2, fewer", "more"],
    "difference of the classes",
    "widest other direction",
    alt="Embeddings of training and of unseen examples in four groups, halfway and at the end of the training: four clouds halfway; at the "
    "end those of a class are one point on the training data and still two clouds on unseen data.",
)

# %% [markdown]
# ## Why it is learnt, and why it stays
#
# The loss asks for two functions of the training examples: the class and *a constant*. A linear encoder has no constant to give. The
# nearest it has is along the mean of the examples, $\mu\,\phi_2 e_2$ plus a little noise, with $\mu = 2q - 1$ for a share $q$ of the larger
# subclass. So the subclass is learnt **as a stand-in for the constant**: early, since it is stronger than the noise. Later the noise of the
# single examples makes up for the difference, which is memorising, and merges the subclasses on these examples alone. With
# $\lVert \xi \rVert^2 = \sigma^2$ and hardly any overlap of the noise of different examples, regression on features plus noise gives the
# distances that remain on unseen data:
#
# $$
# \frac{\text{subclasses}}{\text{classes}} \;\to\; \mu\; \frac{\phi_2^2\, n / (\phi_2^2\, n + \sigma^2)}{\phi_1^2\, n / (\phi_1^2\, n + \sigma^2)} .
# $$ (contrastive-left)
#
# With subclasses of equal size $\mu = 0$: nothing is learnt early, nothing is left. **The asymmetry that makes subclasses learnt early
# is what keeps them apart in the end.** Both can be tested on the encoder of least norm among all minimisers, to which descent from small
# weights leads: it can be solved for.

# %%
groups = positives(known.classes, known.example, 0.0).to(where)
labels = unseen.classes, unseen.subclasses


def shortest(sample, size=2):
    return minimum_norm(sample.x, groups, size).float()


least = shortest(known)
left = separation(unseen.x @ least.mT, *labels)
left_even = separation(unseen_even.x @ shortest(known_even).mT, *labels)
kept = [n_train * phi**2 / (n_train * phi**2 + noise**2) for phi in (1.0, 0.9)]
glue("left", left.mean())
glue("left_even", left_even.mean())
glue("left_predicted", (2 * majority - 1) * kept[1] / kept[0])
report("simplicity/minimum-norm-collapses-new-data", left)

# %% [markdown]
# Its subclasses are {glue:text}`left:.2f` of the classes' distance apart, where {eq}`contrastive-left` says
# {glue:text}`left_predicted:.2f`; for subclasses of equal size it is {glue:text}`left_even:.3f`. Nor does the loss
# exclude any other ratio: add to $W$ what no training example sees, the part of $e_2$ orthogonal to all of them, and neither loss nor gradient change.

# %%
feature = torch.eye(dimension, device=where)[1]
hidden = (
    feature - (torch.linalg.pinv(known.x) @ (known.x @ feature)[..., None])[..., 0]
)
strength = hidden.square().sum(1)[:, None, None]  # how much of e_2 is hidden
along = torch.nn.functional.normalize(least @ feature, dim=1)
other = least + along[..., None] * hidden[:, None] / strength
apart = separation(unseen.x @ other.mT, *labels)
for name, w_ in {"least norm": least, "other": other}.items():
    slope = gradient(w_, known.x, groups).abs().max()
    loss = spectral(known.x @ w_.mT, groups).mean()
    print(f"{name}: loss {loss:.5f}, largest entry of the gradient {slope:.1e}")
report("simplicity/not-every-minimiser-collapses", apart)

# %% [markdown]
# ## The joint loss
#
# With weight $w$ on the unsupervised loss the eigenvalues of the mixed projector are 1 for functions of the class and $w$ for all others
# that are the same for both views of an example. A third dimension then has room for one of those; descent finds the strongest, the
# subclass, at $\sqrt{w / (1 - \mu^2)}$ of the class's distance on the training data.

# %%
joint = [
    trained(law, n_joint, v, 3, n_steps, 2) for v in tqdm(weights, desc="joint")
]


def parted(index):
    """(S, weights): on the training (0) or on unseen (1) data."""
    rows = [
        separation(
            run[index].x @ run[2].mT, run[index].classes, run[index].subclasses
        )
        for run in joint
    ]
    return torch.stack(rows, 1).cpu()


on_training, on_unseen = parted(0), parted(1)
predicted = [(v / (1 - (2 * majority - 1) ** 2)) ** 0.5 for v in weights]

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The more the unsupervised loss weighs, the farther apart subclasses stay: on the training data almost exactly as the loss asks, and on unseen data too. Distance of subclasses over that of classes at the end of the training, against the weight of the unsupervised loss; dashed: what the loss asks for on the training data. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-contrastive-joint"}}
curves(
    weights,
    {"training": on_training, "unseen": on_unseen},
    "weight of the unsupervised loss",
    "subclasses / classes",
    alt="The ratio of the two distances against the weight of the unsupervised loss, rising on training and on unseen data, beside a dashed "
    "line of the prediction.",
    logx=False,
    dashed=[predicted],
)

# %%
half = min(range(len(weights)), key=lambda i: abs(weights[i] - 0.5))
glue("joint_weight", weights[half])
glue("joint_training", on_training[:, half].mean())
glue("joint_unseen", on_unseen[:, half].mean())
glue("joint_predicted", predicted[half])
report("simplicity/joint-loss-keeps-subclasses", on_training[:, half])

# %% [markdown]
# With a weight of {glue:text}`joint_weight:.1f` subclasses are {glue:text}`joint_training:.2f` of the classes' distance apart on the training
# data ({glue:text}`joint_predicted:.2f` predicted) and {glue:text}`joint_unseen:.2f` on unseen data. The nearer the weight to 1, the less the
# constant is preferred to the rest, and the longer training takes.
#
# ## Suppressed features
#
# Without labels the loss is as low for any features that both views share. Which are learnt when there is no room for all? Let the
# class be the weakest of {glue:text}`features:.0f`: {glue:text}`irrelevant:.0f` irrelevant ones and the subclass are stronger. The
# accuracy of a linear classifier fitted to the embeddings says whether it is in them.

# %%
full = n_irrelevant + 2
sizes = sorted({1, 2, full // 2, full - 2, full - 1, full, full + 2})
crowd = Subclasses(0.5, 0.7, (1.2,) * n_irrelevant, 1.0, suppressed_dimension, 0.5)


def found(weight, size):
    """(2, S): accuracy of probes of the class and of the subclass, unseen data."""
    known, unseen, w, _ = trained(
        crowd, n_train, weight, size, n_suppressed_steps, 2
    )
    f, g = known.x @ w.mT, unseen.x @ w.mT
    both = zip(known[1:3], unseen[1:3], strict=True)
    return torch.stack([probe(f, y, g, truth) for y, truth in both]).cpu()


alone = torch.stack([found(1.0, k) for k in tqdm(sizes, desc="sizes")], -1)
together = torch.stack([found(0.5, k) for k in tqdm(sizes, desc="joint")], -1)
glue("features", full)
glue("irrelevant", n_irrelevant)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Without labels a probe finds the class only once the embedding has room for all features; with the joint loss it does at every size. Accuracy of linear probes on unseen data against the size of the embedding, trained without labels, and with the joint loss. Marked: as many dimensions as features are stronger than the class. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-contrastive-suppression"}}
curves(
    sizes,
    {
        "class": alone[0],
        "subclass": alone[1],
        "class, joint": together[0],
    },
    "size of the embedding",
    "accuracy",
    alt="Accuracy of probes against the size of the embedding: without labels that of the class is at chance up to the marked size and rises "
    "in one step after it, that of the subclass one size earlier; with the joint loss that of the class is high from the smallest sizes on.",
    logx=False,
    marks=[(full - 1, "stronger features")],
    ylim=(0.4, 1.1),
)

# %%
after, before = alone[0, :, sizes.index(full)], alone[0, :, sizes.index(full - 1)]
glue("without_room", before.mean())
glue("with_room", after.mean())
glue("stronger", full - 1)
report("simplicity/suppression-has-a-sharp-threshold", after - before)

# %%
glue("joint_size", 2)
glue("joint_two", together[0, :, sizes.index(2)].mean())
report("simplicity/joint-loss-keeps-the-class", together[0, :, sizes.index(2)])

# %% [markdown]
# The threshold is one of *order*, not of strength: which features come first is decided by descent, since for the unsupervised loss any
# features that both views share are as good. With the joint loss the class has the largest eigenvalue, so it comes first even in
# {glue:text}`joint_size:.0f` dimensions ({glue:text}`joint_two:.2f`).
#
# **What stays open.** Here the paper's two statements about the supervised loss do not hold at once: subclasses are learnt early where
# they are unequal, and there the encoder of least norm does not merge them on unseen data; where they are equal it does
# ({glue:text}`left_even:.3f`), and nothing is learnt early. The published figure, in which four clusters of embeddings become two, agrees with
# the training data of ours. A linear encoder without a bias is what makes the subclass stand in for a constant; with one, or with a
# deep network, something else may be learnt early. The noise is isotropic, and two views differ in nothing else; real augmentations
# disturb features, too.
