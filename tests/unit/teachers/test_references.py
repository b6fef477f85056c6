"""A teacher by reference, faults with the plug-in's name, and several teachers for one domain."""

import numpy as np
import pytest
from projects import write_domain
from settings import config_of
from tiny import targets_of

from conch_dna.config import resolve
from conch_dna.domains.domain import load_domain
from conch_dna.errors import PluginError, TeacherError, UnknownName
from conch_dna.pipeline.setup import named_teachers
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Judge, Scores, ScoresText
from conch_dna.records import Completion, Sampling
from conch_dna.teachers.answer_cache import CompletionCache, answers
from conch_dna.teachers.capabilities import judge_of, scorer_of, text_scorer_of
from conch_dna.teachers.references import (
    RoutedTeacher,
    in_one_line,
    kind_of,
    make_teacher,
    parts_for,
    references,
    teacher_of,
)
from conch_dna.teachers.target_cache import TargetCache


class Speaker:
    """Answers with its name."""

    def __init__(self, name, capabilities=("text",)):
        self.name, self.fingerprint, self.capabilities = name, f"s:{name}", frozenset(capabilities)
        self.closed, self.asked = 0, []

    def generate(self, prompts, sampling):
        for prompt in prompts:
            self.asked.append(prompt.digest)
            yield Completion(prompt=prompt.digest, text=self.name, teacher=self.fingerprint, sampling=sampling)

    def score(self, prompts, answers, top_k):
        return [(self.name, prompt.digest, answer) for prompt, answer in zip(prompts, answers, strict=True)]

    def close(self):
        self.closed += 1


@pytest.fixture
def host():
    return load_plugins(strict=True, block=[])


@pytest.fixture
def domain(tmp_path):
    """Twelve prompts: every third one of the source ``odd``."""
    domain = load_domain(write_domain(tmp_path / "alpha", 12))
    domain.prompts = tuple(
        p.model_copy(update={"source": "test" if i % 3 else "odd"}) for i, p in enumerate(domain.prompts)
    )
    return domain


def test_a_reference_is_a_name_and_perhaps_a_model(host, domain):
    assert (kind_of("mlx:embedded:x"), kind_of("recorded")) == ("mlx", "recorded")
    assert make_teacher(host, "mlx:embedded:x", domain).ref == "embedded:x"
    with pytest.raises(UnknownName, match="no teacher is named"):
        make_teacher(host, "eccho:x", domain)


def test_the_teacher_none_answers_nothing(host, domain):
    nobody = make_teacher(host, "none", domain)
    assert (nobody.capabilities, list(nobody.generate(domain.prompts, Sampling()))) == (frozenset(), [])
    nobody.close()


class TestOptionalMethods:
    """A wrapper offers an optional method only if the wrapped teacher has it."""

    @pytest.mark.parametrize("name", ["echo", "none", "recorded"])
    def test_a_teacher_of_text_has_none_of_them(self, host, domain, name):
        teacher = make_teacher(host, name, domain)
        assert not any(isinstance(teacher, protocol) for protocol in (Scores, ScoresText, Judge))

    def test_a_model_scores_tokens_and_texts(self, host, domain):
        teacher = make_teacher(host, "mlx:embedded:x", domain)
        assert [isinstance(teacher, protocol) for protocol in (Scores, ScoresText, Judge)] == [True, True, False]

    def test_several_teachers_have_what_all_of_them_have(self):
        scorer, judge = Speaker("a"), Speaker("b")
        judge.prefer = lambda *_: []
        assert isinstance(RoutedTeacher({"": judge}), Judge)
        both = RoutedTeacher({"": scorer, "odd": judge})
        assert [isinstance(both, protocol) for protocol in (Scores, ScoresText, Judge)] == [True, False, False]

    @pytest.mark.parametrize(
        ("of", "what"),
        [(scorer_of, "gives no soft targets"), (text_scorer_of, "scores no given text"), (judge_of, "compares no")],
    )
    def test_asking_for_a_missing_one_is_an_error(self, host, domain, of, what):
        with pytest.raises(TeacherError, match=rf"teacher echo:1: {what}.*; got no method .*; allowed: text"):
            of(make_teacher(host, "echo", domain))


@pytest.mark.parametrize(
    "at", ["factory", "fingerprint", "capabilities", "generate", "score", "prefer", "score_text", "close", "tokenizer"]
)
def test_a_fault_anywhere_names_the_plug_in(host, domain, at):
    def fail(*_):
        raise KeyError("sore")

    class Sore:
        def __init__(self, request):
            if at == "factory":
                fail()

        fingerprint = capabilities = tokenizer = property(fail)
        score = score_text = prefer = close = fail

        def generate(self, prompts, sampling):
            yield from ()
            fail()

    host.catalog.add("teachers", "sore", Sore, Owner("feelings", "feelings.py"))
    use = {
        "factory": lambda t: t,
        "fingerprint": lambda t: t.fingerprint,
        "capabilities": lambda t: t.capabilities,
        "generate": lambda t: list(t.generate((), Sampling())),
        "score": lambda t: t.score((), (), 1),
        "score_text": lambda t: t.score_text((), (), 1),
        "prefer": lambda t: t.prefer((), (), ()),
        "close": lambda t: t.close(),
        "tokenizer": lambda t: t.tokenizer,
    }[at]
    made = None if at == "factory" else make_teacher(host, "sore", domain)
    with pytest.raises(PluginError, match=r"feelings.py: plug-in 'feelings' failed in hook register_teachers, sore"):
        use(made or make_teacher(host, "sore", domain))


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ({}, {"": "recorded"}),
        ({"beta": "echo"}, {"": "recorded"}),
        ({"alpha": "echo"}, {"": "echo"}),
        ({"source:odd": "echo"}, {"": "recorded", "odd": "echo"}),
        ({"source:odd": "echo", "alpha": "mlx:x", "source:gone": "none"}, {"": "mlx:x", "odd": "echo"}),
    ],
)
def test_a_route_goes_by_domain_and_before_that_by_source(domain, routes, expected):
    assert references(resolve({}), domain, routes) == expected


def test_no_teacher_is_asked_if_no_recipe_needs_one(host, domain):
    routes = {"alpha": "echo"}
    assert named_teachers(host, config_of(mode="best_of_n"), domain, routes) == {"": "none"}
    assert named_teachers(host, config_of(mode="sft,best_of_n"), domain, routes) == {"": "echo"}


def test_several_teachers_are_shown_with_their_sources(host, domain):
    assert make_teacher(host, "echo", domain).fingerprint == teacher_of(host, {"": "echo"}, domain, "").fingerprint
    assert in_one_line({"": "recorded", "odd": "echo"}) == "recorded, source:odd=echo"
    assert isinstance(teacher_of(host, {"": "recorded", "odd": "echo"}, domain, ""), RoutedTeacher)


def test_each_prompt_goes_to_its_teacher_and_scores_come_back_in_order(domain):
    teacher = RoutedTeacher({"": Speaker("most"), "odd": Speaker("few")})
    expected = {p.digest: "few" if p.source == "odd" else "most" for p in domain.prompts}
    answered = {c.prompt: c.text for c in teacher.generate(domain.prompts, Sampling())}
    assert answered == expected
    answers = [(i,) for i in range(12)]
    scored = teacher.score(domain.prompts, answers, 4)
    assert scored == [(expected[p.digest], p.digest, a) for p, a in zip(domain.prompts, answers, strict=True)]


def test_a_routed_teacher_has_common_capabilities_and_a_fingerprint_of_all():
    one, two = Speaker("a", ("text", "top_k", "replay")), Speaker("b", ("text", "top_k"))
    both = RoutedTeacher({"": one, "odd": two})
    assert both.capabilities == {"text", "top_k"}
    others = [RoutedTeacher({"": two, "odd": one}), RoutedTeacher({"": one, "even": two}), RoutedTeacher({"": one})]
    assert len({both.fingerprint, *(t.fingerprint for t in others)}) == 4
    both.close()
    assert (one.closed, two.closed) == (1, 1)


def test_parts_for_returns_the_answering_teachers_with_indices(domain):
    most, few = Speaker("most"), Speaker("few")
    assert parts_for(most, domain.prompts) == [(most, list(range(12)))]
    routed = dict(parts_for(RoutedTeacher({"": most, "odd": few}), domain.prompts))
    assert routed == {few: [0, 3, 6, 9], most: [1, 2, 4, 5, 7, 8, 10, 11]}
    assert parts_for(RoutedTeacher({"": most, "odd": few}), domain.prompts[1:3]) == [(most, [0, 1])]


def test_a_new_route_asks_no_other_teacher_again(domain, tmp_path):
    cache = CompletionCache(tmp_path / "completions")
    most, few = Speaker("most"), Speaker("few")
    list(answers(most, domain, domain.prompts, Sampling(), cache))
    most.asked.clear()
    routed = RoutedTeacher({"": most, "odd": few})
    answered = {c.prompt: c.text for c in answers(routed, domain, domain.prompts, Sampling(), cache)}
    assert answered == {p.digest: "few" if p.source == "odd" else "most" for p in domain.prompts}
    assert (most.asked, few.asked) == ([], [p.digest for p in domain.prompts if p.source == "odd"])
    list(answers(most, domain, domain.prompts, Sampling(), cache))
    assert most.asked == [], "and without the route its answers are there still"


def test_a_new_route_scores_nothing_else_again(domain, tmp_path):
    class Scorer(Speaker):
        """Prefers the token of its name's length; remembers how many answers it scored."""

        def score(self, prompts, answers, top_k):
            self.asked += prompts
            return [targets_of(np.eye(16)[[len(self.name)] * len(a)], top_k) for a in answers]

    cache, counted = TargetCache(tmp_path / "targets"), []
    most, few = Scorer("most"), Scorer("few")
    said = [(1, 2, 3)] * 12
    cache.fill(most, domain.prompts, said, 4, counted.append)
    most.asked.clear()
    found = cache.fill(RoutedTeacher({"": most, "odd": few}), domain.prompts, said, 4, counted.append)
    assert [t.ids[0, 0] for t in found] == [3 if p.source == "odd" else 4 for p in domain.prompts]
    assert (len(most.asked), len(few.asked), sum(counted)) == (0, 4, 24)


class TestScoringTextAndJudging:
    """Optional methods of teachers through the wrapper that names faults, and through a route."""

    class Able:
        """Reads texts and prefers the longer answer; ``sore`` raises instead."""

        capabilities = frozenset({"text", "forced", "prefer"})

        def __init__(self, name, sore=False):
            self.fingerprint, self.sore = name, sore

        def score_text(self, prompts, texts, top):
            if self.sore:
                raise RuntimeError("ouch")
            return [(self.fingerprint, text, top) for text in texts]

        def prefer(self, prompts, firsts, seconds):
            if self.sore:
                raise RuntimeError("ouch")
            return [int(len(b) > len(a)) for a, b in zip(firsts, seconds, strict=True)]

        def close(self):
            pass

    def test_a_routed_teacher_asks_the_part_that_each_prompt_belongs_to(self, domain):
        routed = RoutedTeacher({"": self.Able("plain"), "odd": self.Able("odd")})
        prompts = [
            p.model_copy(update={"source": s}) for p, s in zip(domain.prompts, ("odd", "x", "odd"), strict=False)
        ]
        assert routed.capabilities == {"text", "forced", "prefer"}
        assert routed.score_text(prompts, ["a", "b", "c"], 3) == [("odd", "a", 3), ("plain", "b", 3), ("odd", "c", 3)]
        assert routed.score_text(prompts[:1], ["a"], top=2) == [("odd", "a", 2)]
        assert routed.prefer(prompts, ["a", "bb", "c"], ["aa", "b", "cc"]) == [1, 0, 1]

    @pytest.mark.parametrize("method", ["score_text", "prefer"])
    def test_a_fault_names_the_plug_in(self, host, domain, method):
        host.catalog.add("teachers", "able", lambda _: self.Able("a", sore=True), Owner("able", "able.py"))
        teacher = make_teacher(host, "able", domain)
        with pytest.raises(PluginError, match=r"able.*ouch"):
            getattr(teacher, method)(domain.prompts[:1], ["a"], 3 if method == "score_text" else ["b"])
