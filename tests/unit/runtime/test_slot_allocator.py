"""Slots are assigned on demand, kept while in use, and evicted by least recent use."""

import pytest
from engines import fields_of, publish, write_base
from projects import write_neuron

from conch_dna.errors import ConfigError, NeuronRefused, RegistryError
from conch_dna.records import HeldOut, Verdict
from conch_dna.registry.store import Registry
from conch_dna.runtime import neuron_cache as shelf_module
from conch_dna.runtime.adapter_stack import BASE_SLOT, Mix
from conch_dna.runtime.neuron_cache import NeuronCache
from conch_dna.runtime.neuron_layers import Alone, wrap
from conch_dna.runtime.slot_allocator import SlotAllocator

NAMES = ("a", "b", "c", "d")


class House:
    """A base with four neurons and two slots."""

    def __init__(self, folder, slots=2, max_bytes=1 << 30):
        self.folder, self.base = folder, write_base(folder / "base", "llama")
        self.registry = Registry(folder / "registry")
        publish(self.registry, self.base, folder / "neurons", *NAMES)
        switch = wrap(self.base.model)
        self.cache = NeuronCache(self.base, self.registry, switch, max_bytes)
        self.allocator = SlotAllocator(self.cache, switch, slots)

    def take(self, asked):
        return self.allocator.acquire(self.cache.find_any(asked))

    def digest(self, name):
        return self.cache.find(name).digest

    @property
    def in_slots(self):
        digests = [slot.adapter.digest if slot.adapter else None for slot in self.allocator.slots[1:]]
        names = {self.digest(name): name for name in NAMES}
        return [names.get(digest, digest) for digest in digests]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_the_base_needs_no_slot(house):
    assert house.take("base") == BASE_SLOT
    house.allocator.release(BASE_SLOT)
    assert house.in_slots == [None, None]


def test_one_neuron_has_one_slot_for_all_references(house):
    assert house.take("a") == house.take("a@1") == house.take("a@current") == house.take({"a": 1.0})
    assert house.allocator.slots[1].users == 4
    assert house.in_slots == ["a", None]


def test_a_neuron_waits_while_all_slots_are_in_use_and_then_gets_the_least_recently_used(house):
    first, second = house.take("a"), house.take("b")
    assert house.take("c") is None
    assert house.cache.resident.keys() == {house.digest("a"), house.digest("b")}, "nothing is loaded for nothing"
    house.allocator.release(second)
    house.allocator.release(first)
    again = house.take("a")
    house.allocator.release(again)
    assert house.take("c") == second
    assert house.in_slots == ["a", "c"]


def test_a_slot_in_use_is_never_reassigned(house):
    house.take("a")
    for name in ("b", "c", "d", "b"):
        slot = house.take(name)
        assert slot == 2
        house.allocator.release(slot)
    assert house.in_slots == ["a", "b"]


def test_rows_of_one_neuron_use_its_own_delta(house):
    slot, other = house.take("a"), house.take("b")
    delta = house.allocator.delta
    assert delta([BASE_SLOT, BASE_SLOT]) is None
    assert isinstance(delta([slot, slot]), Alone)
    assert delta([slot]).adapter.digest == house.digest("a")
    assert isinstance(delta([slot, BASE_SLOT]), Mix)
    assert isinstance(delta([slot, other]), Mix)


class TestPinning:
    """A pinned neuron is not evicted."""

    def test_a_pinned_neuron_keeps_its_slot(self, house):
        house.allocator.pin("a", house.cache.find("a"))
        for name in ("b", "c", "d"):
            house.allocator.release(house.take(name))
        assert house.in_slots == ["a", "d"]
        house.allocator.unpin("a")
        house.allocator.release(house.take("b"))
        assert "a" not in house.in_slots

    def test_a_pinned_neuron_stays_in_memory(self, tmp_path):
        house = House(tmp_path, max_bytes=1)
        house.allocator.pin("a", house.cache.find("a"))
        for name in ("b", "c"):
            house.allocator.release(house.take(name))
        assert house.digest("a") in house.cache.resident
        assert house.digest("b") not in house.cache.resident

    def test_one_slot_is_left_for_unpinned_neurons(self, house):
        house.allocator.pin("a", house.cache.find("a"))
        house.allocator.pin("a", house.cache.find("a"))
        with pytest.raises(RegistryError, match="one slot must be left"):
            house.allocator.pin("b", house.cache.find("b"))


class TestUnloading:
    """A neuron is unloaded when it has no users."""

    def test_an_unused_neuron_is_unloaded_at_once(self, house):
        house.allocator.release(house.take("a"))
        assert house.allocator.unload(house.digest("a")).done()
        assert house.in_slots == [None, None]
        assert not house.cache.resident
        assert house.allocator.stack.stacks == {}
        assert house.take("a") == 1, "who asks later loads it again"

    def test_a_neuron_in_use_is_unloaded_after_its_last_user_and_gets_no_new_one(self, house):
        slot = house.take("a")
        assert house.take("a") == slot
        gone = house.allocator.unload(house.digest("a"))
        assert house.allocator.unload(house.digest("a")) is gone
        assert house.take("a") is None
        house.allocator.release(slot)
        assert not gone.done()
        house.allocator.release(slot)
        assert gone.done()
        assert house.take("a") == slot

    def test_an_unloaded_neuron_is_unpinned(self, house):
        house.allocator.pin("a", house.cache.find("a"))
        assert house.allocator.unload(house.digest("a")).done()
        assert house.allocator.pinned == {}
        assert house.cache.held == set()


def test_loading_ahead_takes_empty_slots_only(house):
    for name in ("a", "b", "c", "a"):
        house.allocator.prefetch(house.cache.find(name))
    assert house.in_slots == ["a", "b"]
    assert house.digest("c") in house.cache.resident


def test_neurons_in_slots_are_counted_and_stay_in_memory(tmp_path):
    house = House(tmp_path, max_bytes=1)
    house.take("a")
    house.allocator.release(house.take("b"))
    house.allocator.release(house.take("c"))
    assert list(house.cache.resident) == [house.digest("a"), house.digest("c")]


def test_the_mixing_check_runs_once_for_a_set_of_layers(house, monkeypatch):
    tries = []
    logits = house.cache.logits
    monkeypatch.setattr(house.cache, "logits", lambda *a, **k: (tries.append(1), logits(*a, **k))[1])
    for expected in (2, 3, 3):  # the base's and a's, a blend's, and none
        adapter = house.cache.get(house.cache.find_any({"a": 2.0} if expected == 3 and len(tries) == 2 else "a"))
        house.cache.drop(adapter.digest)
        assert len(tries) == expected


class TestRefusals:
    """Refused neurons are remembered."""

    @pytest.fixture
    def bad(self, house):
        """A neuron whose file was damaged after it was published."""
        file = house.registry.resolve("a").path / "adapters.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        return file

    def test_a_damaged_neuron_is_not_read_again_until_its_files_change(self, house, bad, monkeypatch):
        reads = []
        check = shelf_module.check_content
        monkeypatch.setattr(shelf_module, "check_content", lambda entry: (reads.append(entry), check(entry))[1])
        for _ in range(3):
            with pytest.raises(NeuronRefused, match="differs from the card's digest"):
                house.take("a")
        assert len(reads) == 1
        (kept,) = house.cache._refused.values()
        assert kept.__traceback__ is kept.__context__ is kept.__cause__ is None, "its frames hold what was read"
        sound = write_neuron(house.folder / "again", house.base.model, 1) / "adapters.safetensors"
        bad.write_bytes(sound.read_bytes())
        assert house.take("a") == 1

    def test_a_damaged_neuron_does_not_affect_others(self, house, bad):
        with pytest.raises(NeuronRefused):
            house.take("a")
        assert house.take("b") == 1

    def test_the_number_of_remembered_refusals_is_limited(self, house, bad, monkeypatch):
        monkeypatch.setattr(shelf_module, "REMEMBERED", 2)
        for n in range(4):
            with pytest.raises(NeuronRefused):
                house.take({"b": 10.0 ** (300 + n)})
        assert len(house.cache._refused) == 2

    def test_a_neuron_of_another_base_is_refused(self, house):
        folder = write_neuron(house.folder / "other", house.base.model, 9)
        house.registry.publish("other", folder, fields_of(house.base, "sha256:other"))
        with pytest.raises(NeuronRefused, match="made for another base"):
            house.take("other")

    def test_a_base_that_cannot_mix_these_layers_refuses_the_neuron(self, house, monkeypatch):
        tries = []
        mix = house.allocator.stack.mix

        def wrong(slots):
            tries.append(slots)
            return mix([slots[0]] * len(slots))

        monkeypatch.setattr(house.allocator.stack, "mix", wrong)
        for name in ("a", "a", "b"):
            with pytest.raises(NeuronRefused, match="cannot mix neurons of these layers"):
                house.take(name)
        assert len(tries) == 1, "once for one set of layers"
        assert house.in_slots == [None, None]
        assert house.allocator.stack.stacks == {}

    def test_a_card_with_a_false_verdict_does_not_affect_neurons_of_the_same_layers(self, house):
        before, after = (HeldOut(bits_per_byte=bits, quality=0.5) for bits in (2.0, 1.0))
        lie = Verdict(domain="d", passed=True, checks=(), base=before, candidate=after, prompts=3)
        folder = write_neuron(house.folder / "endless", house.base.model, 9, size=1e19)
        house.registry.publish("endless", folder, fields_of(house.base).model_copy(update={"verdict": lie}))
        with pytest.raises(NeuronRefused, match="gives logits that are not finite"):
            house.take("endless")
        assert house.take("a") == 1
        assert house.in_slots == ["a", None]


class TestBlends:
    """A blend has its own slot and digest."""

    def test_a_blend_has_one_slot_for_any_order_of_its_parts(self, house):
        house.take("a")
        assert house.take({"a": 0.5, "b": 0.5}) == house.take({"b": 0.5, "a@1": 0.25, "a": 0.25}) == 2
        assert house.allocator.slots[2].users == 2

    def test_the_base_in_a_blend_adds_nothing(self, house):
        assert house.cache.find_any({"base": 0.3, "a": 1}) == house.cache.find("a")

    @pytest.mark.parametrize(
        ("weights", "match"),
        [
            ({}, "needs a neuron with a weight"),
            ({"base": 1.0}, "needs a neuron with a weight"),
            ({"a": 0.0}, "needs a neuron with a weight"),
            ({"a": float("nan")}, "must be a finite number"),
            ({"a": True}, "must be a finite number"),
            ({"a": "1"}, "must be a finite number"),
        ],
    )
    def test_invalid_weights_are_refused(self, house, weights, match):
        with pytest.raises(ConfigError, match=match):
            house.take(weights)

    def test_weights_that_overflow_are_refused(self, house):
        with pytest.raises(NeuronRefused, match="not finite"):
            house.take({"a": 1e38, "b": 1.0})
