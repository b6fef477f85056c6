"""Errors in OpenAI's format: a status and a body with message, type, param and code."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from conch_dna.errors import ConchError, ConfigError, DataError, GrammarError, NeuronRefused, RegistryError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

log = structlog.get_logger()

KNOWN: tuple[tuple[type[Exception], int, str], ...] = (
    (NeuronRefused, 422, "neuron_refused"),
    (RegistryError, 409, "registry_error"),
    (UnknownName, 404, "not_found"),
    (GrammarError, 400, "invalid_schema"),
    (ConfigError, 400, "invalid_value"),
    (TimeoutError, 504, "timeout"),
)
UNION_MEMBER = re.compile(r"str|[A-Z].*|.*[-\[].*")  # pydantic inserts these among the field names
TOO_LONG = "prompt and answer do not fit into the base's context"


class ApiFault(Exception):
    """An error response to a request.

    :param status: the HTTP status.
    :param code: the error in one word, for programs.
    :param param: the invalid field of the request.
    :param headers: additional headers of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = dict(headers or {})

    @property
    def kind(self) -> str:
        """OpenAI's name for this class of errors."""
        named = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        return named.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")

    @property
    def body(self) -> dict[str, Any]:
        """The body of the response."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Return the HTTP response."""
        return JSONResponse(self.body, self.status, self.headers)


def unknown_model(asked: str, valid: str) -> ApiFault:
    """Return the error for a model name that does not exist."""
    return ApiFault(404, f"The model {asked[:100]!r} does not exist. Valid: {valid}.", "model_not_found", "model")


def stopping() -> ApiFault:
    """Return the error for a request that the server's shutdown ended."""
    return ApiFault(503, "The server is stopping.", "stopping")


def as_fault(error: BaseException) -> ApiFault:
    """Return the response for an error, without paths of this machine."""
    if isinstance(error, ApiFault):
        return error
    if isinstance(error, DataError):
        return ApiFault(400, _bare(error), "context_length_exceeded" if error.what == TOO_LONG else "invalid_value")
    for kind, status, code in KNOWN:
        if isinstance(error, kind):
            return ApiFault(status, getattr(error, "what", "The answer took longer than the server allows."), code)
    log.error("request_broke", error=repr(error), exc_info=error)
    return ApiFault(500, "The server failed; see its log.", "internal_error")


def install(app: FastAPI) -> None:
    """Register handlers so that every error of the app is answered in OpenAI's format."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    for kind in (ApiFault, ConchError, TimeoutError):
        app.add_exception_handler(kind, _known)


async def _known(_: Request, error: Exception) -> JSONResponse:
    return as_fault(error).response()


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Answer a body that is not valid JSON or does not match the schema, without repeating its content."""
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"type": "", "loc": (), "msg": ""}
    if first["type"] == "json_invalid":
        return ApiFault(400, "The body is not valid JSON.", "invalid_json").response()
    # Field names only: an unknown key is text from the client.
    path = ".".join(str(part)[:64] for part in first["loc"][1:] if not UNION_MEMBER.fullmatch(str(part)))
    code = "unknown_parameter" if first["type"] == "extra_forbidden" else "invalid_value"
    return ApiFault(400, f"{path or 'body'}: {first['msg']}", code, path or None).response()


async def _plain(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that the web framework itself refused: a path, a method, an unreadable body."""
    if not isinstance(error, HTTPException):
        return as_fault(error).response()
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return ApiFault(error.status_code, str(error.detail), code, headers=error.headers).response()


def _bare(error: ConchError) -> str:
    """Return an error's text without its location, which may be a path of this machine."""
    parts = [error.what, None if error.got is None else f"got {error.got}"]
    parts.append(None if error.allowed is None else f"allowed: {error.allowed}")
    return "; ".join(filter(None, parts))
