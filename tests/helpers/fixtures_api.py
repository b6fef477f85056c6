"""The test server, started for one test, and keys that are no keys."""

import contextlib

import pytest
from api_calls import MADE
from server import ApiServer

from conch_dna.teachers.api.ledger import Ledger


@pytest.fixture
def serve(monkeypatch):
    """Start servers that behave as they are told: ``serve(answers, latency=0.1)``; they stop when the test ends."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with contextlib.ExitStack() as stack:
        yield lambda answers=None, **behaviour: stack.enter_context(ApiServer(answers, **behaviour))
        while MADE:
            MADE.pop().close()


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")
