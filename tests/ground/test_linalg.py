import jaxtyping
import numpy as np
import pytest
import torch
from beartype import beartype
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.linalg import Softmax, eigh, moments, squared_distances, variances
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "linalg", name), dtype=torch.float64)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("chunk", [1, 7, 8192])
def test_moments_equal_numpy_even_far_from_the_origin(offset, chunk):
    rows = normal(50, 6) + offset
    exact = rows.numpy().astype(np.longdouble)
    centred = exact - exact.mean(0)
    found = checked(moments)(rows, chunk)
    np.testing.assert_allclose(found.mean, exact.mean(0).astype(float), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(found.covariance, (centred.T @ centred / 50).astype(float), rtol=0, atol=2e-9 if offset else 1e-14)
    np.testing.assert_allclose(found.fourth, float((np.square(centred).sum(1) ** 2).mean()), rtol=1e-8 if offset else 1e-13)
    assert found.n == 50


def test_moments_of_single_precision_are_summed_in_double():
    rows = (normal(4000, 3) + 100).float()
    found = moments(rows, 64)
    np.testing.assert_allclose(found.covariance, np.cov(rows.double().numpy().T, bias=True), rtol=0, atol=1e-11)


def test_moments_do_not_depend_on_how_rows_are_chunked():
    rows = normal(40, 3)
    whole, parts = moments(rows), moments([rows[:1], rows[1:30], rows[30:]])
    for a, b in zip(whole, parts, strict=True):
        torch.testing.assert_close(torch.as_tensor(a), torch.as_tensor(b), rtol=1e-13, atol=1e-14)


def test_one_row_has_no_spread():
    found = moments(normal(1, 3))
    assert found.covariance.abs().max() == 0
    assert found.fourth == 0


def test_a_generator_is_refused_since_rows_are_read_twice():
    with pytest.raises(TypeError, match="pass a list of tensors, not a generator"):
        moments(part for part in normal(4, 3).split(2))


@pytest.mark.parametrize("rows", [torch.zeros(0, 3), [], [torch.zeros(0, 3)]])
def test_moments_of_nothing_are_refused(rows):
    with pytest.raises(ValueError, match="the pool is empty"):
        moments(rows)


@pytest.mark.parametrize("rank", [8, 3])
def test_eigenvectors_rebuild_the_matrix_descending_and_orthonormal(rank):
    root = normal(8, rank)
    matrix = root @ root.T
    values, vectors = checked(eigh)(matrix)
    torch.testing.assert_close(vectors * values @ vectors.T, matrix, rtol=0, atol=1e-12)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(8, dtype=torch.float64), rtol=0, atol=1e-13)
    assert (values.diff() <= 0).all()
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix.numpy())[::-1], atol=1e-12)


def test_the_sign_of_an_eigenvector_is_that_of_its_largest_entry():
    root = normal(9, 9)
    _, vectors = eigh(root + root.T)
    assert (vectors.gather(0, vectors.abs().argmax(0, keepdim=True)) > 0).all()


def test_single_precision_in_double_precision_out():
    values, vectors = eigh(torch.eye(3))
    assert values.dtype == vectors.dtype == torch.float64


def test_eigh_of_nothing_but_zeros_is_zeros():
    assert eigh(torch.zeros(3, 3))[0].tolist() == [0, 0, 0]


def test_eigh_of_an_empty_matrix_is_empty():
    values, vectors = eigh(torch.zeros(0, 0))
    assert (values.shape, vectors.shape) == ((0,), (0, 0))
    assert values.dtype == vectors.dtype == torch.float64


def test_a_matrix_that_is_not_symmetric_is_refused_with_how_far():
    with pytest.raises(ValueError, match=r"reaches 1\.00e-03; symmetrise it, or use svd"):
        eigh(torch.eye(3, dtype=torch.float64) + 1e-3 * torch.tensor([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]]))


@pytest.mark.parametrize(("n", "d"), [(50, 6), (6, 50), (6, 6), (1, 4)])
def test_variances_are_those_of_the_covariance_from_whichever_side_is_smaller(n, d):
    rows = (normal(n, d) + 3).float()
    found = checked(variances)(rows)
    assert len(found) == min(n, d)
    expected = np.linalg.eigvalsh(np.cov(rows.double().numpy().T, bias=True))[::-1]
    np.testing.assert_allclose(found, expected[: min(n, d)], rtol=0, atol=1e-12)
    np.testing.assert_allclose(expected[min(n, d) :], 0, atol=1e-12)


@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_distances_of_near_duplicates_suffice_for_a_softmax_at_low_noise(spread):
    """The error of |y - x|^2 / (2 sigma^2) at sigma = .01 stays far below what moves a weight; the same in float32 does not."""
    base = torch.rand(3072, generator=stream(0, "base"), dtype=torch.float64) * 2 - 1
    x, y = (base + spread * normal(20, 3072)).float(), (base + 0.01 * normal(4, 3072, name="y")).float()
    direct = (y.double()[:, None] - x.double()).square().sum(2)
    found = checked(squared_distances)(y, x)
    assert ((found - direct).abs() / (2 * 0.01**2)).max() < 1e-6
    single = y.square().sum(1, keepdim=True) - 2 * y @ x.T + x.square().sum(1)
    assert ((single - direct).abs() / (2 * 0.01**2)).max() > 0.5


def test_distances_are_the_same_with_the_norms_at_hand():
    y, x = normal(3, 9), normal(5, 9, name="pool")
    torch.testing.assert_close(squared_distances(y, x), torch.cdist(y, x).square())
    assert torch.equal(squared_distances(y, x, x.square().sum(1)), squared_distances(y, x))


def test_a_distance_to_itself_is_zero_and_never_below():
    x = normal(30, 100) + 100
    found = squared_distances(x, x)
    assert found.min() >= 0
    assert found.diagonal().max() < 1e-8


def test_distances_carry_the_gradient_of_the_direct_form():
    y, x = normal(2, 4).requires_grad_(), normal(3, 4, name="pool")
    expanded = torch.autograd.grad(squared_distances(y, x).sum(), y)[0]
    direct = torch.autograd.grad((y[:, None] - x).square().sum(), y)[0]
    torch.testing.assert_close(expanded, direct)


def averaged(logits, values, sizes):
    """The state after chunks of these sizes, merged from the left."""
    state, start = None, 0
    for size in sizes:
        part = Softmax.start(logits[:, start : start + size], values[start : start + size], start)
        state, start = (part if state is None else state.merge(part)), start + size
    return state


def assert_same(a, b):
    torch.testing.assert_close(a.mean, b.mean, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(a.entropy, b.entropy, rtol=1e-9, atol=1e-10)
    assert torch.equal(a.heaviest, b.heaviest)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from([0.1, 5.0, 300.0, 1e6]))
def test_softmax_in_chunks_of_any_size_is_torch_softmax(sizes, scale):
    n = sum(sizes)
    logits, values = scale * normal(3, n), normal(n, 4, name="values")
    w = torch.softmax(logits, 1)
    state = averaged(logits, values, sizes)
    torch.testing.assert_close(state.mean, w @ values, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(state.entropy, -torch.special.xlogy(w, w).sum(1), rtol=1e-9, atol=1e-10)
    assert state.heaviest.tolist() == w.argmax(1).tolist()


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([0.1, 30.0, 1e6]), st.permutations(range(4)))
def test_merge_is_associative_and_commutative(scale, order):
    logits, values = scale * normal(2, 12), normal(12, 3, name="values")
    a, b, c, d = (Softmax.start(logits[:, 3 * i : 3 * i + 3], values[3 * i : 3 * i + 3], 3 * i) for i in order)
    assert_same(a.merge(b).merge(c).merge(d), a.merge(b.merge(c.merge(d))))
    assert_same(a.merge(b).merge(c.merge(d)), d.merge(c).merge(b).merge(a))


def test_logits_of_a_million_below_zero_give_numbers():
    logits = torch.tensor([[-1e6, -1e6 - 1, -3e6], [-1e6, -2e6, -1e6]], dtype=torch.float64)
    values = torch.eye(3, dtype=torch.float64)
    for sizes in ([3], [1, 1, 1], [1, 2], [2, 1]):
        state = averaged(logits, values, sizes)
        torch.testing.assert_close(state.mean, torch.softmax(logits, 1))
        assert torch.isfinite(state.entropy).all()
        assert float(state.entropy[1]) == pytest.approx(np.log(2))


def test_a_far_chunk_first_or_last_takes_no_weight():
    near, far = torch.tensor([[0.0, -1.0]], dtype=torch.float64), torch.tensor([[-1e6]], dtype=torch.float64)
    one, two = Softmax.start(near, torch.eye(2).double(), 1), Softmax.start(far, torch.ones(1, 2).double() * 1e9)
    for state in (one.merge(two), two.merge(one)):
        torch.testing.assert_close(state.mean, torch.softmax(near, 1))
        assert state.heaviest.tolist() == [1]


@pytest.mark.parametrize("sizes", [[8], [3, 5], [1] * 8])
def test_gradient_is_that_of_torch_softmax(sizes):
    logits, values = (5 * normal(2, 8)).requires_grad_(), normal(8, 3, name="values")
    probe = normal(2, 3, name="probe")
    ours = torch.autograd.grad((averaged(logits, values, sizes).mean * probe).sum(), logits)[0]
    theirs = torch.autograd.grad((torch.softmax(logits, 1) @ values * probe).sum(), logits)[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_gradient_of_the_entropy_is_the_direct_one():
    logits = normal(2, 8).requires_grad_()
    w = torch.softmax(logits, 1)
    direct = torch.autograd.grad(-(w * w.log()).sum(), logits)[0]
    chunked = torch.autograd.grad(averaged(logits, normal(8, 1), [3, 5]).entropy.sum(), logits)[0]
    torch.testing.assert_close(chunked, direct, rtol=1e-9, atol=1e-12)


def test_entropy_of_equal_weights_is_log_n_and_of_one_is_zero():
    values = torch.zeros(5, 1, dtype=torch.float64)
    assert float(Softmax.start(torch.zeros(1, 5, dtype=torch.float64), values).entropy) == pytest.approx(np.log(5))
    assert float(Softmax.start(torch.zeros(1, 1, dtype=torch.float64), values[:1]).entropy) == 0


def test_of_equal_weights_the_first_is_the_heaviest():
    state = averaged(torch.zeros(1, 6, dtype=torch.float64), torch.zeros(6, 1, dtype=torch.float64), [2, 4])
    assert state.heaviest.tolist() == [0]


@pytest.mark.parametrize("sizes", [[8], [3, 5]])
@pytest.mark.parametrize("shared", [True, False])
def test_softmaxes_side_by_side_are_each_as_alone(sizes, shared):
    logits = 5 * torch.stack([normal(3, 8), normal(3, 8, name="other")])  # (2, 3, 8)
    values = normal(8, 4, name="values") if shared else torch.stack([normal(8, 4, name=f"values {q}") for q in range(3)])
    parts = zip(logits.split(sizes, -1), values.split(sizes, -2), (0, sizes[0]), strict=False)
    states = [Softmax.start(*part) for part in parts]
    state = states[0] if len(states) == 1 else states[0].merge(states[1])
    for q in range(3):
        assert_same(Softmax(*(part[:, q] for part in state)), averaged(logits[:, q], values if shared else values[q], sizes))
        torch.testing.assert_close(state.total[:, q], logits[:, q].logsumexp(1))
