"""Messages inside the test server: a request, a reply before it is sent, and a refusal."""

import itertools
import json
import threading
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP

_numbers = itertools.count(1)
_lock = threading.Lock()


def new_id(prefix):
    """Return an id that no other object has."""
    with _lock:
        return f"{prefix}{next(_numbers):024d}"


@dataclass
class Request:
    """One request.

    :param headers: by their names in small letters.
    :param base: the server's address.
    """

    method: str
    path: str
    headers: dict
    body: bytes
    base: str

    @property
    def provider(self):
        """Whose wire format it speaks."""
        anthropic = "x-api-key" in self.headers or "anthropic-version" in self.headers
        return "anthropic" if anthropic or self.path.startswith("/v1/messages") else "openai"

    @property
    def json(self):
        """The object that is the body."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "invalid_request_error", "We could not parse the JSON body of your request.")
        return found

    @property
    def form(self):
        """The fields of a multipart body; a file's is a pair of its name and its bytes."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        found = {}
        for part in BytesParser(policy=HTTP).parsebytes(head + self.body).iter_parts():
            name, file = (part.get_param(key, header="content-disposition") for key in ("name", "filename"))
            raw = part.get_payload(decode=True)
            found[name] = (file, raw) if file else raw.decode()
        return found


@dataclass
class Reply:
    """One reply.

    :param body: an object, sent as JSON; bytes, sent as they are; or a list of (event, object) pairs, sent as a stream.
    :param usage: tokens by kind, of a call that is charged for.
    """

    body: object
    status: int = 200
    headers: dict = field(default_factory=dict)
    kind: str = "application/json"
    usage: dict | None = None


class Refused(Exception):
    """A request that gets no answer.

    :param kind: what the provider calls this error.
    """

    def __init__(self, status, kind, message, *, code=None, headers=None):
        super().__init__(message)
        self.status, self.kind, self.message, self.code = status, kind, message, code
        self.headers = headers or {}

    def reply(self, provider):
        error = {"type": self.kind, "message": self.message}
        if provider == "openai":
            return Reply({"error": {**error, "param": None, "code": self.code}}, self.status, self.headers)
        body = {"type": "error", "error": error, "request_id": new_id("req_")}
        return Reply(body, self.status, self.headers)


def needed(body, *names):
    """Refuse a body that lacks a field."""
    for name in names:
        if name not in body:
            raise Refused(400, "invalid_request_error", f"{name}: Field required")


def whole_number(body, name, low, default):
    """Return a field that must be a whole number."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise Refused(400, "invalid_request_error", f"{name}: must be a whole number of at least {low}")
    return value


def unknown(body, known, message="Unrecognized request argument supplied: {}"):
    """Refuse a body with a field that the provider does not know."""
    if extra := sorted(set(body) - known):
        raise Refused(400, "invalid_request_error", message.format(extra[0]))


def between(body, name, low, high):
    """Refuse a number outside its range."""
    value = body.get(name)
    if value is not None and not (isinstance(value, int | float) and low <= value <= high):
        raise Refused(400, "invalid_request_error", f"{name}: must be between {low} and {high}, got {value!r}")
