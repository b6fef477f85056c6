"""One base, many neurons: exact, fast to switch, refused when damaged, and independent of one another."""

import json
import statistics
import subprocess
import sys
import time

import mlx.core as mx
import pytest
from architectures import ADAPTERS, write_trained
from projects import write_neuron

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import prompt_ids
from conch_dna.errors import NeuronRefused, UnknownName
from conch_dna.records import Sampling
from conch_dna.registry.adapter import read_adapter
from conch_dna.runtime.engine import Engine
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.train import lora

IDS = mx.array([[5, 9, 2, 77, 31, 8]])
SHORT = Sampling(max_tokens=10)
SAMPLED = Sampling(max_tokens=10, temperature=1.0, top_p=0.9, seed=4)
QUESTIONS = ["hello there", "hello then", "name the 1 number", "a"]
MOVE = (
    "import sys; from pathlib import Path; from conch_dna.registry.store import Registry; r = Registry(Path({root!r}))"
)


def logits(runtime):
    found = runtime.base_model.model(IDS)
    mx.eval(found)
    return found


def same(a, b):
    return mx.array_equal(a, b).item()


def elsewhere(registry, code):
    """Change the registry from another process."""
    subprocess.run([sys.executable, "-c", f"{MOVE.format(root=str(registry.root))}; {code}"], check=True, timeout=60)


class TestLogits:
    """The logits of a neuron."""

    def test_switched_off_the_logits_are_exactly_the_bases(self, runtime, publish):
        publish("foo", 1)
        before = logits(runtime)
        runtime.use("foo")
        assert not mx.allclose(logits(runtime), before, atol=0.1)
        runtime.base()
        assert same(logits(runtime), before)
        runtime.use("foo")
        runtime.use("base")
        assert same(logits(runtime), before)
        assert runtime.active is None

    def test_with_a_neuron_the_logits_are_those_of_stock_mlx_lm(self, base, runtime, publish):
        from mlx_lm.utils import load

        entry = publish("foo", 1)
        stock, _ = load(base.ref, adapter_path=str(entry.path))
        stock.eval()
        runtime.use("foo")
        assert mx.allclose(logits(runtime), stock(IDS), atol=1e-5, rtol=1e-5)
        assert runtime.active == entry.card.digest

    def test_one_neuron_does_not_disturb_another_whose_name_begins_alike(self, runtime, publish):
        publish("foo", 1)
        publish("foobar", 2)
        alone = {}
        for name in ("foo", "foobar"):
            runtime.use(name)
            alone[name] = logits(runtime)
        assert not same(alone["foo"], alone["foobar"])
        for name in ("foo", "foobar", "foobar", "foo"):
            runtime.use(name)
            assert same(logits(runtime), alone[name])

    def test_closing_restores_the_base(self, base, registry, publish):
        publish("foo", 1)
        before = base.model(IDS)
        first = NeuronRuntime(base, registry)
        first.use("foo")
        first.close()
        assert same(base.model(IDS), before)
        second = NeuronRuntime(base, registry)
        second.close()


class TestKinds:
    """Neurons of every adapter kind."""

    @pytest.fixture
    def fresh(self, base):
        """The base once more, without the runtime's layers."""
        from mlx_lm.utils import load

        model, _ = load(base.ref)
        model.freeze()
        return model

    @pytest.mark.parametrize("settings", ADAPTERS.values(), ids=ADAPTERS)
    def test_the_logits_and_tokens_are_those_of_stock_mlx_lm(self, fresh, base, runtime, tmp_path, settings):
        from mlx_lm.generate import generate
        from mlx_lm.utils import load

        folder = write_trained(tmp_path / "neuron", fresh, **settings)
        before = logits(runtime)
        runtime.add("mine", folder)
        runtime.use("mine")
        stock, tokenizer = load(base.ref, adapter_path=str(folder))
        stock.eval()
        assert mx.allclose(logits(runtime), stock(IDS), atol=1e-4, rtol=1e-4)
        prompt = prompt_ids(tokenizer, [{"role": "user", "content": "hello there"}])
        assert runtime.generate("hello there", sampling=SHORT) == generate(stock, tokenizer, prompt, max_tokens=10)
        runtime.base()
        assert same(logits(runtime), before)

    def test_dora_that_was_not_trained_is_refused(self, fresh, runtime, tmp_path):
        config = DistillConfig(rank=2, adapter="dora", embeddings=True)
        with lora.attached(fresh, config):
            lora.save_adapter(fresh, config, tmp_path / "untrained")
            moved = [(name, v + 1e-12) for name, v in lora.weights(fresh).items() if name.endswith("lora_b")]
            fresh.load_weights(moved, strict=False)
            lora.save_adapter(fresh, config, tmp_path / "hardly")
        with pytest.raises(NeuronRefused, match="every product of lora_a and lora_b is zero"):
            runtime.add("bad", tmp_path / "untrained")
        with pytest.raises(NeuronRefused, match="changes nothing: the logits are the base's"):
            runtime.add("bad", tmp_path / "hardly")

    def test_magnitudes_count_among_the_bytes_of_a_resident_neuron(self, fresh, runtime, tmp_path):
        folder = write_trained(tmp_path / "neuron", fresh, adapter="dora", keys=("mlp.up_proj",))
        runtime.add("mine", folder)
        runtime.use("mine")
        (adapter,) = runtime._cache.resident.values()
        assert adapter.nbytes == read_adapter(folder).nbytes + 4 * 64 * 4  # one gain for each of 64 rows in four blocks

    def test_magnitudes_of_another_base_are_refused(self, fresh, runtime, tmp_path):
        folder = write_trained(tmp_path / "neuron", fresh, adapter="dora")
        file = folder / "adapters.safetensors"
        tensors = dict(mx.load(str(file)))
        tensors["model.layers.0.mlp.up_proj.m"] = mx.ones((65,))
        mx.save_safetensors(str(file), tensors)
        with pytest.raises(NeuronRefused, match=r"m is not one magnitude .*\(65,\); allowed: \(64,\)"):
            runtime.add("bad", folder)


class TestSwitching:
    """Loading, switching and eviction."""

    def test_a_resident_neuron_is_switched_to_in_less_than_a_millisecond(self, runtime, publish):
        publish("foo", 1)
        publish("bar", 2)
        times = []
        for turn in range(1002):
            started = time.perf_counter()
            runtime.use("foo" if turn % 2 else "bar")
            times.append(time.perf_counter() - started)
        assert statistics.median(times[2:]) < 0.001

    def test_the_base_is_never_loaded_again(self, base, runtime, publish):
        publish("foo", 1)
        weights, model = base.model.layers[0].mlp.up_proj.linear.weight, base.model
        (base.folder / "model.safetensors").rename(base.folder / "hidden")
        try:
            runtime.use("foo")
            runtime.generate("hello", "foo", SHORT)
            runtime.use("base")
        finally:
            (base.folder / "hidden").rename(base.folder / "model.safetensors")
        assert runtime.base_model.model is model
        assert base.model.layers[0].mlp.up_proj.linear.weight is weights

    def test_a_resident_neuron_is_not_read_again(self, runtime, publish):
        entry = publish("foo", 1)
        runtime.use("foo")
        (entry.path / "adapters.safetensors").unlink()
        runtime.use("base")
        runtime.use("foo")
        assert runtime.active == entry.card.digest

    def test_the_least_recently_used_goes_when_the_bytes_are_spent(self, base, registry, publish):
        digests = {name: publish(name, seed).card.digest for seed, name in enumerate(("one", "two", "three"))}
        size = read_adapter(registry.resolve("one").path).nbytes
        runtime = NeuronRuntime(base, registry, max_bytes=2 * size)
        try:
            for name in ("one", "two", "one", "three"):
                runtime.use(name)
            assert runtime.resident == [digests["one"], digests["three"]]
            runtime.use("two")
            assert runtime.resident == [digests["three"], digests["two"]]
        finally:
            runtime.close()

    def test_a_neuron_larger_than_the_budget_is_still_used(self, base, registry, publish):
        entry = publish("foo", 1)
        runtime = NeuronRuntime(base, registry, max_bytes=1)
        try:
            runtime.use("foo")
            assert runtime.resident == [entry.card.digest]
        finally:
            runtime.close()

    def test_an_added_neuron_that_made_room_is_read_again(self, base, registry, publish, tmp_path):
        publish("foo", 1)
        runtime = NeuronRuntime(base, registry, max_bytes=1)
        try:
            runtime.add("mine", write_neuron(tmp_path / "mine", base.model, 5))
            runtime.use("mine")
            active = runtime.active
            runtime.use("foo")
            assert active not in runtime.resident
            runtime.use("mine")
            assert runtime.active == active
        finally:
            runtime.close()

    def test_the_same_content_under_two_names_is_kept_once(self, runtime, publish):
        publish("foo", 1)
        publish("bar", 1)
        runtime.use("foo")
        runtime.use("bar")
        assert len(runtime.resident) == 1


class TestAliases:
    """A name follows its alias after every move."""

    @pytest.mark.integration
    @pytest.mark.parametrize(
        ("code", "expected"),
        [("r.promote('foo', 1)", 1), ("r.rollback('foo')", 1), ("r.promote('foo', 2, 'stable')", 2)],
        ids=["promote", "rollback", "another alias"],
    )
    def test_a_move_in_another_process_is_seen_at_the_next_use(self, runtime, registry, publish, code, expected):
        digests = {entry.version: entry.card.digest for entry in (publish("foo", 1), publish("foo", 2))}
        runtime.use("foo")
        assert runtime.active == digests[2]
        elsewhere(registry, code)
        runtime.use("foo")
        assert runtime.active == digests[expected]

    def test_a_version_published_meanwhile_is_seen_at_the_next_use(self, runtime, publish):
        publish("foo", 1)
        runtime.use("foo")
        second = publish("foo", 2)
        runtime.use("foo")
        assert runtime.active == second.card.digest

    def test_moves_within_one_tick_of_the_clock_are_told_apart(self, runtime, registry, publish):
        import os

        digests = {entry.version: entry.card.digest for entry in (publish("foo", 1), publish("foo", 2))}
        aliases = registry.root / "foo" / "aliases.json"
        os.utime(aliases, ns=(1, 1))
        runtime.use("foo")
        registry.promote("foo", 1)
        os.utime(aliases, ns=(1, 1))
        runtime.use("foo")
        assert runtime.active == digests[1]

    def test_a_numbered_version_stays_whatever_the_aliases_do(self, runtime, registry, publish):
        first = publish("foo", 1)
        runtime.use("foo@1")
        publish("foo", 2)
        runtime.use("foo@1")
        assert runtime.active == first.card.digest
        registry.promote("foo", 2, "stable")
        runtime.use("foo@stable")
        assert runtime.active != first.card.digest


class TestText:
    """Answers: single, batched and interleaved."""

    @pytest.mark.parametrize("neuron", ["base", "foo", None])
    def test_a_batch_answers_as_one_by_one(self, runtime, publish, neuron):
        publish("foo", 1)
        runtime.use("foo")
        one_by_one = [runtime.generate(question, neuron, SHORT) for question in QUESTIONS]
        assert runtime.generate_many(QUESTIONS, neuron, SHORT) == one_by_one
        assert runtime.generate_many([], neuron, SHORT) == []

    def test_neurons_answer_differently(self, runtime, publish):
        publish("foo", 1)
        publish("bar", 2)
        assert len({runtime.generate("hello there", name, SHORT) for name in ("base", "foo", "bar")}) == 3

    @pytest.mark.full
    def test_interleaved_streams_each_keep_their_neuron(self, runtime, publish):
        publish("foo", 1)
        publish("bar", 2)
        names = ["foo", "base", "bar", "foo"]
        alone = [runtime.generate(q, name, SHORT) for q, name in zip(QUESTIONS, names, strict=True)]
        streams = [runtime.stream(q, name, SHORT) for q, name in zip(QUESTIONS, names, strict=True)]
        texts = [""] * 4
        runtime.use("bar")
        kept = runtime.active
        for turn in range(14):
            if turn == 3:
                runtime.use("foo")
                kept = runtime.active
            for place, stream in enumerate(streams):
                texts[place] += next(stream, "")
                assert runtime.active == kept
        assert texts == alone

    def test_a_stream_without_a_name_keeps_the_neuron_of_its_start(self, runtime, publish):
        publish("foo", 1)
        runtime.use("foo")
        alone = runtime.generate("hello there", sampling=SHORT)
        stream = runtime.stream("hello there", sampling=SHORT)
        runtime.base()
        assert "".join(stream) == alone

    def test_a_block_puts_back_what_was_active_even_when_it_raises(self, runtime, publish):
        first = publish("foo", 1)
        publish("bar", 2)
        runtime.use("foo")
        before = logits(runtime)
        with pytest.raises(UnknownName), runtime.neuron("bar"):
            runtime.use("nobody")
        with runtime.neuron("bar"):
            assert runtime.active != first.card.digest
        assert runtime.active == first.card.digest
        assert same(logits(runtime), before)

    def test_a_blend_may_be_used_as_a_neuron(self, runtime, publish):
        publish("foo", 1)
        publish("bar", 2)
        whole, half = {"foo": 1.0}, {"foo": 0.5, "bar": 0.5}
        assert runtime.generate("hello there", whole, SHORT) == runtime.generate("hello there", "foo", SHORT)
        runtime.use(half)
        assert runtime.active.startswith("blend:")
        assert runtime.generate_many(["hello there"], sampling=SHORT) == [runtime.generate("hello there", half, SHORT)]

    def test_the_engine_gives_the_same_answers(self, base, registry, publish):
        publish("foo", 1)
        names = ["foo", "base", {"foo": 0.5}]
        runtime = NeuronRuntime(base, registry)
        alone = [runtime.generate("hello there", name, SHORT) for name in names]
        sampled = runtime.generate_many(QUESTIONS, "foo", SAMPLED)
        runtime.close()
        engine = Engine(base, registry)
        try:
            assert engine.generate_many(["hello there"] * 3, names, SHORT) == alone
            assert engine.generate_many(QUESTIONS, "foo", SAMPLED) == sampled
        finally:
            engine.close()

    def test_messages_may_be_turns_or_text(self, runtime):
        turns = [{"role": "user", "content": "hello there"}]
        assert runtime.generate(turns, sampling=SHORT) == runtime.generate("hello there", sampling=SHORT)


def flip(entry):
    path = entry.path / "adapters.safetensors"
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))


def truncate(entry):
    path = entry.path / "adapters.safetensors"
    path.write_bytes(path.read_bytes()[:-40])


class TestRefusals:
    """Damaged or unfit neurons are refused, and the active neuron stays."""

    @pytest.fixture
    def settled(self, runtime, publish):
        """A runtime with an active neuron, and its logits."""
        publish("good", 3)
        runtime.use("good")
        return runtime, runtime.active, logits(runtime)

    def check(self, settled, ref, match):
        runtime, active, before = settled
        with pytest.raises(NeuronRefused, match=match):
            runtime.use(ref)
        with pytest.raises(NeuronRefused, match=match):
            runtime.generate("hello", ref, SHORT)
        assert runtime.active == active
        assert same(logits(runtime), before)

    @pytest.mark.parametrize("damage", [flip, truncate], ids=["a flipped byte", "a cut file"])
    def test_damaged_content_is_refused(self, settled, publish, damage):
        damage(publish("bad", 4))
        self.check(settled, "bad", "adapters.safetensors: the content differs from the card's digest")

    def test_a_missing_file_is_refused(self, settled, publish):
        (publish("bad", 4).path / "adapters.safetensors").unlink()
        self.check(settled, "bad", "file missing; got adapters.safetensors")

    def test_a_damaged_card_is_refused(self, settled, publish):
        (publish("bad", 4).path / "neuron.json").write_text("{")
        self.check(settled, "bad", "not a valid card")

    def test_a_neuron_of_another_base_is_refused(self, settled, publish):
        publish("bad", 4, base_digest="sha256:other")
        self.check(settled, "bad", "was made for another base; got sha256:other")

    def test_a_neuron_of_another_tokenizer_or_template_is_refused(self, settled, publish):
        publish("bad", 4, base_text_digest="sha256:other")
        self.check(settled, "bad", "was made for another tokenizer or chat template of this base; got sha256:other")

    def test_a_missing_tensor_is_refused(self, settled, publish):
        def drop(tensors):
            for part in "ab":
                del tensors[f"model.layers.2.mlp.up_proj.lora_{part}"]

        publish("bad", 4, change=drop)
        self.check(settled, "bad", "2 of 56 tensors that adapter_config.json specifies are missing")

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda t: t.update({k: v * float("nan") for k, v in t.items() if "0.mlp.up" in k}), "not finite"),
            (lambda t: t.update({k: v * 0 for k, v in t.items() if k.endswith("b")}), "changes nothing"),
            (lambda t: t.update({k: v * 1e-30 for k, v in t.items()}), "changes nothing: the logits are the base's"),
            (lambda t: t.update({k: v * 1e19 for k, v in t.items()}), "logits that are not finite"),
        ],
        ids=["NaN", "zero", "too small to matter", "too large to compute"],
    )
    def test_values_without_effect_or_not_finite_are_refused(self, settled, base, tmp_path, change, match):
        runtime, active, before = settled
        folder = write_neuron(tmp_path / "bad", base.model, 4, change=change)
        with pytest.raises(NeuronRefused, match=match):
            runtime.add("bad", folder)
        with pytest.raises(UnknownName):
            runtime.use("bad")
        assert runtime.active == active
        assert same(logits(runtime), before)

    def test_an_unknown_name_lists_the_valid_ones(self, settled, publish):
        publish("foo", 1)
        runtime, active, before = settled
        for wrong, allowed in [("fo", "foo, good"), ("foo@9", "foo@1"), ("foo@old", "foo@current, foo@1")]:
            with pytest.raises(UnknownName) as caught:
                runtime.use(wrong)
            assert caught.value.allowed == allowed
        with pytest.raises(UnknownName):
            runtime.use("../foo")
        assert runtime.active == active
        assert same(logits(runtime), before)

    def test_a_refused_neuron_is_used_after_a_sound_version_is_published(self, settled, publish, registry):
        runtime, _, _ = settled
        flip(publish("bad", 4))
        self.check(settled, "bad", "differs")
        mended = publish("bad", 5)
        assert json.loads((registry.root / "bad/aliases.json").read_text())["aliases"] == {"current": 2}
        runtime.use("bad")
        assert runtime.active == mended.card.digest
