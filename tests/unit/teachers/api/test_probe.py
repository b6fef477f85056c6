"""The probe detects and reports the abilities of an endpoint, against a real server that supports less and less."""

import os
import socket
import time
from types import SimpleNamespace

import pytest
from api_calls import answered, domain_in, good_is_better, paid, spent, teacher_of
from fake_http import Refused
from fake_model import FakeModel
from settings import config_of
from structlog.testing import capture_logs

from conch_dna.errors import ConfigError, TeacherError
from conch_dna.pipeline.recipe_choice import choose_recipes
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Sampling
from conch_dna.teachers.api.teacher import PROBED_FOR

pytestmark = pytest.mark.integration  # each test has an HTTP server

TURN = "<|im_start|>{role}\n{content}<|im_end|>\n"


@pytest.mark.parametrize(
    ("behaviour", "endpoint", "signals"),
    [
        ({}, {}, {"text", "prefer", "soft", "forced"}),
        ({"prompt_logprobs": "unknown"}, {}, {"text", "prefer", "soft"}),
        ({"prompt_logprobs": "ignored"}, {}, {"text", "prefer", "soft"}),
        ({"prompt_logprobs": "unknown"}, {"turn": TURN}, {"text", "prefer", "soft", "forced"}),
        ({"prompt_logprobs": "unknown", "echo": "refused"}, {"turn": TURN}, {"text", "prefer", "soft"}),
        ({"prompt_logprobs": "unknown", "echo": "ignored"}, {"turn": TURN}, {"text", "prefer", "soft"}),
        ({"logprobs": "refused", "prompt_logprobs": "unknown"}, {}, {"text", "prefer"}),
        ({"logprobs": "ignored", "prompt_logprobs": "unknown"}, {}, {"text", "prefer"}),
        ({"logprobs": "refused"}, {}, {"text", "prefer", "forced"}),
    ],
    ids=["all", "openai", "no prompt log-probs", "echo", "echo refused", "echo ignored", "refused", "ignored",
         "forced alone"],
)  # fmt: skip
def test_it_finds_the_signals(serve, tmp_path, behaviour, endpoint, signals):
    teacher, _ = teacher_of(tmp_path, serve(**behaviour), **endpoint)
    assert teacher.capabilities == signals


def test_it_is_said_and_kept(serve, tmp_path):
    server = serve()
    teacher, _ = teacher_of(tmp_path, server)
    with capture_logs() as logs:
        _ = teacher.capabilities
    (said,) = [line for line in logs if line["event"] == "signal_probed"]
    assert said["signals"] == ["forced", "prefer", "soft", "text"]
    assert (said["choices"], said["echo"]) == (20, "chat")
    asked = len(server.calls)
    again, _ = teacher_of(tmp_path, server)
    assert again.capabilities == teacher.capabilities
    assert len(server.calls) == asked


def test_fewer_choices_are_asked_for_where_so_many_are_refused(serve, tmp_path):
    teacher, _ = teacher_of(tmp_path, serve(most_top=7))
    assert teacher.abilities.top == 5
    (found,) = teacher.generate(domain_in(tmp_path).prompts[:1], Sampling(max_tokens=12, top_log_probs=16))
    assert {len(token.choices) for token in found.soft} == {5}


@pytest.mark.parametrize("kind", ["zero", "constant", "over_one"])
def test_figures_that_are_no_probabilities_are_no_signal(serve, tmp_path, kind):
    server = serve()
    server.model = FakeModel(kind=kind)
    teacher, _ = teacher_of(tmp_path, server)
    assert teacher.capabilities == {"text", "prefer"}
    with pytest.raises(ConfigError, match="recipe kd needs a teacher that gives soft targets"):
        choose_recipes(load_plugins().catalog, config_of({"mode": "kd"}), {"": "openai:tiny"}, teacher.capabilities, 0)


def test_figures_that_turn_bad_later_stop_the_run_and_are_probed_anew(serve, tmp_path):
    server = serve()
    teacher, api = teacher_of(tmp_path, server)
    assert "soft" in teacher.capabilities
    server.model = FakeModel(kind="zero")
    with pytest.raises(TeacherError, match="its log-probabilities are no usable signal"):
        list(teacher.generate(domain_in(tmp_path).prompts, Sampling(max_tokens=12, top_log_probs=4)))
    with pytest.raises(TeacherError, match="its log-probabilities are no usable signal"):
        teacher.score_text(domain_in(tmp_path).prompts[:1], ["one two"], 4)
    assert not list((api.cache / "api/probes").glob("*.json"))


def test_a_teacher_that_says_nothing_is_refused(serve, tmp_path):
    server = serve()
    server.model.rule = lambda _: " "
    teacher, _ = teacher_of(tmp_path, server)
    with pytest.raises(TeacherError, match="openai:tiny: returned an empty answer"):
        _ = teacher.capabilities


def test_a_model_that_takes_no_temperature_is_asked_without(serve, tmp_path):
    server = serve(prompt_logprobs="unknown")
    kept = server.answer

    def picky(request):
        if b'"temperature"' in request.body:
            request.body = request.body.replace(b'"temperature":0.0', b'"temperature":"Unsupported"')
        return kept(request)

    server.answer = picky
    teacher, _ = teacher_of(tmp_path, server)
    assert teacher.abilities.without == ("temperature",)
    assert answered(teacher, domain_in(tmp_path).prompts[:2])


@pytest.mark.parametrize("refuses", [False, True], ids=["says nothing", "refuses"])
def test_a_model_that_thinks_first_is_given_room_for_it(serve, tmp_path, refuses):
    server = serve(prompt_logprobs="unknown", logprobs="refused")
    kept = server.answer

    def thinking(request):
        reply, *rest = kept(request)
        if "choices" in reply.body and request.json["max_tokens"] < 100:
            if refuses:
                return Refused(400, "invalid_request_error", "max_tokens or model output limit was reached"
                               ).reply("openai"), "none", None  # fmt: skip
            reply.body["choices"][0] |= {"finish_reason": "length", "message": {"content": ""}}
        return (reply, *rest)

    server.answer = thinking
    server.model.rule = lambda asked: good_is_better(asked) if "<answer A>" in asked else "words"
    teacher, _ = teacher_of(tmp_path, server, **paid())
    assert teacher.capabilities == {"text", "prefer"}
    assert teacher.prefer(domain_in(tmp_path).prompts[:1], ["good"], ["bad"]) == [0]
    used = server.used()
    assert 1000 * used["input"] + 4000 * used["output"] <= spent(tmp_path)[0]  # its thoughts too


@pytest.mark.parametrize("stale", ["old", "damaged"])
def test_a_probe_that_is_old_or_damaged_is_made_anew(serve, tmp_path, stale):
    server = serve()
    _ = teacher_of(tmp_path, server)[0].capabilities
    server.prompt_logprobs = "unknown"
    (file,) = (tmp_path / "cache/api/probes").glob("*.json")
    assert "forced" in teacher_of(tmp_path, server)[0].capabilities
    if stale == "old":
        os.utime(file, (file.stat().st_mtime - PROBED_FOR,) * 2)
    else:
        file.write_text("{")
    assert "forced" not in teacher_of(tmp_path, server)[0].capabilities


def test_offline_nothing_is_asked_and_all_is_possible(serve, tmp_path):
    server = serve()
    teacher, _ = teacher_of(tmp_path, server, offline=True)
    assert teacher.capabilities == {"text", "prefer", "soft", "forced"}
    assert not server.calls


@pytest.mark.parametrize(
    ("model", "key", "why"), [("huge", None, "404"), ("tiny", "sk-right", "401")], ids=["model", "key"]
)
def test_a_wrong_model_or_key_ends_the_run(serve, tmp_path, monkeypatch, model, key, why):
    server = serve(key=key)
    monkeypatch.setenv(server.key_variable, "sk-wrong")
    teacher, _ = teacher_of(tmp_path, server, model=model)
    with capture_logs() as logs, pytest.raises(TeacherError, match=f"refuses the calls; got {why}") as caught:
        _ = teacher.capabilities
    assert f"openai:{model} at http://127.0.0.1:" in str(caught.value)
    assert ".. " not in str(caught.value)
    assert not [line for line in logs if line["event"] == "call_failed"], "the error says it"


def test_an_endpoint_that_wants_a_key_says_so_where_there_is_none(serve, tmp_path):
    server = serve(key="sk-right")
    teacher, _ = teacher_of(tmp_path, server)
    with pytest.raises(TeacherError) as caught:
        _ = teacher.capabilities
    advice = f"Set {server.key_variable} to a key that this endpoint accepts"
    said = f"got 401: no key is set, and the endpoint requires one. {advice}"
    assert str(caught.value).endswith(said)


def test_a_url_without_its_path_is_pointed_at(serve, tmp_path):
    teacher, _ = teacher_of(tmp_path, SimpleNamespace(openai_url=serve().url))
    with pytest.raises(TeacherError, match=r"404: .*whether the base URL should end in /v1"):
        _ = teacher.capabilities


def test_tokens_that_do_not_spell_the_answer_are_no_choices_and_that_is_said(serve, tmp_path):
    server = serve(prompt_logprobs="unknown")
    kept = server.answer

    def likeliest(request):
        """Answer as ``mlx_lm.server`` does: of each token the likeliest ones are returned, not which was taken."""
        reply, *rest = kept(request)
        if returned := reply.body.get("choices", [{}])[0].get("logprobs"):
            returned["content"][0] |= returned["content"][0]["top_logprobs"][-1]
        return (reply, *rest)

    server.answer = likeliest
    with capture_logs() as logs:
        assert teacher_of(tmp_path, server)[0].capabilities == {"text", "prefer"}
    assert [line["reason"] for line in logs if line["event"] == "choices_unusable"] == [
        "the returned tokens do not spell the answer"
    ]


def test_an_unreachable_server_is_reported_at_once_and_costs_nothing(serve, tmp_path):
    server = serve()
    teacher, api = teacher_of(tmp_path, server, **paid())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    endpoint = api.settings.endpoint("openai").model_copy(update={"base_url": url, "backoff": 0.2})
    api.settings = api.settings.model_copy(update={"endpoints": {"openai": endpoint}})
    begin = time.monotonic()
    with pytest.raises(TeacherError, match=f"openai:tiny at {url}: cannot be reached; got .*[Rr]efused") as raised:
        _ = teacher.capabilities
    assert raised.value.next_step == "Start the server, or correct the base URL"
    assert time.monotonic() - begin < 5
    assert spent(tmp_path) == (0, 0)
