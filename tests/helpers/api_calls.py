"""API teachers for the tests: one that asks a test server, and what it was lent."""

from projects import write_domain

from conch_dna.domains.domain import load_domain
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Sampling
from conch_dna.teachers.api.context import ApiContext
from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.settings import ApiSettings, Endpoint
from conch_dna.teachers.references import make_teacher

HOST = load_plugins(strict=True, block=[])
SHORT = Sampling(max_tokens=12)
PRICE = {"input": 1, "output": 4}
MADE = []  # teachers, which the fixture ``serve`` closes


def domain_in(folder, count=6, **about):
    path = folder / "domains/tiny"
    return load_domain(path if path.exists() else write_domain(path, count, **about))


def context_of(folder, server, provider="openai", *, budget=None, prices=None, offline=False, **endpoint):
    """The context that a command gives to API teachers; retries are immediate."""
    url = server.url if provider == "anthropic" else server.openai_url
    settings = ApiSettings(
        budget=budget, prices=prices or {}, endpoints={provider: Endpoint(base_url=url, backoff=0.01, **endpoint)}
    )
    return ApiContext(settings, folder / "runs/ledger.jsonl", folder / "cache", offline)


def teacher_of(folder, server, provider="openai", model="tiny", domain=None, **about):
    """Return a teacher, and the context that it was lent."""
    api = context_of(folder, server, provider, **about)
    MADE.append(make_teacher(HOST, f"{provider}:{model}", domain or domain_in(folder), api=api))
    return MADE[-1], api


def paid(provider="openai", model="tiny"):
    """Settings under which calls cost money."""
    return {"budget": 10**9, "prices": {f"{provider}:{model}": PRICE}}


def spent(folder):
    ledger = Ledger(folder / "runs/ledger.jsonl")
    return ledger.spent, ledger.reserved


def answered(teacher, prompts, sampling=SHORT):
    """Return a teacher's answers by prompt."""
    return {c.prompt: c for c in teacher.generate(prompts, sampling)}


def good_is_better(asked):
    """Judge two answers."""
    return "A" if "<answer A>\ngood" in asked else "B" if "<answer B>\ngood" in asked else "T"
