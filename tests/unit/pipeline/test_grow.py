"""Growing a domain keeps proposals that pass the filters and records a reason for each other one."""

import json

import pytest

from conch_dna.data.splits import position
from conch_dna.domains.domain import load_domain
from conch_dna.domains.prompts import read_prompts
from conch_dna.errors import DataError
from conch_dna.pipeline.grow import STALE_ROUNDS, Dropped, dropped_file, grow, growing_domain, parse, texts_of
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.records import Completion, Message, Prompt, Sampling

# "babbler" invents eight prompts of six words from the request and the seed; "parrot" always answers with the text of
# the file that is named as its model. Both record their requests.
TEACHERS = """
import random
from pathlib import Path
from conch_dna import hookimpl
from conch_dna.records import Completion, digest_of

class Teacher:
    capabilities = frozenset({"text"})
    asked = []

    def __init__(self, request):
        self.domain, self.model = request.domain, request.model
        self.fingerprint = digest_of([type(self).__name__, self.domain.context_digest])

    def generate(self, prompts, sampling):
        for prompt in reversed(prompts):
            self.asked.append(self.domain.with_context(prompt))
            yield Completion(prompt=prompt.digest, text=self.say(prompt, sampling), teacher="t", sampling=sampling)

    def score(self, prompts, answers, top_k):
        raise NotImplementedError

    def close(self):
        self.asked.clear()

class Babbler(Teacher):
    def say(self, prompt, sampling):
        draw = random.Random(f"{prompt.digest}{sampling.seed}")
        said = [" ".join(f"w{draw.randrange(500)}" for _ in range(6)) for _ in range(8)]
        return "\\n".join(f"{place}. {text}" for place, text in enumerate(said, 1))

class Parrot(Teacher):
    def say(self, prompt, sampling):
        return Path(self.model).read_text()

@hookimpl
def register_teachers():
    return {"babbler": Babbler, "parrot": Parrot}
"""
SEEDS = [
    "Where do the penguins sleep at night?",
    "Name three rivers in Spain",
    "How long must an egg boil to be hard?",
    "Which planet has the most moons, and why is that so?",
    "Is a tomato a fruit?",
    "Who painted the ceiling of the Sistine Chapel in Rome?",
    "When should roses be cut back?",
    "Why does ice float on water?",
]


@pytest.fixture
def teachers(tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "inventors.py").write_text(TEACHERS)
    return load_plugins(folder).catalog


@pytest.fixture
def domain(tmp_path):
    folder = tmp_path / "facts"
    folder.mkdir()
    (folder / "domain.toml").write_text('name = "facts"\ndescription = "answers questions of fact"\n')
    lines = [json.dumps({"messages": [{"role": "user", "content": text}], "source": "written"}) for text in SEEDS]
    (folder / "prompts.jsonl").write_text("\n".join(lines))
    return load_domain(folder)


@pytest.fixture
def run(tmp_path, teachers, domain):
    def run(name="babbler", n=20, out=None, say=None, **options):
        spoken = tmp_path / "spoken.txt"
        if say is not None:
            spoken.write_text(say)
        teacher = teachers.get("teachers", name)(TeacherRequest(domain=growing_domain(domain), model=str(spoken)))
        return grow(
            domain, teacher, out or tmp_path / "grown.jsonl", n=n, held_out=options.pop("held_out", 0), **options
        )

    return run


def texts(path):
    return [prompt.text for prompt in read_prompts(path)]


def reasons(out):
    return {row["text"]: row["reason"] for row in map(json.loads, dropped_file(out).read_text().splitlines())}


def test_growing_stops_at_the_requested_number_and_the_file_is_read_as_prompts(run, tmp_path):
    growth = run(n=50)
    prompts = read_prompts(tmp_path / "grown.jsonl")
    assert (growth.kept, growth.stale, len(prompts)) == (50, False, 50)
    assert {prompt.source for prompt in prompts} == {"grown"}


def test_the_same_seed_grows_the_same_prompts_and_another_seed_others(run, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(out=tmp_path / name, seed=seed)
    assert texts(tmp_path / "a") == texts(tmp_path / "b") != texts(tmp_path / "c")


def test_a_resumed_call_gives_the_prompts_of_an_uninterrupted_one(run, tmp_path):
    run(n=96, out=tmp_path / "whole")
    for n in (32, 64, 96, 96):
        run(n=n, out=tmp_path / "parts")
    assert texts(tmp_path / "parts") == texts(tmp_path / "whole")


def test_a_full_file_needs_no_request(run, teachers):
    run(n=20)
    asked = teachers.get("teachers", "babbler").asked
    asked.clear()
    assert run(n=20).kept == 20
    assert asked == []


def test_the_teacher_sees_the_task_and_six_training_prompts(run, teachers, domain):
    shares = sorted(position(prompt.digest) for prompt in domain.prompts)
    run(held_out=shares[1] + 1e-9)
    hidden = [p.text for p in domain.prompts if position(p.digest) < shares[1] + 1e-9]
    assert len(hidden) == 2
    for system, user in teachers.get("teachers", "babbler").asked:
        assert "answers questions of fact" in system["content"]
        assert len(user["content"].splitlines()) == 6
        assert not any(text in user["content"] for text in hidden)


def test_each_kind_of_bad_proposal_is_dropped_with_its_reason(run, tmp_path):
    avoid = tmp_path / "evaluation.jsonl"
    avoid.write_text('{"id": 1, "question": "How tall is the Eiffel Tower in metres?"}\n')
    said = [
        "Where do the penguins sleep at nightfall?",
        "How tall is the Eiffel Tower in feet?",
        "Why do most cats purr?",
        "Why do most cats purr?",
        "Why?",
        "long " * 40,
        "",
        "What are bees good for?",
    ]
    listed = "\n".join(f"{place}. {text}" for place, text in enumerate(said, 1))
    growth = run("parrot", n=50, avoid=[avoid], say=f"Here are eight prompts:\n{listed}")
    out = tmp_path / "grown.jsonl"
    assert texts(out) == ["Why do most cats purr?", "What are bees good for?"]
    why = reasons(out)
    assert why["Here are eight prompts:"].startswith("malformed")
    assert "of a prompt of the domain" in why["Where do the penguins sleep at nightfall?"]
    assert "of a text of evaluation.jsonl" in why["How tall is the Eiffel Tower in feet?"]
    assert "near-duplicate (1.00) of a grown prompt" in why["Why do most cats purr?"]
    assert why["Why?"].startswith("too short: 1 words")
    assert why[("long " * 40).strip()].startswith("too long: 40 words")
    assert growth.kept + growth.dropped == 2 + len(dropped_file(out).read_text().splitlines())


def test_growing_stops_without_new_proposals(run, teachers):
    growth = run("parrot", say="1. Why do most cats purr?", n=5)
    assert (growth.kept, growth.stale) == (1, True)
    assert len(teachers.get("teachers", "parrot").asked) <= 4 * (STALE_ROUNDS + 1)


def test_growing_stops_on_empty_answers(run, tmp_path):
    assert run("parrot", say=" \n", n=5).stale
    assert not (tmp_path / "grown.jsonl").exists()


def test_prompts_of_several_lines_are_proposed_on_one_line(run, tmp_path, teachers, domain):
    run("parrot", say='1. Fix this function:\\ndef f():\\n    return "a\\\\nb"', n=1)
    assert texts(tmp_path / "grown.jsonl") == ['Fix this function:\ndef f():\n    return "a\\nb"']


def test_a_domain_without_single_turn_prompts_cannot_grow(run, domain):
    turns = [
        Message(role="user", content="a"),
        Message(role="assistant", content="b"),
        Message(role="user", content="c"),
    ]
    domain.prompts_file.write_text(json.dumps({"messages": [turn.as_dict() for turn in turns]}))
    with pytest.raises(DataError, match="has no prompt of one turn"):
        run()


def test_a_file_that_cannot_be_written_is_reported(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be written.*Use --out"):
        run(out=tmp_path / "file" / "grown.jsonl")


def completion(text, finish_reason="stop"):
    return Completion(prompt="p", text=text, finish_reason=finish_reason, teacher="t", sampling=Sampling())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1. One two\n2) Three four", ["One two", "Three four"]),
        ("One two\n\nThree four", ["One two", "Three four"]),
        ('1. "One two"', ["One two"]),
        ('1. "One" and "two"', ['"One" and "two"']),
        ("Sure\n1. One two\nBye", ["One two"]),
        ("```\n1. One\n```", ["One"]),
        ("Prompts:", []),
        ("1. One \ufffd", []),
        (f"1. One {chr(0xD800)}", []),
        ("", []),
    ],
)
def test_proposals_are_parsed_line_by_line(text, kept):
    assert [proposal for proposal in parse(completion(text)) if isinstance(proposal, str)] == kept


def test_a_line_broken_off_by_the_token_limit_is_dropped():
    *whole, last = parse(completion("1. One two\n2. Three fo", "length"))
    assert whole == ["One two"]
    assert last == Dropped("Three fo", "cut off at the token limit")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"a": "x", "b": [{"c": "y"}, 3, null, " "]}\n{"a": "z"}\n', ["x", "y", "z"]),
        ('[\n {"a": "x"},\n "y"\n]', ["x", "y"]),
        ("One line\n\n  another  \n", ["One line", "another"]),
        ('{"broken": \n', ['{"broken":']),
        ("", []),
    ],
    ids=["json-lines", "json", "text", "broken", "empty"],
)
def test_evaluation_files_of_any_kind_are_read(tmp_path, content, found):
    path = tmp_path / "evaluation"
    path.write_text(content)
    assert texts_of(path) == found


def test_an_unreadable_evaluation_file_is_reported(run, tmp_path):
    with pytest.raises(DataError, match=r"missing\.txt: cannot be read"):
        run(avoid=[tmp_path / "missing.txt"])


def test_seeds_are_shown_with_line_breaks_escaped(run, teachers, domain):
    prompt = Prompt(messages=(Message(role="user", content="Mend this please:\nx = '\\n'"),))
    domain.prompts_file.write_text(json.dumps({"messages": [prompt.messages[0].as_dict()]}))
    run("parrot", say="1. Mend that thing", n=1)
    assert teachers.get("teachers", "parrot").asked[0][-1]["content"] == "1. Mend this please:\\nx = '\\\\n'"
