"""The text of an answer stops before its stop strings."""

from conch_dna.runtime.answer_text import AnswerText


def test_the_text_of_an_answer_ends_before_a_stop_string_and_holds_its_beginning_back(base):
    ids = base.tokenizer.encode("a the b", add_special_tokens=False)
    answer = AnswerText(base.tokenizer, ["he b"])
    shown = [answer.add(token, None) for token in ids]
    assert "".join(text for text, _ in shown) == answer.text == "a t"
    assert [reason for _, reason in shown if reason] == ["stop"]
    whole = AnswerText(base.tokenizer)
    ends = [whole.add(token, "length" if n == len(ids) - 1 else None)[1] for n, token in enumerate(ids)]
    assert (whole.text, whole.tokens, ends[-1]) == ("a the b", ids, "length")
