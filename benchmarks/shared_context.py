"""Six neurons over one context that the base reads once, against six neurons that each read it themselves.

One prompt of ``--context`` tokens and the chat template's invocation tokens goes to every neuron at once. The benchmark
measures the time until all neurons have their first token. The neurons are random, with rank ``--rank`` on every linear
layer, and differ between rows only in their invocation tokens. Each prompt is new to the engine, and the rows alternate
in one process.

- ``shared``: neurons that act from their invocation tokens;
- ``ordinary``: neurons that act on every token, in one batch; ``ordinary, one by one``: one after the other.

"time x" is a row's time over that of ``shared``; tokens/s count all prompts together. After the timing, the answers to
the end of a prompt are compared token by token with those of each neuron alone; the benchmark fails on a difference.

    python benchmarks/shared_context.py [--context 400] [--neurons 6] [--rank 8] [--rounds 1] [--steps 3]
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, forwarded, header, parse, parser, peak_rss, table
from engine import write_neuron

if TYPE_CHECKING:
    import argparse

    from conch_dna.runtime.engine import Engine

QUICK = {"rounds": 1, "steps": 1, "context": 40, "neurons": 2, "rank": 2}
TEXT = "The tide comes in twice a day, and whoever writes on the sand at noon writes for the crabs. "
CHECKED = 60  # last tokens of a prompt, for the comparison
SIZE = 0.1  # scale of the neurons' factors, large enough for different answers
ROWS = {"shared": ("s", True), "ordinary": ("o", True), "ordinary, one by one": ("o", False)}  # neurons, together


def serve(base: Any, folder: Path, options: argparse.Namespace, invocation_tokens: tuple[int, ...]) -> Engine:
    """Return an engine with neurons s0, s1, … that act from invocation tokens, and o0, o1, … that act everywhere."""
    from conch_dna.registry.adapter import INVOCATION_TOKENS
    from conch_dna.registry.card import CardFields
    from conch_dna.registry.store import Registry
    from conch_dna.runtime.engine import Engine

    registry = Registry(folder / "registry")
    fields = CardFields(
        base=base.ref, base_digest=base.digest, teacher="none", teacher_fingerprint="none", data_digest="none"
    )
    for n in range(options.neurons):
        made = write_neuron(folder / "made" / str(n), base, n, options.rank, size=SIZE)
        registry.publish(f"o{n}", made, fields)
        file = made / "adapter_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), INVOCATION_TOKENS: invocation_tokens}))
        registry.publish(f"s{n}", made, fields.model_copy(update={"invocation_tokens": invocation_tokens}))
    return Engine(base, registry, slots=2 * options.neurons, batch=2 * options.neurons)


def answers(engine: Engine, prompt: list[int], names: list[str], limit: int, together: bool) -> list[tuple[int, ...]]:
    """Return each neuron's answer to one prompt, in at most ``limit`` tokens."""
    from conch_dna.records import Sampling

    requests = []
    for name in names:
        requests.append(engine.submit(prompt, name, Sampling(max_tokens=limit)))
        if not together:
            requests[-1].result()
    return [request.result().tokens for request in requests]


def alone(engine: Engine, prompt: list[int], name: str, limit: int) -> tuple[int, ...]:
    """Return one neuron's greedy answer from mlx-lm's own loop: the base reads the context, the neuron the rest."""
    import mlx.core as mx
    from mlx_lm.generate import generate_step
    from mlx_lm.models.cache import make_prompt_cache

    from conch_dna.data.alora import split_at_invocation
    from conch_dna.runtime.neuron_layers import Alone

    cache, switch = engine._cache, engine._switch  # noqa: SLF001 - bypasses the engine's batch
    model = engine.base_model.model
    wanted, caches, tokens = cache.find(name), make_prompt_cache(model), []
    if wanted.invocation_tokens:
        context, prompt = split_at_invocation(prompt, wanted.invocation_tokens)
        with switch.adding(None):
            model(mx.array([context]), cache=caches)
    with switch.adding(Alone(cache.get(wanted))):
        for token, _ in generate_step(mx.array(prompt), model, max_tokens=limit, prompt_cache=caches):
            if int(token) in engine.tokenizer.eos_token_ids:
                break
            tokens.append(int(token))
    return tuple(tokens)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return each row's seconds until all neurons have their first token, and the number of different answers."""
    from conch_dna.data.alora import invocation_tokens_of
    from conch_dna.models.load import load

    base = load(options.model)
    invocation_tokens = invocation_tokens_of(base.tokenizer)
    engine = serve(base, folder, options, invocation_tokens)
    numbers = itertools.count()

    def prompt() -> list[int]:
        text = f"{next(numbers)} times this was told. " + TEXT * (options.context // 8)
        return [*base.tokenizer.encode(text)[: options.context], *invocation_tokens]

    seconds: dict[str, list[float]] = {row: [] for row in ROWS}
    for step in range(options.steps + 1):
        for row, (kind, together) in ROWS.items():
            asked = prompt() if step else prompt()[-CHECKED // 2 :]  # the first one loads the neurons
            started = time.perf_counter()
            answers(engine, asked, [f"{kind}{n}" for n in range(options.neurons)], 1, together)
            seconds[row].append(time.perf_counter() - started)
    names = [f"{kind}{n}" for kind in "so" for n in range(options.neurons)]
    asked = prompt()[-CHECKED:]
    found = answers(engine, asked, names, options.checked, together=True)
    wanted = [alone(engine, asked, name, options.checked) for name in names]
    if found != wanted:
        raise SystemExit(f"answers differ from those of each neuron alone: {found}, {wanted}")
    engine.close()
    return {"seconds": {row: s[1:] for row, s in seconds.items()}, "rss": peak_rss(), "different": len(set(found))}


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--context", type=int, default=400, help="tokens before the invocation tokens")
    made.add_argument("--neurons", type=int, default=6, help="neurons asked at once")
    made.add_argument("--rank", type=int, default=8, help="rank of the neurons")
    made.add_argument("--checked", type=int, default=4, help="tokens of each answer that are compared")
    made.set_defaults(rounds=1)
    options = parse(made, QUICK)
    if options.variant:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(options, Path(folder))))
        return
    words = forwarded(options, "model", "steps", "context", "neurons", "rank", "checked")
    header(options)
    (reports,) = compete(__file__, [Contender("all rows", "rows")], words, options.rounds).values()
    found = {row: [{**report, "seconds": report["seconds"][row]} for report in reports] for row in ROWS}
    print(f"{options.neurons} neurons over one context of {options.context} tokens; seconds until each has a token")
    table(found, "shared", options.neurons * options.context)
    different = min(report["different"] for report in reports)
    print(
        f"\n{2 * options.neurons} answers as each neuron gives them alone; {different} of them differ from one another"
    )


if __name__ == "__main__":
    main()
