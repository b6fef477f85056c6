"""A job's events wait for the client, and no more of them than the server has room for."""

import asyncio

import pytest

from conch_dna.records import Sampling
from conch_dna.server import job as jobs
from conch_dna.server.faults import ApiFault
from conch_dna.server.job import AdmissionLimit, End, Job, Order
from conch_dna.server.metrics import Metrics


@pytest.fixture
def events(engine):
    """Return a function that streams an answer of 40 tokens, and takes its events when all wait."""

    async def streamed():
        limit = AdmissionLimit(1)
        limit.enter(1, "")
        order = Order("base", [[1, 2, 3]], 1, Sampling(max_tokens=40, temperature=1.0, seed=0), (), 2, pieces=True)
        job = Job(engine, limit, order, Metrics(), 60)
        engine.start()
        await job.start()
        await asyncio.wrap_future(job.requests[0].future)
        await asyncio.sleep(0.1)
        try:
            return [event async for event in job.events()]
        finally:
            job.close()
            assert not limit.held

    return lambda: asyncio.run(streamed())


def test_events_wait_for_a_slow_client(events):
    taken = events()
    assert isinstance(taken[-1], End)
    assert "".join(piece.text for piece in taken[:-1]) == taken[-1].answer.text


def test_a_client_that_does_not_read_is_told_so(events, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_EVENTS", 5)
    with pytest.raises(ApiFault, match="too slowly") as caught:
        events()
    assert caught.value.status == 408
