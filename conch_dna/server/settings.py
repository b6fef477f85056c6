"""Settings of a server: its address and its limits."""

from __future__ import annotations

from dataclasses import dataclass

from conch_dna.errors import ConfigError
from conch_dna.util.network import is_loopback


@dataclass(frozen=True)
class ServerSettings:
    """The settings of ``conch serve``.

    :param slots: neurons that run at once.
    :param batch: answers that are generated at once.
    :param queue: answers that may wait in addition; more are refused with 429.
    :param max_tokens: maximum and default number of tokens of one answer.
    :param max_body: maximum bytes of a request's body.
    :param timeout: maximum seconds for one answer.
    :param grace: seconds for running requests when the server stops.
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
        """True if only this machine can reach the server."""
        return is_loopback(self.host)


def check_host(settings: ServerSettings, *, keyed: bool) -> None:
    """Check that a server that other machines can reach has keys.

    :raises ConfigError: it has none.
    """
    if not settings.loopback and not keyed:
        raise ConfigError(
            "a server that other machines can reach needs keys", where="--host", got=settings.host,
            allowed="127.0.0.1, ::1", next_step="Set keys with --keys FILE or CONCH_KEYS.",
        )  # fmt: skip
