"""API keys of a server: stored as hashes, each with its scopes and rate limit."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from conch_dna.errors import ConfigError
from conch_dna.server.faults import ApiFault

if TYPE_CHECKING:
    from pathlib import Path

Scope = Literal["infer", "admin", "any"]
SCOPES = ("infer", "admin")
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]{1,64})\s+sha256:(?P<hash>[0-9a-f]{64})\s+(?P<scopes>[a-z,]+)(\s+(?P<rate>[1-9]\d{0,6}))?"
    r"(\s+cache=(?P<sharing>[A-Za-z0-9_.-]{1,64}))?"
)
FORM = "NAME sha256:HEX infer|admin|infer,admin [ANSWERS_A_MINUTE] [cache=NAME]"
KEY = "conch.key"  # in the scope of a request: its key


@dataclass
class Key:
    """One key.

    :param name: names the key in logs.
    :param rate: answers per minute, where a request without answers counts as one; ``None`` for no limit.
    :param sharing: the name of the keys that share cached prompts and seats with it.

    The limit is a token bucket that holds one minute's answers.
    """

    name: str
    scopes: frozenset[str]
    rate: int | None
    sharing: str
    _left: float = field(default=0.0, init=False)
    _seen: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._left = self.rate or 0

    def spend(self, now: float, count: int = 1) -> None:
        """Take answers from the bucket.

        :param now: seconds on a monotonic clock.
        :raises ApiFault: 429, the bucket has fewer; 400, it never has so many.
        """
        if self.rate is None:
            return
        if count > self.rate:
            message = f"More answers than this key may ask for: {count} of {self.rate} a minute."
            raise ApiFault(400, message, "invalid_value", "n")
        self._left = min(self.rate, self._left + (now - self._seen) * self.rate / 60)
        self._seen = now
        if self._left < count:
            wait = max(1, round((count - self._left) * 60 / self.rate + 0.5))
            raise ApiFault(429, f"This key may ask for {self.rate} answers a minute.", "rate_limit_exceeded",
                           headers={"Retry-After": str(wait)})  # fmt: skip
        self._left -= count


class Keys:
    """The keys by the SHA-256 of their text; without keys, every local client may use every endpoint."""

    def __init__(self, by_hash: dict[str, Key]) -> None:
        self._by_hash = by_hash

    def __bool__(self) -> bool:
        return bool(self._by_hash)

    @property
    def parties(self) -> int:
        """The number of keys, where those that share count as one."""
        return len({key.sharing for key in self._by_hash.values()})

    def check(self, authorization: bytes, scope: Scope) -> Key | None:
        """Return the key in an ``Authorization`` header; ``None`` if the server has no keys.

        :raises ApiFault: 401, the key is missing or unknown; 403, it lacks the scope; 429, it exceeds its rate.
        """
        if not self._by_hash:
            return None
        kind, _, text = authorization.partition(b" ")
        # The lookup uses the hash, so that its time reveals nothing about the keys.
        key = self._by_hash.get(hashlib.sha256(text.strip()).hexdigest()) if kind.lower() == b"bearer" else None
        if key is None:
            raise ApiFault(401, "No valid key: send it as `Authorization: Bearer KEY`.", "invalid_api_key",
                           headers={"WWW-Authenticate": "Bearer"})  # fmt: skip
        if scope != "any" and scope not in key.scopes:
            raise ApiFault(403, f"This key may not be used for {scope}.", "insufficient_scope")
        key.spend(time.monotonic())
        return key


def read_keys(file: Path | None, text: str | None, rate: int | None) -> Keys:
    """Read keys from a file and from text, one per line (``;`` also separates keys in text); ``#`` starts a comment.

    :param rate: answers per minute of keys without their own rate.
    :raises ConfigError: the file cannot be read, a line is not a key, or a name or hash occurs twice.
    """
    lines = [("CONCH_KEYS", n, line) for n, line in enumerate(re.split(r"[\n;]", text or ""), 1)]
    if file is not None:
        try:
            found = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigError("the keys cannot be read", where=file, got=type(fault).__name__) from fault
        lines += [(str(file), n, line) for n, line in enumerate(found, 1)]
        if not any(_bare(line) for line in found):
            raise ConfigError("contains no key", where=file, allowed=FORM)
    keys: dict[str, Key] = {}
    for where, number, line in lines:
        if bare := _bare(line):
            hashed, key = _key(bare, f"{where}:{number}", rate)
            if hashed in keys or key.name in {other.name for other in keys.values()}:
                raise ConfigError("this key or its name occurs twice", where=f"{where}:{number}", got=key.name)
            keys[hashed] = key
    return Keys(keys)


def _bare(line: str) -> str:
    return line.partition("#")[0].strip()


def _key(line: str, where: str, rate: int | None) -> tuple[str, Key]:
    """Return the hash and the key of a line; an error does not quote the line, which may hold the key itself."""
    found = LINE.fullmatch(line)
    scopes = frozenset(found["scopes"].split(",")) if found else frozenset[str]()
    if not found or not scopes <= set(SCOPES):
        raise ConfigError("not a key", where=where, allowed=FORM, next_step="The hash: printf %s KEY | sha256sum")
    own = found["rate"]
    # A key's own caches have a name that no `cache=` can have.
    sharing = found["sharing"] or f"key {found['name']}"
    return found["hash"], Key(found["name"], scopes, int(own) if own else rate, sharing)


def scope_of(path: str) -> Scope | None:
    """Return the scope that a path requires; ``None`` for public paths."""
    for start, scope in (("/v1", "infer"), ("/admin", "admin"), ("/metrics", "any")):
        if path == start or path.startswith(start + "/"):
            return cast("Scope", scope)
    return None
