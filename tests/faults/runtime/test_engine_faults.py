"""A failure ends only its own request, and the engine can be stopped and closed at any moment."""

import subprocess
import sys
import threading
import time

import mlx.core as mx
import pytest
from engines import NAMES, PROMPTS, SHORT, Solo, publish, served, write_base

from conch_dna.errors import ConfigError, DataError, ModelError, NeuronRefused, UnknownName
from conch_dna.records import Sampling
from conch_dna.registry.store import Registry
from conch_dna.runtime.engine import Engine


class TestFaults:
    """A failure ends only its own request."""

    def test_invalid_names_and_prompts_are_refused_at_submission(self, engine):
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

    def test_a_request_longer_than_the_context_is_refused(self, tmp_path):
        base = write_base(tmp_path / "base", "gpt2", about={"n_positions": 32})
        engine = served(tmp_path, "gpt2", NAMES, base=base)
        assert len(engine.submit([1] * 20, "a", Sampling(max_tokens=12)).result().tokens) <= 12
        with pytest.raises(DataError, match=r"do not fit into the base's context; got 21 \+ 12 tokens; allowed: 32"):
            engine.submit([1] * 21, "a", Sampling(max_tokens=12))
        engine.close()

    def test_a_damaged_neuron_fails_its_requests_alone(self, engine):
        file = engine._cache.registry.resolve("c").path / "adapters.safetensors"
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
        slot = engine._allocator._slot_of[requests[0].digest]
        stack = engine._allocator.stack.stacks["model.layers.1.mlp.down_proj"]
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
    def test_a_callback_that_waits_for_the_engine_fails_instead_of_hanging(self, engine, call):
        other = engine.submit(PROMPTS[1], "b", SHORT)
        waits = {"result": other.result, "pin": lambda: engine.pin("a")}
        bad = engine.submit(PROMPTS[1], "a", SHORT, on_token=lambda _: waits.get(call, getattr(engine, call, None))())
        with pytest.raises(ModelError, match="cannot wait for itself"):
            bad.result(timeout=60)
        assert engine._allocator.pinned == {}
        assert list(other.result().tokens) == Solo(engine)(other.wanted, PROMPTS[1], 6)

    def test_a_callback_may_read_stats_submit_and_cancel(self, engine):
        made = []

        def busy(_):
            assert engine.stats().running == 1
            made.append(engine.submit(PROMPTS[1], "b", SHORT))
            made[-1].cancel()

        assert engine.submit(PROMPTS[1], "a", SHORT, on_token=busy).result().finish_reason != "cancelled"
        assert {request.result().finish_reason for request in made} == {"cancelled"}

    def test_no_request_is_answered_if_one_of_many_is_refused(self, engine):
        with pytest.raises(UnknownName):
            engine.generate_many([PROMPTS[1]] * 3, ["a", "b", "nobody"], SHORT)
        engine.step()
        left = engine.stats()
        assert (left.waiting, left.running) == (0, 0)

    @pytest.mark.parametrize("room", [{"slots": 0}, {"batch": 0}])
    def test_an_engine_without_room_is_refused(self, tmp_path, room):
        with pytest.raises(ConfigError, match="at least 1"):
            Engine(write_base(tmp_path / "base", "llama"), tmp_path, **room)

    def test_a_failed_step_fails_its_requests_and_the_engine_continues(self, engine, monkeypatch):
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

    def test_a_request_that_the_generator_refuses_fails_alone_and_releases_its_slot(self, engine, monkeypatch):
        insert = engine._scheduler._decoder._generator.insert_segments

        def refusing(segments, **options):
            if [13] in segments[0]:
                raise ValueError("no")
            return insert(segments, **options)

        monkeypatch.setattr(engine._scheduler._decoder._generator, "insert_segments", refusing)
        bad, good = engine.submit([13], "a", SHORT), engine.submit([14], "b", SHORT)
        with pytest.raises(ValueError, match="no"):
            bad.result()
        assert list(good.result().tokens) == Solo(engine)(good.wanted, [14], 6)
        assert sum(engine.stats().slots.values()) == 0

    def test_only_the_engine_ends_a_request(self, engine):
        request = engine.submit(PROMPTS[1], "a", SHORT)
        assert not request.future.cancel()
        assert request.result().tokens

    def test_a_closed_engine_refuses_requests_and_restores_the_base(self, tmp_path):
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
            with pytest.raises(ModelError, match="other answers in a batch"):
                Engine(base, Registry(tmp_path / "registry"))


class TestThread:
    """An engine with its own thread."""

    def test_requests_from_many_threads_are_answered_across_stop_and_start(self, engine):
        wanted = {name: Solo(engine)(engine._cache.find(name), PROMPTS[1], 6) for name in NAMES}
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

    def test_several_threads_can_step_one_batch(self, engine):
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

    def test_a_request_can_be_cancelled_from_another_thread(self, engine):
        begun = threading.Event()
        engine.start()
        request = engine.submit(PROMPTS[0], "b", Sampling(max_tokens=2000), on_token=lambda _: begun.set())
        assert begun.wait(30)
        request.cancel()
        assert request.result(timeout=30).finish_reason == "cancelled"

    def test_stats_and_stop_work_while_other_threads_wait(self, engine):
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


def test_a_process_exits_cleanly_with_the_engine_running(tmp_path):
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
