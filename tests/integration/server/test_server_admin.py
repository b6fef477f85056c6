"""Health, metrics and ``/admin``, on a server with its own registry."""

import shutil

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import LONG, until

from conch_dna.registry.store import Registry

SHORT = {"model": "action", "prompt": "a", "max_tokens": 3}


@pytest.fixture(scope="module")
def registry(published, tmp_path_factory):
    root = tmp_path_factory.mktemp("own") / "adapters"
    shutil.copytree(published.root, root)
    return Registry(root)


@pytest.fixture(scope="module")
def served(start, registry):
    return start(registry, "--slots", 3)


def figures(server):
    answer = httpx.get(server.root + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]


def figure(server, name, **labels):
    found = [s.value for s in figures(server) if s.name == name and labels.items() <= s.labels.items()]
    return sum(found)


def test_a_server_is_healthy_and_ready(served):
    assert httpx.get(served.root + "/health").json() == {"status": "ok"}
    assert httpx.get(served.root + "/ready").json() == {"status": "ready"}


def test_metrics_are_kept_for_each_neuron(served):
    answer = served.post(body={**SHORT, "model": "action@prod"}).json()
    until(lambda: figure(served, "conch_answers_total", neuron="action@1", reason="length") == 1)
    assert figure(served, "conch_tokens_total", neuron="action@1", kind="completion") == 3
    prompt = answer["usage"]["prompt_tokens"]
    assert figure(served, "conch_tokens_total", neuron="action@1", kind="prompt") == prompt
    assert figure(served, "conch_answer_seconds_count", neuron="action@1") == 1
    assert figure(served, "conch_bytes", what="neuron") > 0
    served.post(body={**SHORT, "model": "nobody"})
    assert figure(served, "conch_http_responses_total", status="404") == 1
    assert "nobody" not in str(figures(served))


def test_metrics_name_the_running_neurons(served):
    with httpx.stream(
        "POST", served.url + "/completions", json={**LONG, "model": "thinking", "stream": True}
    ) as running:
        lines = running.iter_lines()
        next(lines)
        (info,) = [sample for sample in figures(served) if sample.name == "conch_lora_requests_info"]
        assert info.labels == {"max_lora": "3", "running_lora_adapters": "thinking@1", "waiting_lora_adapters": ""}
        assert figure(served, "conch_requests", state="running") == 1
    until(lambda: figure(served, "conch_requests", state="running") == 0)
    assert figure(served, "conch_answers_total", neuron="thinking@1", reason="cancelled") == 1


def test_a_neuron_is_loaded_pinned_and_unloaded(served, registry):
    digest = registry.resolve("action@2").card.digest
    for what, done in (("load", "loaded"), ("pin", "pinned"), ("unpin", "unpinned"), ("unload", "let_go")):
        answer = served.post(f"/admin/{what}", {"model": "action"})
        assert answer.json() == {"model": "action", "digest": digest, "done": done}
    assert served.post(body=SHORT).status_code == 200


def test_pins_leave_a_slot_for_others(served):
    for model in ("action@1", "action@2"):
        assert served.post("/admin/pin", {"model": model}).status_code == 200
    refused = served.post("/admin/pin", {"model": "thinking"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "registry_error")
    for model in ("action@1", "action@2"):
        served.post("/admin/unpin", {"model": model})


def test_an_alias_that_is_moved_is_followed_at_once(served, registry):
    def digest_of(model):
        return served.post(body={**SHORT, "model": model}).json()["system_fingerprint"].split("_")[-1]

    first, second = digest_of("action@1"), digest_of("action@2")
    assert digest_of("action") == second
    assert served.post("/admin/promote", {"model": "action@1"}).status_code == 200
    assert registry.aliases("action") == {"current": 1, "prod": 1}
    assert digest_of("action") == first
    assert served.post("/admin/promote", {"model": "action@2", "alias": "canary"}).status_code == 200
    assert digest_of("action@canary") == second


def test_invalid_names_are_refused(served):
    for what in ("load", "unload", "pin", "unpin", "promote"):
        for model in ("nobody", "../../etc", "action@9"):
            answer = served.post(f"/admin/{what}", {"model": model})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        assert served.post(f"/admin/{what}", {"model": "base"}).status_code == 400
    bad = served.post("/admin/promote", {"model": "action@1", "alias": "../x"})
    assert bad.status_code == 409
    assert str(served.root) not in bad.text
