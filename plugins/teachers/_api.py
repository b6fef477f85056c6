"""Shared parts of the API teachers: reading responses of the official SDKs, which are alike, and their faults.

Bodies are read here and not by the SDKs' models, because engines add fields of their own, the timeout applies to the
complete response however slowly it arrives, and a key that a server sends back is removed before parsing.

Imports of ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.errors import TeacherError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from conch_dna.plugin.protocols import Teacher, TeacherRequest
    from conch_dna.teachers.api.call import Reply
    from conch_dna.teachers.api.faults import CallFault
    from conch_dna.teachers.api.keys import Key
    from conch_dna.teachers.api.limits import RateLimit
    from conch_dna.teachers.api.provider_client import ProviderClient
    from conch_dna.teachers.api.settings import Endpoint

UNAUTHORIZED = 401
SHOWN = 300  # characters of a server's message in an error
NEVER_CONNECTED = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}


def api_teacher(kind: type[ProviderClient], request: TeacherRequest) -> Teacher:
    """Build the teacher with a client of class ``kind``.

    :raises TeacherError: the extra ``api`` is not installed.
    """
    try:
        from conch_dna.teachers.api.teacher import ApiTeacher
    except ModuleNotFoundError as error:
        raise _not_installed(error, kind.provider) from error
    return ApiTeacher(kind, request)


class SdkClient:
    """A client based on a provider's official SDK, whose module has the provider's name.

    :cvar client_class: the SDK's client.
    """

    provider: str
    client_class: str

    def __init__(self, model: str, base_url: str, endpoint: Endpoint, key: Key) -> None:
        self.model, self.base_url, self.endpoint, self.key = model, base_url, endpoint, key

    @cached_property
    def sdk(self) -> Any:
        """The SDK, imported with the first call.

        :raises TeacherError: it is not installed.
        """
        try:
            found = importlib.import_module(self.provider)
        except ModuleNotFoundError as error:
            raise _not_installed(error, self.provider) from error
        for name in (self.provider, "httpx2"):  # a server may put the key into what OPENAI_LOG shows
            logging.getLogger(name).setLevel(logging.WARNING)
        return found

    @cached_property
    def client(self) -> Any:
        """The SDK's client; it does not retry, so that every request is reserved."""
        make = getattr(self.sdk, self.client_class)
        return make(api_key=self.key.value, base_url=self.base_url, max_retries=0)

    def close(self) -> None:
        """Close its connections, if there are any."""
        if "client" in vars(self):
            self.client.close()


def _not_installed(error: ModuleNotFoundError, provider: str) -> TeacherError:
    return TeacherError(f"{error.name} is not installed", where=f"teacher {provider}",
                        next_step="pip install 'conch-dna[api]'")  # fmt: skip


@contextlib.contextmanager
def faults(sdk: ModuleType, key: Key) -> Iterator[None]:
    """Convert an SDK's exceptions in a block to :class:`CallFault`, without a chained error that quotes the server.

    :raises CallFault: a request in the block got no answer.
    """
    import httpx2

    from conch_dna.teachers.api.faults import CallFault, fault_of_status
    from conch_dna.teachers.api.keys import NO_KEY

    try:
        yield
    except sdk.APIStatusError as error:
        keyless = error.status_code == UNAUTHORIZED and key.value == NO_KEY
        said = "no key is set, and the endpoint requires one" if keyless else _words(error.body) or str(error.message)
        reason = key.hide(said)[:SHOWN]
        fault = fault_of_status(error.status_code, reason, error.response.headers.get("retry-after"))
        if "insufficient_quota" in str(error.body):  # a 429 that waiting does not fix
            fault = CallFault(fault.reason, "fatal_run", status=fault.status)
    except sdk.APIConnectionError as error:
        cause = type(error.__cause__).__name__
        unreachable = cause == "ConnectError"
        shown = error.__cause__ if unreachable else error
        fault = CallFault(f"{key.hide(str(shown))} ({cause})", charged=cause not in NEVER_CONNECTED,
                          unreachable=unreachable)  # fmt: skip
    except httpx2.HTTPError as error:  # in the middle of a response
        fault = CallFault(f"the connection broke during the answer ({type(error).__name__})", charged=True)
    except sdk.APIError as error:
        fault = CallFault(key.hide(str(error))[:SHOWN], charged=True)
    except (ValueError, TypeError, AttributeError) as error:  # raised by the SDK for a body of an unexpected form
        fault = CallFault(f"the answer has an unexpected form ({type(error).__name__})", charged=True)
    else:
        return
    raise fault from None


def fetch(sdk: ModuleType, opened: Any, key: Key, timeout: float) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Read one response to its end, and return its JSON object and its headers.

    :param opened: the result of ``with_streaming_response`` of an SDK's resource.
    :param timeout: seconds for the complete response.
    :raises CallFault: it is missing, incomplete, or not a JSON object.
    """
    from conch_dna.teachers.api.faults import CallFault

    deadline = time.monotonic() + timeout
    data = bytearray()
    with faults(sdk, key), opened as response:
        for chunk in response.iter_bytes():
            data += chunk
            if time.monotonic() > deadline:
                raise CallFault(f"the answer took longer than {timeout:g} s", charged=True)
        headers = dict(response.headers)
    return parsed(data, key), headers


def parsed(data: bytes | bytearray | str, key: Key) -> dict[str, Any]:
    """Return a JSON object without the key, even if the server escaped it.

    :raises CallFault: the data is not a JSON object.
    """
    from conch_dna.teachers.api.faults import CallFault

    try:
        found = without(json.loads(data), key)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CallFault("the answer is not a JSON object", charged=True)
    return found


def without(value: Any, key: Key) -> Any:
    """Return a server's data with the key removed from every text in it."""
    if isinstance(value, str):
        return key.hide(value)
    if isinstance(value, dict):
        return {key.hide(name): without(each, key) for name, each in value.items()}
    return [without(each, key) for each in value] if isinstance(value, list) else value


def row_of(read: Callable[[], Reply]) -> Reply | CallFault:
    """Return one answer of a batch, or its fault; the other answers are paid for and must not be lost."""
    from conch_dna.teachers.api.faults import CallFault

    try:
        return read()
    except CallFault as fault:
        return fault


def rate_limit(headers: Mapping[str, str], **names: str) -> RateLimit:
    """Return the provider's limits from headers; values that are not numbers are ignored.

    :param names: the header of each field of :class:`RateLimit`.
    """
    from conch_dna.teachers.api.limits import RateLimit

    found = {field: headers.get(name, "") for field, name in names.items()}
    return RateLimit(**{field: int(value) for field, value in found.items() if value.isascii() and value.isdigit()})


def count(found: Mapping[str, Any], *path: str) -> int:
    """Return a number of tokens from a usage object; 0 if it is missing or not a number."""
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def plain(message: Mapping[str, Any]) -> str:
    """Return a turn as plain text: its content, then each tool call as a line of JSON."""
    calls = [json.dumps(call["function"], ensure_ascii=False) for call in message.get("tool_calls", ())]
    return "\n".join(part for part in (message["content"], *calls) if part)


def _words(body: object) -> str:
    """Return the message in an error's body, in the form of either provider."""
    for name in ("error", "message"):
        if isinstance(body, dict) and name in body:
            body = body[name]
    return body if isinstance(body, str) else ""
