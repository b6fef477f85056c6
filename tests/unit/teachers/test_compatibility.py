"""Teacher and student are compared before step 1, and meaningless signals are refused."""

import pytest
from languages import NUMBERS, byte_level, pieces, widened, wrapped
from mlx_lm.tokenizer_utils import load
from tokenizers import Tokenizer

from conch_dna.errors import ConchError
from conch_dna.models import refs
from conch_dna.teachers.compatibility import Compatibility, Party, check_compatibility, same_tokenizer

OTHER_TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}<|endoftext|>{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
ENDLESS = "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}\n{% endfor %}"


def copy(tokenizer, template=None, end="<|im_end|>"):
    """Return another object of the same tokenizer."""
    again = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    return wrapped(again, template or tokenizer.chat_template, end)


def exchanged():
    """The same words under two exchanged ids: as wide, and another tokenizer."""
    content, words = byte_level().backend_tokenizer.to_str(), byte_level().get_vocab()
    a, b = words["a"], words["b"]
    return wrapped(Tokenizer.from_str(content.replace(f'"a":{a},', f'"a":{b},').replace(f'"b":{b},', f'"b":{a},')))


def compare(ours, theirs, requested="p_kl", *, shared_ids=False, **configs):
    student = Party("student", ours, configs.get("student", {}))
    teacher = Party("teacher", theirs, configs.get("teacher", {}))
    return check_compatibility(student, teacher, requested, shared_ids=shared_ids)


def test_a_tokenizer_that_splits_text_differently_is_another():
    assert same_tokenizer(byte_level(), copy(byte_level()))
    assert not same_tokenizer(byte_level(), exchanged())
    assert not same_tokenizer(byte_level(), widened(byte_level(), "<tool>"))
    merged = byte_level(600, NUMBERS)
    unmerged = merged.backend_tokenizer.to_str().replace("\n", "")
    start, end = unmerged.index('"merges":['), unmerged.index("]}}") if "]}}" in unmerged else unmerged.rindex("]}")
    fewer = wrapped(Tokenizer.from_str(unmerged[:start] + '"merges":[' + unmerged[end:]))
    assert fewer.get_vocab() == merged.get_vocab()
    assert not same_tokenizer(merged, fewer), "the same words, other ways to come to them"


@pytest.mark.parametrize("requested", ["exact", "bytes", "p_kl", "truncate"])
def test_with_one_tokenizer_the_signal_is_exact(requested):
    found = compare(byte_level(), copy(byte_level()), requested)
    assert found == Compatibility(
        same_tokenizer=True, widths=(423, 423), ends=("<|im_end|>",) * 2, contexts=(None, None), loss="exact",
        findings=(),
    )  # fmt: skip


def test_padded_widths_stay_exact_and_are_a_finding():
    sizes = {"student": {"vocab_size": 512}, "teacher": {"text_config": {"vocab_size": 640}}}
    found = compare(byte_level(), copy(byte_level()), **sizes)
    assert (found.loss, found.widths) == ("exact", (512, 640))
    assert found.findings == ("the student's head has 512 ids, the teacher's 640",)


@pytest.mark.parametrize("requested", ["bytes", "p_kl", "gold", "uld"])
def test_another_tokenizer_gets_the_requested_loss_and_findings(requested):
    found = compare(byte_level(digits=True), byte_level(600, NUMBERS), requested)
    assert (found.same_tokenizer, found.loss) == (False, requested)
    assert "of the student's 421 are shared" in " ".join(found.findings)
    assert any(f.startswith("123456 is 6 tokens to the student, ") for f in found.findings)


def test_exact_is_refused_between_tokenizers_of_equal_width():
    with pytest.raises(
        ConchError, match=r"different tokenizers of equal width; .* got exact; allowed: cross_tokenizer = bytes or"
    ):
        compare(byte_level(), exchanged(), "exact")
    with pytest.raises(ConchError, match="different tokenizers; "):
        compare(byte_level(), pieces(), "exact")


def test_a_loss_by_id_needs_ids_that_mean_the_same():
    with pytest.raises(ConchError, match=r"token id \d+: the two tokenizers disagree on ids; got b'a' to the student"):
        compare(byte_level(), exchanged(), "by_id", shared_ids=True)
    found = compare(byte_level(), widened(byte_level(), "<tool>"), "by_id", shared_ids=True)
    assert found.loss == "by_id"
    assert "the first 423 ids mean the same to both" in found.findings


def test_a_template_that_ends_no_turn_is_refused():
    with pytest.raises(ConchError) as caught:
        compare(copy(byte_level(), ENDLESS), byte_level())
    assert str(caught.value).startswith(
        "student: the chat template writes no end-of-turn token after an assistant turn"
    )
    assert "<|im_end|>" in str(caught.value)


def test_an_end_token_that_the_template_does_not_write_is_refused():
    """The base's end of text beside an instruct template, or the other way round."""
    theirs = copy(byte_level(), OTHER_TEMPLATE, "<|im_end|>")
    with pytest.raises(ConchError, match="teacher: the chat template writes no end-of-turn token"):
        compare(byte_level(), theirs)


def test_a_model_without_a_chat_template_is_refused():
    base = copy(byte_level())
    base.chat_template = None
    base.has_chat_template = False
    with pytest.raises(ConchError, match="student: has no chat template"):
        compare(base, byte_level())


def test_other_ends_and_templates_are_findings():
    found = compare(byte_level(), copy(byte_level(), OTHER_TEMPLATE, "<|endoftext|>"))
    assert found.ends == ("<|im_end|>", "<|endoftext|>")
    assert found.findings[0] == "the student ends a turn with <|im_end|>, the teacher with <|endoftext|>"
    assert found.findings[1] == (
        "the chat templates differ, first in '<|im_start|>user\\nHi<|im_end|>\\n<|' of the student's "
        "and '[user] Hi<|endoftext|>[assistant' of the teacher's"
    )


def test_a_tokenizer_with_more_ids_than_the_model_is_refused():
    with pytest.raises(ConchError, match="teacher: the tokenizer has more ids than the model; got 423; allowed: 300"):
        compare(byte_level(), copy(byte_level()), teacher={"vocab_size": 300})


def test_a_shorter_context_of_the_teacher_is_a_finding():
    contexts = {"student": {"max_position_embeddings": 8192}, "teacher": {"max_position_embeddings": 2048}}
    found = compare(byte_level(), copy(byte_level()), **contexts)
    assert found.contexts == (8192, 2048)
    assert found.findings == ("the teacher reads at most 2,048 tokens, the student 8,192",)


def test_a_tokenizer_that_rewrites_text_is_a_finding():
    from tokenizers import normalizers

    composing = Tokenizer.from_str(byte_level(500).backend_tokenizer.to_str())
    composing.normalizer = normalizers.NFKC()
    found = compare(byte_level(), wrapped(composing))
    assert any(f.startswith("the teacher's tokenizer does not preserve every text") for f in found.findings)
    assert not any("the student's tokenizer does not" in f for f in found.findings)


@pytest.mark.real
def test_smollm2_as_the_student_of_another_family():
    real = load(refs.resolve("embedded:smollm2-135m"))
    found = compare(real, pieces())
    assert (found.loss, found.ends) == ("p_kl", ("<|im_end|>", "<|im_end|>"))
    assert found.widths == (49_152, len(pieces()))
    with pytest.raises(ConchError, match="disagree on ids"):
        compare(real, pieces(), "truncate", shared_ids=True)
