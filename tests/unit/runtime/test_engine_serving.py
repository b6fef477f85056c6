"""Engine functions that a server needs besides requests."""

import mlx.core as mx
import pytest
from engines import served

from conch_dna.errors import NeuronRefused, UnknownName
from conch_dna.records import Sampling

PROMPT = [1, 5, 9, 3]


@pytest.fixture
def engine(tmp_path):
    made = served(tmp_path, "llama", ["action"])
    yield made
    made.close()


class Only:
    """A processor that allows only even or odd tokens and records its input."""

    def __init__(self, odd):
        self.odd, self.seen = odd, []

    def __call__(self, tokens_T, logits_1V):
        self.seen.append(tokens_T.tolist())
        return mx.where(mx.arange(logits_1V.shape[-1]) % 2 == self.odd, logits_1V, -mx.inf)


def test_a_processor_affects_only_its_own_request(engine):
    sampling = Sampling(max_tokens=6)
    plain = engine.submit(PROMPT, "action", sampling).result().tokens
    even, odd = Only(0), Only(1)
    requests = [
        engine.submit(PROMPT, neuron, sampling, processors=processors)
        for neuron, processors in (("action", [even]), ("action", ()), ("base", [odd]))
    ]
    answers = [request.result().tokens for request in requests]
    assert {token % 2 for token in answers[0]} == {0}
    assert answers[1] == plain
    assert {token % 2 for token in answers[2]} <= {1}
    for place, tokens in enumerate(even.seen[: len(answers[0]) + 1]):
        assert tokens == [*PROMPT, *answers[0][:place]][-len(tokens) :]


def test_load_loads_a_neuron(engine):
    assert not engine.stats().slots
    engine.load("base")
    engine.load("action")
    assert list(engine.stats().slots.values()) == [0]
    with pytest.raises(UnknownName):
        engine.load("nobody")


def test_load_raises_the_fault_of_a_neuron(engine):
    path = engine._cache.registry.resolve("action").path / "adapters.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\xff" * 4)
    with pytest.raises(NeuronRefused):
        engine.load("action")


def test_running_reports_the_state_of_the_thread(engine):
    assert not engine.running
    engine.start()
    assert engine.running
    engine.stop()
    assert not engine.running
