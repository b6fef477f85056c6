"""What a processor computes is forced into an answer; all other tokens are the model's."""

import json

import mlx.core as mx
import pytest
from languages import PROSE, byte_level, pieces
from projects import write_neuron
from structlog.testing import capture_logs

from conch_dna.data.tokens import prompt_ids
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Sampling
from conch_dna.registry.card import CardFields
from conch_dna.runtime.computed import ComputedSpans, SpanProcessors
from conch_dna.runtime.engine import Engine
from conch_dna.runtime.generate import answer_many
from conch_dna.runtime.neurons import NeuronRuntime

CALCULATOR = load_plugins(strict=True, block=[]).catalog.get("processors", "calculator")
LIMIT = Sampling(max_tokens=24)


def opening(text):
    """Make a random model write a sum, after its own first characters."""
    return " the sum: 6 * 7 =" if 1 <= len(text) < 12 else None


BOTH = {"opening": opening, "calculator": CALCULATOR}


def ids_of(base, *texts):
    return [prompt_ids(base.tokenizer, [{"role": "user", "content": text}]) for text in texts]


def spans(base, *processors):
    return [ComputedSpans(base.tokenizer, processors or (opening, CALCULATOR))]


def answers(base, prompts, processors, sampling=LIMIT):
    found = answer_many(base.model, base.tokenizer, prompts, sampling, None, processors)
    return {answer.place: answer.tokens for answer in found}


def greedy(base, ids, count):
    """Return greedy tokens without cache and processors."""
    found = []
    while len(found) < count:
        found.append(base.model(mx.array([[*ids, *found]]))[0, -1].argmax().item())
    return found


def test_a_computed_text_is_forced_and_the_model_goes_on_after_it(base):
    (prompt,) = ids_of(base, "hello")
    tokens = answers(base, [prompt], [spans(base)])[0]
    text = base.tokenizer.decode(tokens)
    start = text.index(" the sum: 6 * 7 = 42")
    forced = len(base.tokenizer.encode(" the sum: 6 * 7 = 42", add_special_tokens=False))
    own = next(n for n in range(1, len(tokens)) if base.tokenizer.decode(tokens[:n]) == text[:start])
    assert tokens[:own] == greedy(base, prompt, own)
    rest = tokens[own + forced :]
    assert rest == greedy(base, [*prompt, *tokens[: own + forced]], len(rest))
    assert rest, "decoding must go on"


@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_sampling_does_not_change_a_computed_text(base, temperature):
    prompts = ids_of(base, "hello", "there")
    for seed in range(3):
        sampling = Sampling(max_tokens=40, temperature=temperature, top_p=0.9, seed=seed)
        found = answers(base, prompts, [spans(base), spans(base)], sampling)
        for tokens in found.values():
            assert "6 * 7 = 42" in base.tokenizer.decode(tokens)
        assert found == answers(base, prompts, [spans(base), spans(base)], sampling)


def test_sequences_without_processors_are_not_changed_by_their_neighbours(base):
    prompts = ids_of(base, "hello", "there is more", "the other", "a")
    plain = answers(base, prompts, [])
    mixed = answers(base, prompts, [[], spans(base), [], spans(base)])
    assert {0: mixed[0], 2: mixed[2]} == {0: plain[0], 2: plain[2]}
    for place in (1, 3):
        assert "6 * 7 = 42" in base.tokenizer.decode(mixed[place])
        assert mixed[place] == answers(base, [prompts[place]], [spans(base)])[0]


def test_a_forced_token_that_an_earlier_processor_forbids_is_left_to_the_model(base):
    (four,) = base.tokenizer.encode("4", add_special_tokens=False)

    def without_four(_, logits_1V):
        return mx.where(mx.arange(logits_1V.shape[-1]) == four, -mx.inf, logits_1V)

    (prompt,) = ids_of(base, "hello")
    tokens = answers(base, [prompt], [[without_four, *spans(base)]])[0]
    text = base.tokenizer.decode(tokens)
    assert four not in tokens
    assert "6 * 7 =" in text
    at = next(n for n in range(len(tokens)) if "6 * 7 = " in base.tokenizer.decode(tokens[:n]))
    free = base.model(mx.array([[*prompt, *tokens[:at]]]))[0]
    assert tokens[at] == without_four(None, free[-1:]).argmax().item()


def test_an_answer_may_end_inside_a_computed_text(base):
    (prompt,) = ids_of(base, "hello")
    whole = answers(base, [prompt], [spans(base)])[0]
    assert answers(base, [prompt], [spans(base)], Sampling(max_tokens=5))[0] == whole[:5]


def test_a_processor_that_raises_is_left_out_and_named(base):
    def broken(text):
        raise KeyError(text)

    prompts = ids_of(base, "hello", "there")
    with capture_logs() as logs:
        found = answers(base, prompts, [spans(base, broken, opening, CALCULATOR), []])
    assert "6 * 7 = 42" in base.tokenizer.decode(found[0])
    assert [(log["event"], "broken" in log["processor"]) for log in logs] == [("processor_failed", True)]


@pytest.mark.parametrize(
    "tokenizer", [byte_level(digits=True), byte_level(600, PROSE), pieces()], ids=["digits", "merged", "pieces"]
)
@pytest.mark.parametrize("before", ["so 6 * 7 =", "1. é → 12 / 5 =", "The train leaves at 14:50 + 95 min ="])
def test_the_forced_tokens_are_those_of_the_whole_text(tokenizer, before):
    following = CALCULATOR(before)
    one = ComputedSpans(tokenizer, [CALCULATOR])
    tokens = tokenizer.encode(before, add_special_tokens=False)
    width = len(tokenizer)
    one(mx.array([1]), mx.zeros((1, width)))
    found = []
    for n in range(len(tokens)):
        logits_1V = one(mx.array([1, *tokens[: n + 1]]), mx.zeros((1, width)))
    while mx.isfinite(logits_1V).sum().item() == 1:
        found.append(logits_1V.argmax().item())
        logits_1V = one(mx.array([1, *tokens, *found]), mx.zeros((1, width)))
    assert tokens + found == tokenizer.encode(before + following, add_special_tokens=False)


@pytest.fixture
def counting(base, registry, tmp_path):
    """Publish neurons by name with the processors on their cards."""

    def publish(name, *processors, seed=1):
        folder = write_neuron(tmp_path / name, base.model, seed)
        fields = CardFields(
            base=base.ref, base_digest=base.digest, teacher="t", teacher_fingerprint="t", data_digest="d",
            processors=processors,
        )  # fmt: skip
        return registry.publish(name, folder, fields)

    return publish


def test_a_runtime_computes_for_the_neurons_whose_cards_say_so(base, registry, counting):
    counting("sums", *BOTH)
    counting("plain", seed=2)
    runtime = NeuronRuntime(base, registry, span_processors=BOTH)
    try:
        texts = {name: runtime.generate("hello", name, LIMIT) for name in ("sums", "plain", "base")}
        assert {name: "6 * 7 = 42" in text for name, text in texts.items()} == {
            "sums": True, "plain": False, "base": False,
        }  # fmt: skip
        assert runtime.generate_many(["hello", "there"], "sums", LIMIT)[0] == texts["sums"]
        with runtime.neuron("sums"):
            assert runtime.generate("hello", sampling=LIMIT) == texts["sums"]
        assert runtime.generate("hello", sampling=LIMIT) == texts["base"]
        assert "6 * 7 = 42" in runtime.generate("hello", {"sums": 0.5, "plain": 0.5}, LIMIT)
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        held = runtime.generate("hello", "sums", Sampling(max_tokens=40), schema=schema)
        assert held.startswith('{"n": ')
        assert "sum" not in held
    finally:
        runtime.close()


def test_a_candidate_is_given_its_processors_with_its_folder(base, registry, tmp_path):
    runtime = NeuronRuntime(base, registry, span_processors=BOTH)
    try:
        folder = write_neuron(tmp_path / "made", base.model, 3)
        runtime.add("candidate", folder, tuple(BOTH))
        assert "6 * 7 = 42" in runtime.generate("hello", "candidate", LIMIT)
    finally:
        runtime.close()


def test_a_missing_processor_is_logged_once_for_each_neuron(base, registry, counting):
    counting("sums", "calculator", "abacus")
    counting("other", "abacus", seed=2)
    runtime = NeuronRuntime(base, registry, span_processors=BOTH)
    try:
        with capture_logs() as logs:
            for _ in range(2):
                runtime.generate("hello", "sums", Sampling(max_tokens=2))
            runtime.generate_many(["hello", "there"], "other", Sampling(max_tokens=2))
        missing = [(log["neuron"], log["processor"]) for log in logs if log["event"] == "processor_missing"]
        assert missing == [("sums@1", "abacus"), ("other@1", "abacus")]
    finally:
        runtime.close()


def test_by_default_the_bundled_processors_are_used(base):
    found = SpanProcessors(base.tokenizer).named(["calculator"], "sums@1")
    assert len(found) == 1
    assert SpanProcessors(base.tokenizer).named([], "sums@1") == []


def test_an_engine_computes_for_each_request_by_its_neuron(base, registry, counting):
    counting("sums", *BOTH)
    counting("plain", seed=2)
    engine = Engine(base, registry, slots=2, batch=4, span_processors=BOTH)
    try:
        names = ["sums", "plain", "base", "sums"]
        prompts = ["hello", "hello", "hello", "there"]
        requests = [engine.submit(prompt, name, LIMIT) for prompt, name in zip(prompts, names, strict=True)]
        texts = [request.result().text for request in requests]
        assert ["6 * 7 = 42" in text for text in texts] == [True, False, False, True]
        assert texts[0] == engine.submit("hello", "sums", LIMIT).result().text
        schema = {"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"]}
        schema["additionalProperties"] = False
        held = engine.submit("hello", "sums", Sampling(max_tokens=60), schema=schema).result().text
        assert json.loads(held).keys() == {"n"}
    finally:
        engine.close()


def test_a_token_is_followed_without_reading_the_answer_again(base):
    """The text so far is never decoded again, and the processors are asked once for each token."""
    asked = []

    def watching(text):
        asked.append(len(text))

    one = ComputedSpans(base.tokenizer, [watching])
    logits_1V = mx.zeros((1, len(base.tokenizer)))
    tokens = base.tokenizer.encode("the thing in an hour. " * 50, add_special_tokens=False)
    for n in range(len(tokens) + 1):
        assert one(mx.array([5, *tokens[:n]]), logits_1V) is logits_1V
    assert len(asked) <= len(tokens)
    assert asked == sorted(set(asked))
