"""The ``/admin`` endpoints: load, unload and pin neurons, and move aliases."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter
from pydantic import Field

from conch_dna.errors import UnknownName
from conch_dna.registry.aliases import BASE, CURRENT
from conch_dna.server.faults import ApiFault
from conch_dna.server.requests import Body
from conch_dna.server.schemas import MEANINGS, Changed, faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.server.service import Service

log = structlog.get_logger()


class Named(Body):
    """The neuron to act on: NAME, NAME@ALIAS or NAME@VERSION."""

    model: str = Field(min_length=1, max_length=256)


class Unload(Named):
    """``POST /admin/unload``."""

    deadline: float = Field(30.0, ge=0, le=3600, description="seconds until running answers fail")


class Promote(Named):
    """``POST /admin/promote``: point an alias at the version that ``model`` refers to now."""

    alias: str = Field(CURRENT, min_length=1, max_length=64)


def routes(service: Service) -> APIRouter:
    """Return the endpoints of ``/admin``."""
    router = APIRouter(prefix="/admin", responses=faults(*MEANINGS))
    engine, registry = service.engine, service.models.registry

    async def run(what: str, body: Named, act: Callable[[], Any]) -> dict[str, Any]:
        """Run an action in a thread, because it waits for the engine's current step."""
        service.models.check(body.model)
        if body.model == BASE:
            raise ApiFault(400, "The base is always loaded.", "invalid_value", "model")
        try:
            await asyncio.to_thread(act)
            digest = await asyncio.to_thread(lambda: registry.resolve(body.model).card.digest)
        except UnknownName as fault:
            raise service.models.unknown(body.model) from fault
        log.info("neuron_changed", done=what, model=body.model, digest=digest)
        return {"model": body.model, "digest": digest, "done": what}

    @router.post("/load", response_model=Changed)
    async def load(body: Named) -> dict[str, Any]:
        """Load a neuron ahead of its first request."""
        return await run("loaded", body, lambda: engine.load(body.model))

    @router.post("/unload", response_model=Changed)
    async def unload(body: Unload) -> dict[str, Any]:
        """Unload a neuron; the response comes when it is unloaded."""
        return await run("let_go", body, lambda: engine.unload(body.model, body.deadline))

    @router.post("/pin", response_model=Changed)
    async def pin(body: Named) -> dict[str, Any]:
        """Keep a neuron loaded."""
        return await run("pinned", body, lambda: engine.pin(body.model))

    @router.post("/unpin", response_model=Changed)
    async def unpin(body: Named) -> dict[str, Any]:
        """Allow a pinned neuron to be evicted."""
        return await run("unpinned", body, lambda: engine.unpin(body.model))

    @router.post("/promote", response_model=Changed)
    async def promote(body: Promote) -> dict[str, Any]:
        """Move an alias; in-flight requests finish on the version they started with."""
        return await run("promoted", body, lambda: registry.promote(*registry.locate(body.model), body.alias))

    return router
