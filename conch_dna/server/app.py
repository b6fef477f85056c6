"""The ASGI app: its endpoints and the engine that starts and stops with it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from fastapi import FastAPI

from conch_dna.server import admin, endpoints, faults, health
from conch_dna.server.guard import Guard
from conch_dna.server.service import Service
from conch_dna.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conch_dna.registry.store import Registry
    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.routing import Routing
    from conch_dna.server.keys import Keys
    from conch_dna.server.settings import ServerSettings


def make_app(
    engine: Engine, registry: Registry, settings: ServerSettings, keys: Keys, routing: Routing | None = None
) -> Guard:
    """Return the ASGI app of an engine; it starts and closes the engine.

    :param registry: the engine's registry.
    :param keys: accepted API keys; an empty set disables authentication.
    :param routing: chooses the neuron for the model ``auto``.
    """
    service = Service(engine, registry, settings, routing, keys.parties)

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        engine.start()
        service.ready = True
        yield
        service.ready = False
        await asyncio.to_thread(engine.close)

    # No interactive pages, because they load scripts from other hosts; openapi.json is served. No redirects,
    # because they would point to the host that the request names.
    app = FastAPI(
        title="Conch DNA", version=__version__, lifespan=running, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    for part in (endpoints, health, admin):
        app.include_router(part.routes(service))
    faults.install(app)
    return Guard(app, settings, keys, service.metrics, frozenset(app.openapi()["paths"]))
