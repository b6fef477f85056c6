"""Measure the share of a provider's token limit that calls reach, and the number of refusals, which must be 0.

Real HTTP calls go to the test server on loopback. It enforces the limit as providers do: with a bucket that fills
continuously or in fixed minutes, and by counting the requested maximum or the used tokens. The share is the tokens
counted since the first request, divided by what the limit allows in that time.

    python benchmarks/api_throughput.py [--tokens-per-minute 60000] [--minutes 2] [--minute 60]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from fake_limits import RateLimits
from plain_client import ask, caller
from server import ApiServer

from conch_dna.teachers.api.limits import Limits, Pace

ANSWER = "All of these words are an answer of some length. " * 40
COUNTS = ("asked", "used")
STYLES = ("bucket", "window")


def measure(options: argparse.Namespace, style: str, counts: str) -> dict[str, Any]:
    """Send calls for the given time; return the counts of the server."""
    limits = RateLimits(tokens_per_minute=options.tokens_per_minute, minute=options.minute, style=style, counts=counts)
    stated = Limits(tokens_per_minute=options.tokens_per_minute)
    pace = Pace(stated, counts=counts, minute=options.minute)
    with ApiServer({}, limits=limits, latency=options.latency) as server:
        server.model.rule = lambda _: ANSWER
        many = int(options.minutes * options.tokens_per_minute / options.output)
        begin, seconds = time.monotonic(), options.minutes * options.minute
        answers = caller(pace=pace, timeout=60).run([ask(server, f"Question {i}", options.output) for i in range(many)])
        for _ in answers:
            if time.monotonic() - begin >= seconds:
                break
        took = time.monotonic() - begin
        made = [call for call in server.calls if call.usage]
        answers.close()
    outputs = [options.output if counts == "asked" else call.usage["output"] for call in made]
    counted = sum(call.usage["input"] for call in made) + sum(outputs)
    return {
        "style": style, "counts": counts, "calls": len(made), "refused": server.faced()["limit"], "seconds": took,
        "share": counted / options.tokens_per_minute / took * options.minute,
    }  # fmt: skip


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--tokens-per-minute", type=int, default=60_000)
    made.add_argument("--minutes", type=float, default=2, help="minutes of measurement per row")
    made.add_argument("--minute", type=float, default=60.0, help="seconds of a minute; less scales time down")
    made.add_argument("--output", type=int, default=300, help="token limit of an answer")
    made.add_argument("--latency", type=float, default=1.0, help="seconds per answer of the server")
    made.add_argument("--json", action="store_true", help="print one JSON object per row")
    options = made.parse_args()
    if not options.json:
        print(f"{'limit':8} {'counts':6} {'calls':>6} {'429s':>5} {'share of the limit':>19}")
    for style in STYLES:
        for counts in COUNTS:
            row = measure(options, style, counts)
            line = "{style:8} {counts:6} {calls:>6} {refused:>5} {share:>19.1%}".format(**row)
            print(json.dumps(row) if options.json else line, flush=True)


if __name__ == "__main__":
    main()
