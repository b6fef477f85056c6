"""Bases that mlx-lm cannot batch, or batches wrongly, are refused before anything runs."""

import pytest
from architectures import build
from mlx_lm.models.cache import QuantizedKVCache

from conch_dna.errors import ModelError
from conch_dna.runtime.batching import check_batches


@pytest.mark.parametrize("bits", [None, 4])
@pytest.mark.parametrize("name", ["llama", "qwen3_moe", "gemma3_text", "mamba2"])
def test_a_base_whose_sequences_stay_apart_passes(name, bits):
    check_batches(build(name, bits=bits))


def test_a_base_that_mixes_up_its_sequences_is_refused():
    with pytest.raises(ModelError, match="other answers in a batch than alone"):
        check_batches(build("jamba"))


def test_a_base_that_fails_in_a_batch_is_refused():
    with pytest.raises(ModelError, match="cannot be batched"):
        check_batches(build("gemma2"))


def test_a_cache_without_a_batched_form_is_named():
    model = build("llama")
    model.make_cache = lambda: [QuantizedKVCache() for _ in model.layers]
    with pytest.raises(ModelError, match="cache cannot be batched; got QuantizedKVCache"):
        check_batches(model)
