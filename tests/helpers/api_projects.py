"""Projects whose teacher is the test server, and what such a project came to."""

import json
import time

from projects import WORDS, here, started, write_domain, write_project

from conch_dna.domains.domain import load_domain
from conch_dna.registry.store import Registry
from conch_dna.teachers.answer_cache import load as load_answer
from conch_dna.teachers.api.ledger import Ledger

KEY = "sk-test-1234567890-abcdefghij"
INPUT, OUTPUT = 1000, 4000  # nano-USD a token: 1 and 4 USD a million
TURN = "<|im_start|>{role}\n{content}<|im_end|>\n"


class ApiProject:
    """A project with the domain alpha, whose prompts all end differently, and its cache.

    :param accel: where the BLAS lies that was prepared once for all.
    :param prompts: what is asked, or how many of :func:`asked_of`.
    :param endpoint: settings of ``[api.PROVIDER]`` beside the address.
    """

    def __init__(self, folder, student, server, provider, accel, *, prompts=24, budget="5", endpoint=None, **settings):
        self.folder, self.cache, self.provider = folder / "project", folder / "cache", provider
        self.url = server.openai_url if provider == "openai" else server.url
        self.server, self.budget, self.endpoint = server, budget, {"backoff": 0.01, **(endpoint or {})}
        write_project(self.folder, student, **{"teacher": f"{provider}:tiny", **settings})
        self.distill = (self.folder / "conch.toml").read_text()
        texts = asked_of(prompts) if isinstance(prompts, int) else prompts
        rows = [{"messages": [{"role": "user", "content": text}], "source": "test"} for text in texts]
        file = write_domain(self.folder / "domains/alpha", 1, max_tokens=24) / "prompts.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.cache.mkdir(parents=True)
        if accel.is_dir():
            (self.cache / "accel").symlink_to(accel)
        self.configure()

    def configure(self, **endpoint):
        """Write ``conch.toml``, perhaps with other settings of the endpoint."""
        self.endpoint |= endpoint
        chosen = {"base_url": self.url, **({"turn": TURN} if self.provider == "openai" else {}), **self.endpoint}
        lines = [
            "[api]", f'budget = "{self.budget}"', f"[api.{self.provider}]",
            *(f"{name} = {json.dumps(value)}" for name, value in chosen.items()),
            f'[prices."{self.provider}:tiny"]', "input = 1.0", "output = 4.0", "batch = 0.5",
        ]  # fmt: skip
        (self.folder / "conch.toml").write_text(self.distill + "\n".join(lines) + "\n")

    @property
    def env(self):
        return {"CONCH_CACHE": str(self.cache), self.server.key_variable: KEY, "CONCH_STRICT": "1"}

    def command(self, run="mine"):
        return ("--json-logs", "distill", "alpha", "--run", run)

    def teach(self, *more, run="mine"):
        """Distil in this process; return click's result."""
        return here(self.folder, *self.command(run), *more, env=self.env)

    def start(self, run="mine"):
        """Distil in a process of its own."""
        return started(self.folder, *self.command(run), **self.env)

    @property
    def digests(self):
        """The prompts' digests by what they ask."""
        return {p.messages[-1].content: p.digest for p in load_domain(self.folder / "domains/alpha").prompts}

    def cached(self):
        """Return what is asked by the prompts whose answers are on disk."""
        asked = {digest: text for text, digest in self.digests.items()}
        files = self.cache.glob("completions/??/*.json")
        return {asked[found.prompt] for file in files if (found := load_answer(file.read_bytes())).prompt in asked}

    def own(self, counted):
        """Return the counts of the domain's prompts alone, without those of a probe."""
        return {asked: counted[asked] for asked in self.digests if counted[asked]}

    def truth(self):
        """Return what the server charged, in nano-USD: in a batch, half."""
        return sum(cost_of(call.usage) // (2 if call.batch else 1) for call in self.server.calls if call.usage)

    def ledger(self):
        return Ledger(self.folder / "runs/ledger.jsonl", None)

    def result(self, run="mine"):
        return json.loads((self.folder / "runs" / run / "alpha/result.json").read_text())

    def figures(self, run="mine"):
        """Return the lines of the domain's metrics that are about the API."""
        lines = (self.folder / "runs" / run / "alpha/metrics.jsonl").read_text().splitlines()
        return [row["api"] for row in map(json.loads, lines) if "api" in row]

    def published(self):
        registry = Registry(self.folder / "adapters")
        return registry.versions("alpha") if registry.names() else []

    def files(self):
        """Return every file of project and cache, but not what they link to."""
        return [p for root in (self.folder, self.cache) for p in root.rglob("*") if p.is_file() and not p.is_symlink()]


def cost_of(usage):
    """Return what the tokens of one call cost, in nano-USD; those from a cache cost as much as others."""
    return INPUT * (usage["input"] + usage["cached_input"] + usage["cache_write"]) + OUTPUT * usage["output"]


def say(asked):
    """Answer so that a student learns much of it in a few steps."""
    return f"the word is {asked.split()[-1]}"


def asked_of(count):
    """Return different texts, each of which asks for a word, and ends with it."""
    return [f"Of all the words say number {i}: {WORDS[i % 12]}" for i in range(count)]


def wait_until(holds, seconds=120):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
