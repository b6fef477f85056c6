"""``conch serve``: serve the neurons of a registry with an OpenAI-compatible API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from conch_dna.cli.app import App
from conch_dna.cli.complete import router_names
from conch_dna.errors import ConfigError
from conch_dna.pipeline.project import REGISTRY
from conch_dna.registry.store import Registry
from conch_dna.runtime.routing import make_routing
from conch_dna.server.settings import ServerSettings, check_host

_DEFAULT = ServerSettings()
_COUNT = click.IntRange(1)
_SECONDS = click.FloatRange(0, min_open=True)


@click.command(epilog="Example: conch serve --port 8000   (conch --json-logs serve: logs as JSON lines)")
@click.option("--base", "base_ref", help="Base model; default: the project's student.")
@click.option(
    "--registry", "root", type=click.Path(file_okay=False, path_type=Path),
    help=f"Registry folder; default: {REGISTRY} in the project.",
)  # fmt: skip
@click.option("--host", default=_DEFAULT.host, show_default=True, help="Address; any except loopback needs keys.")
@click.option(
    "--port",
    default=_DEFAULT.port,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 chooses a free one.",
)
@click.option(
    "--slots", default=_DEFAULT.slots, show_default=True, type=_COUNT, help="Maximum neurons that run at once."
)
@click.option(
    "--batch", default=_DEFAULT.batch, show_default=True, type=_COUNT, help="Maximum answers generated at once."
)
@click.option(
    "--queue",
    default=_DEFAULT.queue,
    show_default=True,
    type=click.IntRange(0),
    help="Maximum answers that wait.",
)
@click.option(
    "--max-tokens", default=_DEFAULT.max_tokens, show_default=True, type=click.IntRange(1, 32_768),
    help="Maximum tokens of one answer.",
)  # fmt: skip
@click.option(
    "--max-body", default=_DEFAULT.max_body, show_default=True, type=_COUNT, help="Maximum bytes of a request."
)
@click.option(
    "--timeout", default=_DEFAULT.timeout, show_default=True, type=_SECONDS, help="Maximum seconds for one answer."
)
@click.option(
    "--grace",
    default=_DEFAULT.grace,
    show_default=True,
    type=_COUNT,
    help="Seconds for running requests when the server stops.",
)
@click.option(
    "--keys", "keys_file", type=click.Path(dir_okay=False, path_type=Path),
    help="File of hashed keys; CONCH_KEYS may hold more.",
)  # fmt: skip
@click.option(
    "--rate-limit", type=_COUNT, help="Answers per minute of keys without their own rate.  [default: no limit]"
)
@click.option(
    "--router",
    help="Serve the model auto: this router, such as ngrams, chooses the neuron.",
    shell_complete=router_names,
)
@click.pass_obj
def serve(
    app: App,
    /,
    base_ref: str | None,
    root: Path | None,
    keys_file: Path | None,
    rate_limit: int | None,
    router: str | None,
    **given: Any,
) -> None:
    """Serve the base and its neurons to OpenAI clients, until Ctrl-C or SIGTERM."""
    settings = ServerSettings(**given)
    try:
        # fastapi and uvicorn cost start-up time, and are an extra
        from conch_dna.server.keys import read_keys
        from conch_dna.server.run import listen, run
    except ImportError as fault:
        raise ConfigError(
            "the server's packages are not installed", got=fault.name, next_step="Run `pip install 'conch-dna[serve]'`."
        ) from fault
    keys = read_keys(keys_file, os.environ.pop("CONCH_KEYS", None), rate_limit)
    check_host(settings, keyed=bool(keys))
    # mlx and fastapi cost start-up time
    from conch_dna.runtime.engine import Engine
    from conch_dna.server.app import make_app

    registry = Registry(root or app.registry)
    ref = base_ref or app.loaded_project.config().student
    routing = make_routing(app.host, app.project, router) if router else None
    with listen(settings) as opened:  # reports a port in use before the base is loaded
        engine = Engine(
            ref, registry, slots=settings.slots, batch=settings.batch,
            span_processors=app.host.catalog.all("processors"),
        )  # fmt: skip
        run(make_app(engine, registry, settings, keys, routing), settings, opened)
