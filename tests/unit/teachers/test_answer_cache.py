"""A teacher answers each prompt once, unless the cached file is damaged."""

import pytest

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.errors import TeacherError
from conch_dna.records import Completion, Message, Prompt, Sampling
from conch_dna.teachers.answer_cache import CompletionCache, answers


class CountingTeacher:
    """Says the prompt backwards, and remembers what it was asked."""

    capabilities = frozenset({"text"})

    def __init__(self, fingerprint="t1", stop_after=99):
        self.fingerprint, self.stop_after, self.asked = fingerprint, stop_after, []

    def generate(self, prompts, sampling):
        for prompt in reversed(prompts):
            if len(self.asked) == self.stop_after:
                raise TeacherError("gone")
            self.asked.append(prompt.text)
            yield Completion(prompt=prompt.digest, text=prompt.text[::-1], teacher=self.fingerprint, sampling=sampling)


PROMPTS = [Prompt(messages=(Message(role="user", content=f"say {i}"),)) for i in range(5)]
GREEDY = Sampling()


def domain(context=""):
    return Domain(DomainSettings(name="a", description="d", system_prompt=context), tuple(PROMPTS))


@pytest.fixture
def cache(tmp_path):
    return CompletionCache(tmp_path / "completions")


def ask(cache, teacher, context="", sampling=GREEDY):
    found = list(answers(teacher, domain(context), PROMPTS, sampling, cache))
    return {c.prompt: c for c in found}


def test_a_second_run_asks_no_teacher(cache):
    first, second = CountingTeacher(), CountingTeacher()
    found = ask(cache, first)
    assert found.keys() == {p.digest for p in PROMPTS}
    assert all(found[p.digest].text == p.text[::-1] for p in PROMPTS)
    assert ask(cache, second) == found
    assert second.asked == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"prompt": "x"}'], ids=["empty", "cut", "bytes", "other"])
def test_a_damaged_file_is_made_anew(cache, damage):
    found = ask(cache, CountingTeacher())
    path = cache._path(cache.key(CountingTeacher(), domain(), PROMPTS[2], GREEDY))
    path.write_bytes(damage)
    again = CountingTeacher()
    assert ask(cache, again) == found
    assert again.asked == [PROMPTS[2].text]
    assert cache.get(path.stem) == found[PROMPTS[2].digest]


@pytest.mark.parametrize(
    "change",
    [{"teacher": CountingTeacher("t2")}, {"context": "Be brief."}, {"sampling": Sampling(max_tokens=7)}],
    ids=["teacher", "context", "sampling"],
)
def test_another_teacher_context_or_sampling_is_another_entry(cache, change):
    ask(cache, CountingTeacher())
    teacher = change.pop("teacher", None) or CountingTeacher()
    ask(cache, teacher, **change)
    assert len(teacher.asked) == len(PROMPTS)


def test_what_was_answered_before_a_fault_is_kept(cache):
    with pytest.raises(TeacherError):
        ask(cache, CountingTeacher(stop_after=3))
    again = CountingTeacher()
    ask(cache, again)
    assert again.asked == [PROMPTS[1].text, PROMPTS[0].text]
