from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from tests.nnabla.networks import NAMES, build, kinds, values
from tests.support.nnabla_networks import randomize

pytestmark = pytest.mark.nnabla


def bn(pf, x, name, **arguments):
    return pf.batch_normalization(x, batch_stat=False, name=name, **arguments)


LAYERS = {
    "convolution": lambda f, pf, x: bn(pf, pf.convolution(x, 6, (3, 3), pad=(1, 1), name="c"), "n"),
    "no_bias": lambda f, pf, x: bn(pf, pf.convolution(x, 6, (3, 3), with_bias=False, name="c"), "n"),
    "groups": lambda f, pf, x: bn(pf, pf.convolution(x, 6, (3, 3), group=2, name="c"), "n"),
    "depthwise": lambda f, pf, x: bn(pf, pf.depthwise_convolution(x, (3, 3), multiplier=2, name="c"), "n"),
    "deconvolution": lambda f, pf, x: bn(pf, pf.deconvolution(x, 6, (3, 2), stride=(2, 1), name="c"), "n"),
    "deconvolution_no_bias": lambda f, pf, x: bn(
        pf, pf.deconvolution(x, 6, (3, 2), group=2, with_bias=False, name="c"), "n"
    ),
    "affine": lambda f, pf, x: bn(pf, pf.affine(x, 6, name="c"), "n"),
    "no_scale": lambda f, pf, x: bn(pf, pf.convolution(x, 6, (3, 3), name="c"), "n", no_scale=True),
    "no_offset": lambda f, pf, x: bn(pf, pf.convolution(x, 6, (3, 3), name="c"), "n", no_bias=True),
    "before_convolution": lambda f, pf, x: pf.convolution(bn(pf, x, "n"), 6, (3, 3), group=2, name="c"),
    "before_affine": lambda f, pf, x: pf.affine(bn(pf, x, "n"), 6, name="c"),
    "both_sides": lambda f, pf, x: bn(pf, pf.convolution(bn(pf, x, "m"), 6, (3, 3), name="c"), "n"),
}


def assert_close(new: np.ndarray, old: np.ndarray, tolerance: float = 4e-6) -> None:
    assert np.abs(new - old).max() < tolerance * max(1.0, np.abs(old).max())


@pytest.mark.parametrize("name", LAYERS)
def test_folded_layers_compute_the_same(nnabla, name) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import fold_batchnorm

    x = nnabla.Variable((2, 4, 7, 6))
    y = LAYERS[name](f, pf, x)
    randomize(nnabla, 3)
    x.d = np.random.default_rng(1).normal(size=x.shape)
    parameters = {key: variable.d.copy() for key, variable in nnabla.get_parameters(grad_only=False).items()}
    before, old = values(y), kinds(y)
    new = fold_batchnorm(y)
    assert len(kinds(new)) == 1
    assert_close(values(new), before)
    assert kinds(y) == old
    for key, value in parameters.items():
        np.testing.assert_array_equal(nnabla.get_parameters(grad_only=False)[key].d, value)
    np.testing.assert_array_equal(values(y), before)


def test_rows(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import fold_batchnorm

    x = nnabla.Variable((2, 4, 17))
    y = bn(pf, pf.convolution(x, 6, (3,), pad=(1,), name="c"), "n")
    randomize(nnabla, 3)
    x.d = np.random.default_rng(1).normal(size=x.shape)
    assert_close(values(fold_batchnorm(y)), values(y))


def test_weights_shared_by_two_normalizations(nnabla) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import fold_batchnorm

    x = nnabla.Variable((2, 4, 7, 6))
    one = bn(pf, pf.convolution(x, 4, (1, 1), name="c"), "n1")
    two = bn(pf, pf.convolution(f.tanh(x), 4, (1, 1), name="c"), "n2")
    y = f.add2(one, two)
    randomize(nnabla, 3)
    x.d = np.random.default_rng(1).normal(size=x.shape)
    new = fold_batchnorm(y)
    assert "BatchNormalization" not in kinds(new)
    assert_close(values(new), values(y))


@pytest.mark.parametrize("name", NAMES)
def test_whole_networks(nnabla, name) -> None:
    from fpgaq.nnabla import fold_batchnorm

    x, y = build(nnabla, name)
    new = fold_batchnorm(y, strict=False)
    assert_close(values(new), values(y), 4e-5)  # statistics of two samples make small variances
    left = kinds(new).count("BatchNormalization")
    assert left == {"residual": 1}.get(name, 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f, pf, x: (lambda h: f.add2(h, bn(pf, h, "n")))(pf.convolution(x, 4, (3, 3), name="c")), "else reads"),
        (lambda f, pf, x: pf.convolution(bn(pf, x, "n"), 4, (3, 3), pad=(1, 1)), "border would change"),
        (lambda f, pf, x: pf.deconvolution(bn(pf, x, "n"), 4, (3, 3)), "border would change"),
        (lambda f, pf, x: bn(pf, f.relu(x), "n"), "no layer with weights"),
        (lambda f, pf, x: pf.batch_normalization(pf.convolution(x, 4, (3, 3)), name="n"), "training mode"),
    ],
)
def test_what_is_not_exact_is_refused_and_left(nnabla, make, words) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import fold_batchnorm

    x = nnabla.Variable((2, 4, 7, 6))
    y = make(f, pf, x)
    randomize(nnabla, 3)
    before, names = kinds(y), list(nnabla.get_parameters(grad_only=False))
    with pytest.raises(UnsupportedError, match=words) as caught:
        fold_batchnorm(y)
    assert "'n/bn'" in str(caught.value)
    assert kinds(y) == before
    assert list(nnabla.get_parameters(grad_only=False)) == names
    assert kinds(fold_batchnorm(y, strict=False)) == before


def test_an_output_that_is_also_normalized_stays_an_output(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import fold_batchnorm

    x = nnabla.Variable((2, 4, 7, 6))
    h = pf.convolution(x, 4, (3, 3), name="c")
    with pytest.raises(UnsupportedError, match="else reads"):
        fold_batchnorm([h, bn(pf, h, "n")])
