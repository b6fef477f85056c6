"""Responses: one JSON body, or server-sent events while the engine generates."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse, Response, StreamingResponse

from conch_dna.errors import UnknownName
from conch_dna.runtime.request import Answer
from conch_dna.server.faults import as_fault
from conch_dna.server.job import ClientGone, End, Job, Piece

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import Request

    from conch_dna.server.job import Event, Logged, Order
    from conch_dna.server.requests import Common
    from conch_dna.server.response_format import ResponseFormat
    from conch_dna.server.service import Service

GONE = 499  # nginx's status for a client that closed the connection; seen only in the log


async def respond(
    service: Service, http: Request, body: Common, order: Order, response_format: ResponseFormat
) -> Response:
    """Run an order and return its response.

    Nothing is sent before the first event, so earlier errors get their own status.

    :raises ApiFault, ConchError, TimeoutError: the errors of the engine and the queue.
    """
    job = Job(service.engine, service.limit, order, service.metrics, service.settings.timeout)
    job.follow(http.receive)
    streams = False
    try:
        await job.start()
        writer = ResponseWriter(job, response_format, _head(service, job, response_format))
        if not body.stream:
            return await asyncio.to_thread(JSONResponse, await writer.whole())  # a big answer takes long to write
        events = job.events()
        first = await anext(events)
        usage = body.stream_options is not None and body.stream_options.include_usage
        streams = True
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            writer.stream(first, events, usage=usage), media_type="text/event-stream", headers=headers
        )
    except UnknownName as fault:
        raise service.models.unknown(order.model) from fault
    except ClientGone:
        return Response(status_code=GONE)
    finally:
        if not streams:  # a stream closes the job itself, also when the client disconnects
            job.close()


def _head(service: Service, job: Job, response_format: ResponseFormat) -> dict[str, Any]:
    """Return the common fields of an answer and its chunks."""
    base, digest = service.engine.base_model.digest, job.requests[0].digest
    return {
        "id": response_format.prefix + secrets.token_hex(12),
        "object": response_format.whole,
        "created": int(time.time()),
        "model": job.order.model,
        "system_fingerprint": fingerprint(base, digest),
    }


def fingerprint(base: str, adapter: str | None) -> str:
    """Return the fingerprint of an answer's model: the start of the base's digest and the adapter's whole digest."""
    return f"fp_{base.removeprefix('sha256:')[:12]}_{'base' if adapter is None else adapter.removeprefix('sha256:')}"


@dataclass
class ResponseWriter:
    """Writes one response.

    :param head: the common fields of the answer and its chunks.
    """

    job: Job
    response_format: ResponseFormat
    head: dict[str, Any]

    async def whole(self) -> dict[str, Any]:
        """Return the complete answer."""
        order, answers = self.job.order, dict[int, Answer]()
        logged: list[list[Logged]] = [[] for _ in range(order.count)]
        async for event in self.job.events():
            if isinstance(event, End):
                answers[event.place] = event.answer
            elif event.logged is not None:
                logged[event.place].append(event.logged)
        choices = [
            self.response_format.choice(
                index, answer.text, None if order.top is None else logged[index], answer.finish_reason
            )
            for index, answer in sorted(answers.items())
        ]
        return self.head | {"choices": choices, "usage": self._usage(answers)}

    async def stream(self, first: Event, events: AsyncIterator[Event], *, usage: bool) -> AsyncIterator[str]:
        """Yield server-sent events; an error becomes the last event."""
        head = self.head | {"object": self.response_format.part} | ({"usage": None} if usage else {})
        answers: dict[int, Answer] = {}
        try:
            for index in range(self.job.order.count):
                if (opening := self.response_format.opening(index)) is not None:
                    yield _sse(head | {"choices": [opening]})
            event: Event | None = first
            while event is not None:
                if isinstance(event, End):
                    answers[event.place] = event.answer
                    yield _sse(head | {"choices": [self._closing(event)]})
                elif (delta := self._delta(event)) is not None:
                    yield _sse(head | {"choices": [delta]})
                event = await anext(events, None)
            if usage:
                yield _sse(head | {"choices": [], "usage": self._usage(answers)})
            yield "data: [DONE]\n\n"
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - the status is sent already: the error can only be an event
            yield _sse(as_fault(error).body)
        finally:
            self.job.close()

    def _closing(self, end: End) -> dict[str, Any]:
        return self.response_format.closing(end.place, end.answer.text, end.answer.finish_reason)

    def _delta(self, piece: Piece) -> dict[str, Any] | None:
        wanted = self.job.order.top is not None
        logged = ([] if piece.logged is None else [piece.logged]) if wanted else None
        return self.response_format.delta(piece.place, piece.text, logged)

    def _usage(self, answers: dict[int, Answer]) -> dict[str, Any]:
        """Count tokens; a prompt with several answers counts once."""
        each = [answers[index] for index in range(0, self.job.order.count, self.job.order.n)]
        prompt, completion = sum(a.prompt_tokens for a in each), sum(len(a.tokens) for a in answers.values())
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": sum(a.cached_tokens for a in each)},
        }


def _sse(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
