"""Rewriting keeps what a teacher says in other words and answers rightly, and records a reason for the rest."""

import json

import pytest

from conch_dna.domains.domain import load_domain
from conch_dna.domains.extract import AnswerExtractor
from conch_dna.domains.generation import generator_of, verifier_of
from conch_dna.domains.rewritten import read_rewritten
from conch_dna.errors import DataError
from conch_dna.pipeline.grow import dropped_file
from conch_dna.pipeline.rewrite import ROUND, WRONG, Rewriter, rewriting_domain
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.teachers.answer_cache import CompletionCache

# The teacher puts a request in other words, drops a number from each fifth, and answers each third one wrongly.
PLUGIN = """
from conch_dna import hookimpl
from conch_dna.plugin.protocols import Draft
from conch_dna.records import Completion, Message, Prompt, Reference, digest_of

def sums(seed, *, held_out=False):
    for n in range(200):
        text = f"Add {n} to {seed + 7}, please."
        prompt = Prompt(messages=(Message(role="user", content=text),), reference=Reference(answer=str(n + seed + 7)))
        yield Draft(prompt, str(n + seed + 7), "sum", "bad" if n == 1 else "")

def exact(prompt, answer, domain):
    return {"right": float(answer == prompt.reference.answer)}

class Rephraser:
    capabilities = frozenset({"text"})
    asked = []

    def __init__(self, request):
        self.domain = request.domain
        self.fingerprint = digest_of(["rephraser", self.domain.context_digest])

    def generate(self, prompts, sampling):
        for prompt in prompts:
            said = prompt.messages[-1].content
            self.asked.append(said)
            numbers = [int(part.strip(",.?")) for part in said.split() if part.strip(",.?").isdigit()]
            if said.startswith("Message:"):
                kept = said.split("\\n")[1].removeprefix("Keep: ")
                assert set(kept.split(" | ")) == {str(number) for number in numbers[:2]}
                text = f"what is {numbers[1]} and {numbers[0]} more?"
                text = "what is it?" if numbers[0] % 5 == 0 else text
            else:
                text = str(sum(numbers) + (numbers[1] % 3 == 0))
            yield Completion(prompt=prompt.digest, text=text, teacher="t", sampling=sampling)

    def close(self):
        pass

@hookimpl
def register_teachers():
    return {"rephraser": Rephraser}

@hookimpl
def register_generators():
    return {"sums": sums}

@hookimpl
def register_verifiers():
    return {"exact": exact}
"""


@pytest.fixture
def host(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "sums.py").write_text(PLUGIN)
    return load_plugins(tmp_path / "plugins")


@pytest.fixture
def rewrite(tmp_path, host):
    folder = tmp_path / "sums"
    folder.mkdir()
    (folder / "domain.toml").write_text(
        'name = "sums"\ndescription = "adds"\nverifier = "exact"\n[generate]\ngenerator = "sums"\n'
    )
    line = {"messages": [{"role": "user", "content": "what is 7 and 4 more?"}]}
    (folder / "prompts.jsonl").write_text(json.dumps(line) + "\n")
    domain, out = load_domain(folder), tmp_path / "rewritten.jsonl"

    def rewrite(n, avoid=(), out=out):
        make = host.catalog.get("teachers", "rephraser")
        writer, answerer = (make(TeacherRequest(domain=each)) for each in (rewriting_domain(domain), domain))
        generator, verifier = generator_of(host.catalog, domain), verifier_of(host.catalog, domain)
        extractor, cache = AnswerExtractor(host, domain), CompletionCache(tmp_path / "cache")
        return Rewriter(domain, generator, verifier, writer, answerer, extractor, cache, avoid).write(out, n=n)

    return rewrite


def reasons(out):
    return {row["text"]: row["reason"] for row in map(json.loads, dropped_file(out).read_text().splitlines())}


def test_kept_prompts_have_the_values_and_the_right_answer(rewrite, tmp_path):
    made = rewrite(20)
    kept = read_rewritten(tmp_path / "rewritten.jsonl")
    assert (made.kept, made.stale, len(kept)) == (20, False, 20)
    for one in kept:
        text = one.prompt.messages[-1].content
        more = int(text.split()[4])
        assert text == f"what is 7 and {more} more?"
        assert one.answer == one.prompt.reference.answer == str(more + 7)
        assert one.prompt.source == "rewritten"
        assert more % 5
        assert more % 3
        assert more not in {1, 4}  # the generator's own fault, and a prompt of the domain


def test_the_others_have_a_reason(rewrite, tmp_path):
    made = rewrite(20)
    found = reasons(tmp_path / "rewritten.jsonl")
    assert found["what is 7 and 3 more?"] == WRONG
    assert found["what is it?"].startswith("a value is lost")
    assert found["what is 7 and 4 more?"] == "near-duplicate of a prompt to avoid"
    assert made.dropped == {"a value is lost": 13, WRONG: 17, "near-duplicate of a prompt to avoid": 1}


def test_a_second_call_goes_on_without_asking_again(rewrite, tmp_path, host):
    rewrite(5)
    asked = host.catalog.get("teachers", "rephraser").asked
    before = len(asked)
    assert before <= 2 * ROUND
    assert rewrite(5).kept == 5
    assert len(asked) == before
    rewrite(20)
    rewrite(20, out=tmp_path / "whole.jsonl")
    assert {one.original for one in read_rewritten(tmp_path / "rewritten.jsonl")} == {
        one.original for one in read_rewritten(tmp_path / "whole.jsonl")
    }


def test_rewriting_says_when_the_generator_has_no_more(rewrite):
    made = rewrite(1000)
    assert made.stale
    assert 90 < made.kept < 200


def test_texts_of_evaluation_files_are_avoided(rewrite, tmp_path):
    (tmp_path / "avoid.txt").write_text("what is 7 and 2 more?\n")
    rewrite(5, avoid=[tmp_path / "avoid.txt"])
    assert reasons(tmp_path / "rewritten.jsonl")["what is 7 and 2 more?"] == "near-duplicate of a prompt to avoid"


def test_a_damaged_file_is_not_written_over(rewrite, tmp_path):
    (tmp_path / "rewritten.jsonl").write_text('{"messages": [], "answer": "1", "original": "x"}\nno json\n')
    with pytest.raises(DataError, match=r"2 faulty line\(s\)\n  line 1: .*\n  line 2: not JSON"):
        rewrite(5)
    assert "no json" in (tmp_path / "rewritten.jsonl").read_text()
