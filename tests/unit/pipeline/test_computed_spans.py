"""A domain's processors reach its training set, its gate and the card of its neuron."""

import json

import pytest
from distillations import distill_all, prepare
from projects import write_domain
from served_logprobs import ByteTeacher, work_over
from tiny import write_tiny_model

from conch_dna.data.splits import split
from conch_dna.domains.domain import load_domain
from conch_dna.errors import UnknownName
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.pipeline.adapters import find_adapter
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.runtime.neurons import NeuronRuntime

ANSWER = "6 * 7 = 42."
TRAINED = "6 * 7 =.<|im_end|>"


def opening(text):
    """Make a random model write a sum after its own first characters."""
    return " 6 * 7 =" if 1 <= len(text) < 6 else None


class Summing(ByteTeacher):
    """Answers each prompt with the same sum."""

    def __init__(self, request):
        super().__init__(request.domain, texts=dict.fromkeys(range(12), ANSWER))

    def close(self):
        return


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("student") / "model", tied=False)


@pytest.fixture
def work(tmp_path, student, monkeypatch):
    """Return a distillation of a domain whose answers are sums, and the domain."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))

    def make(*processors, teacher="summing", **settings):
        folder = write_domain(tmp_path / "domains/alpha", 12, max_tokens=24)
        file = folder / "domain.toml"
        if processors:
            file.write_text(f"processors = {list(processors)}\n" + file.read_text())
        domain = load_domain(folder)
        one = work_over(tmp_path, student, domain, teacher=teacher, **settings)
        one.host.catalog.add("teachers", "summing", Summing, Owner("t", "t.py"))
        return one, domain

    return make


def prepared(one, domain, recipe):
    return prepare(one, domain, one.teacher(domain), split(domain.prompts, 0.25), (recipe,))


def trained_text(tokenizer, example):
    return tokenizer.decode([i for i, trained in zip(example.ids, example.trained, strict=True) if trained])


def test_results_are_not_trained_and_not_measured(work):
    one, domain = work("calculator", mode="sft")
    training_set, held_out = prepared(one, domain, "sft")
    for example in (*training_set.examples, *held_out.examples):
        assert trained_text(one.base.tokenizer, example) == TRAINED
        assert example.answer_bytes == len("6 * 7 =.")


def test_a_domain_without_processors_trains_on_whole_answers(work):
    one, domain = work(mode="sft")
    training_set, _ = prepared(one, domain, "sft")
    assert {trained_text(one.base.tokenizer, e) for e in training_set.examples} == {f"{ANSWER}<|im_end|>"}


def test_soft_targets_have_a_row_for_each_trained_token(work):
    one, domain = work("calculator")
    training_set, held_out = prepared(one, domain, "kd")
    for example, targets in zip(training_set.examples, training_set.targets, strict=True):
        assert len(targets.tail) == len(targets.ids) == sum(example.trained)
        said = [one.base.tokenizer.decode([int(row[0])]) for row in targets.ids]
        assert "".join(said) == TRAINED
    assert [len(t.tail) for t in held_out.targets] == [sum(e.trained) for e in held_out.examples]


@pytest.mark.parametrize("kind", ["exact", "bytes", "p_kl"])
def test_a_live_teacher_reads_whole_answers_and_teaches_the_trained_tokens(work, tmp_path, student, kind):
    """The teacher's distributions after a result depend on it, so it reads the result; nothing is learnt there."""
    folder = write_tiny_model(tmp_path / "other", seed=3, tied=False)
    if kind != "exact":
        file = folder / "tokenizer.json"
        content = json.loads(file.read_text())
        words = content["model"]["vocab"]
        words["q"], words["w"] = words["w"], words["q"]
        file.write_text(json.dumps(content))
    settings = {} if kind == "exact" else {"cross_tokenizer": kind}
    one, domain = work("calculator", teacher=f"mlx:{folder}", **settings)
    live, read = one.teacher(domain), []

    class Answering(Summing):
        capabilities, fingerprint, tokenizer, config = live.capabilities, "a:1", live.tokenizer, live.config

        def score(self, prompts, answers, top_k):
            read.extend(live.tokenizer.decode(list(answer)) for answer in answers)
            return live.score(prompts, answers, top_k)

    teacher = Answering(TeacherRequest(domain))
    training_set, _ = prepare(one, domain, teacher, split(domain.prompts, 0.25), ("kd",))
    assert set(read) == {f"{ANSWER}<|im_end|>"}
    crossed = isinstance(training_set.targets, CrossTargets)
    assert crossed == (kind == "p_kl")
    lengths = (
        [len(a.labels_N) for a in training_set.targets.aligned]
        if crossed
        else [len(targets.tail) for targets in training_set.targets]
    )
    assert lengths == [sum(example.trained) for example in training_set.examples]


def test_an_unknown_processor_stops_the_domain_before_its_teacher_is_asked(work):
    one, domain = work("abacus", mode="sft")
    with pytest.raises(UnknownName, match="no processor is named 'abacus'"):
        prepared(one, domain, "sft")
    result = distill_all(one, ["alpha"]).results[0]
    assert result.state == "failed"
    assert "no processor is named 'abacus'" in result.error


def test_a_neuron_is_measured_and_published_with_its_processors(work):
    one, _ = work("opening", "calculator", mode="sft", steps=1)
    one.host.catalog.add("processors", "opening", opening, Owner("o", "o.py"))
    result = distill_all(one, ["alpha"]).results[0]
    assert result.state == "published", result
    entry = one.registry.resolve("alpha")
    assert entry.card.processors == ("opening", "calculator")
    assert "computed, not guessed, by: `opening`, `calculator`" in (entry.path / "README.md").read_text()
    rows = [json.loads(line) for line in (one.run.folder("alpha") / "samples.jsonl").read_text().splitlines()]
    assert all("6 * 7 = 42" in row["candidate"]["answer"] for row in rows)
    assert not any("6 * 7" in row["base"]["answer"] for row in rows)


def test_the_adapter_of_a_run_answers_with_the_processors_of_its_domain_or_of_its_card(work):
    one, domain = work("opening", "calculator", mode="sft", steps=1)
    processors = {"opening": opening, "calculator": one.host.catalog.get("processors", "calculator")}
    one.host.catalog.add("processors", "opening", opening, Owner("o", "o.py"))
    assert distill_all(one, ["alpha"]).results[0].state == "published"
    runtime = NeuronRuntime(one.base, one.registry, span_processors=processors)
    of_run, of_version = one.run.folder("alpha"), one.registry.resolve("alpha").path
    for folder, domains, computed in (
        (of_run, {"alpha": domain}, True), (of_run, {}, False), (of_version, {}, True),
    ):  # fmt: skip
        ref = find_adapter(one.run.path.parent.parent, one.registry, str(folder))
        ref.enter(runtime, domains)
        assert ("6 * 7 = 42" in runtime.generate(domain.prompts[0].turns, ref.name)) == computed
    runtime.close()
