"""The gate measures base, candidate and incumbent on the same held-out prompts, and a plug-in decides."""

import math
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
from projects import write_domain, write_neuron

from conch_dna.config import resolve
from conch_dna.data.splits import split
from conch_dna.data.tokens import encode_chat
from conch_dna.domains.domain import load_domain
from conch_dna.errors import DataError
from conch_dna.evaluation.gate import HeldOutSet, Instruments, judge, prompt_text
from conch_dna.evaluation.scoring import distinct
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Check, Message, Prompt, Reference, Sampling, Tool
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.util.progress import Progress

ROLES = {"base": "base", "candidate": "candidate"}
CONFIG = resolve({"gate_prompts": 2})


class RecordingGate:
    """A gate that records its input and returns checks with ``verdicts``."""

    def __init__(self, *verdicts):
        self.verdicts, self.given = verdicts, None

    def __call__(self, given):
        self.given = given
        return [Check(name=str(i), passed=v, value=0, bound=0, reason=f"r{i}") for i, v in enumerate(self.verdicts)]


@pytest.fixture
def domain(tmp_path):
    return load_domain(write_domain(tmp_path / "tiny", scorers={"shortness": 1.0}, max_tokens=6))


@pytest.fixture
def runtime(tiny_model, tmp_path):
    runtime = NeuronRuntime(tiny_model, tmp_path / "registry")
    runtime.add("candidate", write_neuron(tmp_path / "candidate", tiny_model.model))
    yield runtime
    runtime.close()


@pytest.fixture
def held_out(domain, tiny_model):
    parts = split(domain.prompts, 0.25)
    turns = [
        [*(m.as_dict() for m in p.messages), {"role": "assistant", "content": f"noon é {i}"}]
        for i, p in enumerate(parts.held_out)
    ]
    examples = [encode_chat(tiny_model.tokenizer, t) for t in turns]
    texts = [prompt_text(tiny_model.tokenizer, p) for p in parts.train[:3]]
    others = [tuple(texts[:2]), tuple(texts[2:])]
    return HeldOutSet(parts.held_out, examples, None, others, [p.digest for p in parts.train])


def judged(runtime, domain, held_out, gate, roles=ROLES, base_fits=None, **instruments):
    scorers = {"shortness": lambda _prompt, text, _context: 1 / (1 + len(text))}
    base_fits = {} if base_fits is None else base_fits
    return judge(
        runtime, roles, domain, held_out, CONFIG, gate, Instruments(scorers, **instruments), Progress(), base_fits
    )


def bits_of(model, example):
    """Bits of the last turn, from one full softmax in float64."""
    logits_TV = np.array(model(mx.array([example.ids]))[0], np.float64)
    log_probs_TV = logits_TV - np.log(np.exp(logits_TV).sum(axis=-1, keepdims=True))
    places = [t for t, trained in enumerate(example.trained) if trained and t >= example.answer_start]
    return -sum(log_probs_TV[t - 1, example.ids[t]] for t in places) / math.log(2)


def test_bits_are_measured_on_the_answers_under_each_model(runtime, domain, held_out):
    gate = RecordingGate(True)
    verdict, _ = judged(runtime, domain, held_out, gate)
    for role in ROLES:
        with runtime.neuron(role):
            expected = [bits_of(runtime.base_model.model, e) for e in held_out.examples]
            others = [bits_of(runtime.base_model.model, e) for group in held_out.others for e in group]
        assert gate.given.bits[role] == pytest.approx(expected, rel=1e-4)
        assert gate.given.others[role] == pytest.approx(others, rel=1e-4)
        figures = getattr(verdict, role)
        assert figures.bits_per_byte == pytest.approx(sum(expected) / sum(e.answer_bytes for e in held_out.examples))
    assert gate.given.bits["base"] != gate.given.bits["candidate"]


def test_the_bases_figures_on_other_domains_are_measured_once(runtime, domain, held_out):
    first, again, known = RecordingGate(True), RecordingGate(True), {}
    judged(runtime, domain, held_out, first, base_fits=known)
    assert list(known) == held_out.others
    assert [fit.bits for group in held_out.others for fit in known[group]] == first.given.others["base"]
    marked = {group: [fit._replace(bits=fit.bits + 1) for fit in fits] for group, fits in known.items()}
    judged(runtime, domain, held_out, again, base_fits=marked)
    assert again.given.others["base"] == [bits + 1 for bits in first.given.others["base"]]
    assert again.given.others["candidate"] == first.given.others["candidate"]


def test_quality_is_measured_on_greedy_answers_to_the_prompts(runtime, domain, held_out):
    gate = RecordingGate(True)
    verdict, measured = judged(runtime, domain, held_out, gate)
    for role in ROLES:
        turns = [[m.as_dict() for m in p.messages] for p in held_out.prompts]
        texts = runtime.generate_many(turns, role, Sampling(max_tokens=6))
        assert measured[role].answers == texts
        assert gate.given.quality[role] == [1 / (1 + len(t)) for t in texts]
        assert gate.given.diversity[role] == distinct(texts)
        assert getattr(verdict, role).scores == {"shortness": pytest.approx(np.mean(gate.given.quality[role]))}


@pytest.mark.parametrize(
    ("verdicts", "passed", "reason"),
    [((True, True), True, "passed"), ((True, False, False), False, "r1; r2"), ((), False, "passed")],
    ids=["all pass", "some fail", "no checks"],
)
def test_a_candidate_passes_if_there_are_checks_and_all_pass(runtime, domain, held_out, verdicts, passed, reason):
    verdict, _ = judged(runtime, domain, held_out, RecordingGate(*verdicts))
    assert (verdict.passed, verdict.reason, verdict.prompts) == (passed, reason, len(held_out.prompts))


def test_a_prompt_that_was_trained_on_is_refused(runtime, domain, held_out):
    leaked = replace(held_out, trained=[*held_out.trained, held_out.prompts[0].digest])
    with pytest.raises(DataError, match=r"1 held-out prompt\(s\) were trained on"):
        judged(runtime, domain, leaked, RecordingGate(True))


def test_an_incumbent_is_measured_on_the_same_prompts(runtime, domain, held_out, tmp_path, tiny_model):
    runtime.add("older", write_neuron(tmp_path / "older", tiny_model.model, 9))
    gate = RecordingGate(True)
    verdict, _ = judged(runtime, domain, held_out, gate, ROLES | {"incumbent": "older"})
    assert len(gate.given.bits["incumbent"]) == len(held_out.prompts)
    assert verdict.incumbent not in (None, verdict.base, verdict.candidate)


def test_the_gate_leaves_the_runtime_unchanged(runtime, domain, held_out):
    judged(runtime, domain, held_out, RecordingGate(True))
    assert runtime.active is None


def test_the_bundled_gate_fails_a_candidate_that_is_the_base(runtime, domain, held_out):
    gate = load_plugins().catalog.get("gates", "held_out")
    verdict, _ = judged(runtime, domain, held_out, gate, {"base": "base", "candidate": "base"})
    assert [check.name for check in verdict.checks if not check.passed] == ["fit"]
    assert verdict.base == verdict.candidate


def test_without_a_teacher_only_quality_is_measured(runtime, domain, held_out):
    gate = RecordingGate(True)
    verdict, measured = judged(runtime, domain, replace(held_out, examples=()), gate)
    assert gate.given.bits == {}
    assert gate.given.divergence == {}
    assert verdict.candidate.bits_per_byte is None
    assert len(gate.given.quality["candidate"]) == len(held_out.prompts) == verdict.prompts
    assert len(measured["base"].answers) == len(held_out.prompts)


def starts_with(letter):
    """A verifier: an answer is right if it begins with a letter; prompts without a reference are not verified."""

    def verify(prompt, response, _domain):
        if not prompt.reference.contains:
            return None
        return {"right": float(response.startswith(letter)), "has words": float(bool(response.strip()))}

    return verify


def saying(said):
    """Answer by neuron and by whether the answer is held to a grammar; count the prompts of each call."""
    calls = []

    def answer(_runtime, neuron, _domain, prompts, *, held=False):
        calls.append((neuron, held, len(prompts)))
        return [said[neuron, held]] * len(prompts)

    return answer, calls


@pytest.fixture
def asked(held_out):
    """The held-out set with one natural prompt that has no reference, and with generated prompts."""
    first, *rest = held_out.prompts
    natural = (first.model_copy(update={"reference": Reference()}), *rest)
    generated = [
        Prompt(messages=(Message(role="user", content=f"Say {word}."),), reference=Reference(contains=(word,)))
        for word in ("oak", "ash", "elm")
    ]
    return replace(held_out, prompts=natural, generated=generated)


def test_right_answers_to_natural_and_generated_prompts_are_counted_apart_and_judged_together(runtime, domain, asked):
    gate = RecordingGate(True)
    answer, calls = saying({("base", False): "no", ("candidate", False): "yes"})
    verdict, measured = judged(runtime, domain, asked, gate, verifier=starts_with("y"), answer=answer)
    natural, generated = len(asked.prompts) - 1, 3
    assert gate.given.right == {"base": [0.0] * (natural + generated), "candidate": [1.0] * (natural + generated)}
    right = verdict.candidate.right
    assert {kind: (share.right, share.count) for kind, share in right.items()} == {
        "natural": (1.0, natural),
        "generated": (1.0, generated),
    }
    assert right["generated"].figures == {"has words": 1.0}
    assert (verdict.candidate.judged.count, verdict.base.judged.right) == (natural + generated, 0.0)
    assert measured["base"].verified["natural"].figures[0] is None
    assert calls == [(role, False, len(asked.prompts) + generated) for role in ROLES], "one batch for both kinds"
    assert verdict.verified


def test_where_tools_are_offered_the_answer_held_to_their_grammar_is_judged(runtime, domain, asked):
    gate = RecordingGate(True)
    answer, calls = saying({("base", False): "{no", ("candidate", False): "no", ("base", True): "yes"})
    tools = (Tool(name="now"),)
    offering = [prompt.model_copy(update={"tools": tools}) for prompt in asked.prompts]
    asked = replace(asked, prompts=offering, held=True)
    verdict, measured = judged(runtime, domain, asked, gate, verifier=starts_with("y"), answer=answer)
    assert list(verdict.base.right) == ["natural", "generated", "natural held", "generated held"]
    assert (verdict.base.right["natural"].right, verdict.base.right["natural held"].right) == (0.0, 1.0)
    assert measured["base"].answers == ["{no"] * len(asked.prompts)
    assert ("base", True, len(asked.prompts)) in calls, "a free answer that breaks the grammar is decoded again"
    assert not any(held for role, held, _ in calls if role == "candidate"), "one that keeps to it is the held one"


def test_without_a_verifier_nothing_is_right_or_wrong_and_generated_prompts_are_not_asked(runtime, domain, asked):
    gate = RecordingGate(True)
    answer, calls = saying(dict.fromkeys(((role, False) for role in ROLES), "no"))
    verdict, _ = judged(runtime, domain, replace(asked, held=True), gate, answer=answer)
    assert (gate.given.right, verdict.candidate.right, verdict.verified) == ({}, {}, False)
    assert calls == [(role, False, len(asked.prompts)) for role in ROLES]


def test_without_a_reference_for_the_verifier_the_verdict_is_unverified(runtime, domain, asked):
    bare = [prompt.model_copy(update={"reference": Reference()}) for prompt in asked.prompts]
    gate = RecordingGate(True)
    verdict, _ = judged(runtime, domain, replace(asked, prompts=bare, generated=()), gate, verifier=starts_with("y"))
    assert (gate.given.right, verdict.verified, verdict.candidate.judged) == ({}, False, None)


def test_a_generated_prompt_that_was_trained_on_is_refused(runtime, domain, asked):
    leaked = replace(asked, trained=[*asked.trained, asked.generated[0].digest])
    with pytest.raises(DataError, match=r"1 held-out prompt\(s\) were trained on"):
        judged(runtime, domain, leaked, RecordingGate(True))


def test_harm_counts_only_the_words_of_the_prompt(domain, tiny_model):
    prompt = domain.prompts[0]
    example = prompt_text(tiny_model.tokenizer, prompt)
    counted = [i for i, own in zip(example.ids, example.trained, strict=True) if own]
    assert tiny_model.tokenizer.decode(counted) == prompt.messages[-1].content
    assert example.answer_bytes == len(prompt.messages[-1].content.encode())
    assert not any(example.trained[: example.answer_start])
