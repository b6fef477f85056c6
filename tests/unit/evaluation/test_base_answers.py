"""The base answers each held-out prompt once."""

import pytest
from projects import write_domain, write_neuron
from structlog.testing import capture_logs

from conch_dna.domains.domain import load_domain
from conch_dna.evaluation.answers import answer_greedily
from conch_dna.evaluation.base_answers import KeptBaseAnswers
from conch_dna.records import Tool
from conch_dna.runtime.neurons import NeuronRuntime


@pytest.fixture
def domain(tmp_path):
    return load_domain(write_domain(tmp_path / "tiny", max_tokens=6))


@pytest.fixture
def runtime(tiny_model, tmp_path):
    runtime = NeuronRuntime(tiny_model, tmp_path / "registry")
    runtime.add("candidate", write_neuron(tmp_path / "candidate", tiny_model.model))
    yield runtime
    runtime.close()


@pytest.fixture
def kept(tmp_path):
    """Answers that are kept, and the prompts that were decoded, with their neuron."""
    decoded = []

    def answer(runtime, neuron, domain, prompts, *, held=False):
        decoded.extend((neuron, prompt.messages[-1].content) for prompt in prompts)
        return answer_greedily(runtime, neuron, domain, prompts)

    return KeptBaseAnswers(tmp_path / "cache", answer), decoded


def files_of(tmp_path):
    return sorted((tmp_path / "cache/completions").glob("??/*.json"))


def test_the_bases_answers_are_decoded_once_and_the_neurons_each_time(runtime, domain, kept):
    answer, decoded = kept
    prompts = domain.prompts[:3]
    first = answer(runtime, "base", domain, prompts)
    assert first == answer_greedily(runtime, "base", domain, prompts)
    assert answer(runtime, "base", domain, domain.prompts[1:4])[:2] == first[1:]
    assert [neuron for neuron, _ in decoded] == ["base"] * 4
    other = [answer(runtime, "candidate", domain, prompts) for _ in range(2)]
    assert other[0] == other[1] != first
    assert len(decoded) == 4 + 6


def test_a_prompt_that_is_asked_twice_is_decoded_once(runtime, domain, kept):
    answer, decoded = kept
    once, again = answer(runtime, "base", domain, [domain.prompts[0]] * 2)
    assert (once, len(decoded)) == (again, 1)


def test_what_changes_an_answer_makes_another_entry(runtime, domain, kept, tmp_path):
    answer, decoded = kept
    prompts = domain.prompts[:1]
    answer(runtime, "base", domain, prompts)
    answer(runtime, "base", domain, prompts, held=True)
    domain.settings = domain.settings.model_copy(update={"max_tokens": 5})
    answer(runtime, "base", domain, prompts)
    for tools in ({"default_tools": (Tool(name="clock"),)}, {"tools": (Tool(name="watch"),)}):
        answer(runtime, "base", domain, [prompts[0].model_copy(update=tools)])
    assert len(decoded) == len(files_of(tmp_path)) == 5


@pytest.mark.parametrize("damage", [b"", b"{", b'{"prompt": "x"}\n'], ids=["empty", "cut", "no answer"])
def test_a_damaged_entry_is_named_and_made_again(runtime, domain, kept, tmp_path, damage):
    answer, decoded = kept
    first = answer(runtime, "base", domain, domain.prompts[:2])
    file, sound = files_of(tmp_path)
    before = file.read_bytes()
    file.write_bytes(damage)
    with capture_logs() as logs:
        assert answer(runtime, "base", domain, domain.prompts[:2]) == first
    assert [(log["event"], log["file"]) for log in logs] == [("cached_answer_damaged", str(file))]
    assert (file.read_bytes(), len(decoded)) == (before, 3)
    assert files_of(tmp_path) == [file, sound]
