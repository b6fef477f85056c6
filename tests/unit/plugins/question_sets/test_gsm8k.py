"""GSM8K's questions are graded by their final number."""

from importlib import import_module

from conch_dna.plugin.manager import load_plugins

SET = load_plugins().catalog.get("question_sets", "gsm8k")


class FakeWheel:
    """One row of the file."""

    def read(self, member):
        assert member.endswith("test.jsonl")
        return [{"question": "How many?", "answer": "2 * 600 = <<2*600=1200>>1200\n#### 1,200"}]


def test_the_number_after_the_mark_is_the_answer(monkeypatch):
    monkeypatch.setattr(import_module("conch_plugins.question_sets._gsm8k"), "WHEEL", FakeWheel())
    (question,) = SET.questions()
    assert (question.prompt.text, question.prompt.reference.answer) == ("How many?", "1200")
    assert [question.grade(text)["right"] for text in ("Answer: $1200", "Answer: 120", "")] == [1, 0, 0]
    assert (SET.domain, SET.max_tokens) == ("thinking", 192)
