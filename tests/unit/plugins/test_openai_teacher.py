"""The ``openai`` teacher against a real server: what it asks, what it finds out, what it makes of the answers."""

import json
import logging
import sys

import numpy as np
import pytest
from api_calls import HOST, SHORT, answered, domain_in, good_is_better, paid, spent, teacher_of
from fake_model import distribution
from structlog.testing import capture_logs

from conch_dna.errors import BudgetReached, ConfigError, TeacherError
from conch_dna.plugin.protocols import Scores
from conch_dna.records import Message, Prompt, Sampling
from conch_dna.teachers.answer_cache import CompletionCache, answers
from conch_dna.teachers.api.keys import SHOWN
from conch_dna.teachers.api.prices import Usage
from conch_dna.teachers.api.probe import QUESTION
from conch_dna.teachers.api.settings import Endpoint
from conch_dna.teachers.references import make_teacher

pytestmark = pytest.mark.integration  # each test has an HTTP server

PROBE = QUESTION[0]["content"]
TURN = "<|im_start|>{role}\n{content}<|im_end|>\n"


def text_of(soft):
    return "".join(token.piece or "" for token in soft).encode("latin-1").decode()


def test_it_answers_and_says_how_the_answers_ended(serve, tmp_path):
    domain = domain_in(tmp_path)
    first, second, *_ = domain.prompts
    server = serve({first.messages[-1].content: "Amber it is.", second.messages[-1].content: "many words " * 20})
    teacher, _ = teacher_of(tmp_path, server, domain=domain)
    found = answered(teacher, [first, second])
    assert (found[first.digest].text, found[first.digest].finish_reason) == ("Amber it is.", "stop")
    assert found[second.digest].finish_reason == "length"
    assert found[first.digest].teacher == teacher.fingerprint


def test_its_question_holds_the_context_and_the_sampling(serve, tmp_path):
    server = serve()
    bodies = []
    server.model.rule = lambda _: "yes"
    kept, server.answer = server.answer, lambda request: bodies.append(request.body) or kept(request)
    teacher, _ = teacher_of(tmp_path, server)
    prompt = domain_in(tmp_path).prompts[0]
    answered(teacher, [prompt], Sampling(max_tokens=7, temperature=0.5, top_p=0.9, seed=3))
    body = json.loads(bodies[-1])
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, *prompt.turns]
    assert {k: body[k] for k in ("model", "max_tokens", "temperature", "top_p", "seed")} == {
        "model": "tiny", "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3,
    }  # fmt: skip
    assert "logprobs" not in body


def test_tool_calls_are_sent_as_openai_writes_them(serve, tmp_path):
    call = {"function": {"name": "add", "arguments": {"a": "ü"}}}
    turns = (
        Message(role="user", content="1 and 1?"),
        Message.model_validate({"role": "assistant", "content": None, "tool_calls": [call]}),
        Message(role="tool", content="2"),
        Message(role="user", content="So?"),
    )
    bodies = []
    server = serve()
    kept, server.answer = server.answer, lambda request: bodies.append(request.body) or kept(request)
    teacher, _ = teacher_of(tmp_path, server)
    answered(teacher, [Prompt(messages=turns)])
    _, _, calling, result, _ = json.loads(bodies[-1])["messages"]
    (sent,) = calling["tool_calls"]
    assert (sent["function"]["arguments"], sent["type"]) == ('{"a": "ü"}', "function")  # as long as it was counted
    assert result["tool_call_id"] == sent["id"]


class TestForced:
    """Any text's tokens are returned with their choices, by both ways of echoing."""

    @pytest.fixture(params=["chat", "text"])
    def echoing(self, request, serve, tmp_path):
        ways = {"chat": ({}, {}), "text": ({"prompt_logprobs": "unknown"}, {"turn": TURN})}
        behaviour, endpoint = ways[request.param]
        server = serve(**behaviour)
        return teacher_of(tmp_path, server, **endpoint)[0], server

    def test_it_tells_what_the_model_thinks_of_a_text_that_is_not_its_own(self, echoing, tmp_path):
        teacher, server = echoing
        prompt = domain_in(tmp_path).prompts[0]
        asked, text = prompt.messages[-1].content, "grove of trees"
        (found,) = teacher.score_text([prompt], [text], 5)
        assert text_of(found) == text
        assert found[-1].piece is None
        said = b""
        for token in found[:-1]:
            piece = token.piece.encode("latin-1")
            expected, _ = server.model.score(asked, said, piece)
            assert dict(token.choices)[token.piece] == pytest.approx(expected, abs=1e-3)
            (best, mass), *_ = distribution(server.model.next(asked, said), asked, said)
            assert (
                dict(token.choices).get(best.decode("latin-1")) == pytest.approx(mass, abs=1e-3)
                or best == b"<|im_end|>"
            )
            said += piece

    def test_the_end_of_the_turn_has_its_probability(self, echoing, tmp_path):
        teacher, server = echoing
        prompt = domain_in(tmp_path).prompts[0]
        right = server.model.answer(prompt.messages[-1].content)
        (own,), (longer,) = (
            teacher.score_text([prompt], [right], 5),
            teacher.score_text([prompt], [right + " and more"], 5),
        )
        assert own[-1].choices[0][0] is None
        assert np.exp(own[-1].choices[0][1]) > 0.5
        place = len(own) - 1
        assert longer[place].piece == " and"
        assert longer[place].choices[0][0] is None  # it would have ended here

    @pytest.mark.parametrize("text", ["a 🐚 on the beach", "naïve café", "日本"])
    def test_characters_of_several_tokens_keep_their_bytes(self, echoing, tmp_path, text):
        teacher, _ = echoing
        (found,) = teacher.score_text(domain_in(tmp_path).prompts[:1], [text], 4)
        assert text_of(found) == text

    def test_returned_tokens_are_not_requested_again(self, echoing, tmp_path):
        teacher, server = echoing
        prompts = domain_in(tmp_path).prompts[:3]
        texts = ["one", "two words", "three whole words"]
        first = teacher.score_text(prompts, texts, 4)
        asked = len(server.calls)
        assert teacher.score_text(prompts, texts, 4) == first
        assert len(server.calls) == asked
        assert [text_of(tokens) for tokens in first] == texts

    def test_another_format_of_turns_is_another_question(self, serve, tmp_path):
        server = serve(prompt_logprobs="unknown")
        prompts = domain_in(tmp_path).prompts[:1]
        for turn in (TURN, TURN.replace("\n<|im_end|>", "<|im_end|>") + "\n"):
            teacher, _ = teacher_of(tmp_path, server, turn=turn)
            _ = teacher.capabilities
            asked = len(server.calls)
            teacher.score_text(prompts, ["one two"], 4)
            assert len(server.calls) == asked + 1

    def test_a_repeated_text_is_requested_once_and_returned_twice(self, echoing, tmp_path):
        teacher, server = echoing
        prompt = domain_in(tmp_path).prompts[0]
        _ = teacher.capabilities
        asked = len(server.calls)
        first, second = teacher.score_text([prompt, prompt], ["same", "same"], 4)
        assert first == second != ()
        assert len(server.calls) == asked + 1


def test_an_answer_carries_its_own_tokens(serve, tmp_path):
    teacher, _ = teacher_of(tmp_path, serve({}))
    (found,) = teacher.generate(domain_in(tmp_path).prompts[:1], Sampling(max_tokens=12, top_log_probs=6))
    assert text_of(found.soft) == found.text
    assert {len(token.choices) for token in found.soft} == {6}


class TestPreference:
    """The better of two answers, in both orders."""

    def judged_by(self, serve, tmp_path, verdict):
        server = serve(prompt_logprobs="unknown")
        server.model.rule = lambda asked: verdict(asked) if "<answer A>" in asked else "words"
        return teacher_of(tmp_path, server)[0], server

    def test_both_orders_must_agree(self, serve, tmp_path):
        prompts = domain_in(tmp_path).prompts[:3]
        teacher, server = self.judged_by(serve, tmp_path, good_is_better)
        assert teacher.prefer(prompts, ["good", "bad", "bad"], ["bad", "good", "bad"]) == [0, 1, None]
        assert all("Be brief." in call.prompt for call in server.calls if "<answer A>" in call.prompt)

    def test_a_judge_that_likes_the_first_place_has_no_say(self, serve, tmp_path):
        teacher, _ = self.judged_by(serve, tmp_path, lambda _: "A")
        assert teacher.prefer(domain_in(tmp_path).prompts[:1], ["good"], ["bad"]) == [None]

    def test_a_verdict_is_not_paid_for_twice(self, serve, tmp_path):
        prompts = domain_in(tmp_path).prompts[:2]
        teacher, server = self.judged_by(serve, tmp_path, good_is_better)
        first = teacher.prefer(prompts, ["good", "bad"], ["bad", "good"])
        asked = len(server.calls)
        assert teacher.prefer(prompts, ["good", "bad"], ["bad", "good"]) == first
        assert len(server.calls) == asked


class TestMoney:
    """The cost of a call is bounded before the call."""

    def test_without_a_budget_nothing_is_asked(self, serve, tmp_path):
        server = serve()
        teacher, _ = teacher_of(tmp_path, server, prices=paid()["prices"])
        with pytest.raises(ConfigError, match=r"no budget\. Add --budget USD"):
            _ = teacher.capabilities
        assert not server.calls

    def test_an_endpoint_on_this_machine_is_free(self, serve, tmp_path):
        teacher, api = teacher_of(tmp_path, serve())
        with capture_logs() as logs:
            assert answered(teacher, domain_in(tmp_path).prompts[:1])
        assert not api.ledger_file.exists()
        (said,) = [line for line in logs if line["event"] == "calls_free"]
        assert (said["teacher"], said["reason"]) == ("openai:tiny", "endpoint on this machine")

    def test_a_listed_model_costs_its_price_on_this_machine_too(self, serve, tmp_path):
        server = serve()
        teacher, _ = teacher_of(tmp_path, server, model="gpt-4o-mini")
        with pytest.raises(ConfigError, match=r"no budget\. Add --budget USD"):
            _ = teacher.capabilities
        assert not server.calls
        teacher, _ = teacher_of(tmp_path, server, model="gpt-4o-mini", budget=10**9)
        assert answered(teacher, domain_in(tmp_path).prompts[:1])
        assert spent(tmp_path)[0] > 0

    def test_an_unknown_model_elsewhere_asks_for_its_prices(self, serve, tmp_path, monkeypatch):
        monkeypatch.setenv("CONCH_API_KEY_TEACHER_INVALID", "sk-test")
        teacher, api = teacher_of(tmp_path, serve(), budget=10**9, model="mine")
        endpoint = api.settings.endpoint("openai").model_copy(update={"base_url": "https://teacher.invalid/v1"})
        api.settings = api.settings.model_copy(update={"endpoints": {"openai": endpoint}})
        with pytest.raises(ConfigError, match=r"openai:mine. .*\[prices"):
            _ = teacher.capabilities

    def test_the_ledger_holds_what_the_server_charged_probe_and_all(self, serve, tmp_path):
        server = serve()
        teacher, _ = teacher_of(tmp_path, server, **paid())
        answered(teacher, domain_in(tmp_path).prompts)
        teacher.score_text(domain_in(tmp_path).prompts[:1], ["one two"], 4)
        used = server.used()
        assert spent(tmp_path) == (1000 * (used["input"] + used["cached_input"]) + 4000 * used["output"], 0)

    def test_refusals_in_a_probe_cost_nothing(self, serve, tmp_path):
        server = serve(prompt_logprobs="unknown", most_top=7)
        teacher, _ = teacher_of(tmp_path, server, **paid())
        _ = teacher.capabilities
        used = server.used()
        assert spent(tmp_path) == (1000 * used["input"] + 4000 * used["output"], 0)

    def test_a_budget_for_nothing_buys_nothing(self, serve, tmp_path):
        server = serve()
        teacher, _ = teacher_of(tmp_path, server, prices=paid()["prices"], budget=0)
        with pytest.raises(BudgetReached):
            _ = teacher.capabilities
        assert not server.calls

    def test_at_the_budget_it_stops_and_a_larger_one_goes_on(self, serve, tmp_path):
        server, domain = serve(), domain_in(tmp_path)
        cache = CompletionCache(tmp_path / "cache/completions")
        price = paid()["prices"]
        first, _ = teacher_of(tmp_path, server, prices=price, budget=700_000, concurrency=1)
        with pytest.raises(BudgetReached):
            list(answers(first, domain, domain.prompts, SHORT, cache))
        second, api = teacher_of(tmp_path, server, prices=price, budget=10**9)
        assert len(list(answers(second, domain, domain.prompts, SHORT, cache))) == len(domain.prompts)
        assert set(server.charged().values()) == {1, 2}  # the probe asks twice
        assert [p for p, times in server.charged().items() if times == 2] == [PROBE]
        assert api.metrics("tiny").cached > 0


class TestFaults:
    """Failures of a call."""

    @pytest.mark.parametrize(
        "fault", ["error_500", "rate_limited", "half_json", "truncated", "page", "reset", "reset_late"]
    )
    def test_an_answer_comes_in_the_end(self, serve, tmp_path, fault):
        server = serve(retry_after=0.01)
        teacher, _ = teacher_of(tmp_path, server, **paid())
        _ = teacher.capabilities
        prompt = domain_in(tmp_path).prompts[0]
        server.faults.by_prompt[prompt.messages[-1].content] = [fault, "none"]
        assert answered(teacher, [prompt])[prompt.digest].text
        assert server.faced()[fault] == 1

    @pytest.mark.parametrize("fault", ["hang", "drip"])
    def test_an_answer_that_takes_too_long_is_given_up(self, serve, tmp_path, fault):
        server = serve(hangs=30.0, drips=30.0)
        teacher, _ = teacher_of(tmp_path, server, timeout=0.5)
        _ = teacher.capabilities
        prompt = domain_in(tmp_path).prompts[0]
        server.faults.by_prompt[prompt.messages[-1].content] = [fault, "none"]
        assert answered(teacher, [prompt])[prompt.digest].text
        assert server.faced()[fault] == 1


class TestIdentity:
    """Whose answers these are."""

    def test_the_fingerprint_tells_model_host_and_context(self, serve, tmp_path):
        server = serve()
        teacher, _ = teacher_of(tmp_path, server)
        same, _ = teacher_of(tmp_path, server)
        assert teacher.fingerprint == same.fingerprint
        other_model, _ = teacher_of(tmp_path, server, model="gpt-4o-mini")
        elsewhere, _ = teacher_of(tmp_path, serve())
        told_more, _ = teacher_of(tmp_path, server, domain=domain_in(tmp_path / "b", context="Be long."))
        beside, api = teacher_of(tmp_path, server)
        path = {"base_url": f"{server.openai_url}/second"}
        api.settings = api.settings.model_copy(update={"endpoints": {"openai": Endpoint(**path)}})
        assert len({t.fingerprint for t in (teacher, other_model, elsewhere, told_more, beside)}) == 5

    def test_it_needs_a_model_and_a_command_that_lends(self, tmp_path):
        with pytest.raises(TeacherError, match=r"teacher openai: needs a model\. Write openai:MODEL"):
            make_teacher(HOST, "openai", domain_in(tmp_path))
        teacher = make_teacher(HOST, "openai:tiny", domain_in(tmp_path))
        with pytest.raises(TeacherError, match="this command calls no API"):
            _ = teacher.capabilities

    @pytest.mark.parametrize("missing", ["openai", "tenacity"])
    def test_without_the_extra_it_says_what_to_install(self, serve, tmp_path, monkeypatch, missing):
        server = serve()
        monkeypatch.setitem(sys.modules, missing, None)
        for name in [name for name in sys.modules if name.startswith("conch_dna.teachers.api.")]:
            monkeypatch.delitem(sys.modules, name)
        with pytest.raises(TeacherError, match=rf"{missing} is not installed\. pip install 'conch-dna\[api\]'"):
            _ = teacher_of(tmp_path, server)[0].capabilities

    def test_it_does_not_score_token_ids(self, serve, tmp_path):
        teacher, _ = teacher_of(tmp_path, serve())
        assert not isinstance(teacher, Scores)


def test_a_key_that_the_server_sends_back_is_in_no_answer(serve, tmp_path, monkeypatch):
    server = serve(key="sk-secret-1234")
    monkeypatch.setenv(server.key_variable, "sk-secret-1234")
    server.model.rule = lambda _: "Your key is sk-secret-1234 now"
    teacher, _ = teacher_of(tmp_path, server)
    (found,) = teacher.generate(domain_in(tmp_path).prompts[:1], Sampling(max_tokens=30, top_log_probs=3))
    assert found.text == f"Your key is {SHOWN} now"
    assert found.soft == ()


def test_a_key_that_the_server_escapes_is_in_no_answer_either(serve, tmp_path, monkeypatch):
    server = serve(key="sk-secret-1234")
    monkeypatch.setenv(server.key_variable, "sk-secret-1234")
    server.model.rule = lambda _: "Your key is sk-secret-1234 now"
    kept = server.answer

    def escaping(request):
        reply, *rest = kept(request)
        if isinstance(reply.body, dict):
            reply.body = json.dumps(reply.body).replace("sk-secret", "\\u0073k-secret").encode()
        return (reply, *rest)

    server.answer = escaping
    teacher, _ = teacher_of(tmp_path, server)
    (found,) = teacher.generate(domain_in(tmp_path).prompts[:1], Sampling(max_tokens=30))
    assert found.text == f"Your key is {SHOWN} now"


def test_no_log_of_the_sdk_shows_what_a_server_sends(serve, tmp_path, monkeypatch, caplog):
    server = serve(key="sk-secret-1234")
    monkeypatch.setenv(server.key_variable, "sk-secret-1234")
    monkeypatch.setattr(logging.getLogger("openai"), "level", logging.DEBUG)  # as OPENAI_LOG=debug does
    teacher, _ = teacher_of(tmp_path, server)
    with caplog.at_level(logging.DEBUG):
        assert answered(teacher, domain_in(tmp_path).prompts[:1])
    assert not [record for record in caplog.records if record.name.startswith(("openai", "httpx"))]


def test_thoughts_that_only_the_total_counts_are_paid_for():
    returned = {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}}
    kind = HOST.catalog.get("teachers", "openai").__globals__
    assert kind["_usage"](returned) == Usage(input=10, output=105)
