"""Batches of both providers: handed in once, collected by whoever comes first, paid for once."""

import json

import pytest
from api_calls import SHORT, domain_in, spent, teacher_of
from fake_http import Reply
from structlog.testing import capture_logs

from conch_dna.errors import BudgetReached, TeacherError
from conch_dna.teachers.answer_cache import CompletionCache, answers
from conch_dna.teachers.api import batches
from conch_dna.teachers.api.faults import CallFault

pytestmark = pytest.mark.integration  # each test has an HTTP server

MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
HALF = {"input": 1, "output": 4, "batch": "0.5"}


@pytest.fixture(params=["openai", "anthropic"])
def provider(request, monkeypatch):
    monkeypatch.setattr(batches, "FIRST_LOOK", 0.01)
    return request.param


@pytest.fixture
def teaching(provider, tmp_path, serve):
    """Build a teacher that answers by batches: ``teaching(server)``."""

    def make(server, **about):
        prices = {f"{provider}:{MODELS[provider]}": HALF}
        given = {"budget": 10**9, "prices": prices, "batch": True} | about
        return teacher_of(tmp_path, server, provider, MODELS[provider], **given)[0]

    return make


def asked_in_batches(server):
    return [call.prompt for call in server.calls if call.batch and call.usage]


def test_a_batch_answers_at_its_price(serve, teaching, tmp_path):
    server, domain = serve(), domain_in(tmp_path)
    teacher = teaching(server)
    found = {c.prompt: c.text for c in teacher.generate(domain.prompts, SHORT)}
    assert found == {p.digest: server.model.answer(p.messages[-1].content) for p in domain.prompts}
    assert sorted(asked_in_batches(server)) == sorted(p.messages[-1].content for p in domain.prompts)
    probes = [call.usage for call in server.calls if not call.batch and call.usage]
    inside = [call.usage for call in server.calls if call.batch]
    cost = sum(1000 * u["input"] + 4000 * u["output"] for u in probes)
    cost += sum(500 * u["input"] + 2000 * u["output"] for u in inside)
    assert spent(tmp_path) == (cost, 0)
    assert not list((tmp_path / "cache/api/batches").rglob("*.json"))


def test_a_submitted_batch_is_collected_by_the_next_run_and_paid_once(serve, teaching, tmp_path, monkeypatch):
    server, domain = serve(polls=3), domain_in(tmp_path)

    class Killed(BaseException):
        pass

    def killed(_):
        raise Killed

    first = teaching(server)
    with monkeypatch.context() as patch:
        patch.setattr(batches.time, "sleep", killed)
        with pytest.raises(Killed):
            list(first.generate(domain.prompts, SHORT))
    (note,) = (tmp_path / "cache/api/batches").rglob("*.json")
    assert json.loads(note.read_text())["batch"]
    assert spent(tmp_path)[1] > 0  # reserved
    assert len(list(teaching(server).generate(domain.prompts, SHORT))) == len(domain.prompts)
    assert len(asked_in_batches(server)) == len(domain.prompts)
    assert spent(tmp_path)[1] == 0


def test_answers_taken_before_a_kill_are_not_asked_for_again(serve, teaching, tmp_path):
    server, domain = serve(), domain_in(tmp_path)
    cache = CompletionCache(tmp_path / "cache/completions")
    coming = answers(teaching(server), domain, domain.prompts, SHORT, cache)
    next(coming), next(coming)
    coming.close()
    assert len(list(answers(teaching(server), domain, domain.prompts, SHORT, cache))) == len(domain.prompts)
    assert len(asked_in_batches(server)) == len(domain.prompts)
    assert spent(tmp_path)[1] == 0


def test_a_kill_between_submitting_and_the_note_pays_once(serve, teaching, provider, tmp_path, monkeypatch):
    server, domain = serve(), domain_in(tmp_path)
    teacher = teaching(server)
    _ = teacher.capabilities
    submit = teacher.client.submit

    def cut(*given):
        submit(*given)
        raise CallFault("the answer broke off", charged=True)

    monkeypatch.setattr(teacher.client, "submit", cut)
    with pytest.raises(TeacherError, match="did not accept a batch"):
        list(teacher.generate(domain.prompts, SHORT))
    assert len(list(teaching(server).generate(domain.prompts, SHORT))) == len(domain.prompts)
    if provider == "openai":  # found again by its name
        assert len(asked_in_batches(server)) == len(domain.prompts)
        assert spent(tmp_path)[1] == 0
    else:  # nobody can tell: what it may have cost stays counted
        assert spent(tmp_path)[1] > 0


def test_one_that_failed_is_left_out_and_more_end_the_run(serve, teaching, tmp_path):
    server, domain = serve(), domain_in(tmp_path, count=12)
    bad, worse, *_ = [p.messages[-1].content for p in domain.prompts]
    server.faults.by_prompt[bad] = ["bad_request"]
    assert len(list(teaching(server).generate(domain.prompts, SHORT))) == 11
    server.faults.by_prompt[worse] = ["bad_request"]
    found = []
    with pytest.raises(TeacherError, match="too many requests of a batch failed; got 2 of 12"):
        found.extend(teaching(server).generate(domain.prompts, SHORT))
    assert spent(tmp_path)[1] == 0


def test_a_batch_that_may_exceed_the_budget_is_not_submitted(serve, teaching, tmp_path):
    server, domain = serve(), domain_in(tmp_path)
    teacher = teaching(server, budget=900_000)
    with pytest.raises(BudgetReached):
        list(teacher.generate(domain.prompts, SHORT))
    assert not server.batches.jobs


@pytest.mark.parametrize("body", [b"<html>", b'{"id": ', b"[]"], ids=["page", "half an object", "a list"])
def test_a_broken_answer_about_a_batch_is_asked_for_again(serve, teaching, provider, tmp_path, body):
    server, domain = serve(), domain_in(tmp_path)
    teacher, kept, broken = teaching(server), server.answer, []

    def breaking(request):
        if request.method == "GET" and not broken:
            broken.append(request.path)
            return Reply(body), "none", None
        return kept(request)

    server.answer = breaking
    assert len(list(teacher.generate(domain.prompts, SHORT))) == len(domain.prompts)
    assert broken
    assert len(asked_in_batches(server)) == len(domain.prompts)


def test_a_batch_that_is_refused_costs_nothing(serve, teaching, tmp_path, monkeypatch):
    server, domain = serve(), domain_in(tmp_path)
    teacher = teaching(server)
    _ = teacher.capabilities
    before = spent(tmp_path)

    def refused(*_):
        raise CallFault("400: no batches here", "fatal_call")

    monkeypatch.setattr(teacher.client, "submit", refused)
    with pytest.raises(TeacherError, match="did not accept a batch; got 400"):
        list(teacher.generate(domain.prompts, SHORT))
    assert spent(tmp_path) == before
    assert not list((tmp_path / "cache/api/batches").rglob("*.json"))


def test_one_answer_that_is_none_costs_no_other_its_own(serve, teaching, tmp_path):
    server, domain = serve(), domain_in(tmp_path, count=12)
    kept = server.answer

    def damaging(request):
        reply, *rest = kept(request)
        if request.path.endswith(("/content", "/results")):
            reply.body = reply.body.replace(b'"choices"', b'"others"', 1).replace(b'"content": [', b'"others": [', 1)
        return (reply, *rest)

    server.answer = damaging
    assert len(list(teaching(server).generate(domain.prompts, SHORT))) == 11
    assert spent(tmp_path)[1] == 0


def test_a_caller_that_stops_after_the_last_answer_leaves_nothing_reserved(serve, teaching, tmp_path):
    server, domain = serve(), domain_in(tmp_path)
    cache = CompletionCache(tmp_path / "cache/completions")
    coming = answers(teaching(server), domain, domain.prompts, SHORT, cache)
    for _ in domain.prompts:
        next(coming)
    coming.close()
    assert spent(tmp_path)[1] == 0


@pytest.mark.parametrize("lost", ["forgotten", "damaged"])
def test_a_lost_batch_is_submitted_again_and_stays_counted(serve, teaching, tmp_path, lost):
    server, domain = serve(), domain_in(tmp_path)
    coming = teaching(server).generate(domain.prompts, SHORT)
    next(coming)
    coming.close()
    (note,) = (tmp_path / "cache/api/batches").rglob("*.json")
    if lost == "forgotten":
        server.batches.jobs.clear()
    else:
        note.write_text("{")
    with capture_logs() as logs:
        assert len(list(teaching(server).generate(domain.prompts, SHORT))) == len(domain.prompts)
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["batch_lost"]
    assert not note.exists()
    assert len(asked_in_batches(server)) == 2 * len(domain.prompts)
