"""A common start is read once and continues each row as the whole prompt would."""

import mlx.core as mx
import pytest
from mlx_lm.models.cache import RotatingKVCache

from conch_dna.runtime.row_caches import prefill, shared_prefix, widen


@pytest.mark.parametrize(
    ("prompts", "prefix"),
    [
        ([[1, 2, 3, 4], [1, 2, 5]], [1, 2]),
        ([[1, 2], [1, 2, 3]], [1]),
        ([[1, 2], [1, 2]], [1]),
        ([[1], [1, 2]], []),
        ([[3, 1], [2, 1]], []),
    ],
    ids=["differ inside", "one starts the other", "equal", "one token", "nothing shared"],
)
def test_the_shared_prefix_leaves_each_prompt_a_token(prompts, prefix):
    assert shared_prefix(prompts) == prefix


def test_a_widened_cache_continues_each_row_as_the_whole_prompt_would(base):
    prefix, rows = [5, 9, 2, 77], [[31, 4], [8, 200], [1, 1]]
    cache = prefill(base.model, prefix)
    found = base.model(mx.array(rows), cache=widen(cache, 3))
    direct = base.model(mx.array([prefix + row for row in rows]))[:, 4:]
    assert mx.allclose(found, direct, atol=1e-5)
    assert [c.offset for c in cache] == [4] * 4  # the narrow one can be used again


def test_nothing_is_prefilled_where_nothing_is_shared_or_the_cache_cannot_be(base):
    assert prefill(base.model, []) is None
    windowed = type("Windowed", (), {"layers": base.model.layers, "make_cache": lambda _: [RotatingKVCache(8)] * 4})
    assert prefill(windowed(), [1, 2]) is None
