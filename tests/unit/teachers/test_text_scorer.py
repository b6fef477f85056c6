"""A teacher that reads any text scores the student's own answers, in the student's tokens."""

import shutil
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest
from projects import write_domain, write_student
from settings import changed, config_of

from conch_dna.align.byte_projection import LEAST, as_bytes
from conch_dna.data.batches import step_examples
from conch_dna.domains.domain import load_domain
from conch_dna.errors import TrainingError
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.teachers.text_scorer import TextScorer
from conch_dna.train.rollout_source import OnPolicySource, unpack

TEXTS = ["the thing in an hour", "an apple", "12 or 15", "\n", "on the train, and the other"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A student that writes plain letters, and another model with the same tokenizer as its teacher."""
    root = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(root / "cache"))
        folder = write_student(root / "student")
        plain = load(str(folder)).tokenizer
        file = folder / "model.safetensors"
        tensors = dict(mx.load(str(file)))
        letters = [i for i in range(270) if plain.decode([i]).isalpha() and plain.decode([i]).isascii()]
        head = mx.zeros_like(tensors["lm_head.weight"])
        for i in [*letters, plain.eos_token_id]:
            head[i] = 6 * tensors["lm_head.weight"][i]
        tensors["lm_head.weight"] = head
        mx.save_safetensors(str(file), tensors, {"format": "mlx"})
        other = shutil.copytree(folder, root / "teacher") / "model.safetensors"
        tensors["lm_head.weight"] = head * 0.7
        mx.save_safetensors(str(other), tensors, {"format": "mlx"})
        base = load(str(folder))
        domain = load_domain(write_domain(root / "tiny", 12))
        request = TeacherRequest(domain, str(root / "teacher"), base.ref, lambda: base)
        exact = load_plugins().catalog.get("teachers", "mlx")(request)
        yield SimpleNamespace(base=base, exact=exact, prompts=domain.prompts)


class Reader:
    """Tells the choices of any text's tokens, as an endpoint does; ``deaf`` to some texts."""

    fingerprint = "reader"

    def __init__(self, world, deaf=()):
        self.world, self.deaf, self.read = world, deaf, []

    def score_text(self, prompts, texts, top):
        self.read += texts
        tokenizer = self.world.base.tokenizer
        answers = [[*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id] for text in texts]
        scored = self.world.exact.score(prompts, answers, self.world.base.width - 1)
        returned = [as_bytes(tokenizer, answer, each) for answer, each in zip(answers, scored, strict=True)]
        return [() if text in self.deaf else each for text, each in zip(texts, returned, strict=True)]


def ids_of(world, text, *more):
    return [*world.base.tokenizer.encode(text, add_special_tokens=False), *more]


def test_it_is_the_teachers_own_score_where_both_read_the_same_tokens(world):
    end = world.base.tokenizer.eos_token_id
    answers = [ids_of(world, text, end) for text in TEXTS]
    prompts = world.prompts[: len(TEXTS)]
    exact = world.exact.score(prompts, answers, 40)
    found = TextScorer(Reader(world), world.base).score(prompts, answers, 40)
    blank = TEXTS.index("\n")
    for place, (ours, theirs) in enumerate(zip(found, exact, strict=True)):
        if place == blank:  # no server keeps an answer of nothing but blank
            assert len(ours.tail) == 0
            continue
        assert len(ours.tail) == len(answers[place])
        assert np.allclose(ours.chosen, np.maximum(theirs.chosen, np.log(LEAST)), atol=0.02)
        for row in range(len(ours.tail)):
            wanted = dict(zip(theirs.ids[row].tolist(), np.exp(theirs.log_probs[row]).tolist(), strict=True))
            returned = dict(zip(ours.ids[row].tolist(), np.exp(ours.log_probs[row]).tolist(), strict=True))
            assert {i: returned.get(i, 0.0) for i, p in wanted.items() if p > 0.01} == pytest.approx(
                {i: p for i, p in wanted.items() if p > 0.01}, abs=0.02
            )


def test_an_answer_that_was_cut_off_has_no_end(world):
    (found,) = TextScorer(Reader(world), world.base).score(world.prompts[:1], [ids_of(world, "the thing")], 8)
    assert len(found.tail) == len(ids_of(world, "the thing"))


def test_only_what_is_a_text_is_sent_and_scored(world):
    """Half a character, a special token, an end in the middle and an id without a token are where it stops."""
    half = ids_of(world, "🐚")[0]
    start = world.base.tokenizer.convert_tokens_to_ids("<|im_start|>")
    end = world.base.tokenizer.eos_token_id
    whole = ids_of(world, "the thing")
    answers = [[*whole, strange, *whole, end] for strange in (half, start, end, world.base.width - 1)]
    reader = Reader(world)
    found = TextScorer(reader, world.base).score(world.prompts[:4], answers, 8)
    assert reader.read == ["the thing"] * 4
    assert [len(targets.tail) for targets in found] == [len(whole)] * 4


def test_an_answer_without_text_or_choices_has_no_rows(world):
    end = world.base.tokenizer.eos_token_id
    answers = [[end], ids_of(world, "🐚")[:1], ids_of(world, "an apple", end)]
    reader = Reader(world, deaf={"an apple"})
    found = TextScorer(reader, world.base).score(world.prompts[:3], answers, 8)
    assert reader.read == ["an apple"]
    assert [targets.ids.shape for targets in found] == [(0, 8)] * 3


class TestRollouts:
    """On-policy steps on what can be scored."""

    CONFIG = config_of(mode="on_policy", steps=4, batch_size=6, rollout_tokens=8, top_k=16, warmup=0)

    def source(self, world, tmp_path, reader, **settings):
        config = changed(self.CONFIG, **settings)
        scorer = TextScorer(reader, world.base)
        return OnPolicySource(
            world.base, scorer, world.prompts, config, config.tables["on_policy"], None, tmp_path / "rollouts.jsonl"
        )

    @pytest.mark.parametrize("form", ["divergence", "advantage"])
    def test_a_step_trains_on_the_rollouts_tokens(self, world, tmp_path, form):
        source = self.source(world, tmp_path, Reader(world), on_policy_loss=form)
        (batch,) = source.batches(0)
        rows = unpack(source.state())[0]
        assert 0 < len(rows) <= 6
        assert len(batch.labels_N) == sum(len(one.rollout.tokens) for one in rows)
        assert all(len(one.targets.tail) == len(one.rollout.tokens) for one in rows)

    def test_a_rollout_that_cannot_be_scored_is_left_out(self, world, tmp_path):
        reader = Reader(world)
        whole = self.source(world, tmp_path, reader)
        whole.batches(0)
        lost = reader.read[0]
        source = self.source(world, tmp_path, Reader(world, deaf={lost}))
        source.batches(0)
        kept, all_ = unpack(source.state())[0], unpack(whole.state())[0]
        picks = step_examples(len(world.prompts), 6, 0, 0)
        assert len(kept) == len(all_) - reader.read.count(lost)
        assert {one.place for one in kept} < set(picks)

    def test_a_step_without_any_is_an_error(self, world, tmp_path):
        class Deaf(Reader):
            def score_text(self, prompts, texts, top):
                return [()] * len(texts)

        with pytest.raises(TrainingError, match="step 1: the teacher cannot score any rollout of a step"):
            self.source(world, tmp_path, Deaf(world)).batches(0)
