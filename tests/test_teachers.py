"""A teacher by reference, faults with the plug-in's name, and several teachers for one domain."""

import pytest
from projects import write_domain

from conch_dna.catalog import Owner
from conch_dna.config import resolve
from conch_dna.domains import load_domain
from conch_dna.errors import PluginError, TeacherError, UnknownName
from conch_dna.plugins import load_plugins
from conch_dna.records import Completion, Sampling
from conch_dna.teachers import RoutedTeacher, in_one_line, kind_of, make_teacher, references, teacher_of


class Speaker:
    """Answers with its name."""

    def __init__(self, name, capabilities=("text",)):
        self.name, self.fingerprint, self.capabilities = name, f"s:{name}", frozenset(capabilities)
        self.closed = 0

    def generate(self, prompts, sampling):
        for prompt in prompts:
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


def test_nobody_answers_nothing(host, domain):
    nobody = make_teacher(host, "none", domain)
    assert (nobody.capabilities, list(nobody.generate(domain.prompts, Sampling()))) == (frozenset(), [])
    with pytest.raises(TeacherError, match="gives no soft targets"):
        nobody.score(domain.prompts, [()] * 12, 4)
    nobody.close()


@pytest.mark.parametrize("at", ["factory", "fingerprint", "capabilities", "generate", "score", "close", "extra"])
def test_a_fault_anywhere_names_the_plug_in(host, domain, at):
    class Sore:
        def __init__(self, request):
            if at == "factory":
                raise KeyError("sore")

        def __getattr__(self, name):
            raise KeyError("sore")

        def generate(self, prompts, sampling):
            yield from ()
            raise KeyError("sore")

    host.catalog.add("teachers", "sore", Sore, Owner("feelings", "feelings.py"))
    use = {
        "factory": lambda t: t,
        "fingerprint": lambda t: t.fingerprint,
        "capabilities": lambda t: t.capabilities,
        "generate": lambda t: list(t.generate((), Sampling())),
        "score": lambda t: t.score((), (), 1),
        "close": lambda t: t.close(),
        "extra": lambda t: t.tokenizer,
    }[at]
    with pytest.raises(PluginError, match=r"feelings.py: plug-in 'feelings' failed in hook register_teachers, sore"):
        use(make_teacher(host, "sore", domain))


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


def test_nobody_is_asked_where_no_recipe_needs_a_teacher(domain):
    assert references(resolve({"mode": "best_of_n"}), domain, {"alpha": "echo"}) == {"": "none"}
    assert references(resolve({"mode": "sft,best_of_n"}), domain, {"alpha": "echo"}) == {"": "echo"}


def test_one_teacher_is_itself_and_several_are_told_with_their_sources(host, domain):
    assert make_teacher(host, "echo", domain).fingerprint == teacher_of(host, {"": "echo"}, domain, "").fingerprint
    assert in_one_line({"": "recorded", "odd": "echo"}) == "recorded, source:odd=echo"
    assert isinstance(teacher_of(host, {"": "recorded", "odd": "echo"}, domain, ""), RoutedTeacher)


def test_each_prompt_goes_to_its_teacher_and_scores_come_back_in_order(domain):
    teacher = RoutedTeacher({"": Speaker("most"), "odd": Speaker("few")})
    expected = {p.digest: "few" if p.source == "odd" else "most" for p in domain.prompts}
    told = {c.prompt: c.text for c in teacher.generate(domain.prompts, Sampling())}
    assert told == expected
    answers = [(i,) for i in range(12)]
    scored = teacher.score(domain.prompts, answers, 4)
    assert scored == [(expected[p.digest], p.digest, a) for p, a in zip(domain.prompts, answers, strict=True)]


def test_several_can_do_what_all_can_and_their_fingerprint_is_that_of_all():
    one, two = Speaker("a", ("text", "top_k", "replay")), Speaker("b", ("text", "top_k"))
    both = RoutedTeacher({"": one, "odd": two})
    assert both.capabilities == {"text", "top_k"}
    others = [RoutedTeacher({"": two, "odd": one}), RoutedTeacher({"": one, "even": two}), RoutedTeacher({"": one})]
    assert len({both.fingerprint, *(t.fingerprint for t in others)}) == 4
    both.close()
    assert (one.closed, two.closed) == (1, 1)
