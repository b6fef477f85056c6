"""A teacher's token choices become the student's soft targets and change the neuron."""

import json
from dataclasses import replace

import numpy as np
import pytest
from distillations import distill_all, prepare
from projects import write_domain, write_student
from served_logprobs import ByteTeacher, recorded, soft_tokens_of, work_over
from structlog.testing import capture_logs
from tiny import targets_of

from conch_dna.data.splits import split
from conch_dna.domains.domain import load_domain
from conch_dna.domains.recordings import find_recording
from conch_dna.domains.soft_recordings import read_soft, write_soft
from conch_dna.errors import ConchError, Interrupted, TeacherError
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.plugin.catalog import Owner
from conch_dna.teachers.references import RoutedTeacher
from conch_dna.teachers.soft_targets import compare_tokenizers
from conch_dna.util.progress import Progress


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture
def domain(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return load_domain(write_domain(tmp_path / "domains/alpha", 12))


@pytest.fixture
def prepared(domain, student, tmp_path):
    """Return what is trained on and measured on, and the warnings, with a teacher of choices."""

    def make(teacher="recorded", **settings):
        one = work_over(tmp_path, student, domain, teacher=teacher, **settings)
        one.host.catalog.add("teachers", "telling", lambda request: ByteTeacher(request.domain), Owner("t", "t.py"))
        with capture_logs() as logs:
            material, held = prepare(one, domain, one.teacher(domain), split(domain.prompts, 0.25), ("kd",))
        return one, material, held, [(r["reason"], r["count"]) for r in logs if r["event"] == "examples_left_out"]

    return make


def other_student(folder):
    """A student in whose tokens ``q`` and ``u`` have changed places."""
    write_student(folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    words["q"], words["u"] = words["u"], words["q"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


def masses(tokenizer, targets):
    """The probabilities above a thousandth at each place, by token."""
    rows = zip(targets.ids.tolist(), np.exp(targets.log_probs).tolist(), strict=True)
    return [{tokenizer.decode([i]): p for i, p in zip(ids, row, strict=True) if p > 1e-3} for ids, row in rows]


def test_recorded_choices_become_the_students_targets(domain, prepared, tmp_path):
    recorded(domain, tmp_path / "c")
    one, material, held, warnings = prepared()
    tokenizer = one.base.tokenizer
    assert not warnings
    assert len(material.examples) == len(material.targets) == 9
    for example, targets in zip(material.examples, material.targets, strict=True):
        text = tokenizer.decode(list(example.answer_ids[:-1]))
        wanted = [{letter: 0.75, "z": 0.2} for letter in [*text, "<|im_end|>"]]
        assert masses(tokenizer, targets) == [pytest.approx(row, abs=0.01) for row in wanted]
        assert np.allclose(np.exp(targets.tail), 0.05, atol=0.01)
    assert len(held.targets) == len(held.examples) == 2


def test_a_live_teacher_is_asked_for_choices_and_gives_the_same_targets(domain, prepared, tmp_path):
    recorded(domain, tmp_path / "c")
    _, from_file, _, _ = prepared()
    _, live, _, _ = prepared("telling")
    for ours, theirs in zip(from_file.targets, live.targets, strict=True):
        assert ours.ids[:, :2].tolist() == theirs.ids[:, :2].tolist()
        assert np.allclose(np.exp(ours.log_probs), np.exp(theirs.log_probs), atol=0.01)


def test_a_teacher_that_reads_any_text_is_given_its_own_answers(domain, prepared, tmp_path):
    class Reading(ByteTeacher):
        """Tells nothing with its answers, and the choices of any text that it is given."""

        capabilities = frozenset({"text", "forced"})

        def generate(self, prompts, sampling):
            assert not sampling.top_log_probs
            yield from super().generate(prompts, sampling)

        def score_text(self, prompts, texts, top):
            assert {p.digest for p in prompts} <= self.indices.keys()
            return [soft_tokens_of(text) for text in texts]

    one, telling, _, _ = prepared("telling")
    read = work_over(tmp_path, one.config.student, domain, teacher="reading")
    read.host.catalog.add("teachers", "reading", lambda request: Reading(request.domain), Owner("r", "r.py"))
    material, held = prepare(read, domain, read.teacher(domain), split(domain.prompts, 0.25), ("kd",))
    assert material.digest == telling.digest
    assert held.targets is not None


@pytest.mark.integration
def test_other_choices_of_the_same_text_make_another_neuron(domain, student, tmp_path):
    """A teacher whose signal is dropped would make the same."""
    found = []
    for run, other in enumerate(["z", "x", "z"]):
        recorded(domain, tmp_path / f"c{run}", other=other)
        alpha = distill_all(work_over(tmp_path / str(run), student, domain), ["alpha"]).results[0]
        assert (alpha.error, alpha.recipes) == (None, ("kd",))
        found.append(alpha.digest)
    assert found[0] == found[2] != found[1]


def test_answers_without_usable_choices_are_left_out_and_counted(domain, prepared, tmp_path):
    path, _ = recorded(domain, tmp_path / "c")
    soft = read_soft(path.with_suffix(".soft.safetensors"))
    parts = split(domain.prompts, 0.25)
    del soft[parts.train[0].digest]
    soft[parts.train[1].digest] = soft_tokens_of("slow")
    del soft[parts.held_out[0].digest]
    write_soft(path.with_suffix(".soft.safetensors"), soft)
    _, material, held, warnings = prepared(gate_prompts=3)
    assert len(material.examples) == len(material.targets) == 7
    assert len(held.prompts) == len(held.targets) == 2
    assert parts.held_out[0] not in held.prompts
    assert [count for _, count in warnings] == [2, 1]
    assert all(reason.startswith("their token choices are missing") for reason, _ in warnings)


def test_where_text_alone_is_learnt_answers_without_choices_stay(domain, student, tmp_path):
    path, _ = recorded(domain, tmp_path / "c")
    soft = read_soft(path.with_suffix(".soft.safetensors"))
    soft.popitem()
    write_soft(path.with_suffix(".soft.safetensors"), soft)
    one = work_over(tmp_path, student, domain, mode="sft")
    material, _ = prepare(one, domain, one.teacher(domain), split(domain.prompts, 0.25), ("sft",))
    assert (len(material.examples), material.targets) == (9, None)


@pytest.mark.parametrize("kind", ["bytes", "p_kl"])
def test_a_live_answer_that_the_template_drops_is_left_out(domain, student, tmp_path, kind):
    """The teacher's template writes one of the answers as another."""
    folder = other_student(tmp_path / "other")
    about = json.loads((folder / "tokenizer_config.json").read_text())
    written = "message['content'] | replace('dropped', 'xyz')"
    about["chat_template"] = about["chat_template"].replace("message['content']", written)
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    one = work_over(tmp_path, student, domain, teacher=f"mlx:{folder}", cross_tokenizer=kind)
    live = one.teacher(domain)
    texts = {split(domain.prompts, 0.25).train[2].digest: "dropped"}

    class Answering:
        capabilities, fingerprint, tokenizer, config = live.capabilities, "a:1", live.tokenizer, live.config
        score, close = live.score, live.close

        def generate(self, prompts, sampling):
            for row in ByteTeacher(domain).generate(prompts, sampling):
                yield row.model_copy(update={"text": texts.get(row.prompt, row.text), "soft": ()})

    with capture_logs() as logs:
        material, _ = prepare(one, domain, Answering(), split(domain.prompts, 0.25), ("kd",))
    assert [r["count"] for r in logs if r["event"] == "examples_left_out"] == [1]
    targets = material.targets.aligned if kind == "p_kl" else material.targets
    assert isinstance(material.targets, CrossTargets) == (kind == "p_kl")
    assert len(material.examples) == len(targets) == 8
    assert len(material.digest) == 64


@pytest.mark.parametrize("settings", [{}, {"cross_tokenizer": "p_kl"}, {"cross_tokenizer": "off"}], ids=str)
def test_the_signal_is_that_of_the_compatibility_check(domain, student, tmp_path, settings):
    wanted = settings.get("cross_tokenizer", "bytes")
    one = work_over(tmp_path, student, domain, teacher=f"mlx:{other_student(tmp_path / 'other')}", **settings)
    with capture_logs() as logs:
        assert compare_tokenizers(one.teacher(domain), one.base, one.config) == (None if wanted == "off" else wanted)
    assert [r["signal"] for r in logs if r["event"] == "compatibility_checked"] == ([] if wanted == "off" else [wanted])
    own = work_over(tmp_path, student, domain, teacher="mlx")
    assert compare_tokenizers(own.teacher(domain), own.base, own.config) == "exact"


def test_one_tokenizer_is_exact_whatever_the_teacher_declares(domain, student, tmp_path):
    one = work_over(tmp_path, student, domain, teacher="mlx")
    live = one.teacher(domain)

    class Unsure:
        capabilities, tokenizer, config = frozenset({"text", "own_top_k"}), live.tokenizer, live.config

    assert compare_tokenizers(Unsure(), one.base, one.config) == "exact"


def test_each_of_several_teachers_is_compared(domain, student, tmp_path):
    one = work_over(tmp_path, student, domain, teacher="mlx")
    live = one.teacher(domain)

    class Endless:
        capabilities, config = live.capabilities, {"vocab_size": 100}
        tokenizer = live.tokenizer

    with capture_logs() as logs:
        assert compare_tokenizers(RoutedTeacher({"": live, "a": live}), one.base, one.config) == "exact"
        with pytest.raises(ConchError, match="teacher: the tokenizer has more ids than the model"):
            compare_tokenizers(RoutedTeacher({"": live, "a": Endless()}), one.base, one.config)
    assert [r["event"] for r in logs] == ["compatibility_checked"] * 3


def test_a_teacher_without_a_tokenizer_is_not_compared(domain, student, tmp_path):
    recorded(domain, tmp_path / "c")
    one = work_over(tmp_path, student, domain)
    with capture_logs() as logs:
        assert compare_tokenizers(one.teacher(domain), one.base, one.config) == "bytes"
    ((event, signal, (finding,)),) = [(r["event"], r["signal"], r["findings"]) for r in logs]
    assert (event, signal, "no tokenizer" in finding) == ("compatibility_checked", "bytes", True)


def test_targets_for_an_id_beyond_the_students_head_are_refused(domain, student, tmp_path):
    """Its logit would be read past the end of the row, and its gradient written there."""

    class Wide(ByteTeacher):
        capabilities, last = frozenset({"text", "top_k"}), 275

        def score(self, prompts, answers, top_k):
            found = [targets_of(np.zeros((len(a), 3)), 2) for a in answers]
            return [replace(t, ids=t.ids * self.last) for t in found]

    one = work_over(tmp_path, student, domain)
    prepare(one, domain, Wide(domain), split(domain.prompts, 0.25), ("kd",))
    wider = Wide(domain)
    wider.fingerprint, wider.last = "telling:2", 276
    with pytest.raises(TeacherError, match=r"telling:2: .* soft targets for an id .*; got 276; allowed: 0 to 275"):
        prepare(one, domain, wider, split(domain.prompts, 0.25), ("kd",))


class Stops(Progress):
    """Ends the training after two steps, as Ctrl-C would."""

    def __init__(self):
        self.steps = 0

    def advance(self, _units=1, note=""):
        self.steps += note.startswith("loss")
        if self.steps == 2:
            raise KeyboardInterrupt


def test_a_run_does_not_go_on_with_other_choices(domain, student, tmp_path):
    recorded(domain, tmp_path / "c")
    with pytest.raises(Interrupted):
        distill_all(work_over(tmp_path, student, domain, progress=Stops()), ["alpha"])
    path, _ = recorded(domain, tmp_path / "c2", other="x")
    (alpha,) = distill_all(work_over(tmp_path, student, domain), ["alpha"]).results
    assert "teacher = recorded:" in alpha.error
    recorded(domain, tmp_path / "c")
    assert find_recording(domain).answers
    (alpha,) = distill_all(work_over(tmp_path, student, domain), ["alpha"]).results
    assert (alpha.error, path.name) == (None, "big.jsonl")
