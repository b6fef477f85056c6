"""Logging: structlog events on stderr, as text or as JSON lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import structlog


def configure(json_logs: bool = False, level: str | int = "info") -> None:
    """Send log events of ``level`` and above to stderr.

    :param json_logs: write one JSON object a line instead of text.
    :param level: ``"debug"``, ``"info"``, ``"warning"``, ``"error"``, or a number of :mod:`logging`.
    """
    # structlog imports rich, which takes 0.1 s: conch --help must not pay for it.
    import structlog

    last: Any
    if json_logs:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_plain())]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if json_logs else "%H:%M:%S", utc=json_logs),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_stderr,
        # A cached logger would keep the stderr of its first use, and tests could not capture the next one.
        cache_logger_on_first_use=False,
    )


def _to_stderr(*_: Any) -> structlog.PrintLogger:
    """Return a logger for the current stderr."""
    import structlog

    return structlog.PrintLogger(sys.stderr)


def _plain() -> Any:
    """Return structlog's plain formatter: rich tracebacks draw boxes in files and pipes."""
    import structlog

    return structlog.dev.plain_traceback
