"""What is right decides: good form with wrong content fails, and plain right answers pass the checks for them."""

import json
from pathlib import Path

import pytest
from projects import write_neuron

from conch_dna.config import resolve
from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.errors import PluginError
from conch_dna.evaluation.gate import HeldOutSet, Instruments, judge
from conch_dna.evaluation.right import Answered, judged, verified
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import FunctionCall, HeldOut, Message, Prompt, Reference, Share, Tool
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.util.progress import Progress

CATALOG = load_plugins().catalog
FLIGHTS = ("UA5065", "BA117", "LH400", "AF6", "QF12", "EK201", "DL47", "IB3170", "SK905", "TK1", "AY99", "NH203")
STATUS = Tool(name="flight_status", parameters={"type": "object", "properties": {"flight": {"type": "string"}}})
SETTINGS = DomainSettings(
    name="flights", description="calls", verifier="calls", min_right=0.5, scorers={"task_completion": 1.0}
)
DOMAIN = Domain(SETTINGS, Path("flights.jsonl"))


def asking(flight):
    call = FunctionCall(name="flight_status", arguments={"flight": flight})
    message = Message(role="user", content=f"What is the status of {flight}?")
    return Prompt(messages=(message,), reference=Reference(calls=(call,)), tools=(STATUS,))


def sentence(flight):
    return f"The status of flight {flight} is 1.00."


def offer(flight):
    return f"I can look up {flight} for you."


def silence(_flight):
    return ""


def cut_offer(flight):
    return f"I could look up {flight}, and"


def call(flight, tool="flight_status"):
    return json.dumps({"tool": tool, "arguments": {"flight": flight}})


def wrong_call(flight):
    return call(f"{flight}0")


@pytest.fixture
def verdict_of(tiny_model, tmp_path):
    """Return the bundled gate's verdict on a base and a candidate that answer as two functions of the flight."""
    runtime = NeuronRuntime(tiny_model, tmp_path / "registry")
    runtime.add("candidate", write_neuron(tmp_path / "candidate", tiny_model.model))
    prompts = [asking(flight) for flight in FLIGHTS]
    held_out = HeldOutSet(prompts[:6], (), None, (), (), generated=prompts[6:])

    def judge_them(base, candidate):
        says = {"base": base, "candidate": candidate}

        def answer(_runtime, neuron, _domain, asked, *, held=False):
            return [says[neuron](prompt.reference.calls[0].arguments["flight"]) for prompt in asked]

        instruments = Instruments(CATALOG.all("scorers"), CATALOG.get("verifiers", "calls"), answer)
        roles, gate = {"base": "base", "candidate": "candidate"}, CATALOG.get("gates", "held_out")
        verdict, _ = judge(runtime, roles, DOMAIN, held_out, resolve(), gate, instruments, Progress(), {})
        return verdict

    yield judge_them
    runtime.close()


def failed(verdict):
    return [check.name for check in verdict.checks if not check.passed]


def test_good_form_with_wrong_content_fails(verdict_of):
    verdict = verdict_of(cut_offer, sentence)
    assert verdict.candidate.quality == 1.0
    assert verdict.candidate.judged.right == 0.0
    assert failed(verdict) == ["right", "min_right"]
    assert not verdict.passed


def test_a_valid_call_with_a_wrong_argument_is_not_right(verdict_of):
    verdict = verdict_of(offer, wrong_call)
    assert verdict.candidate.right["natural"].figures == {"right tool": 1.0, "valid JSON": 1.0}
    assert {"right", "min_right"} <= set(failed(verdict))


def test_right_answers_in_a_worse_style_pass_the_checks_for_right_answers(verdict_of):
    verdict = verdict_of(offer, call)
    assert verdict.base.quality > verdict.candidate.quality
    assert (verdict.base.judged.right, verdict.candidate.judged.right) == (0.0, 1.0)
    assert failed(verdict) == ["quality"]


def test_a_base_that_makes_no_call_is_never_right_however_good_its_style(verdict_of):
    verdict = verdict_of(offer, offer)
    assert verdict.base.quality == 1.0
    assert {kind: share.right for kind, share in verdict.base.right.items()} == {"natural": 0.0, "generated": 0.0}
    assert verdict.base.judged.count == len(FLIGHTS)


def test_a_neuron_that_is_right_and_well_written_passes(verdict_of):
    verdict = verdict_of(silence, call)
    assert failed(verdict) == []
    assert verdict.passed


def test_further_figures_are_averaged_over_the_answers_that_have_them():
    said = [
        {"right": 1.0, "right tool": 1.0, "valid JSON": 1.0},
        {"right": 1.0},
        {"right": 0.0, "valid JSON": 0.0},
        None,
    ]
    share = Answered(["a", "b", "c", "d"], said).share
    assert (share.right, share.count) == (pytest.approx(2 / 3), 3)
    assert share.figures == {"right tool": 1.0, "valid JSON": 0.5}
    assert share.low < share.right < share.high


def test_a_set_without_verified_answers_has_no_share():
    assert Answered(["a"], [None]).share is None


@pytest.mark.parametrize(
    "said",
    [{"right": 0.5}, {"valid JSON": 1.0}, {"right": 1.0, "close": 1.5}, {"right": float("nan")}, {"right": "yes"}],
    ids=["half right", "no right", "above 1", "NaN", "text"],
)
def test_a_verifier_that_returns_anything_else_is_named(said):
    with pytest.raises(PluginError, match=r"plug-in 'calls' failed"):
        verified(lambda *_: said, DOMAIN, [asking("UA5065")], ["yes"])


def test_a_verifier_must_decide_by_the_prompt_what_it_verifies():
    answered = {
        "base": {"natural": Answered(["a", "b"], [None, {"right": 0.0}])},
        "candidate": {"natural": Answered(["a", "b"], [{"right": 1.0}, {"right": 0.0}])},
    }
    with pytest.raises(PluginError, match="whether it returns None depends on the answer"):
        judged(answered, DOMAIN)


def test_figures_of_before_there_were_verifiers_are_unverified():
    old = HeldOut.model_validate_json('{"bits_per_byte": 1.0, "quality": 0.5, "scores": {}}')
    assert (old.right, old.judged) == ({}, None)


def test_the_judged_share_joins_both_kinds_and_prefers_the_held_answers():
    free = {"natural": Share.of(1, 4), "generated": Share.of(2, 6)}
    held = {"natural held": Share.of(2, 4), "generated held": Share.of(6, 6)}
    assert HeldOut(quality=1.0, right=free).judged == Share.of(3, 10)
    assert HeldOut(quality=1.0, right=free | held).judged == Share.of(8, 10)
