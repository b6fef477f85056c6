"""The multi-neuron engine: mixed traffic against one neuron, the base alone, and plain ``BatchGenerator``.

Every request is a short question answered in ``--tokens`` tokens; twice as many are sent as run at once, so that
sequences join and leave. Neurons are random, with rank ``--rank`` on every linear layer. The prompt cache is off.

- ``plain``: mlx-lm's ``BatchGenerator`` on the bare base; ``base``: the engine, all requests for the base;
- ``one``: all requests for one neuron; ``eight``: for eight in turn; ``many``: for ``--many`` in turn over 8 slots.

"time x" is a row's time per token over that of ``one``. Below the tables: the time of a switch between neurons in
memory, of moving a neuron into a slot, and of a cold load against reading the same file, for a neuron whose effect the
gate measured and for one without a gate, whose effect is computed.

    python benchmarks/engine.py [--concurrent 16 64] [--tokens 64] [--rank 8] [--many 32] [--rounds 3]
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, forwarded, header, parse, parser, peak_rss, table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

QUICK = {"rounds": 1, "concurrent": [2], "tokens": 3, "rank": 2, "many": 9}
SLOTS = 8
VARIANTS = {"one": 1, "eight": 8, "many": None, "base": 0, "plain": 0}
QUESTION = "What is {} times {}? Explain how you found it, step by step."


def write_neuron(folder: Path, base: Any, seed: int, rank: int, size: float = 0.01) -> Path:
    """Write a random adapter on every linear layer of the base's blocks."""
    import mlx.core as mx

    from conch_dna.models.target_modules import target_modules

    key, tensors = mx.random.key(seed), {}
    for path, place in target_modules(base.model).items():
        if place.kind == "linear":
            key, a, b = mx.random.split(key, 3)
            tensors[f"{path}.lora_a"] = size * mx.random.normal((place.shape[1], rank), key=a)
            tensors[f"{path}.lora_b"] = size * mx.random.normal((rank, place.shape[0]), key=b)
    folder.mkdir(parents=True)
    mx.save_safetensors(str(folder / "adapters.safetensors"), tensors, {"format": "mlx"})
    lora = {"rank": rank, "scale": 2.0, "dropout": 0.0}
    about = {"fine_tune_type": "lora", "num_layers": len(base.model.layers), "lora_parameters": lora}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def publish(base: Any, folder: Path, count: int, rank: int) -> Any:
    """Return a registry with ``count`` neurons, n0, n1 and so on, that passed a gate, and n0 as ``ungated``."""
    from conch_dna.records import HeldOut, Verdict
    from conch_dna.registry.card import CardFields
    from conch_dna.registry.store import Registry

    registry = Registry(folder / "registry")
    fields = CardFields(
        base=base.ref, base_digest=base.digest, teacher="none", teacher_fingerprint="none", data_digest="none"
    )
    before, after = (HeldOut(bits_per_byte=bits, quality=0.5) for bits in (2.0, 1.0))
    verdict = Verdict(domain="any", passed=True, checks=(), base=before, candidate=after, prompts=1)
    gated = fields.model_copy(update={"verdict": verdict})
    for n in range(count):
        registry.publish(f"n{n}", write_neuron(folder / "made" / str(n), base, n, rank), gated)
    if count:
        registry.publish("ungated", folder / "made" / "0", fields)
    return registry


def plain(base: Any, concurrent: int, max_tokens: int) -> Callable[[list[list[int]]], int]:
    """Return a function that answers prompts with mlx-lm alone and counts the tokens."""
    from mlx_lm.generate import BatchGenerator

    def answer(prompts: list[list[int]]) -> int:
        generator = BatchGenerator(
            base.model, max_tokens=max_tokens, stop_tokens=[[token] for token in base.tokenizer.eos_token_ids],
            completion_batch_size=concurrent, prefill_batch_size=max(1, concurrent // 2),
        )  # fmt: skip
        generator.insert(prompts)
        tokens = 0
        while responses := generator.next_generated():
            tokens += len(responses)
        generator.close()
        return tokens

    return answer


def mixed(base: Any, registry: Any, concurrent: int, max_tokens: int, neurons: int) -> Callable[[list[list[int]]], int]:
    """Return a function that answers prompts with the engine, alternating between neurons, and counts the tokens."""
    from conch_dna.records import Sampling
    from conch_dna.runtime.engine import Engine

    engine = Engine(base, registry, slots=SLOTS, batch=concurrent, prompt_cache_bytes=0)

    def answer(prompts: list[list[int]]) -> int:
        names = [f"n{i % neurons}" if neurons else "base" for i in range(len(prompts))]
        limit = Sampling(max_tokens=max_tokens)
        requests = [engine.submit(prompt, name, limit) for prompt, name in zip(prompts, names, strict=True)]
        answers = [request.result() for request in requests]
        return sum(len(done.tokens) + (done.finish_reason == "stop") for done in answers)

    return answer


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one variant at one number of concurrent requests: seconds per 1000 tokens."""
    from conch_dna.data.tokens import prompt_ids
    from conch_dna.models.load import load

    base = load(options.model)
    (concurrent,) = options.concurrent
    neurons = VARIANTS[options.variant]
    neurons = options.many if neurons is None else neurons
    if options.variant == "plain":
        answer = plain(base, concurrent, options.tokens)
    else:
        registry = publish(base, folder, neurons, options.rank)
        answer = mixed(base, registry, concurrent, options.tokens, neurons)
    turns = [[{"role": "user", "content": QUESTION.format(i + 12, 3 * i + 7)}] for i in range(2 * concurrent)]
    prompts = [prompt_ids(base.tokenizer, turn) for turn in turns]
    answer(prompts[: max(8, concurrent // 4)])  # warm-up; up to eight neurons are loaded
    started = time.perf_counter()
    tokens = answer(prompts)
    return {"seconds": [(time.perf_counter() - started) / tokens * 1000], "rss": peak_rss(), "tokens": tokens}


def first_use(base: Any, registry: Any, name: str) -> float:
    """Return the seconds of loading a neuron in a runtime that has loaded others before."""
    from conch_dna.runtime.neurons import NeuronRuntime

    runtime = NeuronRuntime(base, registry)
    runtime.use("n8")
    started = time.perf_counter()
    runtime.use(name)
    seconds = time.perf_counter() - started
    runtime.close()
    return seconds


def switches(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure switches and loads: medians, in seconds."""
    import mlx.core as mx

    from conch_dna.models.load import load
    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.neurons import NeuronRuntime

    base = load(options.model)
    registry = publish(base, folder, SLOTS + 1, options.rank)

    def median(step: Callable[[int], Any], times: int) -> float:
        seconds = []
        for n in range(times):
            started = time.perf_counter()
            step(n)
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds)

    def read(n: int) -> None:
        mx.eval(mx.load(str(folder / "made" / str(n) / "adapters.safetensors")))

    runtime = NeuronRuntime(base, registry, max_bytes=1)  # memory for one neuron: each is read again
    runtime.use("n8")  # warm-up
    found = {"read": median(read, SLOTS), "cold": median(lambda n: runtime.use(f"n{n}"), SLOTS)}
    runtime.close()
    found["ungated"] = statistics.median(first_use(base, registry, "ungated") for _ in range(3))
    runtime = NeuronRuntime(base, registry)
    median(lambda n: runtime.use(f"n{n}"), SLOTS)
    found["switch"] = median(lambda n: runtime.use(f"n{n % SLOTS}"), 200)
    runtime.close()
    engine = Engine(base, registry, slots=1)
    wanted = [engine._cache.find(f"n{n}") for n in range(2)]  # noqa: SLF001 - no request needs to run for it

    def place(n: int) -> None:
        engine._allocator.release(engine._allocator.acquire(wanted[n % 2]) or 0)  # noqa: SLF001

    median(place, 4)
    found["slot"] = median(place, 20)
    return found


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--concurrent", type=int, nargs="+", default=[16, 64], help="requests that run at once")
    made.add_argument("--tokens", type=int, default=64, help="maximum tokens of one answer")
    made.add_argument("--rank", type=int, default=8, help="rank of the neurons")
    made.add_argument("--many", type=int, default=32, help="neurons of the row with more neurons than slots")
    options = parse(made, QUICK)
    if options.variant:
        with tempfile.TemporaryDirectory() as folder:
            run = switches if options.variant == "switches" else measure
            print(json.dumps(run(options, Path(folder))))
        return
    words = forwarded(options, "model", "tokens", "rank", "many")
    rows = [Contender(name, name) for name in VARIANTS]
    header(options)
    for concurrent in options.concurrent:
        found = compete(__file__, rows, [*words, "--concurrent", str(concurrent)], options.rounds)
        print(f"{concurrent} of {2 * concurrent} at once, {options.tokens} tokens each; seconds per 1000 tokens")
        table(found, "one", 1000)
        print()
    (times,) = compete(__file__, [Contender("switches", "switches")], words, 1)["switches"]
    print(f"switch between neurons in memory  {times['switch'] * 1e6:.1f} us")
    print(f"from memory into a slot           {times['slot'] * 1e3:.2f} ms")
    print(f"cold load with its checks         {times['cold'] * 1e3:.2f} ms")
    print(f"the same without a gate           {times['ungated'] * 1e3:.2f} ms")
    print(f"reading the same file             {times['read'] * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
