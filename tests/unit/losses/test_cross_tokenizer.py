"""The losses between tokenizers compute their formulas."""

from functools import cache

import mlx.core as mx
import numpy as np
import pytest
from cross_losses import cross_loss, losses
from languages import NUMBERS, PROSE, TEXTS, byte_level, encode, pieces, widened
from tiers import thin
from tiny import targets_of

from conch_dna.align.aligned_targets import align_answers, collate_aligned
from conch_dna.align.vocabulary_map import vocabulary_map
from conch_dna.data.tokens import encode_chat
from conch_dna.errors import ConchError, PluginError
from conch_dna.losses.cross_tokenizer import registered_loss
from conch_dna.losses.fused import CHUNK, Objective, bucket, loss_sums, temper
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Aligned, CrossTokenizerInput, CrossTokenizerLoss, Targets

KINDS = ("p_kl", "gold", "uld")
PAIRS = {
    "numerals merged by the teacher": lambda: (byte_level(digits=True), byte_level(600, NUMBERS)),
    "numerals merged by the student": lambda: (byte_level(600, NUMBERS), byte_level(digits=True)),
    "pieces from bytes": lambda: (pieces(), byte_level(600, PROSE)),
    "bytes from pieces": lambda: (byte_level(600, PROSE), pieces()),
}
PADDING = 7  # ids of the student's head that no token has


def forward_kl(student, teacher, *, beta):
    return (mx.exp(teacher) * (teacher - student)).sum(axis=-1)


def jsd(student, teacher, *, beta):
    mixed = mx.logaddexp(teacher + np.log(beta), student + np.log(1 - beta))
    return (beta * mx.exp(teacher) * (teacher - mixed) + (1 - beta) * mx.exp(student) * (student - mixed)).sum(axis=-1)


def dense_divergence(divergence, q, p, beta=0.3):
    """The same of two probability vectors, float64."""
    if divergence is forward_kl:
        return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 1e-20)
    m = beta * p + (1 - beta) * q
    parts = [(beta, p), (1 - beta, q)]
    return sum(w * a * np.log(a / c) for w, x in parts for a, c in zip(x, m, strict=True) if a > 1e-20)


def chat(text):
    return [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": text}]


@cache
def batch_of(pair, k=12, texts=TEXTS, seed=0):
    """The aligned answers of two tokenizers, and their vocabulary_map."""
    student, teacher = PAIRS[pair]() if isinstance(pair, str) else pair
    examples = [encode_chat(student, chat(text)) for text in texts]
    answers = [encode(teacher, text) for text in texts]
    rng = np.random.default_rng(seed)
    between = vocabulary_map(student, teacher)
    targets = []
    for answer in answers:
        logits = rng.normal(size=(len(answer), len(between.teacher.pieces))) * 2
        logits[np.arange(len(answer)), answer] += 6  # what is said is likely, so that it is among the k
        logits[:, teacher.bos_token_id] = -30  # a mark of no bytes is nothing that is said
        targets.append(targets_of(logits, k))
    found = align_answers([e.answer_ids for e in examples], answers, targets, student, teacher)
    return collate_aligned(found), between


def logits_for(aligned, between, seed=1, spread=2.0):
    shape = len(aligned.labels_N), len(between.student.pieces) + PADDING
    return (np.random.default_rng(seed).normal(size=shape) * spread).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def tempered(aligned, temperature):
    """The teacher's probabilities, float64 (R, k+1)."""
    soft = aligned.targets
    scores = np.concatenate([soft.log_probs, np.maximum(soft.tail, -30)[:, None]], axis=1).astype(np.float64)
    return softmax(scores / temperature)


def dense_p_kl(logits, aligned, between, divergence, temperature):
    """P-KL by dictionaries over classes."""
    q_NV, p_RK = softmax(logits.astype(np.float64) / temperature), tempered(aligned, temperature)
    found = np.zeros(len(logits))
    for s, t in aligned.groups.starts_P2:
        masses, tail = {}, p_RK[t, -1]
        for index, mass in zip(aligned.targets.ids[t], p_RK[t], strict=False):
            key = between.teacher_classes_V[index]
            masses[key] = masses.get(key, 0) + mass
        tail += masses.pop(-1, 0)
        student = [q_NV[s, : len(between.student_classes_V)][between.student_classes_V == key].sum() for key in masses]
        p, q = np.array([*masses.values(), tail]), np.array([*student, 1 - sum(student)])
        found[s] = dense_divergence(divergence, q, p)
    return found


def dense_uld(logits, aligned, between, divergence, temperature):
    """Sorted L1 over k places and a tail."""
    q_NV, p_RK = softmax(logits.astype(np.float64) / temperature), tempered(aligned, temperature)
    found = np.zeros(len(logits))
    for s, t in aligned.groups.starts_P2:
        q = -np.sort(-q_NV[s])[: p_RK.shape[1] - 1]
        found[s] = np.abs(np.array([*q, 1 - q.sum()]) - p_RK[t]).sum()
    return found


def dense_gold(logits, aligned, between, divergence, temperature):
    """GOLD group by group: events for each last token, all else, and sorted L1 of what has no counterpart."""
    q_NV, p_RK = softmax(logits.astype(np.float64) / temperature), tempered(aligned, temperature)
    soft = aligned.targets
    scale = np.log(np.exp(np.concatenate([soft.log_probs, soft.tail[:, None]], 1).astype(float) / temperature).sum(1))
    said = np.exp(aligned.said_R / temperature - scale)
    found = np.zeros(len(logits))
    groups = aligned.groups
    for g, ((a, b), (c, d)) in enumerate(zip(groups.student_G2, groups.teacher_G2, strict=True)):
        ours = np.prod([q_NV[i, aligned.labels_N[i]] for i in range(a, b - 1)])
        theirs = np.prod(said[c : d - 1])
        if np.isnan(theirs):
            continue
        events, alone = {}, []
        for match, mass in zip(aligned.matches_GK[g], p_RK[d - 1], strict=False):
            if match >= 0:
                events[match] = events.get(match, 0) + mass * theirs
            else:
                alone.append(mass)
        student = [ours * q_NV[b - 1, v] for v in events]
        p, q = np.array([*events.values(), 1 - sum(events.values())]), np.array([*student, 1 - sum(student)])
        found[b - 1] = dense_divergence(divergence, q, p)
        if aligned.single_G[g]:
            only = q_NV[b - 1, : len(between.shared)][~between.shared]
            k = soft.ids.shape[1]
            p, q = (np.pad(-np.sort(-np.array(x)), (0, k))[:k] for x in (alone, only))
            found[b - 1] += np.abs(p - q).sum()
    return found


DENSE = {"p_kl": dense_p_kl, "uld": dense_uld, "gold": dense_gold}


@pytest.mark.parametrize("temperature", thin([1.0, 2.0], 2.0))
@pytest.mark.parametrize("divergence", [forward_kl, jsd], ids=["forward_kl", "jsd"])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_are_the_formulas(kind, pair, divergence, temperature):
    aligned, between = batch_of(pair)
    logits = logits_for(aligned, between)
    loss = cross_loss(kind, aligned, between, divergence, temperature=temperature, beta=0.3)
    whole = slice(0, len(logits))
    value, grad = mx.value_and_grad(lambda x: loss(x, whole).sum())(mx.array(logits))
    expected = DENSE[kind](logits, aligned, between, divergence, temperature)
    got = np.array(loss(mx.array(logits), whole), np.float64)
    assert np.abs(got - expected).max() < 2e-5
    assert (expected > 1e-3).sum() > len(expected) / 2, "most positions learn"
    assert abs(float(value) - expected.sum()) < 1e-3
    direction = np.random.default_rng(2).normal(size=logits.shape)
    direction[:, np.arange(logits.shape[1]) % 3 > 0] = 0
    steps = (logits + step * direction for step in (1e-5, -1e-5))
    up, down = (DENSE[kind](step, aligned, between, divergence, temperature).sum() for step in steps)
    slope = (np.array(grad, np.float64) * direction).sum()
    assert abs(slope - (up - down) / 2e-5) < 1e-3 * max(1, abs(slope))


@pytest.mark.parametrize("kind", ["p_kl", "gold"])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("divergence", [forward_kl, jsd], ids=["forward_kl", "jsd"])
def test_with_one_tokenizer_on_both_sides_it_is_the_exact_loss(kind, temperature, divergence):
    aligned, between = batch_of((byte_level(), byte_level()))
    assert aligned.single_G.all()
    logits = mx.array(logits_for(aligned, between))
    soft = aligned.targets
    teacher = temper(mx.array(soft.log_probs), mx.array(soft.tail), temperature)
    expected = divergence(bucket(logits / temperature, mx.array(soft.ids)), teacher, beta=0.3)
    for t_squared in (False, True):
        loss = cross_loss(kind, aligned, between, divergence, temperature=temperature, beta=0.3,
                          t_squared=t_squared)  # fmt: skip
        got = np.array(loss(logits, slice(0, len(logits))))
        assert np.abs(got - np.array(expected) * (temperature**2 if t_squared else 1)).max() < 2e-5


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_the_whole_and_gradients_stay_inside_them(kind, pair):
    aligned, between = batch_of(pair)
    logits = mx.array(logits_for(aligned, between))
    loss = cross_loss(kind, aligned, between, forward_kl)
    even = [slice(i, min(i + 16, len(logits))) for i in range(0, len(logits), 16)]
    parts = loss.chunks(16) if kind == "gold" else even
    assert [p.start for p in parts[1:]] == [p.stop for p in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, len(logits))
    assert max(p.stop - p.start for p in parts) <= 16
    whole = mx.value_and_grad(lambda x: loss(x, slice(0, len(logits))).sum())(logits)
    pairs = [mx.value_and_grad(lambda x, p=p: loss(x, p).sum())(logits[p]) for p in parts]
    assert abs(sum(float(v) for v, _ in pairs) - float(whole[0])) < 1e-3
    assert np.allclose(np.concatenate([np.array(g) for _, g in pairs]), np.array(whole[1]), atol=1e-5)


def by_hand(student_log_probs, **changes):
    """One group: the student's two tokens 0 and 1, ``ab``, are the teacher's one; and the loss of these logits.

    The teacher gives ``ab`` 0.5 and ``ac`` 0.3, which is 0 and then 2; the rest 0.2.
    """
    student = byte_level(260)  # single bytes alone
    between = vocabulary_map(student, widened(student, "ab", "ac"))
    ab, ac = between.teacher.ids[b"ab"], between.teacher.ids[b"ac"]
    a, b, c = (between.student.ids[x] for x in (b"a", b"b", b"c"))
    soft = Targets(np.array([[ab, ac]], np.int32), np.log([[0.5, 0.3]]).astype(np.float32),
                   np.log([0.2]).astype(np.float32))  # fmt: skip
    example = encode_chat(student, chat("ab"))
    example = type(example)(example.ids[:-2], example.trained[:-2], example.answer_start, 2)  # cut before its end
    (aligned,) = align_answers([example.answer_ids], [[ab]], [soft], student, widened(student, "ab", "ac"))
    assert aligned.matches_GK.tolist() == [[b, c]]
    logits = np.full((2, len(between.student.pieces)), -20.0, np.float32)
    for row, column, value in zip((0, 1, 1), (a, b, c), student_log_probs, strict=True):
        logits[row, column] = np.log(value)
    others = [i for i in range(len(logits[0])) if i not in (a, b, c)]
    logits[0, others[0]] = np.log(1 - student_log_probs[0])
    logits[1, others[0]] = np.log(max(1e-9, 1 - sum(student_log_probs[1:])))
    loss = cross_loss("gold", aligned, between, forward_kl)
    return np.array(loss(mx.array(logits), slice(0, 2)))


def test_a_merged_group_is_judged_by_its_whole_probability():
    """0.8 times (0.625, 0.375) is (0.5, 0.3): the student is its teacher, though no distribution of one token is."""
    assert np.abs(by_hand([0.8, 0.625, 0.375])).max() < 1e-5
    assert by_hand([0.8, 0.5, 0.3])[1] > 0.05, "the last token's distribution alone is not the teacher's"
    assert by_hand([0.8, 0.625, 0.375])[0] == 0, "the value stands at the group's last token"


def test_a_chunk_that_cuts_a_group_is_refused():
    aligned, between = batch_of("numerals merged by the teacher")
    loss = cross_loss("gold", aligned, between, forward_kl)
    a, b = next(r for r in aligned.groups.student_G2 if r[1] - r[0] > 1)
    logits = mx.array(logits_for(aligned, between))
    with pytest.raises(ValueError, match="middle of a group"):
        loss(logits[a + 1 : b], slice(int(a) + 1, int(b)))


def test_a_group_is_left_out_where_a_probability_of_the_teachers_is_not_known():
    aligned, between = batch_of("numerals merged by the student")
    unknown = Aligned(aligned.labels_N, aligned.targets, np.full_like(aligned.said_R, np.nan), aligned.groups,
                      aligned.matches_GK, aligned.single_G)  # fmt: skip
    logits = mx.array(logits_for(aligned, between))
    whole = slice(0, len(logits))
    known, less = (np.array(cross_loss("gold", a, between, forward_kl)(logits, whole)) for a in (aligned, unknown))
    several = np.diff(aligned.groups.teacher_G2)[:, 0] > 1
    last = aligned.groups.student_G2[:, 1] - 1
    assert several.any()
    assert not less[last[several]].any()
    assert known[last[several]].any()
    assert np.array_equal(less[last[~several]], known[last[~several]])


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_logits_of_any_size_give_finite_losses_and_gradients(kind, pair):
    aligned, between = batch_of(pair)
    logits = np.where(logits_for(aligned, between) > 3, np.float32(60), np.float32(-60))
    loss = cross_loss(kind, aligned, between, forward_kl)
    value, grad = mx.value_and_grad(lambda x: loss(x, slice(0, len(logits))).sum())(mx.array(logits))
    assert np.isfinite(float(value))
    assert np.isfinite(np.array(grad)).all()


def test_a_class_that_the_student_hardly_knows_still_pulls():
    """Its mass is below float32's smallest number; the gradient of forward KL is the teacher's mass all the same."""
    aligned, between = batch_of("numerals merged by the teacher")
    logits = logits_for(aligned, between, spread=0.1)
    s, t = aligned.groups.starts_P2[0]
    key = between.teacher_classes_V[aligned.targets.ids[t, 0]]
    inside = np.flatnonzero(between.student_classes_V == key)
    logits[s, inside] = -150
    loss = cross_loss("p_kl", aligned, between, forward_kl)
    grad = mx.grad(lambda x: loss(x, slice(0, len(logits))).sum())(mx.array(logits))
    alike = [
        mass for index, mass in zip(aligned.targets.ids[t], np.exp(aligned.targets.log_probs[t]), strict=True)
        if between.teacher_classes_V[index] == key
    ]  # fmt: skip
    assert float(np.array(grad)[s, inside].sum()) == pytest.approx(-sum(alike), rel=1e-3)


class TestByIds:
    """``truncate`` and ``project`` serve tokenizers that agree on ids as far as both go."""

    STUDENT, WIDE = byte_level(), widened(byte_level(), *(f"<tool {n}>" for n in range(9)))

    def logits(self, between, aligned):
        return mx.array(logits_for(aligned, between))

    def test_with_one_tokenizer_project_is_the_exact_loss(self):
        aligned, between = batch_of((self.STUDENT, self.STUDENT))
        logits = self.logits(between, aligned)
        soft = aligned.targets
        teacher = temper(mx.array(soft.log_probs), mx.array(soft.tail), 1.0)
        expected = forward_kl(bucket(logits, mx.array(soft.ids)), teacher, beta=0.5)
        loss = cross_loss("project", aligned, between, forward_kl)
        assert np.allclose(np.array(loss(logits, slice(0, len(logits)))), np.array(expected), atol=2e-5)

    @pytest.mark.parametrize("kind", ["truncate", "project"])
    def test_the_teachers_further_ids_are_cut_or_part_of_the_rest(self, kind):
        aligned, between = batch_of((self.STUDENT, self.WIDE), k=60)
        width, logits = between.common_width, self.logits(between, aligned)
        beyond = aligned.targets.ids >= width
        assert beyond.any()
        p_RK = tempered(aligned, 1.0)
        q_NV = softmax(np.array(logits, np.float64)[:, : width if kind == "truncate" else None])
        got = np.array(cross_loss(kind, aligned, between, forward_kl)(logits, slice(0, len(logits))))
        for s, t in aligned.groups.starts_P2:
            kept = ~beyond[t]
            inside = aligned.targets.ids[t, kept]
            tail = p_RK[t, -1] + (0 if kind == "truncate" else p_RK[t, :-1][beyond[t]].sum())
            p = np.array([*p_RK[t, :-1][kept], tail])
            q = np.array([*q_NV[s, inside], 1 - q_NV[s, inside].sum()])
            assert got[s] == pytest.approx(dense_divergence(forward_kl, q, p / p.sum()), abs=2e-5)

    @pytest.mark.parametrize("kind", ["truncate", "project"])
    def test_tokenizers_that_disagree_are_refused(self, kind):
        aligned, between = batch_of("pieces from bytes")
        with pytest.raises(ConchError, match=r"token id 0: the two tokenizers disagree on ids"):
            cross_loss(kind, aligned, between, forward_kl)


class TestAPluginsLoss:
    """A loss of a plug-in, as training gets it."""

    def host(self, build):
        host = load_plugins(strict=True, block=[])
        host.catalog.add("cross_tokenizer_losses", "odd", CrossTokenizerLoss(build), Owner("mine", "mine.py"))
        return host

    def built(self, build):
        aligned, between = batch_of("pieces from bytes")
        loss = registered_loss(self.host(build), "odd").build(CrossTokenizerInput(aligned, between, forward_kl))
        return loss, mx.array(logits_for(aligned, between))

    def test_a_fault_in_building_names_the_plug_in(self):
        with pytest.raises(PluginError, match=r"mine.py: plug-in 'mine' failed in hook .*, odd: ZeroDivisionError"):
            self.built(lambda _: 1 / 0)

    def test_a_fault_in_a_chunk_names_the_plug_in(self):
        loss, logits = self.built(lambda _: lambda _logits, _part: 1 / 0)
        with pytest.raises(PluginError, match=r"mine.py: .* ZeroDivisionError"):
            loss(logits, slice(0, len(logits)))

    def test_a_value_of_another_shape_is_refused(self):
        loss, logits = self.built(lambda _: lambda logits_CV, _part: logits_CV.sum())
        with pytest.raises(PluginError, match=r"a loss of shape \(\) instead of \(\d+,\), one value per position"):
            loss(logits, slice(0, len(logits)))

    def test_chunks_are_offered_only_by_a_loss_that_has_them(self):
        host = load_plugins(strict=True, block=[])
        aligned, between = batch_of("pieces from bytes")
        built = {
            name: registered_loss(host, name).build(CrossTokenizerInput(aligned, between, forward_kl)) for name in KINDS
        }
        assert {name: hasattr(loss, "chunks") for name, loss in built.items()} == {
            "p_kl": False, "gold": True, "uld": False,
        }  # fmt: skip

    def test_only_the_losses_by_id_require_shared_ids(self):
        assert {name: loss.shared_ids for name, loss in losses().items()} == {
            "gold": False, "p_kl": False, "project": True, "truncate": True, "uld": False,
        }  # fmt: skip


@pytest.mark.parametrize("kind", ["p_kl", "uld", "gold"])
def test_the_fused_objective_takes_it_chunk_by_chunk(kind):
    aligned, between = batch_of("numerals merged by the teacher")
    logits = mx.array(logits_for(aligned, between))
    assert len(logits) > CHUNK
    loss = cross_loss(kind, aligned, between, forward_kl)
    objective = Objective(alpha=1.0)

    def fused(x):
        return loss_sums(x, lambda h: h, mx.array(aligned.labels_N), loss, objective)[0]

    value, grad = mx.value_and_grad(fused)(logits)
    expected, slope = mx.value_and_grad(lambda x: loss(x, slice(0, len(logits))).sum())(logits)
    assert float(value) == pytest.approx(float(expected), rel=1e-4)
    assert np.allclose(np.array(grad), np.array(slope), atol=1e-5)
