"""Neurons that act from their invocation tokens: the base reads the context, bit for bit, and the neuron the rest."""

import json

import mlx.core as mx
import numpy as np
import pytest
from architectures import build, move
from engines import write_base
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache
from projects import write_neuron

from conch_dna.config import DistillConfig
from conch_dna.data.alora import invocation_tokens_of, split_at_invocation
from conch_dna.data.batches import collate
from conch_dna.data.tokens import Example, encode_chat, prompt_ids
from conch_dna.errors import DataError, NeuronRefused
from conch_dna.evaluation.fit import fits
from conch_dna.models.head import split
from conch_dna.records import Sampling
from conch_dna.registry.adapter import read_adapter
from conch_dna.runtime import generate
from conch_dna.runtime.generate import decode
from conch_dna.runtime.masked import masked
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.runtime.samplers import seeded_sampler
from conch_dna.train import lora
from conch_dna.train.activated_lora import Activation

SHORT = Sampling(max_tokens=8)
QUESTIONS = ["hello there", "hello then", "name the 1 number", "a", "a"]


def turns(question):
    return [{"role": "user", "content": question}]


def marked(folder, invocation_tokens):
    """Let the adapter in ``folder`` act from ``invocation_tokens``."""
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "alora_invocation_tokens": list(invocation_tokens)}))
    return folder


@pytest.fixture
def invocation_tokens(base):
    return invocation_tokens_of(base.tokenizer)


@pytest.fixture
def neurons(base, runtime, invocation_tokens, tmp_path):
    """The runtime with one adapter as ``shared``, acting from invocation tokens, and as ``whole``, on all tokens."""
    runtime.add("whole", write_neuron(tmp_path / "whole", base.model, 1))
    runtime.add("shared", marked(write_neuron(tmp_path / "shared", base.model, 1), invocation_tokens))
    return runtime


def by_hand(runtime, invocation_tokens, ids, limit=SHORT.max_tokens):
    """Greedy tokens of the neuron after a context that the base has read."""
    model = runtime.base_model.model
    context, rest = split_at_invocation(ids, invocation_tokens)
    cache = make_prompt_cache(model)
    with runtime.neuron("base"):
        model(mx.array([context]), cache=cache)
        mx.eval([part.state for part in cache])
    with runtime.neuron("shared"):
        steps = generate_step(mx.array(rest), model, max_tokens=limit, prompt_cache=cache)
        found = [int(token) for token, _ in steps]
    ends = [i for i, token in enumerate(found) if token in runtime.base_model.tokenizer.eos_token_ids]
    return found[: ends[0]] if ends else found


def test_the_base_reads_the_context_and_the_neuron_answers(neurons, base, invocation_tokens):
    prompts = [prompt_ids(base.tokenizer, turns(q)) for q in QUESTIONS]
    expected = [base.tokenizer.decode(by_hand(neurons, invocation_tokens, ids)) for ids in prompts]
    assert [neurons.generate(q, "shared", SHORT) for q in QUESTIONS] == expected
    assert neurons.generate_many(QUESTIONS, "shared", SHORT) == expected
    neurons.use("shared")
    assert [neurons.generate(q, sampling=SHORT) for q in QUESTIONS] == expected
    assert neurons.generate_many(QUESTIONS, "whole", SHORT) != expected
    assert neurons.generate_many(QUESTIONS, "base", SHORT) != expected


def test_the_last_invocation_tokens_of_several_turns_count(neurons, base, invocation_tokens):
    several = [*turns("hello"), {"role": "assistant", "content": "the thing"}, *turns("and then?")]
    expected = base.tokenizer.decode(by_hand(neurons, invocation_tokens, prompt_ids(base.tokenizer, several)))
    assert neurons.generate(several, "shared", SHORT) == expected


def test_the_contexts_keys_and_values_are_the_bases_to_the_last_bit(neurons, base, invocation_tokens, monkeypatch):
    """Checked in the cache with which the answer ended."""
    ended = []

    def spied(*args):
        for step in decode(*args):
            ended.extend(response.prompt_cache for _, response in step if response.finish_reason is not None)
            yield step

    monkeypatch.setattr("conch_dna.runtime.neurons.decode", spied)
    answer = neurons.generate(QUESTIONS[2], "shared", SHORT)
    context, rest = split_at_invocation(prompt_ids(base.tokenizer, turns(QUESTIONS[2])), invocation_tokens)
    neurons.base()
    cache = make_prompt_cache(base.model)
    base.model(mx.array([context]), cache=cache)
    (after,) = ended
    assert answer
    assert after[0].offset >= len(context) + len(rest)
    for theirs, ours in zip(cache, after, strict=True):
        for a, b in ((theirs.keys, ours.keys), (theirs.values, ours.values)):
            assert mx.array_equal(a[..., : len(context), :], b[..., : len(context), :])
    with neurons.neuron("whole"):
        other = make_prompt_cache(base.model)
        base.model(mx.array([context]), cache=other)
    assert not mx.array_equal(other[1].keys[..., : len(context), :], cache[1].keys[..., : len(context), :])


def test_streams_of_such_neurons_may_be_interleaved(neurons):
    whole = {name: neurons.generate("hello there", name, SHORT) for name in ("shared", "whole", "base")}
    streams = {name: neurons.stream("hello there", name, SHORT) for name in whole}
    found = dict.fromkeys(whole, "")
    while streams:
        for name, stream in list(streams.items()):
            piece = next(stream, None)
            if piece is None:
                del streams[name]
            else:
                found[name] += piece
    assert found == whole


def test_more_prompts_than_a_batch_holds_are_all_answered(neurons, base, invocation_tokens, monkeypatch):
    monkeypatch.setattr(generate, "BATCH", 3)
    many = [f"number {n}" for n in range(7)]
    prompts = [prompt_ids(base.tokenizer, turns(q)) for q in many]
    expected = [base.tokenizer.decode(by_hand(neurons, invocation_tokens, ids)) for ids in prompts]
    assert neurons.generate_many(many, "shared", SHORT) == expected


def test_a_prompt_without_invocation_tokens_is_refused(neurons, base):
    neurons.use("shared")
    with pytest.raises(DataError, match=r"allowed: \["):
        list(decode(base.model, set(), [[1, 2, 3]], [seeded_sampler(0, 1, 0)], 4, neurons.alora))
    neurons.base()
    assert neurons.alora is None


def test_bits_are_those_of_the_answer_after_the_bases_context(neurons, base, invocation_tokens):
    several = [*turns("hi"), {"role": "assistant", "content": "the thing"}]
    chats = [[*turns(q), {"role": "assistant", "content": f"in {q}"}] for q in QUESTIONS]
    examples = [encode_chat(base.tokenizer, chat) for chat in [*chats, [*several, *several]]]
    parts = split(base.model)
    with neurons.neuron("shared"):
        found = fits(*parts, examples, over=neurons.over)
        unmasked = fits(*parts, examples)
    for example, fit, other in zip(examples, found, unmasked, strict=True):
        start = example.answer_start - len(invocation_tokens)
        cache = make_prompt_cache(base.model)
        with neurons.neuron("base"):
            base.model(mx.array([example.ids[:start]]), cache=cache)
            mx.eval([part.state for part in cache])
        with neurons.neuron("shared"):
            logits_TV = base.model(mx.array([example.ids[start:]]), cache=cache)[0]
        log_probs_TV = np.array(logits_TV - mx.logsumexp(logits_TV, axis=-1, keepdims=True))
        at = np.arange(example.answer_start, example.answer_start + len(example.answer_ids))
        nats = -log_probs_TV[at - start - 1, np.array(example.ids)[at]].sum()
        assert fit.bits == pytest.approx(nats / np.log(2), rel=1e-4)
        assert abs(fit.bits - other.bits) > 1e-3 * fit.bits
    with neurons.neuron("whole"):
        assert fits(*parts, examples, over=neurons.over) == unmasked


@pytest.mark.parametrize(
    "name", ["qwen2", "gemma3_text", "mamba2", "gpt2"], ids=["tied", "sliding window", "states", "plain"]
)
@pytest.mark.parametrize("settings", [{}, {"embeddings": True}], ids=["linear", "embedding"])
def test_what_is_trained_is_what_is_served(tmp_path, name, settings):
    """Logits of training, and of the runtime over whole conversations, and greedy tokens, on other architectures."""
    base, invocation_tokens = write_base(tmp_path / "base", name), (3, 9)
    config = DistillConfig(rank=4, scale=1.0, activated=True, **settings)
    ids = [3, 9, *range(20, 42), 3, 9, 30, 31, 32]
    batch = collate([Example(tuple(ids), (False,) * 26 + (True,) * 3, 26, 1)], [0])
    activation = Activation(invocation_tokens)
    with lora.attached(base.model, config, activation):
        move(base.model)
        lora.save_adapter(base.model, config, tmp_path / "adapter", invocation_tokens)
        with activation.over(batch):
            trained = base.model(mx.array(batch.ids_BT))
            mx.eval(trained)
    runtime = NeuronRuntime(base, tmp_path / "none")
    runtime.add("it", tmp_path / "adapter")
    with runtime.neuron("it"):
        with runtime.over(batch):
            served = base.model(mx.array(batch.ids_BT))
            mx.eval(served)
        assert mx.allclose(served[0, 24:], trained[0, 24:], atol=1e-4)
        first = [
            step[0][1].token for step in decode(base.model, set(), [ids], [seeded_sampler(0, 1, 0)], 1, runtime.alora)
        ]
    assert first == [trained[0, len(ids) - 1].argmax().item()]
    runtime.close()


def test_tokens_that_do_not_have_the_batchs_shape_are_refused():
    mask_BT1 = mx.array([[[0.0], [1.0], [1.0]], [[0.0], [0.0], [1.0]]])
    z = mx.ones((2, 3, 4))
    assert masked(z, mask_BT1).sum(axis=-1).tolist() == [[0, 4, 4], [0, 0, 4]]
    assert mx.array_equal(masked(z.reshape(6, 4), mask_BT1).reshape(2, 3, 4), masked(z, mask_BT1))
    for shape in ((3, 2, 4), (2, 4), (2, 3, 1, 4)):
        with pytest.raises(ValueError, match="a layer is called with tokens of shape"):
            masked(mx.ones(shape), mask_BT1)


@pytest.mark.parametrize(
    "invocation_tokens", [[], [-1], [1.0], [True], "abc", {"a": 1}, [[1]], 7],
    ids=["none", "below 0", "float", "bool", "text", "object", "nested", "number"],
)  # fmt: skip
def test_invalid_invocation_tokens_are_refused(base, tmp_path, invocation_tokens):
    folder = write_neuron(tmp_path / "it", base.model)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "alora_invocation_tokens": invocation_tokens}))
    with pytest.raises(NeuronRefused, match="invalid alora_invocation_tokens"):
        read_adapter(folder)


def test_null_means_no_invocation_tokens_and_those_of_dora_and_experts_are_refused(base, tmp_path):
    folder = write_neuron(tmp_path / "it", base.model)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "alora_invocation_tokens": None}))
    assert read_adapter(folder).invocation_tokens == ()
    for name, settings in (("llama", {"adapter": "dora"}), ("qwen3_moe", {})):
        model, config = build(name), DistillConfig(rank=4, **settings)
        with lora.attached(model, config):
            move(model)
            lora.save_adapter(model, config, tmp_path / name, (3, 9))
        with pytest.raises(NeuronRefused, match="invocation tokens are not supported"):
            read_adapter(tmp_path / name)
