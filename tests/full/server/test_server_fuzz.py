"""Responses match ``/openapi.json`` for requests of schemathesis; ``CONCH_FUZZ`` sets the number of examples."""

import os
import shutil
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from conch_dna.registry.store import Registry

EXAMPLES = int(os.environ.get("CONCH_FUZZ", "20"))
CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance, checks.negative_data_rejection,
]  # fmt: skip
MODELS = ["base", "action", "action@prod", "action@2", "thinking"]
ASKED = ["/v1/chat/completions", "/v1/completions", *(f"/admin/{what}" for what in
         ("load", "unload", "pin", "unpin", "promote"))]  # fmt: skip
SEEN = ["/v1/models", "/v1/models/{model}", "/health", "/ready", "/metrics"]


@pytest.fixture(scope="module")
def fuzzed(start, published, tmp_path_factory):
    """A server whose aliases may be moved, and whose answers are short."""
    root = tmp_path_factory.mktemp("fuzzed") / "adapters"
    shutil.copytree(published.root, root)
    return start(Registry(root), "--max-tokens", 32)


@pytest.fixture(scope="module")
def operations(fuzzed):
    api = schemathesis.openapi.from_url(fuzzed.root + "/openapi.json")
    return {found.ok().path: found.ok() for found in api.get_all_operations()}


def test_every_endpoint_is_fuzzed(operations):
    assert sorted(operations) == sorted([*ASKED, *SEEN])


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        *((path, GenerationMode.POSITIVE) for path in [*ASKED, *SEEN]),
        *((path, GenerationMode.NEGATIVE) for path in ASKED),
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_an_endpoint_answers_as_its_schema_says(fuzzed, operations, path, mode):
    statuses = Counter()

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(operations[path].as_strategy(generation_mode=mode), st.sampled_from(MODELS), st.booleans())
    def holds(case, model, stream):
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):  # no name that is made up is a model's
            case.body.update({"model": model}, **({"stream": stream} if path.startswith("/v1") else {}))
        statuses[case.call_and_validate(checks=CHECKS, timeout=60).status_code] += 1

    holds()
    print(f"{path}, {mode.value}: {dict(statuses)}")
    assert not [line for line in fuzzed.log if line["event"] == "request_broke"]
