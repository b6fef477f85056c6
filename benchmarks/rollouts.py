"""Generation for many prompts: Conch in batches with a shared prefix, against ``mlx_lm.generate`` one by one.

Both decode greedily with Conch's BLAS on the same prompts. The peer answers only ``--peer-prompts`` of them, because
its time is proportional to their number. "time x" is the peer's time per token over Conch's.

    python benchmarks/rollouts.py [--prompts 64] [--tokens 64] [--peer-prompts 8] [--rounds 3]
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, forwarded, header, parse, parser, peak_rss, table

if TYPE_CHECKING:
    import argparse

QUICK = {"rounds": 1, "prompts": 3, "tokens": 4, "peer_prompts": 1}
QUESTION = "What is {} times {}? Explain how you found it, step by step."


def answers(options: argparse.Namespace, base: Any, prompts: list[list[int]]) -> int:
    """Answer all prompts with the variant; return the number of generated tokens."""
    if options.variant == "ours":
        from conch_dna.kernels.patch import fast_ops
        from conch_dna.records import Sampling
        from conch_dna.runtime.generate import answer_many

        sampling = Sampling(max_tokens=options.tokens, temperature=0.0)
        with fast_ops(base.model, cached=True):  # as in best_of_n and the gate
            made = answer_many(base.model, base.tokenizer, prompts, sampling)
            return sum(len(answer.tokens) + answer.finished for answer in made)
    from mlx_lm.generate import stream_generate

    return sum(
        sum(1 for _ in stream_generate(base.model, base.tokenizer, prompt, max_tokens=options.tokens))
        for prompt in prompts
    )


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from conch_dna.data.tokens import prompt_ids
    from conch_dna.models.load import load

    base = load(options.model)
    count = options.prompts if options.variant == "ours" else options.peer_prompts
    turns = [[{"role": "user", "content": QUESTION.format(i + 12, 3 * i + 7)}] for i in range(count)]
    prompts = [prompt_ids(base.tokenizer, turn) for turn in turns]
    answers(options, base, prompts[:2])  # warm-up
    started = time.perf_counter()
    tokens = answers(options, base, prompts)
    # Seconds per thousand tokens, because the contenders generate different numbers of tokens.
    return {"seconds": [(time.perf_counter() - started) / tokens * 1000], "rss": peak_rss(), "tokens": tokens}


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--prompts", type=int, default=64)
    made.add_argument("--tokens", type=int, default=64, help="most tokens per answer")
    made.add_argument("--peer-prompts", type=int, default=8, help="prompts that the peer answers")
    options = parse(made, QUICK)
    if options.variant:
        print(json.dumps(measure(options)))
        return
    rows = [Contender("ours, batched", "ours"), Contender("mlx_lm.generate, one by one", "mlx_lm")]
    words = forwarded(options, "model", "prompts", "tokens", "peer_prompts")
    found = compete(__file__, rows, words, options.rounds)
    header(options)
    print(f"{options.prompts} prompts x {options.tokens} tokens; seconds are those of 1000 tokens")
    for name, reports in found.items():
        print(f"{name}: {reports[0]['tokens']} tokens")
    table(found, "ours, batched", 1000)


if __name__ == "__main__":
    main()
