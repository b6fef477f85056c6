"""Whatever runs beside it, a request gets the tokens that its neuron says alone; and what fails fails alone."""

import itertools
import subprocess
import sys
import threading
import time

import mlx.core as mx
import pytest
from engines import END, Solo, fields_of, publish, served, write_base
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects import write_neuron

from conch_dna.errors import ConfigError, DataError, ModelError, NeuronRefused, UnknownName
from conch_dna.records import Sampling
from conch_dna.registry.store import Registry
from conch_dna.runtime import scheduler as scheduler_module
from conch_dna.runtime.engine import Engine
from conch_dna.runtime.generate import answer_many

NAMES = ("a", "b", "c", "d")
START = [3, 9, 27, 17, 51, 25, 11, 33, 35, 41, 59, 49, 19, 57, 43, 1, 2, 8]
PROMPTS = [[5], [9, 8, 4], START, [*START, 4, 60], [*START, 13], [6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6], [*START, *START]]
SHORT = Sampling(max_tokens=6)


@pytest.fixture
def engine(tmp_path):
    with_four = served(tmp_path, "llama", NAMES, slots=2, batch=4)
    yield with_four
    with_four.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            st.sampled_from(["base", *NAMES, "a", "b", "blend"]),
            st.integers(0, len(PROMPTS) - 1),
            st.integers(1, 14),
        ),
        st.tuples(st.just("step"), st.integers(1, 5), st.none(), st.none()),
        st.tuples(st.just("cancel"), st.integers(0, 50), st.none(), st.none()),
        st.tuples(st.just("replace"), st.sampled_from(NAMES), st.integers(1, 2), st.none()),
        st.tuples(st.just("unload"), st.sampled_from(NAMES), st.none(), st.none()),
    ),
    min_size=1,
    max_size=24,
)
BASES = [
    ("llama", {}),
    ("qwen2", {"bits": 4}),
    ("gemma3_text", {}),
    ("mamba2", {}),
    ("qwen3_moe", {}),
]


@pytest.fixture(scope="module", params=BASES, ids=[f"{name} {options}" for name, options in BASES])
def crowd(request, tmp_path_factory):
    """An engine with two versions of each of four neurons, two slots, and what each says alone."""
    name, options = request.param
    folder = tmp_path_factory.mktemp(name)
    base = write_base(folder / "base", name, max_position_embeddings=128, **options)
    engine = served(folder, name, NAMES, base=base, slots=2, batch=3)
    for seed, neuron in enumerate(NAMES, 11):
        made = write_neuron(folder / f"{neuron}-{seed}", base.model, seed)
        engine._shelf.registry.publish(neuron, made, fields_of(base))
    yield engine, Solo(engine)
    engine.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_everyone_gets_what_their_neuron_says_alone_through_join_leave_evict_and_replace(crowd, steps):
    engine, solo = crowd
    registry, requests = engine._shelf.registry, []
    for what, first, second, third in steps:
        if what == "submit":
            asked = {"a": 0.5, "c": 0.5} if first == "blend" else first
            request = engine.submit(PROMPTS[second], asked, Sampling(max_tokens=third))
            assert request.wanted == engine._shelf.find_any(asked)
            requests.append((request, PROMPTS[second], third))
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


class TestFaults:
    """What fails fails alone."""

    def test_names_and_prompts_that_cannot_be_are_refused_at_once(self, engine):
        for wrong in ("e", "a@9", "../a", "a\0", ""):
            with pytest.raises(UnknownName):
                engine.submit([1], wrong)
        with pytest.raises(ConfigError, match="finite"):
            engine.submit([1], {"a": float("inf")})
        with pytest.raises(DataError, match="empty"):
            engine.submit([])
        for ids in ([64], [-1], [1, 2**40]):
            with pytest.raises(DataError, match="no such token"):
                engine.submit(ids)
        assert engine.stats().waiting == 0

    def test_what_is_longer_than_the_context_is_refused(self, tmp_path):
        base = write_base(tmp_path / "base", "gpt2", about={"n_positions": 32})
        engine = served(tmp_path, "gpt2", NAMES, base=base)
        assert len(engine.submit([1] * 20, "a", Sampling(max_tokens=12)).result().tokens) <= 12
        with pytest.raises(DataError, match=r"do not fit into the base's context; got 21 \+ 12 tokens; allowed: 32"):
            engine.submit([1] * 21, "a", Sampling(max_tokens=12))
        engine.close()

    def test_a_damaged_neuron_fails_its_requests_alone(self, engine):
        file = engine._shelf.registry.resolve("c").path / "adapters.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        requests = [engine.submit(PROMPTS[1], name, SHORT) for name in ("a", "c", "base", "c", "b")]
        assert [bool(r.result().text) for r in requests if r.asked != "c"] == [True] * 3
        for request in requests:
            if request.asked == "c":
                with pytest.raises(NeuronRefused, match="differs from the card"):
                    request.result()

    def test_logits_that_are_not_finite_fail_their_request_alone(self, engine):
        solo, names = Solo(engine), ("a", "b", "base")
        requests = [engine.submit(PROMPTS[1], name, Sampling(max_tokens=10)) for name in names]
        engine.step()
        slot = engine._residency._slot_of[requests[0].digest]
        stack = engine._residency.pack.stacks["model.layers.1.mlp.down_proj"]
        stack.b[slot] = mx.full(stack.b.shape[1:], float("nan"))
        mx.eval(stack.b)  # here, since the engine's thread could not
        with pytest.raises(NeuronRefused, match="a: gave logits that are not finite"):
            requests[0].result()
        for request in requests[1:]:
            assert list(request.result().tokens) == solo(request.wanted, PROMPTS[1], 10)
        engine.unload("a")

    def test_a_callback_that_raises_fails_its_request_alone(self, engine):
        def broken(token):
            raise ZeroDivisionError("mine")

        bad = engine.submit(PROMPTS[1], "a", SHORT, on_token=broken)
        good = engine.submit(PROMPTS[1], "a", SHORT)
        with pytest.raises(ZeroDivisionError, match="mine"):
            bad.result()
        assert list(good.result().tokens) == Solo(engine)(good.wanted, PROMPTS[1], 6)
        assert sum(engine.stats().slots.values()) == 0

    def test_a_callback_that_ends_its_thread_costs_others_no_token(self, engine):
        bad = engine.submit(PROMPTS[1], "a", SHORT, on_token=lambda _: sys.exit(1))
        good = engine.submit(PROMPTS[1], "b", SHORT)
        with pytest.raises(SystemExit):
            bad.result()
        assert list(good.result().tokens) == Solo(engine)(good.wanted, PROMPTS[1], 6)

    @pytest.mark.parametrize("call", ["step", "stop", "close", "result", "pin"])
    def test_a_callback_that_waits_for_the_engine_fails_instead_of_waiting_for_ever(self, engine, call):
        other = engine.submit(PROMPTS[1], "b", SHORT)
        waits = {"result": other.result, "pin": lambda: engine.pin("a")}
        bad = engine.submit(PROMPTS[1], "a", SHORT, on_token=lambda _: waits.get(call, getattr(engine, call, None))())
        with pytest.raises(ModelError, match="cannot wait for itself"):
            bad.result(timeout=60)
        assert engine._residency.pinned == {}
        assert list(other.result().tokens) == Solo(engine)(other.wanted, PROMPTS[1], 6)

    def test_a_callback_may_look_submit_and_cancel(self, engine):
        made = []

        def busy(_):
            assert engine.stats().running == 1
            made.append(engine.submit(PROMPTS[1], "b", SHORT))
            made[-1].cancel()

        assert engine.submit(PROMPTS[1], "a", SHORT, on_token=busy).result().finish_reason != "cancelled"
        assert {request.result().finish_reason for request in made} == {"cancelled"}

    def test_of_many_none_is_answered_when_one_cannot_be_asked(self, engine):
        with pytest.raises(UnknownName):
            engine.generate_many([PROMPTS[1]] * 3, ["a", "b", "nobody"], SHORT)
        engine.step()
        left = engine.stats()
        assert (left.waiting, left.running) == (0, 0)

    @pytest.mark.parametrize("room", [{"slots": 0}, {"batch": 0}])
    def test_an_engine_without_room_is_refused(self, tmp_path, room):
        with pytest.raises(ConfigError, match="at least 1"):
            Engine(write_base(tmp_path / "base", "llama"), tmp_path, **room)

    def test_a_step_that_fails_fails_who_is_in_it_and_the_engine_goes_on(self, engine, monkeypatch):
        running = [engine.submit(PROMPTS[1], name, SHORT) for name in ("a", "b")]
        engine.step()
        with monkeypatch.context() as patch:
            patch.setattr(engine._scheduler._model, "_delta_of", lambda _: 1 / 0)
            engine.step()
        for request in running:
            with pytest.raises(ModelError, match="could not be computed"):
                request.result()
        assert sum(engine.stats().slots.values()) == 0
        later = engine.submit(PROMPTS[1], "a", SHORT)
        assert list(later.result().tokens) == Solo(engine)(later.wanted, PROMPTS[1], 6)

    def test_what_the_generator_does_not_take_fails_alone_and_gives_its_slot_back(self, engine, monkeypatch):
        insert = engine._scheduler._generator.insert

        def refusing(prompts, **options):
            if prompts[0][0] == 13:
                raise ValueError("no")
            return insert(prompts, **options)

        monkeypatch.setattr(engine._scheduler._generator, "insert", refusing)
        bad, good = engine.submit([13], "a", SHORT), engine.submit([14], "b", SHORT)
        with pytest.raises(ValueError, match="no"):
            bad.result()
        assert list(good.result().tokens) == Solo(engine)(good.wanted, [14], 6)
        assert sum(engine.stats().slots.values()) == 0

    def test_nobody_ends_a_request_but_the_engine(self, engine):
        request = engine.submit(PROMPTS[1], "a", SHORT)
        assert not request.future.cancel()
        assert request.result().tokens

    def test_a_closed_engine_takes_no_requests_and_gives_the_base_back(self, tmp_path):
        base = write_base(tmp_path / "base", "llama")
        before = dict(base.model.named_modules())
        engine = served(tmp_path, "llama", NAMES, base=base)
        request = engine.submit(PROMPTS[1], "a", SHORT)
        engine.step()
        engine.close()
        assert request.result().finish_reason == "cancelled"
        engine.close()
        assert not engine.step()
        for late in (lambda: engine.submit(PROMPTS[1], "a"), lambda: engine.pin("a"), engine.start):
            with pytest.raises(ModelError, match="closed"):
                late()
        assert all(module is before[path] for path, module in base.model.named_modules())

    def test_a_base_that_cannot_be_batched_is_refused_and_left_as_it_was(self, tmp_path):
        base = write_base(tmp_path / "base", "jamba")
        for _ in range(2):
            with pytest.raises(ModelError, match="otherwise in a batch"):
                Engine(base, Registry(tmp_path / "registry"))


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


class TestThread:
    """An engine in a thread of its own."""

    def test_requests_from_many_threads_are_answered_and_it_can_stop_and_go_on(self, engine):
        wanted = {name: Solo(engine)(engine._shelf.find(name), PROMPTS[1], 6) for name in NAMES}
        found = []
        engine.submit(PROMPTS[0], "a", SHORT)
        engine.step()
        for _ in range(2):
            engine.start()
            engine.start()

            def ask(name):
                found.append((name, engine.submit(PROMPTS[1], name, SHORT).result(timeout=60).tokens))

            threads = [threading.Thread(target=ask, args=(name,)) for name in NAMES * 3]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            engine.pin("b")
            engine.unload("b")
            engine.stop()
        assert len(found) == 24
        assert all(list(tokens) == wanted[name] for name, tokens in found)
        assert len(engine.submit(PROMPTS[1], "a", SHORT).result().tokens) == len(wanted["a"])

    def test_a_batch_begun_by_one_thread_is_gone_on_with_by_others(self, engine):
        requests = [engine.submit(PROMPTS[1], name, Sampling(max_tokens=8)) for name in ("a", "b")]
        engine.step()
        for turn in range(6):
            if turn == 3:
                engine.start()
                engine.stop()
            thread = threading.Thread(target=engine.step)
            thread.start()
            thread.join()
        for request in requests:
            assert list(request.result().tokens) == Solo(engine)(request.wanted, PROMPTS[1], 8)

    def test_a_request_can_be_stopped_from_elsewhere(self, engine):
        begun = threading.Event()
        engine.start()
        request = engine.submit(PROMPTS[0], "b", Sampling(max_tokens=2000), on_token=lambda _: begun.set())
        assert begun.wait(30)
        request.cancel()
        assert request.result(timeout=30).finish_reason == "cancelled"

    def test_it_can_be_looked_at_and_stopped_while_others_wait(self, engine):
        requests = [engine.submit([n], "a", Sampling(max_tokens=100)) for n in range(8, 16)]
        ended = []
        threads = [threading.Thread(target=lambda r=r: ended.append(r.result(60))) for r in requests]
        engine.start()
        for thread in threads:
            thread.start()
        for _ in range(20):
            engine.stats()
            engine.stop()
            engine.start()
        for thread in threads:
            thread.join(60)
        assert len(ended) == len(requests)

    def test_an_idle_engine_sleeps(self, engine):
        engine.start()
        engine.submit(PROMPTS[0], "a", SHORT).result(timeout=60)
        time.sleep(0.1)
        spent = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - spent < 0.1


def test_a_process_ends_well_with_the_engine_running(tmp_path):
    base = write_base(tmp_path / "base", "llama")
    publish(Registry(tmp_path / "registry"), base, tmp_path / "neurons", *NAMES)
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from conch_dna.models import accel; accel.switch_on()\n"
        "from engines import write_base; from pathlib import Path; from conch_dna.runtime.engine import Engine\n"
        "engine = Engine(write_base(Path(sys.argv[1]), 'llama'), sys.argv[2]); engine.start()\n"
        "import os; child = os.fork(); child or sys.exit(); os.waitpid(child, 0)\n"
        "print(len(engine.submit([1, 2], 'a').result().tokens) > 0); engine.submit([1, 2], 'a')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "again"), str(tmp_path / "registry"), *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
