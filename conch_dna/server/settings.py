"""How a server is run: where it listens, and its limits."""

from __future__ import annotations

from dataclasses import dataclass

from conch_dna.errors import ConfigError
from conch_dna.util.network import is_loopback


@dataclass(frozen=True)
class ServerSettings:
    """What ``conch serve`` is told.

    :param slots: neurons that run at once.
    :param batch: answers that are generated at once.
    :param queue: answers that may wait beside them; more are sent away with 429.
    :param max_tokens: most tokens in one answer, and what an answer gets that asks for no number.
    :param max_body: bytes of a request's body.
    :param timeout: seconds from a request's first byte to the last of its answer.
    :param grace: seconds that running requests have when the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    slots: int = 8
    batch: int = 32
    queue: int = 128
    max_tokens: int = 1024
    max_body: int = 4 << 20
    timeout: float = 600.0
    grace: int = 30

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def check_host(settings: ServerSettings, *, keyed: bool) -> None:
    """Check that a server that others can reach asks for keys.

    :raises ConfigError: it does not.
    """
    if not settings.loopback and not keyed:
        raise ConfigError(
            "a server that other machines reach needs keys", where="--host", got=settings.host,
            allowed="127.0.0.1, ::1", next_step="Give it keys with --keys FILE or CONCH_KEYS.",
        )  # fmt: skip
