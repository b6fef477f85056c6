"""Neurons that share the base's context, as clients see them."""

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from engines import publish_activated
from serving import publish_tiny

from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.tokens import prompt_ids
from conch_dna.registry.store import Registry

SIX = [f"n{i}" for i in range(6)]
TURNS = [
    {"role": "user", "content": "Read this once for all of us: " + "one two three four five six seven eight. " * 2}
]


@pytest.fixture(scope="module")
def served(start, base, tmp_path_factory):
    project = tmp_path_factory.mktemp("contexts")
    registry = Registry(project / "adapters")
    publish_tiny(registry, base, project / "made", "plain", 1)
    publish_activated(registry, base, project / "made", *SIX, invocation_tokens=invocation_tokens_of(base.tokenizer))
    return start(registry)


@pytest.fixture
def client(served):
    with openai.OpenAI(base_url=served.url, api_key="none", max_retries=0) as made:
        yield made


def test_models_say_which_neurons_share_the_context(client):
    models = {model.id: model.activated for model in client.models.list().data}
    assert models["n0"] is models["n0@1"] is True
    assert models["base"] is models["plain"] is False


def test_usage_counts_the_shared_tokens(client, base):
    invocation_tokens = invocation_tokens_of(base.tokenizer)
    context = len(prompt_ids(base.tokenizer, TURNS)) - len(invocation_tokens)

    def ask(name):
        return client.chat.completions.create(model=name, messages=TURNS, max_tokens=4)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, SIX))
    assert sorted(answer.usage.prompt_tokens_details.cached_tokens for answer in answers) == [0, *[context] * 5]
    assert {answer.usage.prompt_tokens for answer in answers} == {context + len(invocation_tokens)}
    assert len({answer.choices[0].message.content for answer in answers}) > 1
    cached = {name: ask(name).usage.prompt_tokens_details.cached_tokens for name in ("base", "plain")}
    assert cached == {"base": context, "plain": 0}


def test_a_prompt_without_invocation_tokens_is_a_bad_request(client):
    with pytest.raises(openai.BadRequestError, match="does not contain the invocation tokens of this neuron") as fault:
        client.completions.create(model="n0", prompt="one two three", max_tokens=4)
    assert fault.value.code == "invalid_value"
    assert client.completions.create(model="plain", prompt="one two three", max_tokens=4).choices[0].text
