"""Whatever runs beside it, a request gets the tokens that its neuron says alone."""

import itertools
import threading
import time

import pytest
from engines import (
    CUED,
    END,
    INVOCATION_TOKENS,
    NAMES,
    PROMPTS,
    SHORT,
    START,
    Solo,
    fields_of,
    publish_activated,
    served,
    write_base,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects import write_neuron
from tiers import thin

from conch_dna.errors import ConfigError, DataError, NeuronRefused, UnknownName
from conch_dna.records import Sampling
from conch_dna.runtime import scheduler as scheduler_module
from conch_dna.runtime.generate import answer_many

ACTIVATED = ("e", "f")
BLENDS = {"ordinary": {"a": 0.5, "c": 0.5}, "activated": {"e": 0.5, "f": 0.5}}
ALL = [*PROMPTS, *CUED, *CUED]
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            st.sampled_from(["base", *NAMES, *ACTIVATED, "a", "b", "e", *BLENDS]),
            st.integers(0, len(ALL) - 1),
            st.integers(1, 14),
        ),
        st.tuples(st.just("step"), st.integers(1, 5), st.none(), st.none()),
        st.tuples(st.just("cancel"), st.integers(0, 50), st.none(), st.none()),
        st.tuples(st.just("replace"), st.sampled_from([*NAMES, *ACTIVATED]), st.integers(1, 2), st.none()),
        st.tuples(st.just("unload"), st.sampled_from([*NAMES, *ACTIVATED]), st.none(), st.none()),
    ),
    min_size=1,
    max_size=24,
)
BASES = [
    ("llama", {}, 1 << 28),
    ("llama", {}, 12_000),  # bytes that two prompts of the longer ones have
    ("llama", {}, 0),
    ("qwen2", {"bits": 4}, 1 << 28),
    ("gemma3_text", {}, 1 << 28),
    ("mamba2", {}, 1 << 28),
    ("qwen3_moe", {}, 1 << 28),
]


@pytest.fixture(
    scope="module",
    params=thin(BASES, BASES[1], one=True),
    ids=[f"{name} {options} {kept}" for name, options, kept in BASES],
)
def crowd(request, tmp_path_factory):
    """An engine with two versions of each of six neurons, two slots, and what each says alone.

    Of the last two the first version shares the base's context, and of ``e`` the second one too. Prompts are read in
    steps of so few tokens that a context is under way for a while.
    """
    name, options, kept = request.param
    folder = tmp_path_factory.mktemp(name)
    base = write_base(folder / "base", name, max_position_embeddings=128, **options)
    engine = served(folder, name, NAMES, base=base, slots=2, batch=3, prompt_cache_bytes=kept)
    registry = engine._shelf.registry
    publish_activated(registry, base, folder, *ACTIVATED)
    publish_activated(registry, base, folder, "e", first=31)
    for seed, neuron in enumerate([*NAMES, "f"], 11):
        made = write_neuron(folder / f"{neuron}-{seed}", base.model, seed)
        registry.publish(neuron, made, fields_of(base))
    for neuron in ACTIVATED:
        registry.promote(neuron, 1)
    engine._scheduler._generator.prefill_step_size = 12
    yield engine, Solo(engine)
    engine.close()


def holds_cue(prompt):
    return INVOCATION_TOKENS in itertools.pairwise(prompt)


def submitted(engine, asked, prompt, limit):
    """Submit a request and return it with its prompt and limit, or nothing if it is rightly refused."""
    try:
        request = engine.submit(prompt, asked, Sampling(max_tokens=limit))
    except DataError:
        assert not holds_cue(prompt)
        assert engine._shelf.find_any(asked).cue
        return []
    except ConfigError:
        assert [bool(engine._shelf.find(part).cue) for part in asked] == [True, False]
        return []
    assert request.wanted == engine._shelf.find_any(asked)
    assert holds_cue(prompt) or not request.activated
    return [(request, prompt, limit)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_everyone_gets_what_their_neuron_says_alone_through_join_leave_evict_and_replace(crowd, steps):
    engine, solo = crowd
    registry, requests = engine._shelf.registry, []
    for what, first, second, third in steps:
        if what == "submit":
            requests += submitted(engine, BLENDS.get(first, first), ALL[second], third)
        elif what == "step":
            for _ in range(first):
                engine.step()
        elif what == "cancel" and requests:
            requests[first % len(requests)][0].cancel()
        elif what == "replace":
            registry.promote(first, second)
        elif what == "unload":
            engine.unload(first)
    for request, prompt, limit in requests:
        answer = request.result()
        wanted = solo(request.wanted, prompt, limit)
        assert list(answer.tokens) == (wanted[: len(answer.tokens)] if request.cancelled else wanted)
        assert answer.finish_reason != "cancelled" or request.cancelled
        assert answer.digest == request.digest
    left = engine.stats()
    assert (left.waiting, left.running, sum(left.slots.values())) == (0, 0, 0)


def test_neurons_and_the_base_in_one_batch_as_the_simple_runtime_answers(engine):
    solo = Solo(engine)
    asked = ["a", "base", "b", "a"]
    texts = engine.generate_many([PROMPTS[2]] * 4, asked, SHORT)
    wanted = [engine.tokenizer.decode(solo(engine._shelf.find_any(n), PROMPTS[2], 6)) for n in asked]
    assert texts == wanted
    assert len(set(texts)) == 3


def test_a_sampled_answer_is_that_of_prompt_and_seed_alone(engine):
    drawn = Sampling(max_tokens=8, temperature=1.0, top_p=0.9, seed=3)
    (alone,) = answer_many(engine.base_model.model, engine.tokenizer, [PROMPTS[1]], drawn)
    requests = [engine.submit(PROMPTS[1], name, drawn) for name in ("base", "a", "b", "a")]
    base, first, _, second = (request.result().tokens for request in requests)
    assert base == tuple(alone.tokens)
    assert first == second


class TestAnswers:
    """What an answer says of itself."""

    def test_texts_and_turns_are_prompts_too(self, tmp_path):
        engine = served(tmp_path, "llama", NAMES, base=write_base(tmp_path / "wide", "llama", tokens=280))
        text, turns = (
            engine.submit(prompt, "a", SHORT).result() for prompt in ("hello", [{"role": "user", "content": "hello"}])
        )
        assert (text.tokens, text.prompt_tokens) == (turns.tokens, turns.prompt_tokens)
        assert text.prompt_tokens > 5
        engine.close()

    def test_the_end_of_turn_stops_it_and_the_limit_cuts_it(self, engine):
        solo = Solo(engine)
        seen = set()
        for first in range(8, 20):
            answer = engine.submit([first], "a", Sampling(max_tokens=12)).result()
            assert list(answer.tokens) == solo(engine._shelf.find("a"), [first], 12)
            assert END not in answer.tokens
            assert (answer.finish_reason == "length") == (len(answer.tokens) == 12)
            seen.add(answer.finish_reason)
        assert seen == {"stop", "length"}

    def test_tokens_are_told_as_they_come(self, engine):
        told = []
        answer = engine.submit(PROMPTS[1], "b", SHORT, on_token=told.append).result()
        assert tuple(token.id for token in told if token.id != END) == answer.tokens
        assert "".join(token.text for token in told) == answer.text
        for token in told:
            assert token.log_probs_V.shape == (64,)
            assert token.log_prob == pytest.approx(token.log_probs_V[token.id].item())
            assert token.log_prob == pytest.approx(token.log_probs_V.max().item())

    def test_a_stop_string_ends_it_and_is_never_shown_not_even_its_beginning(self, engine):
        many = Sampling(max_tokens=8)
        whole = engine.submit(PROMPTS[1], "b", many).result()
        for start, end in itertools.combinations(range(0, len(whole.text) + 1, 2), 2):
            stop, told = whole.text[start:end], []
            answer = engine.submit(
                PROMPTS[1], "b", many, stop=[stop, "never"], on_token=lambda t, to=told: to.append(t.text)
            ).result()
            assert answer.text == whole.text[: whole.text.index(stop)] == "".join(told)
            assert answer.finish_reason == "stop"
        assert engine.stats().running == 0


class TestPromptCache:
    """What a neuron has read, it need not read again."""

    def test_a_prompt_that_begins_alike_is_read_once_within_a_neuron_and_never_across(self, engine):
        first = engine.submit(PROMPTS[3], "a", SHORT).result()
        assert first.cached_tokens == 0
        again = {name: engine.submit(PROMPTS[4], name, SHORT).result() for name in ("a", "b", "base")}
        assert {name: answer.cached_tokens for name, answer in again.items()} == {"a": len(START), "b": 0, "base": 0}
        solo = Solo(engine)
        for name, answer in again.items():
            assert list(answer.tokens) == solo(engine._shelf.find_any(name), PROMPTS[4], 6)

    def test_a_neuron_trained_anew_shares_nothing_with_what_had_its_name(self, engine, tmp_path):
        engine.submit(PROMPTS[3], "a", SHORT).result()
        made = write_neuron(tmp_path / "new", engine.base_model.model, 77)
        engine._shelf.registry.publish("a", made, fields_of(engine.base_model))
        assert engine.submit(PROMPTS[3], "a", SHORT).result().cached_tokens == 0
        assert engine.submit(PROMPTS[3], "a@1", SHORT).result().cached_tokens > 0

    def test_a_conversation_goes_on_from_its_answer(self, engine):
        answer = engine.submit(START, "a", SHORT).result()
        longer = [*START, *answer.tokens, 1, 2]
        second = engine.submit(longer, "a", SHORT).result()
        assert second.cached_tokens >= len(START) + len(answer.tokens)
        assert list(second.tokens) == Solo(engine)(engine._shelf.find("a"), longer, 6)


class TestQueue:
    """More neurons than slots wait; nobody waits for ever."""

    def test_many_neurons_over_few_slots_are_all_answered(self, tmp_path):
        names = [f"n{i}" for i in range(12)]
        engine = served(tmp_path, "llama", names, slots=3, batch=6)
        solo = Solo(engine)
        requests = [engine.submit(PROMPTS[i % 3], name, SHORT) for i, name in enumerate(names * 3)]
        for i, request in enumerate(requests):
            assert list(request.result().tokens) == solo(request.wanted, PROMPTS[i % 3], 6)
        engine.close()

    def test_who_finds_no_slot_is_passed_by_but_not_for_ever(self, engine, monkeypatch):
        monkeypatch.setattr(scheduler_module, "PATIENCE", 3)
        ended = []

        def submit(name):
            request = engine.submit(PROMPTS[1], name, Sampling(max_tokens=4))
            request.future.add_done_callback(lambda _: ended.append(name))

        for name in ("a", "b", "a", "b", "c", *["a", "b"] * 10):
            submit(name)
        while engine.step():
            pass
        assert len(ended) == 25
        assert 4 < ended.index("c") <= 4 + 3 + 3, ended

    def test_the_base_needs_no_slot_and_passes_who_waits_for_one(self, engine, monkeypatch):
        monkeypatch.setattr(scheduler_module, "PATIENCE", 1)
        long = Sampling(max_tokens=40)
        for name in ("a", "b", "c"):
            engine.submit(PROMPTS[0], name, long)
        engine.submit(PROMPTS[1], "a", Sampling(max_tokens=1)).result()
        assert engine.stats().waiting == 1
        later = [engine.submit(PROMPTS[1], name, Sampling(max_tokens=1)) for name in ("a", "base")]
        later[1].result()
        assert not later[0].done()

    def test_who_waits_for_a_neuron_to_be_unloaded_keeps_nobody(self, engine, monkeypatch):
        monkeypatch.setattr(scheduler_module, "PATIENCE", 0)
        engine.start()
        running = engine.submit(PROMPTS[0], "a", Sampling(max_tokens=2000))
        while not engine.stats().running:
            time.sleep(0.01)
        unloading = threading.Thread(target=engine.unload, args=("a", 60))
        unloading.start()
        while not engine._scheduler.deadlines:
            time.sleep(0.01)
        waiting = engine.submit(PROMPTS[0], "a", SHORT)
        assert engine.submit(PROMPTS[1], "b", SHORT).result(60).tokens
        assert not waiting.done()
        running.cancel()
        unloading.join(60)
        assert waiting.result(60).tokens

    def test_a_cancelled_request_frees_its_place_and_keeps_what_it_has(self, engine):
        long = [engine.submit(PROMPTS[0], name, Sampling(max_tokens=64)) for name in ("a", "b", "c", "d", "a")]
        for _ in range(4):
            engine.step()
        for request in long:
            request.cancel()
        engine.step()
        answers = [request.result(timeout=0) for request in long]
        assert {answer.finish_reason for answer in answers} == {"cancelled"}
        assert answers[2].tokens == answers[3].tokens == ()
        assert engine.stats().slots.keys() == {long[0].digest, long[1].digest}
        assert sum(engine.stats().slots.values()) == 0

    def test_a_result_is_not_waited_for_longer_than_asked(self, engine):
        request = engine.submit(PROMPTS[0], "a", Sampling(max_tokens=2000))
        with pytest.raises(TimeoutError):
            request.result(timeout=0.05)
        request.cancel()
        assert request.result().finish_reason == "cancelled"


class TestNeurons:
    """Neurons come and go under a running engine."""

    def test_who_runs_when_an_alias_moves_ends_on_its_version_and_who_comes_later_has_the_new(self, engine, tmp_path):
        solo, registry = Solo(engine), engine._shelf.registry
        before = engine.submit(PROMPTS[1], "a", Sampling(max_tokens=12))
        engine.step()
        made = write_neuron(tmp_path / "new", engine.base_model.model, 77)
        new = registry.publish("a", made, fields_of(engine.base_model))
        after = engine.submit(PROMPTS[1], "a", Sampling(max_tokens=12))
        assert (before.digest, after.digest) == (registry.resolve("a@1").card.digest, new.card.digest)
        for request in (before, after):
            assert list(request.result().tokens) == solo(request.wanted, PROMPTS[1], 12)
        assert before.result().tokens != after.result().tokens

    def test_a_pin_follows_its_alias(self, engine, tmp_path):
        engine.pin("a")
        made = write_neuron(tmp_path / "new", engine.base_model.model, 77)
        new = engine._shelf.registry.publish("a", made, fields_of(engine.base_model))
        engine.generate_many([PROMPTS[0]] * 4, ["a", "b", "c", "d"], SHORT)
        assert new.card.digest in engine.stats().slots
        assert engine._residency.pinned == {"a": new.card.digest}
        engine.unpin("a")
        engine.generate_many([PROMPTS[0]] * 3, ["b", "c", "d"], SHORT)
        assert new.card.digest not in engine.stats().slots

    def test_a_pin_that_was_taken_off_does_not_come_back_with_its_alias(self, engine):
        engine.pin("a")
        engine._residency.unpin("a")
        engine._residency.move_pin("a", engine._shelf.find("a"))
        assert engine._residency.pinned == {}

    def test_a_pin_stays_where_it_was_when_its_alias_moves_to_a_damaged_version(self, engine, tmp_path):
        engine.pin("a")
        before = engine._residency.pinned["a"]
        made = write_neuron(tmp_path / "new", engine.base_model.model, 77)
        file = engine._shelf.registry.publish("a", made, fields_of(engine.base_model)).path / "adapters.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        bad, good = engine.submit(PROMPTS[1], "a", SHORT), engine.submit(PROMPTS[1], "b", SHORT)
        with pytest.raises(NeuronRefused, match="differs from the card"):
            bad.result()
        assert good.result().tokens
        assert engine._residency.pinned == {"a": before}

    def test_who_runs_when_a_neuron_is_unloaded_may_end(self, engine):
        request = engine.submit(PROMPTS[1], "a", Sampling(max_tokens=12))
        engine.step()
        later = engine.submit(PROMPTS[1], "a", Sampling(max_tokens=12))
        engine.unload("a")
        assert request.result(timeout=0) == later.result()
        assert list(request.result().tokens) == Solo(engine)(request.wanted, PROMPTS[1], 12)

    def test_after_the_deadline_it_fails_and_others_go_on(self, engine):
        request = engine.submit(PROMPTS[1], "a", Sampling(max_tokens=12))
        other = engine.submit(PROMPTS[1], "b", Sampling(max_tokens=12))
        engine.step()
        engine.unload("a", deadline=0)
        assert request.digest not in engine.stats().slots
        with pytest.raises(NeuronRefused, match="a: was unloaded before the answer ended"):
            request.result()
        assert list(other.result().tokens) == Solo(engine)(other.wanted, PROMPTS[1], 12)

    def test_a_deadline_that_was_kept_does_not_end_who_comes_later(self, engine):
        engine.submit(PROMPTS[1], "a", SHORT)
        engine.step()
        engine.unload("a", deadline=20)
        assert engine._scheduler.deadlines == {}
        engine.unload("a", deadline=0)
        assert engine._scheduler.deadlines == {}
        assert engine.submit(PROMPTS[1], "a", SHORT).result().tokens

    def test_the_base_stays(self, engine):
        with pytest.raises(NeuronRefused, match="base cannot be unloaded"):
            engine.unload("base")

    def test_a_plan_is_loaded_ahead_and_a_bad_neuron_in_it_harms_nobody(self, engine):
        file = engine._shelf.registry.resolve("c").path / "adapters.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        engine.prefetch(["c", "base", "a", {"a": 0.5, "b": 0.5}])
        while engine.step():
            pass
        blend = engine._shelf.find_any({"a": 0.5, "b": 0.5})
        assert engine.stats().slots == {engine._shelf.find("a").digest: 0, blend.digest: 0}
        with pytest.raises(UnknownName):
            engine.prefetch(["nobody"])
