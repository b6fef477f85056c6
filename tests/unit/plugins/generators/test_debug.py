"""The ``debug`` generator: broken programs fail their tests, answers pass them, and they differ by the bug alone."""

import difflib
import itertools
import json
import re
import sys

import pytest
from checkout import ROOT

from conch_dna.domains.domain import load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.plugin.manager import load_plugins
from conch_dna.util.text import fenced_code

GENERATOR = load_plugins().catalog.get("generators", "debug")
next(GENERATOR(0))  # imports the modules below
MODULE = sys.modules[GENERATOR.__module__.replace(".debug", "._debug")]
PARTS = {
    name: sys.modules[f"{MODULE.__name__}_{name}"]
    for name in ("code", "kinds_data", "programs", "prompts", "prompts_data", "run")
}
WORDINGS = (
    "EXAMPLES",
    "WANTED",
    "ERRORS",
    "PLAIN_ERRORS",
    "HANGS",
    "PURPOSES",
    "NOTICES",
    "REQUESTS",
    "BEFORE",
    "AFTER",
)
BOTH = pytest.mark.parametrize("held_out", [False, True], ids=["training", "held-out"])


def made(count, seed=0, *, held_out=False):
    return list(itertools.islice(GENERATOR(seed, held_out=held_out), count))


def code_of(draft):
    return fenced_code(draft.answer).code.rstrip("\n")


def ran(code, statements):
    """Run code and asserts in plain Python, without the generator's own runner."""
    for statement in statements:
        names = {}
        exec(compile(code, "answer", "exec"), names)  # noqa: S102 - a program of the generator
        exec(compile(statement, "test", "exec"), names)  # noqa: S102 - its test


def broken_code(draft):
    """Return the part of the request that is most like the answer: the broken program."""
    text = draft.prompt.messages[0].content
    fenced = fenced_code(text)
    if fenced:
        return fenced.code.rstrip("\n")
    lines = text.split("\n")
    spans = [lines[i:j] for i in range(len(lines)) for j in range(i + 1, len(lines) + 1)]
    right = code_of(draft).split("\n")
    return "\n".join(max(spans, key=lambda span: difflib.SequenceMatcher(None, span, right).ratio()))


@BOTH
def test_equal_seeds_give_equal_drafts_and_others_do_not(held_out):
    assert made(30, held_out=held_out) == made(30, held_out=held_out)
    assert made(30, held_out=held_out) != made(30, seed=1, held_out=held_out)


@BOTH
def test_the_answer_passes_its_tests(held_out):
    for draft in made(300, held_out=held_out):
        assert not draft.fault
        ran(code_of(draft), draft.prompt.reference.tests)


@BOTH
def test_the_broken_program_of_the_request_fails_them(held_out):
    run = PARTS["run"]
    for draft in made(150, held_out=held_out):
        tests = tuple(re.sub(r"\bassert ", "", test) for test in draft.prompt.reference.tests)
        assert run.failures(broken_code(draft).strip("`"), tests), draft.prompt.messages[0].content


def test_the_answer_differs_from_the_request_by_the_bug_alone():
    shares = []
    for draft in made(200):
        right, broken = code_of(draft), broken_code(draft).strip("`")
        shares.append(difflib.SequenceMatcher(None, right, broken, autojunk=False).ratio())
    assert min(shares) > 0.4  # a variable that hides a function changes a short program in many places
    assert sum(shares) / len(shares) > 0.85


@BOTH
def test_an_answer_has_the_form_of_the_recorded_ones(held_out):
    form = re.compile(r"Bug: [^\n]+\.\n```python\n(?:\S[^\n]*\n)(?:[^\n]+\n)*```")
    for draft in made(300, held_out=held_out):
        assert form.fullmatch(draft.answer), draft.answer
        assert len(draft.prompt.messages) == 1
        assert draft.prompt.reference.tests


def test_an_answer_fits_the_limit_of_the_domain():
    # A token of the student is three characters of code or more; the longest answers have about 95 of them.
    assert max(len(draft.answer) for draft in made(500)) < 340


def test_training_and_held_out_drafts_share_no_program_and_no_name():
    names = [
        {name for program in MODULE.programs(held_out=held_out) for name in all_names(program)}
        for held_out in (False, True)
    ]
    sources = [{program.source for program in MODULE.programs(held_out=held_out)} for held_out in (False, True)]
    purposes = [{program.purpose for program in MODULE.programs(held_out=held_out)} for held_out in (False, True)]
    assert not names[0] & names[1]
    assert not sources[0] & sources[1]
    assert not purposes[0] & purposes[1]
    assert len(sources[0]) >= 220
    assert len(sources[1]) >= 60


def all_names(program):
    return (program.name, *program.others.get(program.name, ()))


@pytest.mark.parametrize("name", WORDINGS)
def test_training_and_held_out_drafts_share_no_wording(name):
    split = PARTS["prompts"].wordings_for
    wordings = getattr(PARTS["prompts_data"], name)
    training, held_out = (split(wordings, held_out=held) for held in (False, True))
    assert training
    assert held_out
    assert not set(training) & set(held_out)


def test_no_program_has_the_name_of_one_in_the_prompts_of_the_domain():
    text = (ROOT / "domains" / "debug" / "prompts.jsonl").read_text(encoding="utf-8")
    written = {
        name
        for line in text.splitlines()
        for name in re.findall(r"(?:def|class) (\w+)", json.loads(line)["messages"][0]["content"])
    }
    for held_out in (False, True):
        for program in MODULE.programs(held_out=held_out):
            assert not written & set(all_names(program))


@BOTH
def test_every_program_passes_its_tests_and_has_bugs_of_several_kinds(held_out):
    for program in MODULE.programs(held_out=held_out):
        assert program.source.isascii()
        assert not PARTS["run"].failures(program.source, program.tests), program.name
        assert len(program.tests) >= 2
        assert len({edit.kind for edit in MODULE.bugs(program, MODULE.OPERATORS)}) >= 4, program.name


def test_every_bug_written_for_a_program_fails_its_tests():
    for program in MODULE.programs(held_out=False):
        code = PARTS["code"].Code(program.source, program.bugs)
        for edit in MODULE.bugs(program, MODULE.OPERATORS):
            if edit.kind == "own":
                assert PARTS["run"].failures(code.with_bug(edit), program.tests), (program.name, edit.wrong)


def test_a_renamed_program_still_passes_its_tests():
    import random

    for program in MODULE.programs(held_out=False):
        renamed = PARTS["programs"].renamed(program, random.Random(1), 1.0)
        assert renamed.source != program.source
        assert not PARTS["run"].failures(renamed.source, renamed.tests), renamed.source


def test_an_endless_program_is_stopped():
    (finding,) = PARTS["run"].failures("def f(n):\n    while n > 0:\n        n += 1\n    return n", ("f(1) == 0",))
    assert finding.error == "hang"


def test_a_finding_tells_what_was_got_or_raised():
    source = "def f(x):\n    return [x][x]"
    findings = PARTS["run"].failures(source, ("f(0) == 1", "f(2) == 2", "f(0) == 0"))
    assert [tuple(finding) for finding in findings] == [
        ("f(0) == 1", "0", "", 0, ""),
        ("f(2) == 2", "", "IndexError: list index out of range", 2, "f"),
    ]


def test_results_that_differ_from_run_to_run_are_not_quoted():
    shown = PARTS["run"].shown
    assert shown({"a", "b"}) == ""
    assert shown(iter([])) == ""
    assert shown("it") == '"it"'


def test_all_kinds_of_bugs_have_sentences_and_come_up():
    kinds = {draft.kind for draft in made(3000)}
    assert len(kinds) >= 65
    assert kinds <= set(PARTS["kinds_data"].KINDS)


def test_drafts_vary():
    drafts = made(1000)
    assert len({draft.prompt.digest for draft in drafts}) > 990
    assert len({draft.answer for draft in drafts}) > 900
    assert len({draft.prompt.messages[0].content.split("\n")[0] for draft in drafts}) > 700
    texts = [draft.prompt.messages[0].content for draft in drafts]
    assert 0.15 < sum("```" in text for text in texts) / len(texts) < 0.45
    assert 0.2 < sum("Error" in text for text in texts) / len(texts) < 0.6
    assert (
        0.2 < sum(text.startswith(("def ", "class ", "```", "from ", "import ")) for text in texts) / len(texts) < 0.6
    )


@BOTH
def test_the_domain_keeps_its_drafts(held_out):
    domain = load_domain(ROOT / "domains" / "debug")
    made_of = generate(domain, NamedGenerator("debug", GENERATOR, None), 300, held_out=held_out)
    assert sum(made_of.report.rejected.values()) <= 6
    assert made_of.report.distinct_answers > 0.95
    assert domain.settings.generate.generator == "debug"
    assert domain.settings.verifier == "tests"
