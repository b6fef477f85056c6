"""The student moves towards the answers that its teacher prefers; no answer is drawn and no verdict requested twice."""

import shutil
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
from dense_losses import log_softmax
from ending_student import write_ending_student
from projects import prompts_of, write_domain
from recipe_runs import run_named
from settings import config_of
from tiers import thin

from conch_dna.config import RecipeSettings
from conch_dna.data.tokens import encode_answer
from conch_dna.domains.domain import load_domain
from conch_dna.errors import CheckpointError, ConfigError, TeacherError, TrainingError
from conch_dna.evaluation.fit import fits
from conch_dna.models.head import split
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, to_json_line
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.train.candidates import Drawn
from conch_dna.train.preference_pairs import GROUP, Counts, Judged, Pair
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.training_set import TrainingSet
from conch_dna.util.progress import Progress

IDENTITY = {"base": "b", "teacher": "t", "data": "d", "settings": {}}
PROMPTS = [Prompt.model_validate(row) for row in prompts_of(13)]
OWN = "the word"  # the teacher's own answer


class Brief:
    """Prefers the shorter answer, has no preference at equal length, and records the requests."""

    fingerprint = "brief:1"
    capabilities = frozenset({"text", "prefer"})

    def __init__(self, better=0, stop_after=None):
        self.better, self.left, self.asked = better, stop_after, []

    def prefer(self, prompts, firsts, seconds):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Stop
        self.asked += [(p.digest, *texts) for p, *texts in zip(prompts, firsts, seconds, strict=True)]
        return [
            None if len(first) == len(second) else self.better if len(first) < len(second) else 1 - self.better
            for first, second in zip(firsts, seconds, strict=True)
        ]


class Stop(BaseException):  # not an Exception: error handlers must not see it
    """Ends training as a kill would."""


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_ending_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture
def context_of(student, tmp_path, monkeypatch):
    """Make a recipe context with ten training prompts and three validation prompts."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    folder = write_domain(tmp_path / "d", max_tokens=24)

    def make(name, teacher=None, answers=OWN, on_step=lambda _: None, **settings):
        given = {"candidates": 4, "candidate_temperature": 1.0, "learning_rate": 0.005, "steps": 4, "max_length": 4096}
        config = config_of(
            student=str(student), mode="preference", checkpoint_every=1, rank=2, warmup=0, **(given | settings)
        )  # fmt: skip
        own = {p.digest: answers for p in PROMPTS} if answers else {}
        training_set = TrainingSet("d", (), None, PROMPTS[:10], TrainingSet("d", prompts=PROMPTS[10:]), own)
        return RecipeContext(
            load(str(student)), config, RecipeSettings(), load_plugins(strict=True, block=[]), load_domain(folder),
            training_set, teacher or Brief(), IDENTITY, tmp_path / name, Progress(), on_step,
        )  # fmt: skip

    return make


def rows(file, kind):
    return [kind.model_validate_json(line) for line in file.read_text().splitlines()]


def counts_of(folder):
    return Counts.model_validate_json((folder / "counts.json").read_bytes())


def files(folder):
    """The files that a seed determines: candidates, verdicts, pairs, counts and adapter."""
    names = ("candidates.jsonl", "verdicts.jsonl", "pairs.jsonl", "counts.json", "adapters.safetensors")
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.name in names}


def preference_for_short(base, adapter, pairs):
    """Mean gain, in nats over the base, of the shorter answer of each pair over the longer one."""
    by_digest = {p.digest: p for p in PROMPTS}
    runtime = NeuronRuntime(base, adapter.parent / "none")
    try:
        runtime.add("result", adapter)
        found = []
        for neuron in ("result", "base"):
            with runtime.neuron(neuron):
                both = [sorted((p.preferred, p.other), key=len) for p in pairs]
                examples = [encode_answer(base.tokenizer, by_digest[p.prompt], t)
                            for p, texts in zip(pairs, both, strict=True) for t in texts]  # fmt: skip
                bits = np.array([fit.bits for fit in fits(*split(base.model), examples)]).reshape(-1, 2)
                found.append((bits[:, 1] - bits[:, 0]).mean() * np.log(2))
    finally:
        runtime.close()
    return found[0] - found[1]


def test_answers_become_verdicts_pairs_and_an_adapter(context_of, tmp_path):
    one = context_of("run")
    result = run_named(["preference"], one)
    run = tmp_path / "run"
    assert result.adapter == run / "adapter"
    assert {r.recipe for r in result.reports} == {"preference"}
    drawn, judged, pairs = (
        rows(run / f"{name}.jsonl", kind)
        for name, kind in (("candidates", Drawn), ("verdicts", Judged), ("pairs", Pair))
    )
    digests = [p.digest for p in PROMPTS[:10]]
    assert [(d.prompt, d.number) for d in drawn] == [(p, n) for p in digests for n in range(4)]
    texts = {(d.prompt, d.number): d for d in drawn}
    assert {j.first for j in judged} == {None}, "the teacher's own answer is compared with each candidate"
    for verdict, (digest, first, second) in zip(judged, one.teacher.asked, strict=True):
        answer = texts[verdict.prompt, verdict.second]
        assert (verdict.prompt, OWN, answer.text) == (digest, first, second)
        assert answer.finished
        expected = None if len(second) == len(OWN) else int(len(second) < len(OWN))
        assert verdict.better == expected
    assert [(p.prompt, len(p.preferred) < len(p.other)) for p in pairs] == [
        (j.prompt, True) for j in judged if j.better is not None
    ]
    counts = counts_of(run)
    assert counts.candidates == counts.unusable + counts.alike + counts.compared == 40
    assert counts.compared == counts.first_better + counts.second_better + counts.ties == len(judged)
    assert (counts.pairs, counts.apart, counts.too_long) == (len(pairs), 0, 0)
    assert counts.first_better
    assert counts.second_better, "the teacher's own answer is not always the better one"
    assert counts.unusable == sum(not d.finished or not d.text.strip() for d in drawn)
    assert not any(type(m).__name__.startswith(("LoRA", "DeltaSwitch")) for _, m in one.base.model.named_modules())


def test_the_reference_is_the_base_and_training_starts_at_it(context_of, tmp_path):
    one = context_of("run", dropout=0.0)
    result = run_named(["preference"], one)
    by_digest = {p.digest: p for p in PROMPTS}
    for pair in rows(tmp_path / "run/pairs.jsonl", Pair)[:3]:
        for text, nats in zip((pair.preferred, pair.other), pair.references, strict=True):
            example = encode_answer(one.base.tokenizer, by_digest[pair.prompt], text)
            logits_TV = np.array(one.base.model(mx.array([example.ids]))[0, :-1].astype(mx.float32), np.float64)
            log_p_TV = log_softmax(logits_TV)
            places = [t for t in range(example.answer_start, len(example.ids)) if example.trained[t]]
            assert nats == pytest.approx(sum(log_p_TV[t - 1, example.ids[t]] for t in places), abs=1e-3)
    first, *_, last = result.reports
    assert first.loss == pytest.approx(np.log(2), abs=1e-4)
    assert first.margin == pytest.approx(0, abs=1e-4)
    assert (first.kd, first.alpha) == (None, None)
    assert last.margin > 0
    assert last.agreement > 0.5


def test_only_the_last_answer_of_a_conversation_counts(context_of):
    one = context_of("run", dropout=0.0, steps=1)
    earlier = [Message(role="user", content="Say it."), Message(role="assistant", content="Heron, 19 times.")]
    prompts = [Prompt(messages=(*earlier, *prompt.messages)) for prompt in PROMPTS[:10]]
    training_set = TrainingSet("d", (), None, prompts, None, {prompt.digest: OWN for prompt in prompts})
    (report,) = run_named(["preference"], replace(one, training_set=training_set)).reports
    assert report.reward == pytest.approx(0, abs=1e-4), "the common prefix adds no gain"
    assert report.loss == pytest.approx(np.log(2), abs=1e-4)


@pytest.mark.full
def test_after_another_recipe_its_adapter_is_the_reference(context_of, tmp_path):
    start = run_named(["preference"], context_of("first")).adapter
    result = run_named(["preference"], replace(context_of("second"), start=start))
    assert result.reports[0].loss == pytest.approx(np.log(2), abs=1e-4)
    one, two = (rows(tmp_path / name / "pairs.jsonl", Pair)[0].references for name in ("first", "second"))
    assert one != two


@pytest.mark.full
def test_inverted_verdicts_move_the_student_the_other_way(context_of, tmp_path):
    moved = {}
    for name, better in (("normal", 0), ("inverted", 1)):
        one = context_of(name, Brief(better), steps=8)
        adapter = run_named(["preference"], one).adapter
        moved[name] = preference_for_short(one.base, adapter, rows(tmp_path / name / "pairs.jsonl", Pair))
    assert (tmp_path / "normal/candidates.jsonl").read_bytes() == (tmp_path / "inverted/candidates.jsonl").read_bytes()
    assert moved["normal"] > 1, "nats towards the shorter answers"
    assert moved["inverted"] < -1


@pytest.mark.full
def test_a_teacher_without_answers_ranks_the_students_own(context_of, tmp_path):
    one = context_of("run", answers=None)
    run_named(["preference"], one)
    drawn = {(d.prompt, d.number): d.text for d in rows(tmp_path / "run/candidates.jsonl", Drawn)}
    judged = rows(tmp_path / "run/verdicts.jsonl", Judged)
    for verdict, asked in zip(judged, one.teacher.asked, strict=True):
        first, second = (drawn[verdict.prompt, number] for number in (verdict.first, verdict.second))
        assert asked == (verdict.prompt, first, second)
        assert first.strip() != second.strip()
    assert len({(j.prompt, j.first) for j in judged}) == len({j.prompt for j in judged})
    counts = counts_of(tmp_path / "run")
    firsts = len({d.prompt for d in rows(tmp_path / "run/candidates.jsonl", Drawn) if d.finished and d.text.strip()})
    assert counts.candidates == counts.unusable + counts.alike + counts.compared + firsts


@pytest.mark.full
def test_validation_prompts_are_judged_and_measured_but_not_trained_on(context_of, tmp_path):
    result = run_named(["preference"], context_of("run", keep_best=1))
    counts = counts_of(tmp_path / "run")
    assert counts.apart > 0
    pairs = rows(tmp_path / "run/pairs.jsonl", Pair)
    assert [p.prompt in {p.digest for p in PROMPTS[10:]} for p in pairs] == [False] * counts.pairs + [
        True
    ] * counts.apart
    measured = [r.validation for r in result.reports]
    assert 0.3 < measured[0] < np.log(2), "a mean over pairs, not tokens"
    assert measured[-1] != measured[0]
    aside = run_named(["preference"], context_of("aside", patience=9))
    assert [r.validation for r in aside.reports] == measured


class Undecided(Brief):
    def prefer(self, prompts, firsts, seconds):
        return [None for _ in prompts]


def test_training_without_any_verdict_is_refused(context_of, tmp_path):
    message = r"d, preference: no verdict to train on; got (\d+) of \1 comparisons without a verdict\. Check verdicts"
    with pytest.raises(TrainingError, match=message):
        run_named(["preference"], context_of("run", Undecided()))
    counts = counts_of(tmp_path / "run")
    assert counts.ties == counts.compared > 0
    assert not (tmp_path / "run/adapter").exists()


class Odd(Brief):
    def __init__(self, found):
        super().__init__()
        self.found = found

    def prefer(self, prompts, firsts, seconds):
        return self.found(len(prompts))


@pytest.mark.parametrize(
    "found", thin([lambda n: [0] * (n - 1), lambda n: [2] * n, lambda n: ["0"] * n]), ids=["too few", "no side", "text"]
)
def test_invalid_verdicts_are_refused(context_of, tmp_path, found):
    with pytest.raises(TeacherError, match=r"brief:1: returned invalid verdicts; got "):
        run_named(["preference"], context_of("run", Odd(found)))
    assert (tmp_path / "run/verdicts.jsonl").read_bytes() == b""


@pytest.mark.full
@pytest.mark.parametrize("when", ["judging", "training"])
def test_a_stop_does_not_change_the_result_and_no_verdict_is_requested_twice(context_of, tmp_path, when):
    settings = {"candidates": 8}
    whole = Brief()
    run_named(["preference"], context_of("whole", whole, **settings))
    assert len(whole.asked) > 2 * GROUP

    def on_step(report):
        if when == "training" and report.step == 2:
            raise Stop

    stopped = Brief(stop_after=1 if when == "judging" else None)
    with pytest.raises(Stop):
        run_named(["preference"], context_of("stopped", stopped, on_step=on_step, **settings))
    again = Brief()
    run_named(["preference"], context_of("stopped", again, **settings))
    assert stopped.asked + again.asked == whole.asked
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    third = Brief()
    run_named(["preference"], context_of("stopped", third, **settings))
    assert third.asked == []


@pytest.mark.full
@pytest.mark.parametrize("name", thin(["candidates", "verdicts", "pairs"], "verdicts"))
def test_a_truncated_file_is_completed(context_of, tmp_path, name):
    run_named(["preference"], context_of("run"))
    whole = files(tmp_path / "run")
    file = tmp_path / f"run/{name}.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    run_named(["preference"], context_of("run"))
    assert files(tmp_path / "run") == whole


@pytest.mark.full
def test_pairs_of_lost_verdicts_are_computed_again(context_of, tmp_path):
    """A live teacher may return another verdict for a repeated request."""
    with pytest.raises(Stop):
        run_named(["preference"], context_of("run", on_step=stopping))
    (tmp_path / "run/verdicts.jsonl").unlink()
    for folder in ("checkpoints", "metrics.jsonl"):
        assert (tmp_path / "run" / folder).exists()
    with pytest.raises(CheckpointError, match="was made with data = "):
        run_named(["preference"], context_of("run", Brief(1)))
    run_named(["preference"], context_of("fresh", Brief(1)))
    assert (tmp_path / "run/pairs.jsonl").read_bytes() == (tmp_path / "fresh/pairs.jsonl").read_bytes()


def stopping(report):
    if report.step == 2:
        raise Stop


@pytest.mark.full
def test_files_of_another_domain_or_teacher_are_refused(context_of, tmp_path):
    run_named(["preference"], context_of("run"))
    whole = files(tmp_path / "run")
    other = replace(context_of("run"), identity=IDENTITY | {"teacher": "u"})
    with pytest.raises(CheckpointError, match="was made with teacher = t, now u"):
        run_named(["preference"], other)
    longer = load_domain(write_domain(tmp_path / "d", max_tokens=32))
    with pytest.raises(CheckpointError, match="was made with domain = "):
        run_named(["preference"], replace(context_of("run"), domain=longer))
    assert files(tmp_path / "run") == whole


@pytest.mark.full
def test_too_long_answers_are_counted_and_get_no_verdict(context_of, tmp_path):
    whole = context_of("whole")
    run_named(["preference"], whole)
    by_digest = {p.digest: p for p in PROMPTS}
    lengths = sorted(
        max(len(encode_answer(whole.base.tokenizer, by_digest[digest], text).ids) for text in texts)
        for digest, *texts in whole.teacher.asked
    )
    limit = lengths[len(lengths) // 2]
    short = context_of("run", max_length=limit)
    run_named(["preference"], short)
    counts = counts_of(tmp_path / "run")
    assert counts.too_long == sum(length > limit for length in lengths) > 0
    assert counts.candidates == counts.unusable + counts.alike + counts.too_long + counts.compared
    assert len(short.teacher.asked) == counts.compared == len(lengths) - counts.too_long > 0


def test_answers_over_the_token_budget_are_refused_before_any_verdict(context_of):
    narrow = context_of("narrow", token_budget=64)
    with pytest.raises(
        ConfigError, match=r"token_budget: an answer to the prompt \w+ does not fit into a forward pass"
    ):
        run_named(["preference"], narrow)
    assert narrow.teacher.asked == []


@pytest.mark.full
def test_a_verdict_on_other_texts_is_requested_again(context_of, tmp_path):
    """Another machine may draw other candidates in place of lost ones."""
    run_named(["preference"], context_of("run"))
    shutil.rmtree(tmp_path / "run/checkpoints")
    file = tmp_path / "run/candidates.jsonl"
    drawn = rows(file, Drawn)
    judged = rows(tmp_path / "run/verdicts.jsonl", Judged)
    changed = judged[-1]
    place = next(i for i, d in enumerate(drawn) if (d.prompt, d.number) == (changed.prompt, changed.second))
    drawn[place] = drawn[place].model_copy(update={"text": "w"})
    file.write_text("".join(map(to_json_line, drawn)))
    again = context_of("run")
    run_named(["preference"], again)
    assert (changed.prompt, OWN, "w") in again.teacher.asked
    assert len(again.teacher.asked) <= GROUP, "verdicts on unchanged texts are not requested again"
    pairs = rows(tmp_path / "run/pairs.jsonl", Pair)
    assert (changed.prompt, "w", OWN) in [(p.prompt, p.preferred, p.other) for p in pairs]
