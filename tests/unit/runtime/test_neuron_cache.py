"""The check of a neuron's effect before its first use."""

import pytest
from projects import write_neuron

from conch_dna.errors import NeuronRefused
from conch_dna.records import HeldOut, Verdict
from conch_dna.registry.card import CardFields


def verdict(after, *, passed=True, before=2.0):
    base, candidate = (HeldOut(bits_per_byte=bits, quality=0.5) for bits in (before, after))
    return Verdict(domain="d", passed=passed, checks=(), base=base, candidate=candidate, prompts=3)


class TestTheProbeOfItsEffect:
    @pytest.fixture
    def probes(self, runtime, monkeypatch):
        """The neurons whose effect was computed, in order."""
        seen, checked = [], runtime._cache._checked
        monkeypatch.setattr(
            runtime._cache, "_checked", lambda *args: seen.append(args[1].parent.name) or checked(*args)
        )
        return seen

    @pytest.fixture
    def published(self, base, registry, tmp_path):
        def call(name, measured, size=0.3):
            fields = CardFields(
                base=base.ref, base_digest=base.digest, teacher="t", teacher_fingerprint="t", data_digest="d",
                verdict=measured,
            )  # fmt: skip
            registry.publish(name, write_neuron(tmp_path / name, base.model, 1, size=size), fields)

        return call

    def test_the_effect_is_not_computed_again_if_the_gate_measured_it(self, runtime, published, probes):
        published("gated", verdict(1.0))
        runtime.use("gated")
        assert probes == []

    @pytest.mark.parametrize(
        "measured", [None, verdict(2.0), verdict(None)], ids=["no gate", "no change", "no answers"]
    )
    def test_the_effect_is_computed_if_no_gate_measured_it(self, runtime, published, probes, measured):
        published("other", measured)
        runtime.use("other")
        assert probes == ["other"]
        published("weak", measured, size=1e-12)
        with pytest.raises(NeuronRefused, match="changes nothing: the logits are the base's"):
            runtime.use("weak")
