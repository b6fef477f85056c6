"""The server: the cost of HTTP over the engine in one process, and ``mlx_lm.server`` with alternating adapters.

``--concurrent`` clients send requests one after the other, each for the next of eight neurons, until twice as many are
answered; the neurons are in memory. Greedy, ``--tokens`` tokens each, the same BLAS for all.

- ``engine``: threads that use an engine in this process;
- ``conch serve``: the same requests over HTTP;
- ``mlx_lm.server``: the same, each with the folder of its adapter.

Below the table: the number of answers that equal those of the engine.

    python benchmarks/server.py [--concurrent 16] [--tokens 32] [--rank 8] [--rounds 3]
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, forwarded, header, parse, parser
from engine import QUESTION, SLOTS, publish

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

QUICK = {"rounds": 1, "concurrent": 2, "tokens": 3, "rank": 2}
THEIRS = "mlx_lm.server"  # takes minutes: measured in one process only
VARIANTS = ("engine", "conch serve", THEIRS)
PEER = "from conch_dna.models import accel; accel.switch_on(); from mlx_lm.server import main; main()"
OURS = "from conch_dna.cli.main import main; main()"
PACKAGES = ("mlx", "mlx-lm", "conch-dna", "fastapi", "uvicorn", "httpx")


def in_process(options: argparse.Namespace, base: Any, registry: Any) -> Callable[[int], str]:
    """Return a function that asks an engine with its own thread."""
    from conch_dna.records import Sampling
    from conch_dna.runtime.engine import Engine

    engine = Engine(base, registry, slots=SLOTS, batch=options.concurrent)
    engine.start()
    limit = Sampling(max_tokens=options.tokens)
    return lambda n: engine.submit(QUESTION.format(n + 12, 3 * n + 7), f"n{n % SLOTS}", limit).result().text


def over_http(options: argparse.Namespace, port: int, name_of: Callable[[int], dict[str, str]]) -> Callable[[int], str]:
    """Return a function that asks a server on this machine over kept connections."""
    import httpx

    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600)

    def ask(n: int) -> str:
        body = {
            "messages": [{"role": "user", "content": QUESTION.format(n + 12, 3 * n + 7)}],
            "max_tokens": options.tokens, "temperature": 0, **name_of(n),
        }  # fmt: skip
        answer = client.post("/v1/chat/completions", json=body)
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])

    return ask


@contextlib.contextmanager
def serving(code: str, *words: object, port: int) -> Iterator[None]:
    """Run a server in a separate process until the block ends."""
    command = [sys.executable, "-c", code, *map(str, words), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > ends:
                    sys.exit(f"{' '.join(command[2:])} does not listen")
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one variant: seconds per request, and the answers."""
    from conch_dna.models.load import load

    base, port = load(options.model), free_port()
    registry = publish(base, folder, SLOTS, options.rank)
    if options.variant == "engine":
        return run(options, in_process(options, base, registry))
    if options.variant == "conch serve":
        words = ("serve", "--base", options.model, "--registry", registry.root, "--batch", options.concurrent)
        with serving(OURS, *words, port=port):
            return run(options, over_http(options, port, lambda n: {"model": f"n{n % SLOTS}"}))
    path = str(base.folder)
    with serving(PEER, "--model", path, port=port):
        made = folder / "made"
        return run(options, over_http(options, port, lambda n: {"model": path, "adapters": str(made / str(n % SLOTS))}))


def run(options: argparse.Namespace, ask: Callable[[int], str]) -> dict[str, Any]:
    """Ask with concurrent clients; the warm-up loads every neuron into memory."""
    with ThreadPoolExecutor(options.concurrent) as clients:
        list(clients.map(ask, range(SLOTS)))
        started = time.perf_counter()
        answers = list(clients.map(ask, range(2 * options.concurrent)))
        seconds = time.perf_counter() - started
    return {"seconds": seconds / len(answers), "answers": answers}


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--concurrent", type=int, default=16, help="clients")
    made.add_argument("--tokens", type=int, default=32, help="maximum tokens of one answer")
    made.add_argument("--rank", type=int, default=8, help="rank of the neurons")
    options = parse(made, QUICK)
    if options.variant:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(options, Path(folder))))
            sys.stdout.flush()
        return
    header(options, PACKAGES)
    words = forwarded(options, "model", "concurrent", "tokens", "rank")
    rows = [Contender(name, name, rounds=1 if name == THEIRS else None) for name in VARIANTS]
    found = compete(__file__, rows, words, options.rounds)
    seconds = {name: [report["seconds"] for report in reports] for name, reports in found.items()}
    peer = statistics.median(seconds[THEIRS])
    engine = statistics.median(seconds["engine"])
    print(f"{options.concurrent} clients, {2 * options.concurrent} requests, {options.tokens} tokens each")
    print(f"{'':<16}{'s per request':>12}{'min-max':>16}{'requests/s':>12}{'x mlx_lm.server':>17}{'time x engine':>15}")
    for name, times in seconds.items():
        median = statistics.median(times)
        spread = f"{min(times):.3f}-{max(times):.3f}"
        print(f"{name:<16}{median:>12.3f}{spread:>16}{1 / median:>12.2f}{peer / median:>17.2f}{median / engine:>15.3f}")
    wanted = found["engine"][0]["answers"]
    for name in VARIANTS[1:]:
        same = sum(a == b for a, b in zip(found[name][0]["answers"], wanted, strict=True))
        print(f"answers of {name} equal to the engine's: {same} of {len(wanted)}")


if __name__ == "__main__":
    main()
