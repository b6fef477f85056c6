"""The number of domains that are distilled at once follows the machine."""

from types import SimpleNamespace

import pytest
from settings import config_of

from conch_dna.errors import ConfigError, DataError
from conch_dna.models.backend import Backend
from conch_dna.pipeline import workers
from conch_dna.pipeline.plan import DomainPlan
from conch_dna.pipeline.workers import jobs_for

REPLAY, LIVE = frozenset({"text", "replay"}), frozenset({"text"})
CPU, CUDA = Backend("cpu", "mlx-cpu", "1"), Backend("cuda", "mlx-cuda-12", "1")


@pytest.mark.parametrize(
    ("domains", "asked", "backend", "capabilities", "memory", "jobs"),
    [
        (6, None, CPU, REPLAY, 100, 4),  # one for each core
        (3, None, CPU, REPLAY, 100, 3),
        (6, None, CPU, REPLAY, 25, 2),  # 10 GB for each
        (6, None, CPU, REPLAY, 5, 1),
        (6, None, CPU, LIVE, 100, 1),
        (6, None, CUDA, REPLAY, 100, 1),
        (6, None, None, REPLAY, 100, 1),
        (6, 3, CUDA, LIVE, 100, 3),
        (2, 9, CPU, REPLAY, 100, 2),
        (6, 1, CPU, REPLAY, 5, 1),
    ],
)
def test_jobs_suit_the_machine_unless_the_caller_chooses(
    monkeypatch, domains, asked, backend, capabilities, memory, jobs
):
    monkeypatch.setattr(workers, "active_backend", lambda: backend)
    monkeypatch.setattr(workers, "cores", lambda: 4)
    setup = SimpleNamespace(
        config=config_of({}, {"max_memory": memory}), choices={"alpha": None, "faulty": DataError("x")},
        teachers={"alpha": SimpleNamespace(capabilities=capabilities)},
    )  # fmt: skip
    plans = [DomainPlan(domain=f"d{n}", memory={"total": 10_000_000_000}) for n in range(domains)]
    assert jobs_for(setup, plans, asked) == jobs


def test_more_than_the_memory_holds_are_refused(monkeypatch):
    monkeypatch.setattr(workers, "active_backend", lambda: CPU)
    setup = SimpleNamespace(config=config_of({}, {"max_memory": 25}), teachers={}, choices={})
    plans = [DomainPlan(domain=name, memory={"total": 10_000_000_000}) for name in "abc"]
    with pytest.raises(ConfigError, match=r"--jobs: 3 trainings .* got 30\.0 GB; allowed: 25\.0 GB\. Take --jobs 2"):
        jobs_for(setup, plans, 3)


def test_a_plan_without_memory_counts_as_small(monkeypatch):
    monkeypatch.setattr(workers, "active_backend", lambda: CPU)
    monkeypatch.setattr(workers, "cores", lambda: 4)
    setup = SimpleNamespace(config=config_of({}, {"max_memory": 1}), teachers={}, choices={})
    assert jobs_for(setup, [DomainPlan(domain="a", fault="x"), DomainPlan(domain="b", fault="y")]) == 2
