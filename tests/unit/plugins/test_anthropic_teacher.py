"""The ``anthropic`` teacher against a real server: the Messages API, its prompt cache, and what it cannot tell."""

import json

import pytest
from api_calls import SHORT, domain_in, spent, teacher_of

from conch_dna.errors import TeacherError
from conch_dna.records import Message, Prompt, Sampling

pytestmark = pytest.mark.integration  # each test has an HTTP server

MODEL = "claude-haiku-4-5"
KEY = "sk-ant-test"


@pytest.fixture
def asked(serve, tmp_path, monkeypatch):
    """Build a teacher and the bodies that it sends: ``asked(answers, caching, **behaviour)``."""

    def make(answers=None, *, model=MODEL, domain=None, endpoint=None, **behaviour):
        server, bodies = serve(answers, key=KEY, **behaviour), []
        monkeypatch.setenv(server.key_variable, KEY)
        kept = server.answer

        def noting(request):
            bodies.append(json.loads(request.body or b"{}"))
            return kept(request)

        server.answer = noting
        prices = {f"anthropic:{model}": {"input": 1, "output": 5, "cached_input": "0.1", "cache_write": "1.25"}}
        about = {"budget": 10**9, "prices": prices} | (endpoint or {})
        teacher, _ = teacher_of(tmp_path, server, "anthropic", model, domain, **about)
        return teacher, server, bodies

    return make


def test_it_answers_and_gives_text_and_verdicts(asked, tmp_path):
    first, second, *_ = domain_in(tmp_path).prompts
    teacher, _, _ = asked({first.messages[-1].content: "Amber.", second.messages[-1].content: "many words " * 20})
    assert teacher.capabilities == {"text", "prefer"}
    found = {c.prompt: c for c in teacher.generate([first, second], SHORT)}
    assert (found[first.digest].text, found[first.digest].finish_reason) == ("Amber.", "stop")
    assert found[second.digest].finish_reason == "length"


def test_the_system_prompt_stands_apart_and_tools_are_text(asked):
    call = {"function": {"name": "add", "arguments": {"a": 1}}}
    turns = (
        Message(role="user", content="1 and 1?"),
        Message.model_validate({"role": "assistant", "content": "Adding.", "tool_calls": [call]}),
        Message(role="tool", content="2"),
        Message(role="user", content="So?"),
    )
    teacher, _, bodies = asked()
    list(teacher.generate([Prompt(messages=turns)], Sampling(max_tokens=5, temperature=0.5, top_p=0.5, seed=3)))
    body = bodies[-1]
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "user"]
    assert body["messages"][1]["content"][0]["text"] == 'Adding.\n{"name": "add", "arguments": {"a": 1}}'
    assert body.keys() == {"model", "max_tokens", "system", "messages"}
    assert body["max_tokens"] == 5


def test_the_context_is_marked_for_the_prompt_cache_and_charged_as_such(asked, tmp_path):
    domain = domain_in(tmp_path, context="Be brief and kind. " * 400)
    teacher, server, bodies = asked(domain=domain, endpoint={"prompt_caching": True})
    assert len(list(teacher.generate(domain.prompts[:3], SHORT))) == 3
    assert bodies[-1]["system"][0]["cache_control"] == {"type": "ephemeral"}
    used = server.used()
    assert used["cached_input"] > 0
    assert used["cache_write"] > 0
    expected = 1000 * used["input"] + 100 * used["cached_input"] + 1250 * used["cache_write"] + 5000 * used["output"]
    assert spent(tmp_path) == (expected, 0)


def test_without_that_option_nothing_is_marked(asked, tmp_path):
    teacher, server, _ = asked(domain=domain_in(tmp_path, context="Be brief and kind. " * 400))
    list(teacher.generate(domain_in(tmp_path).prompts[:2], SHORT))
    assert server.used()["cache_write"] == 0


def test_a_wrong_key_ends_the_run_and_is_not_shown(asked, tmp_path, monkeypatch):
    teacher, server, _ = asked()
    monkeypatch.setenv(server.key_variable, "sk-ant-wrong")
    with pytest.raises(TeacherError, match="refuses the calls; got 401") as caught:
        _ = teacher.capabilities
    assert "sk-ant-wrong" not in str(caught.value)


def test_it_prefers_too(asked, tmp_path):
    teacher, server, _ = asked()
    server.model.rule = lambda text: "A" if "<answer A>\ngood" in text else "B"
    prompts = domain_in(tmp_path).prompts[:2]
    assert teacher.prefer(prompts, ["good", "bad"], ["bad", "good"]) == [0, 1]
