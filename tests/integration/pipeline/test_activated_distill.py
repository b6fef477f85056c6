"""Neurons that share the base's context, from a command's settings to a version in the registry and its answers."""

import json
import math

import mlx.core as mx
import numpy as np
import pytest
from distillations import distill_all, prepare, works
from ending_student import write_ending_student
from projects import here, write_project

from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.splits import split
from conch_dna.errors import NeuronRefused
from conch_dna.plugin.catalog import Owner
from conch_dna.records import Sampling, StepReport
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.card import README_FILE
from conch_dna.registry.store import Registry
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.runtime.row_caches import read_contexts


@pytest.fixture
def distillation(tmp_path, student, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return works(tmp_path, student, "alpha", "beta")


def learn(one):
    (result,) = distill_all(one, ["alpha"]).results
    assert result.error is None
    return result


def bits_in_two_stages(runtime, neuron, example):
    """Bits of an answer: the base reads the context into a cache, then the neuron reads the rest."""
    model, start = (
        runtime.base_model.model,
        example.answer_start - len(invocation_tokens_of(runtime.base_model.tokenizer)),
    )
    (cache,) = read_contexts(model, [example.ids[:start]])
    with runtime.neuron(neuron):
        logits_TV = np.array(model(mx.array([example.ids[start:]]), cache=cache)[0], np.float64)
    log_probs_TV = logits_TV - np.logaddexp.reduce(logits_TV, axis=-1, keepdims=True)
    said = np.arange(example.answer_start, example.answer_start + len(example.answer_ids))
    return -log_probs_TV[said - start - 1, np.array(example.ids)[said]].sum() / math.log(2)


def steps_of(one):
    lines = (one.run.path / "alpha/metrics.jsonl").read_text().splitlines()
    return [StepReport.model_validate_json(line) for line in lines]


def test_it_learns_passes_the_gate_and_is_published_with_its_mark(distillation):
    one = distillation(activated=True, steps=12, min_fit_gain=0.05)
    result = learn(one)
    assert (result.state, result.version) == ("published", 1)
    figures = result.verdict
    assert figures.candidate.bits_per_byte < 0.95 * figures.base.bits_per_byte
    # Another domain's words stand in a prompt, where it does not act.
    assert figures.candidate.others_bits_per_byte == figures.base.others_bits_per_byte
    entry = one.registry.resolve("alpha")
    cue = invocation_tokens_of(one.base.tokenizer)
    assert entry.card.invocation_tokens == cue
    assert read_adapter(entry.path).invocation_tokens == cue
    readme = (entry.path / README_FILE).read_text()
    assert f"tokens {list(cue)} in a prompt" in readme
    assert "Plain mlx-lm ignores" in readme


def test_what_was_measured_is_what_answers(distillation):
    """The gate's samples are the runtime's answers, its bits those behind a context that the bare base has read."""
    one = distillation(activated=True, steps=12)
    result = learn(one)
    domain = one.domains["alpha"]
    _, held_out = prepare(one, domain, one.teacher(domain), split(domain.prompts, one.config.held_out), ["sft"])
    runtime = NeuronRuntime(one.base, one.registry)
    bits = sum(bits_in_two_stages(runtime, "alpha", example) for example in held_out.examples)
    size = sum(example.answer_bytes for example in held_out.examples)
    assert result.verdict.candidate.bits_per_byte == pytest.approx(bits / size, rel=1e-4)
    rows = [json.loads(line) for line in (one.run.path / "alpha/samples.jsonl").read_text().splitlines()]
    prompts = [row["prompt"] for row in rows]
    sampling = Sampling(max_tokens=domain.settings.max_tokens)
    answers = runtime.generate_many(prompts, f"alpha@{result.version}", sampling)
    assert [row["candidate"]["answer"] for row in rows] == answers
    assert answers != runtime.generate_many(prompts, "base", sampling)
    runtime.close()


def test_the_readme_of_another_neuron_says_nothing_of_it(distillation):
    one = distillation()
    learn(one)
    entry = one.registry.resolve("alpha")
    assert entry.card.invocation_tokens == ()
    assert "alora" not in (entry.path / README_FILE).read_text()
    assert "alora" not in (entry.path / "adapter_config.json").read_text()


def test_a_config_that_lost_its_mark_is_refused(distillation):
    one = distillation(activated=True)
    learn(one)
    entry = one.registry.resolve("alpha")
    file = entry.path / "adapter_config.json"
    about = json.loads(file.read_text())
    del about["alora_invocation_tokens"]
    file.chmod(0o644)
    file.write_text(json.dumps(about, indent=2) + "\n")
    runtime = NeuronRuntime(one.base, one.registry)
    with pytest.raises(NeuronRefused, match=r"adapter_config\.json"):
        runtime.use("alpha")
    runtime.close()


def test_training_on_the_answers_alone_is_another_neuron_than_one_applied_everywhere(distillation):
    weights = set()
    for on in (True, False):
        one = distillation(str(on), activated=on)
        learn(one)
        weights.add((one.run.path / "alpha/adapter/adapters.safetensors").read_bytes())
    assert len(weights) == 2


def test_it_goes_on_from_one_of_its_kind_only(distillation):
    learn(distillation("first", activated=True))
    again = learn(distillation("second", activated=True, start="1"))
    assert again.start_digest is not None
    (refused,) = distill_all(distillation("third", start="1"), ["alpha"]).results
    assert (refused.state, "alora_invocation_tokens" in refused.error) == ("failed", True)


@pytest.mark.parametrize(
    ("mode", "settings"),
    [("kd,on_policy", {"teacher": "mlx", "rollout_tokens": 6}), ("kd", {"teacher": "mlx", "patience": 1})],
    ids=["on policy", "kd"],
)
def test_soft_targets_teach_it_too(distillation, mode, settings):
    result = learn(distillation(mode=mode, activated=True, steps=2, checkpoint_every=1, **settings))
    assert result.verdict.candidate.divergence != result.verdict.base.divergence
    assert result.kd_loss > 0


class Ranking:
    """Answers nothing, and prefers the longer of two answers."""

    fingerprint, capabilities = "ranking:1", frozenset({"prefer"})

    def __init__(self, request):
        self.request = request

    def prefer(self, prompts, firsts, seconds):
        return [int(len(second) > len(first)) for first, second in zip(firsts, seconds, strict=True)]

    def close(self):
        pass


def test_its_preferences_are_weighed_by_itself(distillation, tmp_path):
    """Before the first step a student is its own reference: every margin is 0, and the loss is log 2."""
    ending = str(write_ending_student(tmp_path / "ending"))
    learn(distillation("first", activated=True, student=ending, learning_rate=0.003))
    one = distillation("then", student=ending, teacher="ranking", start="1", activated=True, learning_rate=1e-3)
    one.host.catalog.add("teachers", "ranking", Ranking, Owner("ranking", "ranking.py"))
    assert learn(one).recipes == ("preference",)
    first, *later = steps_of(one)
    assert first.loss == pytest.approx(math.log(2), abs=1e-4)
    assert later[-1].loss < first.loss


def test_its_own_best_answers_teach_it(distillation, tmp_path):
    settings = {"candidates": 4, "iterations": 2, "candidate_temperature": 1.0, "learning_rate": 1e-4}
    ending = str(write_ending_student(tmp_path / "ending"))
    one = distillation(activated=True, mode="best_of_n", teacher="none", student=ending, **settings)
    result = learn(one)
    assert result.steps >= 3
    assert read_adapter(one.run.path / "alpha/iteration-1/adapter").invocation_tokens


def test_a_base_without_invocation_tokens_is_refused_before_the_teacher_is_asked(distillation, monkeypatch):
    one = distillation(activated=True)
    base = one.base
    base.tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    monkeypatch.setattr("conch_dna.pipeline.distill.load", lambda *_: base)
    (result,) = distill_all(one, ["alpha"]).results
    assert "no separate tokens that open an answer" in result.error
    assert not (one.cache / "completions").exists()


@pytest.mark.real
def test_the_real_base_gets_such_a_neuron_by_one_option(tmp_path):
    settings = {"steps": 2, "batch_size": 2, "learning_rate": 3e-3, "layers": 4}
    project = write_project(tmp_path / "project", "embedded:smollm2-135m", "alpha", **settings)
    done = here(project, "distill", "alpha", "--activated", "--max-harm", "0", "--min-fit-gain", "0.01")
    assert done.exit_code == 0, done.stderr
    entry = Registry(project / "adapters").resolve("alpha")
    assert entry.card.invocation_tokens == (1, 520, 9531, 198), "<|im_start|>assistant and a line break"
    assert read_adapter(entry.path).invocation_tokens == entry.card.invocation_tokens
    assert entry.card.verdict.candidate.bits_per_byte < entry.card.verdict.base.bits_per_byte
