"""A teacher's targets find the student's tokens of the same text."""

import pickle

import numpy as np
import pytest
from languages import PROSE, TEXTS, byte_level, encode, pieces
from tiny import targets_of

from conch_dna.align.aligned_targets import align_answers, collate_aligned, without_untrained
from conch_dna.align.vocabulary_map import vocabulary_map
from conch_dna.data.batches import collate
from conch_dna.data.tokens import encode_chat
from conch_dna.errors import TeacherError
from conch_dna.plugin.protocols import Targets

STUDENT, TEACHER = byte_level(digits=True), byte_level(600, PROSE)


def chat(text):
    return [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": text}]


def random_targets(tokenizer, answer, k=6, seed=0):
    return targets_of(np.random.default_rng(seed).normal(size=(len(answer), len(tokenizer))) * 2, k)


def aligned_texts(texts=TEXTS, student=STUDENT, teacher=TEACHER, k=6):
    examples = [encode_chat(student, chat(text)) for text in texts]
    answers = [encode_chat(teacher, chat(text)).answer_ids for text in texts]
    targets = [random_targets(teacher, answer, k, seed) for seed, answer in enumerate(answers)]
    return (
        examples,
        answers,
        targets,
        align_answers([e.answer_ids for e in examples], answers, targets, student, teacher),
    )


def test_the_tokens_are_those_that_are_trained():
    examples, answers, targets, found = aligned_texts()
    for example, answer, soft, one in zip(examples, answers, targets, found, strict=True):
        assert tuple(one.labels_N) == example.answer_ids
        assert one.targets is soft
        assert one.groups.student_G2[-1].tolist() == [len(example.answer_ids) - 1, len(example.answer_ids)]
        assert one.groups.teacher_G2[-1].tolist() == [len(answer) - 1, len(answer)]


@pytest.mark.parametrize("student", [STUDENT, TEACHER, pieces()], ids=["digits", "merged", "pieces"])
@pytest.mark.parametrize("teacher", [STUDENT, TEACHER, pieces()], ids=["digits", "merged", "pieces"])
def test_a_match_makes_the_group_read_the_same(student, teacher):
    examples, answers, targets, found = aligned_texts(student=student, teacher=teacher, k=40)
    between = vocabulary_map(student, teacher)
    matched = 0
    for example, answer, soft, one in zip(examples, answers, targets, found, strict=True):
        for g, ((a, b), (c, d)) in enumerate(zip(one.groups.student_G2, one.groups.teacher_G2, strict=True)):
            for theirs, ours in zip(soft.ids[d - 1], one.matches_GK[g], strict=True):
                reads = b"".join(between.teacher.pieces[i] for i in (*answer[c : d - 1], theirs))
                ends = theirs in between.teacher.ends
                if ours < 0:
                    continue
                matched += 1
                spelled = b"".join(between.student.pieces[i] for i in (*example.answer_ids[a : b - 1], ours))
                blanks = [v.virtual_blank and at == 0 for v, at in ((between.student, a), (between.teacher, c))]
                assert spelled[int(blanks[0]) :] == reads[int(blanks[1]) :]
                assert ends == (ours in between.student.ends)
    assert matched > 20


def test_in_a_group_of_one_token_each_a_match_is_the_same_token():
    _, _, targets, found = aligned_texts(k=40)
    between = vocabulary_map(STUDENT, TEACHER)
    for soft, one in zip(targets, found, strict=True):
        last = one.groups.teacher_G2[one.single_G, 1] - 1
        expected = [[between.student.ids.get(between.teacher.pieces[i], -1) for i in row] for row in soft.ids[last]]
        ends = np.isin(soft.ids[last], [*between.teacher.ends])
        assert np.array_equal(np.where(ends, -2, one.matches_GK[one.single_G]), np.where(ends, -2, expected))


def test_what_the_group_really_says_is_a_match():
    """Put the teacher's own token first: it must match the student's own."""
    examples, answers, targets, _ = aligned_texts()
    sure = [
        Targets(np.concatenate([np.array(a)[:, None], t.ids], axis=1).astype(np.int32),
                np.concatenate([np.full((len(a), 1), -0.1), t.log_probs], axis=1), t.tail)
        for a, t in zip(answers, targets, strict=True)
    ]  # fmt: skip
    for one in align_answers([e.answer_ids for e in examples], answers, sure, STUDENT, TEACHER):
        last = one.groups.student_G2[:, 1] - 1
        assert one.matches_GK[:, 0].tolist() == one.labels_N[last].tolist()
        assert np.allclose(one.said_R, -0.1)


def test_the_probability_of_what_was_said_is_the_teachers_own_or_unknown():
    example = encode_chat(STUDENT, chat("ab"))
    answer = encode(TEACHER, "ab")
    ids = np.array([[answer[0], 1]] * len(answer), np.int32)
    soft = Targets(ids, np.full(ids.shape, -0.7, np.float32), np.full(len(answer), -9.0, np.float32))
    (one,) = align_answers([example.answer_ids], [answer], [soft], STUDENT, TEACHER)
    assert one.said_R[0] == np.float32(-0.7)
    assert np.isnan(one.said_R[-1])
    chosen = np.linspace(-1, -2, len(answer)).astype(np.float32)
    (one,) = align_answers([example.answer_ids], [answer], [Targets(*_three(soft), chosen)], STUDENT, TEACHER)
    assert np.array_equal(one.said_R, chosen)


def _three(soft):
    return soft.ids, soft.log_probs, soft.tail


def test_it_survives_a_pickle():
    *_, found = aligned_texts(TEXTS[:1])
    again = pickle.loads(pickle.dumps(found[0]))  # noqa: S301  # our own
    assert np.array_equal(again.matches_GK, found[0].matches_GK)


def test_a_batch_is_laid_out_as_its_positions_are():
    examples, answers, _, found = aligned_texts()
    picks = [3, 0, 5, 1]
    whole = collate_aligned([found[i] for i in picks])
    soft = [random_targets(STUDENT, e.answer_ids) for e in examples]
    batch = collate(examples, picks, soft)
    assert whole.labels_N.tolist() == batch.labels_N.tolist()
    joined = [token for i in picks for token in answers[i]]
    between = vocabulary_map(STUDENT, TEACHER)
    for s, t in whole.groups.starts_P2:
        assert (whole.labels_N[s] in between.student.ends) == (joined[t] in between.teacher.ends)
    for (a, b), (c, d) in zip(whole.groups.student_G2, whole.groups.teacher_G2, strict=True):
        ours = b"".join(between.student.pieces[i] for i in whole.labels_N[a:b])
        assert ours == b"".join(between.teacher.pieces[i] for i in joined[c:d])
        assert np.array_equal(whole.targets.ids[d - 1], _row(found, picks, d - 1))


def _row(found, picks, at):
    return np.concatenate([found[i].targets.ids for i in picks])[at]


def test_targets_that_do_not_cover_the_answer_are_refused():
    example, answer = encode_chat(STUDENT, chat("ab")), encode(TEACHER, "ab")
    with pytest.raises(TeacherError, match=r"answer 0: .* do not fit its answer; got \d+ positions"):
        align_answers([example.answer_ids], [answer], [random_targets(TEACHER, answer[:-1])], STUDENT, TEACHER)


def test_of_another_text_nothing_is_aligned():
    example, answer = encode_chat(STUDENT, chat("abc")), encode(TEACHER, "xyz")
    assert align_answers([example.answer_ids], [answer], [random_targets(TEACHER, answer)], STUDENT, TEACHER) == [None]


def test_untrained_tokens_leave_no_group_and_no_pair():
    """What is left is what alignment gives at the trained tokens, counted without the others."""
    _, _, _, found = aligned_texts()
    for one in found:
        count = len(one.labels_N)
        trained = [place % 3 != 1 for place in range(count)]
        kept = without_untrained(one, trained)
        places = [place for place in range(count) if trained[place]]
        assert kept.labels_N.tolist() == [int(one.labels_N[place]) for place in places]
        assert kept.targets is one.targets
        whole = [g for g, (a, b) in enumerate(one.groups.student_G2) if all(trained[a:b])]
        assert [list(range(a, b)) for a, b in kept.groups.student_G2] == [
            [places.index(place) for place in range(*one.groups.student_G2[g])] for g in whole
        ]
        assert kept.groups.teacher_G2.tolist() == one.groups.teacher_G2[whole].tolist()
        assert kept.matches_GK.tolist() == one.matches_GK[whole].tolist()
        assert kept.single_G.tolist() == one.single_G[whole].tolist()
        pairs = [(a, b) for a, b in one.groups.starts_P2.tolist() if trained[a]]
        assert [(places[a], b) for a, b in kept.groups.starts_P2.tolist()] == pairs
        assert without_untrained(one, [True] * count).labels_N.tolist() == one.labels_N.tolist()
