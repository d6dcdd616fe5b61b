"""How much inductive bias a task asks for, whatever the model: the closed-form bound of boopathy2023difficulty.

    I = (2 D d E - n D) [log2 b + log2(D d) / 2 - log2 eps + log2 L_f + log2 W]
    E = C(m + K, m) + C(m + K - 1, m),     K = (sqrt((m - 1)^2 + 4 M^2) - (m - 1)) / 2,     M = 2 pi R / delta
    L_f = K sqrt(D) / R,     W = sqrt(m / 6) (2 pi^((m + 1) / 2) d / Gamma((m + 1) / 2))^(1 / m) R n^(-1 / m)

The hypotheses are the functions on d spheres of dimension m and radius R, one a class, whose Laplace-Beltrami frequencies stay
below the cutoff M that two classes at distance delta ask for. There are E of them a sphere: 2 D d E free numbers for D = d - 1
outputs, of which n examples fix n D. The bracket is what each other one has to be known to. An upper bound, and a steep one:
I ~ (R / delta)^m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy.special import gammaln
from torch import Tensor

from whence.linalg import squared_distances

LN2 = math.log(2)


@dataclass(frozen=True)
class Task:
    """A classification task: `n` examples of `classes`, on manifolds of `dimension` m (at least 1) inside a ball of `radius` R.

    `delta` is the least distance between two classes, `epsilon` the error to be reached (in units of the loss' Lipschitz constant),
    `bound` b the largest output. Raises ValueError for a task there cannot be.
    """

    n: int
    dimension: float
    radius: float
    classes: int
    delta: float
    epsilon: float
    bound: float = 1.0

    def __post_init__(self) -> None:
        if self.n < 1 or self.classes < 2:
            raise ValueError(f"{self.n} examples of {self.classes} classes: expected at least 1 example and 2 classes")
        if not 1 <= self.dimension < math.inf:
            raise ValueError(f"intrinsic dimension {self.dimension}: expected at least 1; are there duplicates in the data?")
        lengths = {name: getattr(self, name) for name in ("radius", "delta", "epsilon", "bound")}
        if bad := [name for name, value in lengths.items() if not 0 < value < math.inf]:
            raise ValueError(f"{bad[0]} = {lengths[bad[0]]}: expected a positive number (delta = 0: one image, two labels)")


# The constants of the paper's repository at 1907c6d, file task_difficulty.py: seen there. Pixels in [0, 1], but for ImageNet.
PUBLISHED = {
    "MNIST": Task(60_000, 14, 17.179045827183984, 10, 2.3987084824335305, 0.001),
    "SVHN": Task(73_257, 19, 53.86932485133339, 10, 1.5766998174969105, 0.01),
    "CIFAR-10": Task(50_000, 27, 54.9156786783691, 10, 2.7506414616587023, 0.01),
    "ImageNet": Task(1_280_901, 48, 943.5923, 1000, 65, 0.1),
}


@dataclass(frozen=True)
class Difficulty:
    """log2 of the bits (a number such as 1e41 bits reads 136), and what they are made of.

    `frequency` is K, `log2_functions` log2 E, `log2_free` log2 of the free numbers that the examples leave, `each` the bits of one.
    """

    log2_bits: float
    frequency: float
    log2_functions: float
    log2_free: float
    each: float

    @property
    def bits(self) -> float:
        """The bits, inf beyond float64's 1e308."""
        return 2.0**self.log2_bits if self.log2_bits < 1024 else math.inf

    @property
    def log10_bits(self) -> float:
        """log10 of the bits."""
        return self.log2_bits * math.log10(2)


def difficulty(task: Task) -> Difficulty:
    """The bits that generalising on a task takes, by the formulas above, in logarithms throughout.

    Raises ValueError where the examples leave nothing free, and for an epsilon that every hypothesis that fits them reaches.
    """
    m, outputs = task.dimension, task.classes - 1
    frequency = highest(m, 2 * math.pi * task.radius / task.delta)
    functions = log2_functions(m, frequency)
    full = 1 + math.log2(outputs * task.classes) + functions  # log2 of 2 D d E
    known = math.log2(task.n * outputs)
    if known >= full:
        raise ValueError(
            f"{task.n} examples fix all 2^{full:.1f} free numbers of a hypothesis: expected fewer examples, or a smaller delta"
        )
    free = full + math.log1p(-(2.0 ** (known - full))) / LN2
    lipschitz = math.log2(frequency) + math.log2(outputs) / 2 - math.log2(task.radius)
    largest = math.log2(task.bound) + math.log2(outputs * task.classes) / 2 + lipschitz + _log2_transport(task)
    each = largest - math.log2(task.epsilon)
    if each <= 0:
        raise ValueError(
            f"epsilon = {task.epsilon:g}: expected less than {2**largest:.3g}, which all hypotheses that fit the examples reach"
        )
    return Difficulty(free + math.log2(each), frequency, functions, free, each)


def highest(m: float, cutoff: float) -> float:
    """The degree K of the highest harmonic on the m-sphere below a frequency M: K (K + m - 1) = M^2."""
    return 2 * cutoff**2 / (math.sqrt((m - 1) ** 2 + 4 * cutoff**2) + (m - 1))  # as above, without the difference of large numbers


def log2_functions(m: float, degree: float) -> float:
    """log2 E: how many harmonics on the m-sphere have at most this degree; C(m + K, m) + C(m + K - 1, m), K any real number.

    The second term is the first times K / (m + K), so E = C(m + K, m) (m + 2 K) / (m + K).
    """
    first = gammaln(m + degree + 1) - gammaln(m + 1) - gammaln(degree + 1)
    return float(first + math.log((m + 2 * degree) / (m + degree))) / LN2


def _log2_transport(task: Task) -> float:
    """log2 W, how far the examples are from the distribution they are drawn from."""
    m = task.dimension
    area = LN2 + (m + 1) / 2 * math.log(math.pi) + math.log(task.classes) - float(gammaln((m + 1) / 2))
    return (math.log(m / 6) / 2 + area / m + math.log(task.radius) - math.log(task.n) / m) / LN2


@dataclass(frozen=True)
class Resolution:
    """The least distance between two classes: of the pairs at hand, and extrapolated to a larger sample."""

    seen: float
    extrapolated: float


def resolution(x: Float[Tensor, "n d"], labels: Int[Tensor, " n"], n: int | None = None, top: int = 2000) -> Resolution:
    """How near two points of different classes come, over all pairs, and how near they would among `n` points (None: as many).

    The extrapolation is boopathy2023difficulty's: the `top` largest inverse distances, their moment estimator of the tail, and the
    quantile that one of all pairs exceeds; never above what was seen. Memory is n^2. Raises ValueError for fewer than two classes,
    for points of two classes that coincide, and for too few pairs.
    """
    if len(labels) != len(x) or len(labels.unique()) < 2:
        raise ValueError(
            f"{len(x)} points, {len(labels)} labels of {len(labels.unique())} classes: expected a label each, two classes"
        )
    apart = torch.triu(labels[:, None] != labels[None, :])
    distances = squared_distances(x, x)[apart].sqrt()
    if len(distances) <= top or top < 2:
        raise ValueError(
            f"the {top} nearest of {len(distances)} pairs: expected 2 to all but one; take more points or a smaller top"
        )
    nearest = distances.topk(top + 1, largest=False).values
    if nearest[0] == 0:
        raise ValueError("two points of different classes coincide, so no function separates them: expected a positive distance")
    inverse, seen = 1 / nearest, float(nearest[0])
    logs = (inverse[:-1] / inverse[-1]).log()
    first, second = float(logs.mean()), float(logs.square().mean())
    index = first + 1 - 0.5 / (1 - first**2 / second)
    growth = math.log(top * ((n or len(x)) / len(x)) ** 2)  # of so many pairs beyond the threshold the nearest is asked for
    scale = first * (1 - min(index, 0.0))  # the moment estimator's own scale; the paper's code leaves the bracket out
    reach = math.expm1(index * growth) / index if index else growth
    return Resolution(seen, min(seen, 1 / float(inverse[-1] * (1 + scale * reach))))
