"""Minutes of load on ``conch serve`` while its neurons are published, promoted, rolled back, unloaded and removed.

Every client asks for a random model (a name, ``NAME@prod``, ``NAME@VERSION`` or the base); one request in four is a
stream, and one in twenty disconnects half-way. The neurons give different answers, which a runtime computes beforehand,
one neuron and one prompt at a time. An answer counts as

- ``wrong neuron`` if its fingerprint names a version that the model's name did not mean while the request ran;
- ``wrong text`` if it differs from the answer of that version;
- ``lost`` if the request fails.

The server's memory is sampled every few seconds. The exit code is 1 if any answer is wrong or lost.

    python benchmarks/soak.py [--minutes 10] [--concurrent 64] [--names 12] [--contents 16]
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import header, parse, parser
from engine import publish, write_neuron
from server import OURS, PACKAGES, free_port, serving

if TYPE_CHECKING:
    import argparse

QUICK = {"minutes": 0.15, "concurrent": 8, "names": 3, "contents": 4, "slots": 2}
PROMPTS = (
    "Tell me a story.", "What is a prime number?", "List three fruits.", "Why is the sky blue?",
    "Write a line of Python.", "How do I make tea?",
)  # fmt: skip
PROD = "prod"
STRONG = 0.04  # scale of the factors, large enough that answers differ from the first words
DISTINCT = 0.9
CHANGES = ("publish", "promote", "rollback", "unload", "retire")


@dataclass
class Truth:
    """The versions that each model's name meant over time; a change records when it began and ended."""

    texts: dict[str, list[str]]
    lock: threading.Lock = field(default_factory=threading.Lock)
    meant: dict[str, list[tuple[float, float, str]]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    doomed: deque[tuple[float, str, int]] = field(default_factory=deque)

    def note(self, model: str, digest: str, began: float) -> None:
        """Record that ``model`` means ``digest`` since some moment between ``began`` and now."""
        with self.lock:
            self.meant[model].append((began, time.monotonic(), digest))

    def possible(self, model: str, since: float) -> set[str]:
        """Return the versions that a request sent at ``since`` and answered by now may have got."""
        with self.lock:
            moves = list(self.meant.get(model, ()))  # empty for a retired version
        ends = [*(done for _, done, _ in moves[1:]), float("inf")]
        return {digest for (_, _, digest), end in zip(moves, ends, strict=False) if end >= since}

    def models(self) -> list[str]:
        """Return the names that clients may ask for now."""
        with self.lock:
            return [*self.meant]

    def count(self, what: str, about: str = "") -> None:
        """Count an event and keep its description, if any."""
        with self.lock:
            self.counts[what] += 1
            if about:
                self.faults.append(f"{what}: {about}")


def prepare(options: argparse.Namespace, base: Any, folder: Path) -> tuple[Truth, list[Path]]:
    """Write the neurons and compute the answers of each one alone."""
    from conch_dna.records import Sampling
    from conch_dna.runtime.neurons import NeuronRuntime

    made = [write_neuron(folder / "contents" / str(n), base, n, options.rank, STRONG) for n in range(options.contents)]
    runtime, limit, texts = NeuronRuntime(base, folder), Sampling(max_tokens=options.tokens), {}
    texts["base"] = [runtime.generate(prompt, sampling=limit) for prompt in PROMPTS]
    for path in made:
        runtime.add(path.name, path)
        runtime.use(path.name)
        texts[str(runtime.active).removeprefix("sha256:")] = [
            runtime.generate(prompt, sampling=limit) for prompt in PROMPTS
        ]
    runtime.close()
    twos = itertools.combinations(texts.values(), 2)
    pairs = [a != b for one, other in twos for a, b in zip(one, other, strict=True)]
    print(f"texts that differ between two neurons: {sum(pairs) / len(pairs):.1%}")
    if sum(pairs) < DISTINCT * len(pairs):
        sys.exit("too few to detect a wrong neuron")
    return Truth(texts), made


def change(options: argparse.Namespace, registry: Any, truth: Truth, made: list[Path], fields: Any, url: str) -> None:
    """Change one thing in the registry, or unload a neuron."""
    import httpx

    name, began = f"n{random.randrange(options.names)}", time.monotonic()  # noqa: S311
    what = random.choice(["publish", *CHANGES])  # noqa: S311
    if what == "publish":
        entry = registry.publish(name, random.choice(made), fields)  # noqa: S311
        truth.note(name, plain(entry), began)
        if entry.version == registry.versions(name)[-1]:  # not an old version after a rollback
            truth.note(entry.ref, plain(entry), began)
    elif what == "promote":
        entry = registry.promote(name, random.choice(registry.versions(name)), PROD)  # noqa: S311
        truth.note(f"{name}@{PROD}", plain(entry), began)
    elif what == "rollback" and len(registry.history(name)) > 2:
        from conch_dna.errors import RegistryError

        try:
            entry = registry.rollback(name)
        except RegistryError:  # it has no earlier version
            return
        truth.note(name, plain(entry), began)
    elif what == "unload":
        httpx.post(f"{url}/admin/unload", json={"model": name, "deadline": 120}, timeout=150).raise_for_status()
    elif what == "retire":
        retire(registry, truth, name, began + 6 * options.minutes)
    while truth.doomed and truth.doomed[0][0] < began:
        _, name, version = truth.doomed.popleft()
        if version not in registry.aliases(name).values():  # a rollback or promotion may use it again
            registry.remove(name, version)
            truth.count("remove")
    truth.count(what)


def retire(registry: Any, truth: Truth, name: str, due: float) -> None:
    """Stop asking for an old version; it is removed later, when its running requests have ended."""
    held = set(registry.aliases(name).values())
    asked = set(truth.models())
    old = [v for v in registry.versions(name)[:-4] if v not in held and f"{name}@{v}" in asked]
    if old:
        with truth.lock:
            truth.meant.pop(f"{name}@{old[0]}")
        truth.doomed.append((due, name, old[0]))


def plain(entry: Any) -> str:
    return str(entry.card.digest).removeprefix("sha256:")


def ask(client: Any, truth: Truth, options: argparse.Namespace) -> None:
    """Send one request and check its answer."""
    model, n = random.choice(truth.models()), random.randrange(len(PROMPTS))  # noqa: S311
    streams, hangs_up = random.random() < 0.25, random.random() < 0.05  # noqa: S311
    body = {
        "model": model, "messages": [{"role": "user", "content": PROMPTS[n]}], "temperature": 0,
        "max_tokens": options.tokens, "stream": streams or hangs_up,
    }  # fmt: skip
    sent = time.monotonic()
    possible_before = truth.possible(model, sent)
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        if answer.status_code != 200:
            answer.read()
            truth.count("lost", f"{model}: {answer.status_code} {answer.text[:300]}")
            return
        if hangs_up:
            next(answer.iter_lines())
            truth.count("hung up")
            return
        text, mark = read(answer, streams=streams)
    digest = mark.rpartition("_")[2]
    if digest not in truth.possible(model, sent) | possible_before:
        truth.count("wrong neuron", f"{model} answered by {digest[:12]}")
    elif text != truth.texts[digest][n]:
        truth.count("wrong text", f"{model} {PROMPTS[n]!r}: {text!r}, not {truth.texts[digest][n]!r}")
    else:
        truth.count("right")
        truth.seconds.append(time.monotonic() - sent)


def read(answer: Any, *, streams: bool) -> tuple[str, str]:
    """Return text and fingerprint of an answer; raise for an incomplete stream."""
    if not streams:
        whole = json.loads(answer.read())
        return whole["choices"][0]["message"]["content"], whole["system_fingerprint"]
    lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    if lines[-1] != "[DONE]":
        raise ValueError(f"the stream ends with {lines[-1]!r}")
    chunks = [json.loads(line) for line in lines[:-1]]
    pieces = (chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    return "".join(pieces), chunks[0]["system_fingerprint"]


def load_it(options: argparse.Namespace, registry: Any, truth: Truth, made: list[Path], fields: Any, port: int) -> Any:
    """Run clients and changes for the given minutes; return samples of (second, bytes of the server)."""
    import httpx
    import psutil

    over, url = threading.Event(), f"http://127.0.0.1:{port}"

    def client() -> None:
        with httpx.Client(base_url=url, timeout=600) as http:
            while not over.is_set():
                try:
                    ask(http, truth, options)
                except (httpx.HTTPError, ValueError, KeyError) as fault:
                    truth.count("lost", repr(fault))

    def changes() -> None:
        while not over.wait(0.3):
            change(options, registry, truth, made, fields, url)

    threads = [threading.Thread(target=client) for _ in range(options.concurrent)]
    changing = threading.Thread(target=changes)
    process = next(c for c in psutil.Process().children() if str(port) in c.cmdline())
    for thread in (*threads, changing):
        thread.start()
    began, memory = time.monotonic(), []
    while (passed := time.monotonic() - began) < 60 * options.minutes:
        memory.append((passed, process.memory_info().rss))
        time.sleep(min(2.0, options.minutes))
        if not changing.is_alive():
            truth.count("lost", "the thread of changes died")
            break
    over.set()
    for thread in (*threads, changing):
        thread.join()
    return memory


def main() -> None:
    made_parser = parser(__doc__)
    made_parser.add_argument("--minutes", type=float, default=10.0, help="minutes of load")
    made_parser.add_argument("--concurrent", type=int, default=64, help="clients")
    made_parser.add_argument("--names", type=int, default=12, help="neurons that clients ask for")
    made_parser.add_argument("--contents", type=int, default=16, help="different adapters")
    made_parser.add_argument("--slots", type=int, default=8, help="slots of the server")
    made_parser.add_argument("--tokens", type=int, default=12, help="maximum tokens of one answer")
    made_parser.add_argument("--rank", type=int, default=8, help="rank of the neurons")
    options = parse(made_parser, QUICK)
    header(options, PACKAGES)
    from conch_dna.models.load import load
    from conch_dna.registry.card import CardFields

    with tempfile.TemporaryDirectory() as folder:
        base = load(options.model)
        registry = publish(base, Path(folder), 0, options.rank)
        truth, made = prepare(options, base, Path(folder))
        fields = CardFields(
            base=base.ref, base_digest=base.digest, teacher="none", teacher_fingerprint="none", data_digest="none"
        )
        truth.note("base", "base", 0.0)
        for n in range(options.names):
            entry = registry.publish(f"n{n}", made[n % len(made)], fields)
            registry.promote(entry.name, entry.version, PROD)
            for model in (entry.name, entry.ref, f"{entry.name}@{PROD}"):
                truth.note(model, plain(entry), 0.0)
        port = free_port()
        words = ("serve", "--base", options.model, "--registry", registry.root, "--slots", options.slots)
        with serving(OURS, *words, "--batch", options.concurrent, "--queue", options.concurrent, port=port):
            memory = load_it(options, registry, truth, made, fields, port)
        sys.exit(report(options, truth, memory))


def report(options: argparse.Namespace, truth: Truth, memory: list[tuple[float, int]]) -> int:
    """Print the results; return the exit code."""
    counts = truth.counts
    answered = counts["right"] + counts["wrong neuron"] + counts["wrong text"]
    print(f"{options.minutes:g} minutes, {options.concurrent} clients, {options.names} neurons, {options.slots} slots")
    print(f"answers {answered}, hung up {counts['hung up']}; per second: {answered / 60 / options.minutes:.1f}")
    for what in ("wrong neuron", "wrong text", "lost"):
        print(f"{what}: {counts[what]}")
    print("changes: " + ", ".join(f"{what} {counts[what]}" for what in (*CHANGES[:-1], "remove")))
    if len(truth.seconds) > 1:
        cuts = statistics.quantiles(truth.seconds, n=20)
        print(f"seconds per answer: median {statistics.median(truth.seconds):.2f}, 95 % within {cuts[-1]:.2f}")
    for low, high in ((0.0, 0.1), (0.2, 0.3), (0.45, 0.55), (0.7, 0.8), (0.9, 1.0)):
        span = [rss for at, rss in memory if low <= at / 60 / options.minutes <= high]
        if span:
            print(f"memory, {low:.0%} to {high:.0%} of the time: {statistics.median(span) / 1e6:.0f} MB")
    for fault in truth.faults[:20]:
        print(fault, file=sys.stderr)
    return int(bool(counts["wrong neuron"] + counts["wrong text"] + counts["lost"] or not counts["right"]))


if __name__ == "__main__":
    main()
