"""Neurons that share the base's context: it is computed once for concurrent requests and kept apart from their own."""

import mlx.core as mx
import pytest
from architectures import build
from engines import INVOCATION_TOKENS, SHORT, START, Solo, publish_activated, publish_mismatched, served, write_base
from mlx_lm.models.cache import make_prompt_cache
from projects import write_neuron
from tiers import thin

from conch_dna.errors import ConfigError, DataError, ModelError, NeuronRefused
from conch_dna.records import Sampling
from conch_dna.runtime import scheduler as scheduler_module
from conch_dna.runtime.contexts import Contexts
from conch_dna.runtime.prompt_cache import PromptCache
from conch_dna.runtime.request import Request

SIX = [f"n{i}" for i in range(6)]
CONTEXT = [*START, *START, *START[:4]]  # 40 tokens
ASKED = [*CONTEXT, *INVOCATION_TOKENS]


def made(folder, name="llama", neurons=SIX, **options):
    """An engine with an ordinary neuron and others that share the base's context; prompts are read 8 tokens a step."""
    base = write_base(folder / "base", name, max_position_embeddings=256)
    engine = served(folder, name, ["plain"], base=base, **{"slots": 8, "batch": 16, **options})
    publish_activated(engine._cache.registry, base, folder / "activated", *neurons)
    engine._scheduler._decoder._generator.prefill_step_size = 8
    return engine


@pytest.fixture
def engine(tmp_path):
    serving = made(tmp_path)
    yield serving
    serving.close()


@pytest.fixture(params=thin([1 << 28, 1000, 0], 1 << 28, 0), ids=["prompt cache", "too small", "none"])
def any_cache(request, tmp_path):
    serving = made(tmp_path, prompt_cache_bytes=request.param)
    yield serving
    serving.close()


def answered(engine, requests):
    """Wait for requests, check their tokens, and return how many prompt tokens were computed for all of them."""
    with engine._scheduler._decoder._generator.stats() as spent:
        answers = [request.result() for request in requests]
    solo = Solo(engine)
    for request, answer in zip(requests, answers, strict=True):
        if answer.finish_reason != "cancelled":
            assert list(answer.tokens) == solo(request.wanted, request.prompt, request.sampling.max_tokens)
    return spent.prompt_tokens


def cached(requests):
    return [request.result().cached_tokens for request in requests]


class TestTogether:
    """Concurrent requests over one context."""

    def test_the_context_is_computed_once_for_all(self, any_cache):
        requests = [any_cache.submit(ASKED, name, SHORT) for name in SIX]
        computed = answered(any_cache, requests)
        assert computed == len(CONTEXT) + 6 * (len(INVOCATION_TOKENS) - 1)
        assert cached(requests) == [0, *[len(CONTEXT)] * 5]
        assert len({request.result().tokens for request in requests}) > 1
        left = any_cache.stats()
        assert (left.waiting, left.running) == (0, 0)

    def test_nobody_else_reuses_or_awaits_a_context(self, any_cache):
        """What is cached, and how long a request takes, would tell what others asked."""
        owners = ["one", "two", "one", "two", ""]
        requests = [
            any_cache.submit(ASKED, name, SHORT, sharing=owner) for name, owner in zip(SIX[:5], owners, strict=True)
        ]
        answered(any_cache, requests)
        assert cached(requests) == [0, 0, len(CONTEXT), len(CONTEXT), 0]
        later = [any_cache.submit(ASKED, "base", SHORT, sharing=owner) for owner in ("three", "one")]
        answered(any_cache, later)
        assert cached(later)[0] == 0

    @pytest.mark.full
    def test_the_rest_of_each_prompt_may_differ(self, any_cache):
        prompts = [[*CONTEXT, *[9] * n, *INVOCATION_TOKENS, *[4] * n] for n in range(6)]
        requests = [any_cache.submit(prompt, name, SHORT) for prompt, name in zip(prompts, SIX, strict=True)]
        answered(any_cache, requests)
        assert cached(requests) == [0, *[len(CONTEXT)] * 5]

    @pytest.mark.parametrize("names", [["n0", "base", "n1"], ["base", "n0", "n1"]])
    def test_the_base_shares_the_context_in_any_order(self, any_cache, names):
        requests = [any_cache.submit(ASKED, name, SHORT) for name in names]
        answered(any_cache, requests)
        assert cached(requests) == [0, len(CONTEXT), len(CONTEXT)]

    def test_requests_for_the_base_alone_do_not_wait_for_one_another(self, engine):
        requests = [engine.submit(ASKED, "base", SHORT) for _ in range(3)]
        answered(engine, requests)
        assert cached(requests) == [0, 0, 0]

    def test_an_ordinary_neuron_does_not_share_the_context(self, any_cache):
        requests = [any_cache.submit(ASKED, name, SHORT) for name in ("n0", "plain", "n1")]
        answered(any_cache, requests)
        assert cached(requests) == [0, 0, len(CONTEXT)]

    def test_a_later_request_waits_for_a_context_that_is_being_computed(self, any_cache):
        requests = [any_cache.submit(ASKED, SIX[0], SHORT)]
        for name in SIX[1:3]:
            any_cache.step()
            requests.append(any_cache.submit(ASKED, name, SHORT))
        assert any_cache.stats().running == 1
        answered(any_cache, requests)
        assert cached(requests) == [0, len(CONTEXT), len(CONTEXT)]

    def test_a_request_does_not_wait_for_a_short_common_start(self, engine):
        other = [*CONTEXT[:18], *[9, 4, 6] * 10, *INVOCATION_TOKENS]
        requests = [engine.submit(prompt, name, SHORT) for prompt, name in ((ASKED, "n0"), (other, "n1"))]
        engine.step()
        assert engine.stats().running == 2
        answered(engine, requests)
        assert cached(requests) == [0, 0]

    def test_a_longer_context_is_computed_from_the_cached_part_on(self, engine):
        answered(engine, [engine.submit(ASKED, "n0", SHORT)])
        longer = [*CONTEXT, *[9, 4, 6] * 8, *INVOCATION_TOKENS]
        requests = [engine.submit(longer, name, SHORT) for name in SIX]
        answered(engine, requests)
        assert cached(requests) == [len(CONTEXT), *[len(longer) - len(INVOCATION_TOKENS)] * 5]

    @pytest.mark.full
    @pytest.mark.parametrize("room", thin([{"slots": 2}, {"batch": 2}, {"slots": 1, "batch": 1}]), ids=str)
    @pytest.mark.parametrize("kept", [1 << 28, 0])
    def test_all_requests_are_answered_in_a_small_batch(self, tmp_path, room, kept):
        serving = made(tmp_path, prompt_cache_bytes=kept, **room)
        names = [*SIX, "base", *SIX]
        requests = [serving.submit(ASKED, name, SHORT) for name in names]
        answered(serving, requests)
        if kept:
            assert sorted(cached(requests))[1:] == [len(CONTEXT)] * 12
        serving.close()

    def test_a_context_beyond_the_budget_is_lent_for_one_admission(self, tmp_path):
        serving = made(tmp_path, prompt_cache_bytes=0)
        requests = [serving.submit(ASKED, name, SHORT) for name in SIX]
        while not serving._scheduler._contexts._cache.lent:
            serving.step()
        serving.step()
        assert serving._scheduler._contexts._cache.lent == []
        assert serving.stats().prompt_cache_bytes == 0
        answered(serving, requests)
        serving.close()

    def test_a_request_that_was_passed_over_often_waits_for_no_context(self, engine, monkeypatch):
        monkeypatch.setattr(scheduler_module, "MAX_PASSED", 0)
        requests = [engine.submit(ASKED, name, SHORT) for name in SIX]
        engine.step()
        assert engine.stats().running == 6
        answered(engine, requests)


class TestFaults:
    """The request that computes a context may end early; the others continue."""

    @pytest.mark.parametrize("steps", thin(range(1, 8), 2, 5))
    def test_a_request_that_computes_a_context_may_be_cancelled_at_any_step(self, any_cache, steps):
        requests = [any_cache.submit(ASKED, name, SHORT) for name in SIX]
        for _ in range(steps):
            any_cache.step()
        requests[0].cancel()
        assert answered(any_cache, requests) <= 2 * len(CONTEXT) + 6
        others = [len(CONTEXT)] * 5 if steps >= 5 else [0, *[len(CONTEXT)] * 4]
        assert sorted(cached(requests[1:])) == others

    def test_all_may_be_cancelled_while_they_wait(self, engine):
        requests = [engine.submit(ASKED, name, SHORT) for name in SIX]
        engine.step()
        for request in requests:
            request.cancel()
        assert {request.result().finish_reason for request in requests} == {"cancelled"}
        answered(engine, [engine.submit(ASKED, "n3", SHORT)])

    def test_the_neuron_of_a_computed_context_may_be_unloaded(self, any_cache):
        requests = [any_cache.submit(ASKED, name, SHORT) for name in SIX[:3]]
        any_cache.step()
        any_cache.unload("n0", deadline=0)
        with pytest.raises(NeuronRefused, match="was unloaded"):
            requests[0].result()
        answered(any_cache, requests[1:])
        assert cached(requests[1:]) == [0, len(CONTEXT)]

    def test_the_neuron_of_a_computed_context_may_be_damaged(self, any_cache):
        file = any_cache._cache.registry.resolve("n0").path / "adapters.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        requests = [any_cache.submit(ASKED, name, SHORT) for name in SIX[:3]]
        with pytest.raises(NeuronRefused, match="differs from the card"):
            requests[0].result()
        answered(any_cache, requests[1:])

    def test_the_step_of_a_computed_context_may_fail(self, any_cache, monkeypatch):
        requests = [any_cache.submit(ASKED, name, SHORT) for name in SIX[:3]]
        with monkeypatch.context() as patch:
            patch.setattr(any_cache._scheduler._model, "_delta_of", lambda _: 1 / 0)
            any_cache.step()
        with pytest.raises(ModelError, match="could not be computed"):
            requests[0].result()
        answered(any_cache, requests[1:])

    def test_a_failed_context_lookup_fails_only_its_request(self, engine, monkeypatch):
        requests = [engine.submit(ASKED, name, SHORT) for name in SIX[:3]]
        contexts = engine._scheduler._contexts
        look = contexts.must_wait
        monkeypatch.setattr(contexts, "must_wait", lambda request: 1 / (request is not requests[2]) and look(request))
        with pytest.raises(ZeroDivisionError):
            requests[2].result(timeout=10)
        answered(engine, requests[:2])

    def test_a_prompt_without_invocation_tokens_fails_alone(self, engine):
        good = engine.submit(ASKED, "n0", SHORT)
        for prompt in (CONTEXT, [INVOCATION_TOKENS[0]], [*INVOCATION_TOKENS[::-1]]):
            with pytest.raises(DataError, match="does not contain the invocation tokens of this neuron"):
                engine.submit(prompt, "n1", SHORT)
        answered(engine, [good, engine.submit(CONTEXT, "plain", SHORT)])

    def test_a_card_with_other_invocation_tokens_than_the_adapter_is_refused(self, engine, tmp_path):
        activated = engine._cache.registry.resolve("n0").path
        for name, folder, invocation_tokens in (
            ("wrong", activated, (1, 2)),
            ("none", activated, ()),
            ("some", write_neuron(tmp_path / "ordinary", engine.base_model.model), INVOCATION_TOKENS),
        ):
            publish_mismatched(engine._cache.registry, engine.base_model, folder, name, invocation_tokens)
            with pytest.raises(NeuronRefused, match="different invocation tokens"):
                engine.submit([*ASKED, 1, 2], name, SHORT).result()

    @pytest.mark.parametrize("slotted", [True, False])
    def test_a_card_with_wrong_invocation_tokens_is_refused_even_if_its_content_is_in_memory(self, engine, slotted):
        activated = engine._cache.registry.resolve("n0").path
        publish_mismatched(engine._cache.registry, engine.base_model, activated, "wrong", (1, 2))
        for asked in ("n0", {"n0": 0.5}):
            answered(engine, [engine.submit(ASKED, asked, SHORT)])
            if not slotted:
                engine._allocator._vacate(engine._allocator._slot_of[engine._cache.find_any(asked).digest])
        for asked in ("wrong", {"wrong": 0.5}):
            with pytest.raises(NeuronRefused, match="different invocation tokens"):
                engine.submit([*ASKED, 1, 2], asked, SHORT).result()
        answered(engine, [engine.submit(ASKED, "n0", SHORT)])
        assert set(engine.stats().slots.values()) == {0}


class TestPromptCache:
    """Keys of the prompt cache."""

    def test_tokens_from_the_invocation_on_are_not_shared(self, engine):
        prompt = [*CONTEXT, *INVOCATION_TOKENS, *CONTEXT]
        shared = len(CONTEXT)
        for name, known in (("n0", 0), ("n1", shared), ("base", shared), ("plain", 0), ("n0", shared), ("n2", shared)):
            request = engine.submit(prompt, name, SHORT)
            answered(engine, [request])
            assert request.cached_tokens == known

    def test_an_earlier_answer_is_context_that_the_base_reads_again(self, engine):
        first = engine.submit(ASKED, "n0", SHORT).result()
        longer = [*ASKED, *first.tokens, 5, 5, *INVOCATION_TOKENS]
        requests = [engine.submit(longer, name, SHORT) for name in ("n0", "n1")]
        answered(engine, requests)
        assert cached(requests) == [len(CONTEXT), len(CONTEXT)], "too few tokens follow to wait for"

    def test_a_prompt_without_context_is_cached_like_that_of_any_neuron(self, engine):
        prompt = [*INVOCATION_TOKENS, *CONTEXT]
        for asked, name, known in ((prompt, "n0", 0), ([*prompt, 4], "n0", len(prompt)), (prompt, "n1", 0)):
            request = engine.submit(asked, name, SHORT)
            answered(engine, [request])
            assert request.cached_tokens == known

    def test_a_context_read_by_the_base_is_not_used_as_the_neurons_own(self, engine):
        begins = [*INVOCATION_TOKENS, *CONTEXT]
        for prompt in ([*begins, *INVOCATION_TOKENS], [*begins, 4]):
            request = engine.submit(prompt, "n0", SHORT)
            answered(engine, [request])
            assert request.cached_tokens == 0

    def test_a_new_version_of_a_neuron_keeps_the_context(self, engine, tmp_path):
        answered(engine, [engine.submit(ASKED, "n0", SHORT)])
        publish_activated(engine._cache.registry, engine.base_model, tmp_path / "new", "n0", first=77)
        request = engine.submit(ASKED, "n0", SHORT)
        answered(engine, [request])
        assert cached([request]) == [len(CONTEXT)]

    @pytest.mark.full
    @pytest.mark.parametrize("name", ["gemma3_text", "mamba2"])
    def test_bases_without_plain_caches_compute_each_context(self, tmp_path, name):
        serving = made(tmp_path, name)
        requests = [serving.submit(ASKED, neuron, SHORT) for neuron in (*SIX, "base", "plain")]
        serving.step()
        assert serving.stats().running == 8
        answered(serving, requests)
        assert cached(requests) == [0] * 8
        serving.close()


class TestBlends:
    """Weighted sums of neurons that share the base's context."""

    def test_neurons_with_the_same_invocation_tokens_are_blended(self, engine):
        requests = [engine.submit(ASKED, asked, SHORT) for asked in ("n0", {"n0": 0.5, "n1": 0.5}, {"n2": 2.0})]
        answered(engine, requests)
        assert cached(requests) == [0, len(CONTEXT), len(CONTEXT)]
        assert len({request.result().tokens for request in requests}) > 1

    @pytest.mark.parametrize("asked", [{"n0": 0.5, "plain": 0.5}, {"n0": 1, "other": 1}], ids=str)
    def test_a_blend_of_different_invocation_tokens_is_refused(self, engine, asked, tmp_path):
        publish_activated(engine._cache.registry, engine.base_model, tmp_path, "other", invocation_tokens=(1, 2))
        with pytest.raises(ConfigError, match="with different invocation tokens cannot be blended"):
            engine.submit(ASKED, asked, SHORT)


def test_a_request_waits_for_the_longest_context_and_only_if_it_saves_half():
    model = build("llama", max_position_embeddings=128)
    cache = PromptCache(model, 1 << 20)
    contexts = Contexts(cache, "base")

    def asking(context):
        request = Request([*context, 1], "base", None, Sampling(), (), None, Tokens(), None)
        assert request.context == len(context)
        return request

    first = asking(CONTEXT)
    contexts.begin(1, first, known=0)
    assert not contexts.must_wait(first), "requests for the base do not wait for one another"
    contexts._computing[1].activated = True
    contexts.begin(2, asking(CONTEXT[:20]), known=0)
    contexts._computing[2].activated = True
    for length, waits in ((40, True), (60, True), (78, True), (82, False)):
        assert contexts.must_wait(asking([*CONTEXT, *[9] * 42][:length])) == waits
    assert (contexts._computing[1].awaited, contexts._computing[2].awaited) == (True, False)
    assert not contexts.must_wait(asking(CONTEXT[:15])), "too short to be worth it"
    caches = make_prompt_cache(model)
    model(mx.array([CONTEXT]), cache=caches)
    contexts.keep(contexts.end(1), caches)
    assert not contexts.must_wait(first), "what is known need not be waited for"
    assert contexts.end(1) is None


class Tokens:
    """The part of a tokenizer that a request uses."""

    eos_token_ids = (7,)
    detokenizer = None
