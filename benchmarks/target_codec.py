"""Measure the soft-target codec: bytes per token, all overhead included, and the divergence that it adds.

Synthetic rows are the top k of a softmax over V normal logits, from flat to peaked; their ids are spread evenly over
the vocabulary, which is the hardest case. With ``--model`` the rows are a real model's, in its own vocabulary, over the
answers of a shipped recording. Bytes are those of a shard of 16 answers of 40 tokens.

    python benchmarks/target_codec.py [--model embedded:smollm2-135m] [--answers 12]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from conch_dna.data.codec import added_kl, decode, encode
from conch_dna.data.target_files import TargetFile, dump
from conch_dna.plugin.protocols import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER, SHARD = 40, 16  # tokens in an answer, answers in a shard
RECORDING = Path(__file__).parents[1] / "domains/thinking/recorded/qwen2.5-coder-1.5b.jsonl"
KS, VOCABULARIES, SPREADS = (16, 32, 64, 128), (49_152, 151_936), (1.5, 3.0, 4.0, 6.0, 9.0)


def top(log_probs_TV: np.ndarray, k: int) -> Targets:
    ids_TK = np.argpartition(-log_probs_TV, k, axis=1)[:, :k]
    order_TK = np.argsort(-np.take_along_axis(log_probs_TV, ids_TK, axis=1), axis=1)
    ids_TK = np.take_along_axis(ids_TK, order_TK, axis=1)
    rest_TV = log_probs_TV.copy()
    np.put_along_axis(rest_TV, ids_TK, -np.inf, axis=1)
    top_TK = np.take_along_axis(log_probs_TV, ids_TK, axis=1)
    tail_T = np.logaddexp.reduce(rest_TV, axis=1)
    return Targets(ids_TK.astype(np.int32), top_TK.astype(np.float32), tail_T.astype(np.float32))


def joined(parts: list[Targets]) -> Targets:
    return Targets(*(np.concatenate([getattr(t, name) for t in parts]) for name in ("ids", "log_probs", "tail")))


def normal(vocabulary: int, spread: float, seed: int) -> np.ndarray:
    logits_TV = np.random.default_rng(seed).normal(size=(ANSWER, vocabulary)) * spread
    normalised: np.ndarray = logits_TV - np.logaddexp.reduce(logits_TV, axis=1, keepdims=True)
    return normalised


def of_model(ref: str, recording: Path, count: int) -> Iterator[np.ndarray]:
    """Yield float32 log-probabilities (T, V) over each of the first ``count`` answers of a recording."""
    from conch_dna.models import accel

    accel.switch_on()
    import mlx.core as mx

    from conch_dna.data.tokens import encode_chat
    from conch_dna.domains.domain import load_domain
    from conch_dna.models.load import load

    base = load(ref)
    domain = load_domain(recording.parents[1])
    prompts = {prompt.digest: prompt for prompt in domain.prompts}
    for line in recording.read_text(encoding="utf-8").splitlines()[:count]:
        row = json.loads(line)
        turns = [*domain.with_context(prompts[row["prompt"]]), {"role": "assistant", "content": row["text"]}]
        example = encode_chat(base.tokenizer, turns)
        logits_TV = base.model(mx.array([example.ids]))[0, example.answer_start - 1 : -1].astype(mx.float32)
        yield np.array(logits_TV - mx.logsumexp(logits_TV, axis=-1, keepdims=True))


def show(name: str, raw: Targets) -> None:
    """Print one row of the table, with positions encoded in answers and shards as in the store."""
    size, added = 0, []
    for start in range(0, len(raw.tail), ANSWER * SHARD):
        blobs = {}
        for first in range(start, min(start + ANSWER * SHARD, len(raw.tail)), ANSWER):
            part = slice(first, first + ANSWER)
            one = Targets(raw.ids[part], raw.log_probs[part], raw.tail[part])
            blobs[f"{first:064x}"] = encode(one)
            added.append(added_kl(one, decode(blobs[f"{first:064x}"])))
        size += len(dump(TargetFile({"teacher": "mlx:" + "0" * 64}, blobs)))
    kl = np.concatenate(added)
    plain = raw.ids.shape[1] * 8 + 4
    print(f"{name:<34}{raw.ids.shape[1]:>5}{np.exp(raw.log_probs[:, 0]).mean():>8.2f}{size / len(kl):>9.1f}"
          f"{plain:>9}{kl.mean():>11.1e}{np.quantile(kl, 0.99):>11.1e}{kl.max():>11.1e}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model reference; adds its distributions to the synthetic ones")
    parser.add_argument("--recording", type=Path, default=RECORDING, help="file of the answers")
    parser.add_argument("--answers", type=int, default=12, help="answers of the recording to score")
    parser.add_argument("--rows", type=int, default=640, help="synthetic positions for each spread")
    options = parser.parse_args()
    print(f"{'':<34}{'k':>5}{'top-1':>8}{'bytes':>9}{'plain':>9}{'KL mean':>11}{'KL 99 %':>11}{'KL max':>11}")
    for vocabulary in VOCABULARIES:
        for spread in SPREADS:
            drawn: dict[int, list[Targets]] = {k: [] for k in KS}
            for part in range(options.rows // ANSWER):  # the logits of all rows at once would take gigabytes
                log_probs_TV = normal(vocabulary, spread, part)
                for k in KS:
                    drawn[k].append(top(log_probs_TV, k))
            for k in KS:
                show(f"V={vocabulary} spread {spread}", joined(drawn[k]))
    if options.model:
        found: dict[int, list[Targets]] = {k: [] for k in KS}
        width = 0
        for log_probs_TV in of_model(options.model, options.recording, options.answers):
            width = log_probs_TV.shape[1]
            for k in KS:
                found[k].append(top(log_probs_TV, k))
        for k in KS:
            show(f"{options.model} V={width}", joined(found[k]))


if __name__ == "__main__":
    main()
