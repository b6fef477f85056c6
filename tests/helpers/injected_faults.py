"""Faults of the test server: chosen for each call by a script, by a seed, or for the length of a storm."""

import hashlib
import random
import threading
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """The fault of one call.

    :param status: of the answer, where there is one that is not the call's own.
    :param charged: whether the provider did the work, and so charges for it.
    :param delivered: whether the client gets an answer that it can use, if it waits.
    """

    status: int = 200
    charged: bool = False
    delivered: bool = False


FAULTS = {
    "none": Fault(charged=True, delivered=True),
    "rate_limited": Fault(429),  # with Retry-After in seconds
    "rate_limited_date": Fault(429),  # with Retry-After as an HTTP date
    "rate_limited_bare": Fault(429),  # without Retry-After
    "insufficient_quota": Fault(429),  # which no waiting mends
    "error_500": Fault(500),
    "error_502": Fault(502),  # a page of HTML, as a gateway writes it
    "error_503": Fault(503),
    "error_529": Fault(529),
    "key_echoed": Fault(500),  # the message quotes the key
    "key_refused": Fault(401),  # the message quotes the key
    "bad_request": Fault(400),
    "forbidden": Fault(403),
    "not_found": Fault(404),
    "reset": Fault(),  # before any work was done
    "reset_late": Fault(charged=True),  # after a part of the body
    "hang": Fault(charged=True),  # not a byte
    "truncated": Fault(charged=True),  # less than Content-Length says
    "half_json": Fault(charged=True),  # a whole body that is half an object
    "page": Fault(charged=True),  # 200 and HTML
    "drip": Fault(charged=True, delivered=True),  # byte by byte
    "empty": Fault(charged=True, delivered=True),  # an answer without a word
    "usage_missing": Fault(charged=True, delivered=True),
    "usage_zero": Fault(charged=True, delivered=True),
    "usage_over": Fault(charged=True, delivered=True),  # a thousand times what was used
}
STORMY = (
    "rate_limited", "error_500", "error_502", "error_503", "error_529", "reset", "reset_late", "truncated", "half_json",
    "key_echoed", "usage_missing", "rate_limited_bare",
)  # fmt: skip


@dataclass
class Faults:
    """Decides which fault the next call meets: the storm first, then the script, then the prompt, then chance.

    :param script: names of faults, in the order in which calls arrive; used up.
    :param by_prompt: names of faults by what is asked, for its first, second, ... call.
    :param share: of the calls that chance lets fail; which ones depends on the seed, the prompt and how often it was
        asked, not on the order in which calls arrive.
    :param kinds: what chance chooses from.
    :param most: failures by chance of one prompt, after which it is answered.
    """

    script: list = field(default_factory=list)
    by_prompt: dict = field(default_factory=dict)
    seed: int = 0
    share: float = 0.0
    kinds: tuple = STORMY
    most: int = 3

    def __post_init__(self):
        self._asked, self._lock, self._storm = {}, threading.Lock(), 0.0

    def storm(self, seconds):
        """Refuse everything with 429 for so long."""
        self._storm = time.monotonic() + seconds

    @property
    def storm_left(self):
        return max(0.0, self._storm - time.monotonic())

    def next(self, prompt):
        with self._lock:
            if self.storm_left:
                return "rate_limited"
            if self.script:
                return self.script.pop(0)
            time_asked = self._asked[prompt] = self._asked.get(prompt, 0) + 1
            scripted = self.by_prompt.get(prompt, ())
            if time_asked <= len(scripted):
                return scripted[time_asked - 1]
            digest = hashlib.sha256(f"{self.seed} {time_asked} {prompt}".encode()).digest()
            chance = random.Random(digest)
            fails = time_asked <= self.most and chance.random() < self.share
            return chance.choice(self.kinds) if fails else "none"
