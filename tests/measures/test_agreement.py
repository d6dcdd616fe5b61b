import math

import jaxtyping
import pytest
import torch
from beartype import beartype
from scipy.spatial.distance import cosine
from scipy.stats import pearsonr
from sklearn.metrics import r2_score

from whence import stats
from whence.measures.agreement import per_image
from whence.seeds import stream


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "agreement", name), dtype=torch.float64)


def pair(*lead):
    target = 0.3 + normal(*lead, 3, 4, 5, name="target")
    return target + 0.5 * normal(*lead, 3, 4, 5), target


def test_every_image_is_as_independent_libraries_have_it():
    p, t = pair(6)
    found = jaxtyping.jaxtyped(typechecker=beartype)(per_image)(p, t)
    for i, (a, b) in enumerate(zip(p.flatten(1).numpy(), t.flatten(1).numpy(), strict=True)):
        assert float(found.r2[i]) == pytest.approx(r2_score(b, a))
        assert float(found.pearson[i]) == pytest.approx(pearsonr(a, b).statistic)
        assert float(found.pearson_squared[i]) == pytest.approx(pearsonr(a, b).statistic ** 2)
        assert float(found.cosine[i]) == pytest.approx(1 - cosine(a, b))
        assert float(found.mse[i]) == pytest.approx(((a - b) ** 2).mean())


def test_every_image_is_as_the_pooled_agreement_has_it_alone():
    p, t = pair(4)
    found = per_image(p, t)
    for i in range(4):
        alone = stats.agreement(p[i], t[i])
        for name, values in found._asdict().items():
            assert float(values[i]) == pytest.approx(getattr(alone, name), rel=1e-12)


def test_leading_axes_survive():
    p, t = pair(2, 3)
    found = per_image(p, t)
    for values, rows in zip(found, zip(*(per_image(a, b) for a, b in zip(p, t, strict=True)), strict=True), strict=True):
        assert values.shape == (2, 3)
        torch.testing.assert_close(values, torch.stack(rows))
    assert per_image(p[0, 0], t[0, 0]).r2.shape == ()


def test_pooling_is_kinder_to_images_of_unlike_brightness():
    """One mean for all puts the brightness into what is to be explained."""
    p, t = pair(8)
    bright = torch.linspace(-5, 5, 8, dtype=torch.float64)[:, None, None, None]
    torch.testing.assert_close(per_image(p + bright, t + bright).r2, per_image(p, t).r2)
    assert stats.agreement(p + bright, t + bright).r2 > per_image(p + bright, t + bright).r2.mean() + 0.1


def test_r2_counts_scale_and_offset_and_pearson_does_not():
    _, t = pair(3)
    found = per_image(2 * t + 1, t)
    torch.testing.assert_close(found.pearson, torch.ones(3, dtype=torch.float64))
    assert (found.r2 < 0).all()


def test_a_constant_image_has_no_r2_and_spoils_no_other():
    p, t = pair(3)
    p[0], t[1] = 0.1, 0.3
    found = per_image(p, t)
    assert [math.isnan(v) for v in found.r2] == [False, True, False]
    assert [math.isnan(v) for v in found.pearson] == [True, True, False]
    assert found.mse.isfinite().all()


def test_single_precision_is_measured_in_double():
    p, t = pair(3)
    found = per_image(p.float(), t.float())
    assert found.r2.dtype == torch.float64
    torch.testing.assert_close(found.r2, per_image(p, t).r2, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shapes", [((3, 1, 4, 4), (1, 1, 4, 4)), ((4, 4), (4, 4))])
def test_unlike_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="expected the same, images as"):
        per_image(*map(torch.ones, shapes))
