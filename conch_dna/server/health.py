"""The ``/health``, ``/ready`` and ``/metrics`` endpoints."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from conch_dna.server.faults import ApiFault
from conch_dna.server.schemas import State, faults

if TYPE_CHECKING:
    from conch_dna.server.service import Service


def routes(service: Service) -> APIRouter:
    """Return the endpoints that report the server's state."""
    router = APIRouter()

    @router.get("/health", response_model=State, responses=faults(400, 403, 408, 413))
    async def health() -> dict[str, str]:
        """Report that the process responds."""
        return {"status": "ok"}

    @router.get("/ready", response_model=State, responses=faults(400, 403, 408, 413, 503))
    async def ready() -> dict[str, str]:
        """Report whether the server accepts and computes requests."""
        if not (service.ready and service.engine.running):
            raise ApiFault(503, "The server is not ready.", "not_ready")
        return {"status": "ready"}

    @router.get("/metrics", response_class=PlainTextResponse, responses=faults(400, 401, 403, 408, 413, 429))
    async def metrics() -> Response:
        """Return the Prometheus metrics."""
        stats = await asyncio.to_thread(service.engine.stats)
        page = service.metrics.page(service.limit.requests, stats, service.settings.slots)
        return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
