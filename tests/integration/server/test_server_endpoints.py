"""OpenAI's own client gets the engine's answers from the server."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from conch_dna.records import Sampling
from conch_dna.runtime.engine import Engine

HELLO = [{"role": "user", "content": "say the thing on a train"}]


@pytest.fixture(scope="module")
def engine(base, published):
    made = Engine(base, published)
    yield made
    made.close()


@pytest.mark.promise
def test_each_name_is_answered_by_its_version(client, engine):
    texts = {}
    for model in ("base", "action", "action@2", "action@prod", "action@1", "thinking"):
        done = client.chat.completions.create(model=model, messages=HELLO, max_tokens=12)
        wanted = engine.submit(HELLO, model, Sampling(max_tokens=12)).result()
        texts[model] = done.choices[0].message.content
        assert texts[model] == wanted.text
        assert done.usage.completion_tokens == len(wanted.tokens)
        assert done.usage.prompt_tokens == wanted.prompt_tokens
        assert done.choices[0].finish_reason == wanted.finish_reason
        assert done.model == model
        assert done.system_fingerprint.endswith((wanted.digest or "base").removeprefix("sha256:"))
    assert texts["action"] == texts["action@2"] != texts["action@prod"] == texts["action@1"]
    assert len(set(texts.values())) == 4


def test_a_stream_has_the_text_of_a_whole_answer(client):
    asked = {"model": "action", "messages": HELLO, "max_completion_tokens": 20, "n": 2, "temperature": 1, "seed": 5}
    whole = client.chat.completions.create(**asked)
    texts, reasons, usage = ["", ""], {}, None
    with client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}) as stream:
        for chunk in stream:
            assert chunk.object == "chat.completion.chunk"
            assert chunk.system_fingerprint == whole.system_fingerprint
            usage = chunk.usage or usage
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
                if choice.finish_reason:
                    reasons[choice.index] = choice.finish_reason
    assert texts == [choice.message.content for choice in whole.choices]
    assert reasons == {choice.index: choice.finish_reason for choice in whole.choices}
    assert (usage.prompt_tokens, usage.completion_tokens) == (whole.usage.prompt_tokens, whole.usage.completion_tokens)
    assert texts[0] != texts[1]


def test_a_seed_fixes_an_answer_and_none_does_not(client):
    def statuses(**more):
        done = client.chat.completions.create(model="base", messages=HELLO, max_tokens=12, temperature=1.5, **more)
        return done.choices[0].message.content

    assert statuses(seed=3) == statuses(seed=3) != statuses(seed=4)
    assert statuses(seed=-1) == statuses(seed=-1)
    assert statuses() != statuses()


def test_an_answer_ends_before_a_stop_string(client):
    asked = {"model": "base", "messages": HELLO, "max_tokens": 40}
    text = client.chat.completions.create(**asked).choices[0].message.content
    stop = text[7:9]
    cut = client.chat.completions.create(**asked, stop=stop).choices[0]
    assert cut.message.content == text[: text.index(stop)]
    assert cut.finish_reason == "stop"
    with client.chat.completions.create(**asked, stop=[stop], stream=True) as stream:
        assert "".join(c.choices[0].delta.content or "" for c in stream) == cut.message.content


def test_log_probabilities_are_those_of_the_tokens(client):
    asked = {"model": "action", "messages": HELLO, "max_tokens": 6, "logprobs": True, "top_logprobs": 3}
    choice = client.chat.completions.create(**asked).choices[0]
    content = choice.logprobs.content
    assert b"".join(bytes(token.bytes) for token in content).decode(errors="replace") == choice.message.content
    for token in content:
        best = [other.logprob for other in token.top_logprobs]
        assert len(best) == 3
        assert best == sorted(best, reverse=True)
        assert token.logprob == pytest.approx(best[0])  # greedy
        assert sum(map(math.exp, best)) <= 1 + 1e-5
    with client.chat.completions.create(**asked, stream=True) as stream:
        streamed = [t for c in stream for t in (c.choices[0].logprobs.content if c.choices[0].logprobs else [])]
    assert [token.bytes for token in streamed] == [token.bytes for token in content]


def test_completions_take_texts_and_token_ids(client, base):
    texts = ["the thing", "a train in"]
    ids = [base.tokenizer.encode(text) for text in texts]
    asked = {"model": "thinking", "max_tokens": 8, "n": 2}
    by_text = client.completions.create(**asked, prompt=texts)
    by_ids = client.completions.create(**asked, prompt=ids)
    assert [c.text for c in by_text.choices] == [c.text for c in by_ids.choices]
    assert [c.index for c in by_text.choices] == [0, 1, 2, 3]
    assert by_text.usage.prompt_tokens == sum(map(len, ids))
    alone = client.completions.create(**asked, prompt=ids[1], logprobs=2)
    assert alone.choices[0].text == by_text.choices[2].text
    told = alone.choices[0].logprobs
    assert "".join(told.tokens) == alone.choices[0].text
    assert told.text_offset[2] == len("".join(told.tokens[:2]))
    with client.completions.create(**asked, prompt=ids[1], stream=True) as stream:
        streamed = [choice for chunk in stream for choice in chunk.choices if choice.index == 0]
    assert "".join(choice.text for choice in streamed) == alone.choices[0].text


def test_models_are_listed_with_their_versions(client, base, published):
    models = {model.id: model for model in client.models.list().data}
    wanted = ["base", "action", "action@prod", "action@1", "action@2", "thinking", "thinking@1"]
    assert list(models) == wanted
    assert (models["base"].parent, models["base"].digest) == (None, base.digest)
    assert (models["action"].parent, models["action"].root) == ("base", "action@2")
    assert models["action@prod"].root == "action@1"
    assert models["action@prod"].digest == published.resolve("action@1").card.digest
    assert client.models.retrieve("action@prod").root == "action@1"
    assert str(published.root) not in json.dumps([model.to_dict() for model in models.values()])


def test_parts_of_content_and_the_developer_are_understood(client):
    plain = [{"role": "system", "content": "be brief"}, *HELLO]
    parts = [{"role": "developer", "content": [{"type": "text", "text": "be "}, {"type": "text", "text": "brief"}]}]
    texts = [
        client.chat.completions.create(model="base", messages=m, max_tokens=8, user="u", metadata={"a": "b"})
        .choices[0].message.content
        for m in (plain, [*parts, *HELLO])
    ]  # fmt: skip
    assert texts[0] == texts[1]


def test_many_clients_with_different_neurons_get_what_each_gets_alone(client):
    models = ["base", "action", "action@prod", "thinking"]

    def statuses(model, words):
        turns = [{"role": "user", "content": f"say {words}"}]
        return client.chat.completions.create(model=model, messages=turns, max_tokens=10 + words)

    asked = [(models[i % 4], i) for i in range(24)]
    alone = [statuses(*one).choices[0].message.content for one in asked]
    with ThreadPoolExecutor(24) as pool:
        together = list(pool.map(lambda one: statuses(*one), asked))
    assert [done.choices[0].message.content for done in together] == alone
    assert [done.model for done in together] == [model for model, _ in asked]
