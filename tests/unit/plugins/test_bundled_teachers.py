"""The bundled teachers: what each answers with, what its distributions are, and how it fails."""

import contextlib
import json
import math

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from projects import prompts_of, swap_letters, write_domain
from served_logprobs import recorded
from tiny import write_tiny_model

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import encode_chat, prompt_ids
from conch_dna.domains.domain import domain_of_file, load_domain
from conch_dna.domains.soft_recordings import read_soft, write_soft
from conch_dna.errors import DataError, ModelError, TeacherError, UnknownName
from conch_dna.kernels import bf16
from conch_dna.kernels.patch import fast_ops
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Judge, Scores, ScoresText, Teacher, TeacherRequest
from conch_dna.records import Completion, Sampling
from conch_dna.runtime import row_caches
from conch_dna.teachers.answer_cache import CompletionCache, answers
from conch_dna.teachers.compatibility import CHAT
from conch_dna.teachers.target_cache import TargetCache
from conch_dna.train import lora

CATALOG = load_plugins().catalog
SHORT = Sampling(max_tokens=8)


def teacher_of(name, domain, model=None, student="", base=None):
    return CATALOG.get("teachers", name)(TeacherRequest(domain, model, student, base and (lambda: base)))


@pytest.fixture
def domain(tmp_path):
    return load_domain(write_domain(tmp_path / "tiny", 12))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("teacher")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(root / "cache"))
        yield load(str(write_tiny_model(root / "model", seed=2, tied=False)))


@contextlib.contextmanager
def adapted(model):
    """Put LoRA on the model that changes its logits much, as in the middle of a training."""
    with lora.attached(model, DistillConfig(rank=4)):
        mx.random.seed(1)
        moved = [(name, mx.random.normal(value.shape) * 0.2) for name, value in lora.weights(model).items()]
        model.load_weights(moved, strict=False)
        yield


@pytest.mark.parametrize("name", ["echo", "mlx"])
def test_a_bundled_teacher_is_what_the_interface_says(domain, base, name):
    teacher = teacher_of(name, domain, student=base.ref, base=base)
    assert isinstance(teacher, Teacher)
    teacher.close()
    teacher.close()


def test_echo_says_the_last_turn_again_cut_to_the_limit(domain):
    found = list(teacher_of("echo", domain).generate(domain.prompts[:2], Sampling(max_tokens=4)))
    assert [c.text for c in found] == ["Say the tiny word", "Say the tiny word"]
    assert [c.prompt for c in found] == [p.digest for p in domain.prompts[:2]]


@pytest.mark.parametrize("name", ["echo", "recorded", "none"])
def test_a_teacher_of_text_has_no_method_to_score_with(domain, name):
    teacher = teacher_of(name, domain)
    assert not any(isinstance(teacher, protocol) for protocol in (Scores, ScoresText, Judge))


class TestRecorded:
    """Replays what lies in ``recorded/``."""

    def put(self, domain, name, prompts, text="noon"):
        rows = [
            Completion(prompt=p.digest, text=f"{text} {i}", teacher="t", sampling=SHORT) for i, p in enumerate(prompts)
        ]
        path = domain.folder / "recorded" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(row.model_dump_json() + "\n" for row in rows))
        return path

    def test_it_replays_and_passes_missing_answers_over(self, domain, tmp_path):
        self.put(domain, "big", domain.prompts[3:])
        teacher = teacher_of("recorded", domain)
        cache = CompletionCache(tmp_path / "cache")
        found = list(answers(teacher, domain, domain.prompts[:5], SHORT, cache))
        assert [(c.prompt, c.text) for c in found] == [
            (domain.prompts[3].digest, "noon 0"),
            (domain.prompts[4].digest, "noon 1"),
        ]
        assert not cache.root.exists()

    def test_its_fingerprint_is_that_of_the_answers(self, domain):
        self.put(domain, "big", domain.prompts)
        first = teacher_of("recorded", domain).fingerprint
        assert teacher_of("recorded", domain).fingerprint == first
        self.put(domain, "big", domain.prompts, "one")
        assert teacher_of("recorded", domain).fingerprint != first

    def test_of_several_recordings_one_must_be_named(self, domain):
        self.put(domain, "big", domain.prompts)
        self.put(domain, "small.gguf", domain.prompts, "one")
        with pytest.raises(UnknownName, match=r"several recordings; allowed: big, small\.gguf"):
            _ = teacher_of("recorded", domain).fingerprint
        (found,) = teacher_of("recorded", domain, "small.gguf").generate(domain.prompts[:1], SHORT)
        assert found.text == "one 0"

    def test_a_name_that_is_not_there_lists_those_that_are(self, domain):
        self.put(domain, "big", domain.prompts)
        with pytest.raises(UnknownName, match="no recording of that name; got other; allowed: big"):
            list(teacher_of("recorded", domain, "other").generate(domain.prompts, SHORT))

    def test_without_a_recording_it_says_how_to_make_one(self, domain, tmp_path):
        for without in (domain, domain_of_file(domain.prompts_file, "mine")):
            with pytest.raises(UnknownName, match=rf"no recording.* conch record {without.name}"):
                _ = teacher_of("recorded", without).fingerprint

    def test_every_damaged_line_is_named(self, domain):
        path = self.put(domain, "big", domain.prompts)
        lines = path.read_bytes().splitlines(keepends=True)
        lines[1], lines[4], lines[6] = b"{\n", b'{"prompt": "x"}\n', b'{"text": "\xff"}\n'
        path.write_bytes(b"".join(lines))
        with pytest.raises(DataError) as caught:
            _ = teacher_of("recorded", domain).fingerprint
        text = str(caught.value)
        assert str(path) in text
        assert all(f"line {number}: " in text for number in (2, 5, 7))
        assert "line 5: text: Field required" in text

    def test_it_tells_choices_where_any_of_its_answers_has_them(self, domain, tmp_path):
        path, _ = recorded(domain, tmp_path / "cache")
        soft = path.with_suffix(".soft.safetensors")
        tokens = read_soft(soft)
        gap, _ = tokens.popitem()
        write_soft(soft, tokens)
        teacher = teacher_of("recorded", domain)
        assert teacher.capabilities == {"text", "replay", "soft"}
        silent = [c.prompt for c in teacher.generate(domain.prompts, SHORT) if not c.soft]
        assert silent == [gap]
        soft.unlink()
        assert teacher_of("recorded", domain).capabilities == {"text", "replay"}

    def test_an_empty_recording_is_refused(self, domain):
        self.put(domain, "big", [])
        with pytest.raises(DataError, match="contains no answer"):
            _ = teacher_of("recorded", domain).fingerprint


class TestMlx:
    """Any mlx-lm model, live."""

    @pytest.fixture
    def teacher(self, domain, base):
        return teacher_of("mlx", domain, student=base.ref, base=base)

    def test_without_a_model_it_is_the_students_base_in_memory(self, teacher, base):
        assert teacher.loaded is base
        assert teacher.capabilities == {"text", "top_k"}

    def test_without_any_model_it_says_what_to_write(self, domain):
        with pytest.raises(TeacherError, match=r"needs a model\. Write mlx:MODEL"):
            teacher_of("mlx", domain)

    def test_answers_over_the_shared_context_are_those_over_the_whole(self, teacher, domain, base):
        found = {c.prompt: c for c in teacher.generate(domain.prompts, SHORT)}
        assert found.keys() == {p.digest for p in domain.prompts}
        for prompt in domain.prompts:
            ids = prompt_ids(base.tokenizer, domain.with_context(prompt))
            tokens = []
            while len(tokens) < 8:
                tokens.append(base.model(mx.array([ids + tokens]))[0, -1].argmax().item())
                if tokens[-1] in base.tokenizer.eos_token_ids:
                    break
            stopped = tokens[-1] in base.tokenizer.eos_token_ids
            assert found[prompt.digest].text == base.tokenizer.decode(tokens[: -1 if stopped else None])
            assert found[prompt.digest].finish_reason == ("stop" if stopped else "length")

    @pytest.mark.parametrize("count", [1, 3, 12], ids=["one", "some", "more than a batch"])
    def test_scores_are_the_softmax_over_the_whole_context(self, teacher, domain, base, count):
        prompts = domain.prompts[:count]
        wanted = [[3 + n, 70, 5 * n, base.tokenizer.eos_token_id][n % 3 :] for n in range(count)]
        k = 7
        for prompt, answer, targets in zip(prompts, wanted, teacher.score(prompts, wanted, k), strict=True):
            context = prompt_ids(base.tokenizer, domain.with_context(prompt))
            logits_TV = np.array(base.model(mx.array([context + answer]))[0], np.float64)
            logits_TV = logits_TV[len(context) - 1 : -1]  # the place before a token predicts it
            log_probs_TV = logits_TV - np.log(np.exp(logits_TV).sum(axis=-1, keepdims=True))
            ids_TK = np.argsort(-log_probs_TV[:, :273], axis=-1)[:, :k]  # the rest is padding
            top_TK = np.take_along_axis(log_probs_TV, ids_TK, axis=-1)
            assert targets.ids.tolist() == ids_TK.tolist()
            assert np.allclose(targets.log_probs, top_TK, atol=1e-4)
            assert np.allclose(targets.tail, np.log(1 - np.exp(top_TK).sum(axis=-1)), atol=1e-4)
            assert np.allclose(targets.chosen, log_probs_TV[np.arange(len(answer)), answer], atol=1e-4)
            assert targets.ids.dtype == np.int32
            assert {a.dtype for a in (targets.log_probs, targets.tail, targets.chosen)} == {np.dtype(np.float32)}

    def test_the_context_changes_the_distributions(self, teacher, domain, base, tmp_path):
        other = load_domain(write_domain(tmp_path / "other" / "tiny", 12, context="Shout it, twice."))
        apart = teacher_of("mlx", other, student=base.ref, base=base)
        prompts, wanted = domain.prompts[:2], [[3, 4], [5, 6]]
        ours, theirs = teacher.score(prompts, wanted, 4)[0], apart.score(prompts, wanted, 4)[0]
        assert not np.allclose(ours.log_probs, theirs.log_probs, atol=1e-3)
        assert teacher.fingerprint != apart.fingerprint

    def test_padding_of_the_head_is_part_of_the_tail(self, teacher, domain):
        """The student's head may have less of it: ids beyond it would be read past its logits' end."""
        (targets,) = teacher.score(domain.prompts[:1], [[3]], 1024)
        assert sorted(targets.ids[0]) == list(range(273)), "the head has 276"
        assert np.exp(targets.log_probs).sum() + np.exp(targets.tail[0]) == pytest.approx(1, abs=1e-5)
        assert targets.tail[0] > -10

    def test_a_head_without_padding_leaves_one_id_for_the_tail(self, domain, tmp_path, monkeypatch):
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        folder = write_tiny_model(tmp_path / "exact", padding=0)
        (targets,) = teacher_of("mlx", domain, str(folder)).score(domain.prompts[:1], [[3]], 1024)
        assert targets.ids.shape == (1, 272)

    def test_an_answer_with_an_id_that_its_head_has_not_is_refused(self, teacher, domain):
        with pytest.raises(TeacherError, match="has no token with this id; got 276; allowed: 0 to 275"):
            teacher.score(domain.prompts[:2], [[3], [4, 276]], 4)

    def test_the_students_end_of_turn_has_the_probability_of_its_own(self, domain, base, tmp_path, monkeypatch):
        """A student that learns another's end never stops."""
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        folder = write_tiny_model(tmp_path / "other", seed=5)
        plain = teacher_of("mlx", domain, str(folder), student=base.ref, base=base)
        student = write_tiny_model(tmp_path / "student")
        about = json.loads((student / "tokenizer_config.json").read_text())
        about |= {"eos_token": "<|endoftext|>", "chat_template": about["chat_template"].replace("im_end", "endoftext")}
        (student / "tokenizer_config.json").write_text(json.dumps(about))
        config = json.loads((student / "config.json").read_text())
        (student / "config.json").write_text(json.dumps(config | {"eos_token_id": 270}))
        teacher = teacher_of("mlx", domain, str(folder), student=str(student))
        assert teacher.capabilities == {"text", "top_k"}
        theirs, ours = (t.score(domain.prompts[:1], [[3, end]], 273)[0] for t, end in ((plain, 272), (teacher, 270)))
        assert np.array_equal(theirs.chosen, ours.chosen)
        swapped = np.array([*range(270), 272, 271, 270])
        assert np.array_equal(swapped[theirs.ids], ours.ids)
        assert np.array_equal(theirs.log_probs, ours.log_probs)

    def test_while_its_base_is_trained_it_is_that_base_without_the_adapter(self, teacher, domain, base):
        prompts, wanted = domain.prompts[:3], [[3, 4], [5], [6, 7, 8]]
        scores, texts = teacher.score(prompts, wanted, 4), list(teacher.generate(prompts, SHORT))
        fresh = teacher_of("mlx", domain, student=base.ref, base=base)
        with adapted(base.model):
            logits = np.array(base.model(mx.array([[1, 2, 3]])))
            again = fresh.score(prompts, wanted, 4)
            assert [c.text for c in fresh.generate(prompts, SHORT)] == [c.text for c in texts]
            assert np.array_equal(np.array(base.model(mx.array([[1, 2, 3]]))), logits)
        for one, other in zip(scores, again, strict=True):
            assert np.array_equal(one.ids, other.ids)
            assert np.array_equal(one.log_probs, other.log_probs)
            assert np.array_equal(one.chosen, other.chosen)
        assert not np.allclose(np.array(base.model(mx.array([[1, 2, 3]]))), logits, atol=1e-2)

    def test_scores_have_the_same_bits_inside_and_outside_a_training(self, teacher, domain, base):
        """Where a training is resumed, its teacher's context was computed inside it, else perhaps before it."""
        prompts, wanted = domain.prompts[:3], [[3, 4], [5], [6, 7, 8]]
        before = teacher.score(prompts, wanted, 4)
        fresh = teacher_of("mlx", domain, student=base.ref, base=base)
        with adapted(base.model), fast_ops(base.model):
            inside = [*fresh.score(prompts, wanted, 4), *teacher.score(prompts, wanted, 4)]
        for one, other in zip([*before, *before], inside, strict=True):
            assert np.array_equal(one.log_probs, other.log_probs)

    def test_between_two_answers_the_adapter_is_on(self, teacher, domain, base):
        with adapted(base.model):
            logits = np.array(base.model(mx.array([[1, 2, 3]])))
            for _ in teacher.generate(domain.prompts[:3], SHORT):
                assert np.array_equal(np.array(base.model(mx.array([[1, 2, 3]]))), logits)

    def test_it_holds_no_second_copy_of_the_weights(self, domain, tmp_path, monkeypatch):
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        base = load(str(write_tiny_model(tmp_path / "wide", width=256)))
        size = sum(value.nbytes for _, value in tree_flatten(base.model.parameters()))
        with adapted(base.model):
            before = mx.get_active_memory()
            teacher = teacher_of("mlx", domain, student=base.ref, base=base)
            teacher.score(domain.prompts, [[3, 4]] * 12, 4)
            assert mx.get_active_memory() - before < 0.3 * size
            other = teacher_of("mlx", domain, base.ref, base=base)  # asked for as a model of its own
            other.score(domain.prompts, [[3, 4]] * 12, 4)
            assert mx.get_active_memory() - before > size
        assert teacher.loaded.model is base.model
        assert other.loaded.model is not base.model

    def test_the_context_goes_through_the_model_once_for_all_calls(self, teacher, domain, base, monkeypatch):
        made = []

        def prefill(*args):
            made.append(args)
            return real(*args)

        real = row_caches.prefill
        monkeypatch.setattr(row_caches, "prefill", prefill)
        with adapted(base.model):
            for prompt in domain.prompts:
                teacher.score([prompt], [[3, 4]], 4)
        assert len(made) == 1
        context = prompt_ids(base.tokenizer, domain.with_context(domain.prompts[0]))
        assert len(made[0][1]) > len(context) / 2

    def test_a_second_run_loads_no_teacher(self, domain, base, tmp_path, monkeypatch):
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        folder = write_tiny_model(tmp_path / "other", seed=5)
        texts, soft = CompletionCache(tmp_path / "texts"), TargetCache(tmp_path / "soft")
        wanted = [[3, 4]] * len(domain.prompts)

        def whole():
            teacher = teacher_of("mlx", domain, str(folder), base=base)
            found = sorted(c.text for c in answers(teacher, domain, domain.prompts, SHORT, texts))
            assert "top_k" in teacher.capabilities
            return found, soft.fill(teacher, domain.prompts, wanted, 4, lambda _: None)

        first = whole()
        monkeypatch.setattr("mlx_lm.utils.load", self.unloadable)
        with pytest.raises(ModelError):
            load(str(folder))
        again = whole()
        assert again[0] == first[0]
        assert all(np.array_equal(a.log_probs, b.log_probs) for a, b in zip(first[1], again[1], strict=True))

    def unloadable(self, *_, **__):
        raise RuntimeError("it is loaded")

    def test_with_another_tokenizer_it_scores_in_its_own_tokens(self, domain, base, tmp_path, monkeypatch):
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        folder = swap_letters(write_tiny_model(tmp_path / "other", seed=5))
        teacher = teacher_of("mlx", domain, str(folder), student=base.ref, base=base)
        assert teacher.capabilities == {"text", "own_top_k", "forced"}
        assert teacher.tokenizer.encode("ab") != base.tokenizer.encode("ab")

    def test_a_text_is_scored_in_its_own_tokens_as_bytes(self, domain, base, tmp_path, monkeypatch):
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        folder = swap_letters(write_tiny_model(tmp_path / "other", seed=5))
        teacher = teacher_of("mlx", domain, str(folder), student=base.ref, base=base)
        texts = ["a bee, a crab", "naïve 🦀", "it ends here<|im_end|>", "bab"]
        found = teacher.score_text(domain.prompts[:4], texts, 5)
        end = encode_chat(teacher.tokenizer, CHAT).answer_ids[-1]
        for place in (0, 1, 3):
            *tokens, last = found[place]
            spelled = "".join(token.piece for token in tokens).encode("latin-1")
            assert (spelled.decode(), last.piece) == (texts[place], None)
            ids = [*teacher.tokenizer.encode(texts[place], add_special_tokens=False), end]
            (wanted,) = teacher.score([domain.prompts[place]], [ids], 5)
            for token, values in zip(found[place], wanted.log_probs, strict=True):
                assert sum(math.exp(value) for _, value in token.choices) <= np.exp(values).sum() + 1e-6
                assert token.choices[0][1] >= values[0] - 1e-6
        assert found[2] == ()  # its end is a control token of this tokenizer
        assert teacher.score_text([], [], 5) == []

    def test_its_weights_are_packed_once_for_all_answers(self, domain, base, tmp_path, monkeypatch):
        seen = []

        @contextlib.contextmanager
        def watched(model):
            seen.append(("packed", model is base.model))
            yield
            seen.append(("released", model is base.model))

        monkeypatch.setattr(bf16, "in_bf16", watched)
        teacher = teacher_of("mlx", domain, student=base.ref, base=base)
        assert len(list(teacher.generate(domain.prompts[:3], SHORT))) == 3
        teacher.score(domain.prompts[:1], [[5, 6]], 4)
        assert seen == [("packed", True)]
        teacher.close()
        assert seen == [("packed", True), ("released", True)]

    def test_its_tokenizer_alone_has_the_end_tokens_of_the_whole_load(self, domain, tmp_path, monkeypatch):
        """Some models name the token that ends a turn in config.json only."""
        monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
        folder = write_tiny_model(tmp_path / "other")
        about = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps(about | {"eos_token": "<|endoftext|>"}))
        teacher = teacher_of("mlx", domain, str(folder))
        assert teacher.tokenizer.eos_token_ids == teacher.loaded.tokenizer.eos_token_ids
        assert encode_chat(teacher.tokenizer, CHAT).answer_ids[-1] in teacher.tokenizer.eos_token_ids


class TestLlamaCpp:
    """Results that need no model."""

    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("xllamacpp")

    def test_it_needs_a_model(self, domain):
        with pytest.raises(TeacherError, match="teacher llamacpp: needs a model"):
            teacher_of("llamacpp", domain)

    @pytest.mark.parametrize(
        ("model", "match"), [("nowhere.gguf", "no such file"), ("org/name", "has no GGUF file")], ids=["lost", "hub"]
    )
    def test_a_model_that_is_no_gguf_file_is_named(self, domain, model, match):
        with pytest.raises(ModelError, match=match):
            _ = teacher_of("llamacpp", domain, model).fingerprint

    def test_its_fingerprint_is_that_of_the_file_and_the_context(self, domain, tmp_path):
        (tmp_path / "m.gguf").write_bytes(b"GGUF")
        teacher = teacher_of("llamacpp", domain, str(tmp_path / "m.gguf"))
        first = teacher.fingerprint
        (tmp_path / "m.gguf").write_bytes(b"GGUF2")
        assert teacher_of("llamacpp", domain, str(tmp_path / "m.gguf")).fingerprint != first
        teacher.close()

    def test_it_does_not_score_given_tokens(self, domain, tmp_path):
        (tmp_path / "m.gguf").write_bytes(b"GGUF")
        teacher = teacher_of("llamacpp", domain, str(tmp_path / "m.gguf"))
        assert not isinstance(teacher, Scores)
        assert not isinstance(teacher, ScoresText)


def test_prompts_of_the_helper_are_all_different():
    assert len({json.dumps(row) for row in prompts_of(144)}) == 144
