"""Products with registered matrices are those of bfloat16 operands, whatever the shapes, the batch and the threads."""

import ctypes
import os

import numpy as np
import pytest

from conch_dna.kernels import bf16
from conch_dna.models import accel

ROW_MAJOR, AS_IS, TRANSPOSED = 101, 111, 112
POINTER = ctypes.POINTER(ctypes.c_float)

if why := bf16.obstacle():
    pytest.skip(f"this machine computes in float32: {why}", allow_module_level=True)


@pytest.fixture(scope="module", params=["amx", "avx512"])
def library(request, tmp_path_factory):
    """The library, beside mlx and not ahead of it; what it forwards goes to the optimised BLAS."""
    library = tmp_path_factory.mktemp("accel") / bf16.file_name()
    bf16.build(library)
    found = ctypes.CDLL(str(library))
    if found.conch_bf16_amx(request.param == "amx") != (request.param == "amx"):
        pytest.skip("this machine has no AMX")
    found.conch_bf16_blas(ctypes.cast(ctypes.CDLL(accel._blas()[0]).cblas_sgemm, ctypes.c_void_p))
    found.conch_bf16_products.restype = ctypes.c_long
    return found


def address(array):
    return array.ctypes.data_as(POINTER)


def product(library, x, w, *, forward=True, beta=0.0, start=None):
    """Return ``beta * start + x w'``, or ``x w`` of the backward pass."""
    width = w.shape[0] if forward else w.shape[1]
    y = np.full((len(x), width), np.nan, np.float32) if start is None else start.copy()
    library.cblas_sgemm(
        ROW_MAJOR, AS_IS, TRANSPOSED if forward else AS_IS, len(x), width, x.shape[1],
        ctypes.c_float(1), address(x), x.shape[1], address(w), w.shape[1], ctypes.c_float(beta), address(y), width,
    )  # fmt: skip
    return y


class Registered:
    """A matrix that the library knows within the block; counts the products that it computed."""

    def __init__(self, library, w):
        self.library, self.w = library, w

    def __enter__(self):
        self.library.conch_bf16_register(address(self.w), *self.w.shape)
        self.before = self.library.conch_bf16_products()
        return self

    def __exit__(self, *_):
        self.library.conch_bf16_release(address(self.w))

    @property
    def products(self):
        return self.library.conch_bf16_products() - self.before


def rounded(x):
    """Return x rounded to bfloat16, to nearest, ties to even."""
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def drawn(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("shape", [(128, 128), (129, 131), (160, 576), (576, 160), (130, 4500), (4500, 130)])
@pytest.mark.parametrize("rows", [1, 2, 11, 12, 13, 16, 17, 33, 100])
def test_a_product_is_that_of_the_rounded_operands(library, rows, shape, forward):
    w = drawn(*shape)
    x = drawn(rows, w.shape[1] if forward else w.shape[0], seed=1)
    with Registered(library, w) as known:
        found = product(library, x, w, forward=forward)
        assert known.products == 1
    exact = rounded(x).astype(np.float64) @ (rounded(w).T if forward else rounded(w)).astype(np.float64)
    scale = np.abs(rounded(x)).astype(np.float64) @ np.abs(rounded(w).T if forward else rounded(w))
    assert (np.abs(found - exact) <= 1e-5 * scale).all()


def test_a_chunked_batch_is_its_rows(library):
    w, x = drawn(160, 1536), drawn(1500, 1536, seed=1)
    with Registered(library, w):
        together = product(library, x, w)
        for row in (0, 11, 12, 31, 32, 131, 255, 256, 1499):
            assert np.array_equal(together[row : row + 1], product(library, x[row : row + 1], w))


def test_sums_are_added_to_what_is_there(library):
    w, x, start = drawn(160, 576), drawn(20, 576, seed=1), drawn(20, 160, seed=2)
    with Registered(library, w) as known:
        plain, added = product(library, x, w), product(library, x, w, beta=1.0, start=start)
        assert known.products == 2
    np.testing.assert_allclose(added, plain + start, rtol=1e-4, atol=1e-4)


def test_other_matrices_and_released_ones_are_computed_in_float32(library):
    w, other, x = drawn(160, 576), drawn(160, 576, seed=3), drawn(20, 576, seed=1)
    with Registered(library, w) as known:
        np.testing.assert_allclose(product(library, x, other), x @ other.T, rtol=1e-4, atol=1e-4)
        assert known.products == 0
    assert not np.allclose(rounded(w), w)
    np.testing.assert_allclose(product(library, x, w), x @ w.T, rtol=1e-4, atol=1e-4)


def test_a_part_of_a_registered_matrix_is_computed_in_float32(library):
    w, x = drawn(160, 576), drawn(20, 576, seed=1)
    with Registered(library, w) as known:
        np.testing.assert_allclose(product(library, x, w[:150]), x @ w[:150].T, rtol=1e-4, atol=1e-4)
        assert known.products == 0


def test_a_matrix_that_is_registered_twice_is_known_until_the_second_release(library):
    w, x = drawn(160, 576), drawn(20, 576, seed=1)
    with Registered(library, w) as outer:
        with Registered(library, w):
            pass
        product(library, x, w)
        assert outer.products == 1


def test_a_value_that_is_not_finite_stays_so(library):
    w, x = drawn(128, 128), np.zeros((3, 128), np.float32)
    x[0, 5], x[1, 5] = np.nan, np.inf
    with Registered(library, w):
        found = product(library, x, w)
    assert np.isnan(found[0]).all()
    assert np.isinf(found[1]).all()
    assert (found[2] == 0).all()


def test_a_forked_process_computes_without_the_threads_of_its_parent(library):
    w, x = drawn(576, 576), drawn(600, 576, seed=1)
    with Registered(library, w):
        here = product(library, x, w)
        child = os.fork()
        if not child:
            os._exit(0 if np.array_equal(product(library, x, w), here) else 1)
        assert os.waitpid(child, 0)[1] == 0
