"""Rate limits of the test server: requests and tokens per minute, and their headers."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


class Meter:
    """Counts one thing against a limit a minute.

    :param limit: most in a minute.
    :param minute: seconds of a minute; less than 60 in a test of scaled-down time.
    :param style: ``bucket`` is full at first and fills continuously; ``window`` begins anew at every full minute.
    """

    def __init__(self, limit, minute, style):
        self.limit, self.minute, self.style = limit, minute, style
        self.left, self.at = float(limit), time.monotonic()

    def refresh(self):
        now = time.monotonic()
        if self.style == "bucket":
            self.left = min(self.limit, self.left + (now - self.at) * self.limit / self.minute)
            self.at = now
        elif now - self.at >= self.minute:
            self.left, self.at = float(self.limit), now - (now - self.at) % self.minute

    def seconds_until(self, amount):
        """Return how long it takes until ``amount`` is there."""
        short = min(amount, self.limit) - self.left
        if short <= 0:
            return 0.0
        if self.style == "bucket":
            return short * self.minute / self.limit
        return self.at + self.minute - time.monotonic()


@dataclass
class RateLimits:
    """Requests and tokens a minute; 0 is no limit.

    :param counts: ``used`` counts the input and the most output when a call arrives and gives back what it did not
        use when it ends, as Anthropic does; ``asked`` gives nothing back, as OpenAI does.
    """

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    minute: float = 60.0
    style: str = "bucket"
    counts: str = "used"

    def __post_init__(self):
        self._lock = threading.Lock()
        given = {"requests": self.requests_per_minute, "tokens": self.tokens_per_minute}
        self.meters = {name: Meter(limit, self.minute, self.style) for name, limit in given.items() if limit}

    def admit(self, tokens):
        """Take one request and its tokens; or return how long to wait, and for what."""
        wanted = {"requests": 1, "tokens": tokens}
        with self._lock:
            for name, meter in self.meters.items():
                meter.refresh()
                if wait := meter.seconds_until(wanted[name]):
                    return wait, name
            for name, meter in self.meters.items():
                meter.left -= wanted[name]
        return 0.0, ""

    def give_back(self, tokens):
        """Take note that so many tokens of an admitted call were not used."""
        if self.counts == "used" and "tokens" in self.meters:
            with self._lock:
                meter = self.meters["tokens"]
                meter.refresh()
                meter.left = min(meter.limit, meter.left + tokens)

    def state(self):
        """Return limit, what is left, and the seconds until all is there, by name."""
        with self._lock:
            for meter in self.meters.values():
                meter.refresh()
            return {n: (m.limit, max(0, int(m.left)), m.seconds_until(m.limit)) for n, m in self.meters.items()}

    def headers(self, provider):
        """Return the headers with which a provider tells its limits."""
        found = {}
        for name, (limit, left, reset) in self.state().items():
            if provider == "openai":
                found |= {
                    f"x-ratelimit-limit-{name}": str(limit),
                    f"x-ratelimit-remaining-{name}": str(left),
                    f"x-ratelimit-reset-{name}": span(reset),
                }
                continue
            kinds = ("requests",) if name == "requests" else ("tokens", "input-tokens")
            when = (datetime.now(UTC) + timedelta(seconds=reset)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for kind in kinds:
                start = f"anthropic-ratelimit-{kind}"
                found |= {f"{start}-limit": str(limit), f"{start}-remaining": str(left), f"{start}-reset": when}
        return found


def span(seconds):
    """Return a time as OpenAI writes it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{int(seconds // 60)}m{seconds % 60:.0f}s"
