"""The ``conch`` command: the root group, and the boundary that turns errors into one line and an exit code."""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from conch_dna.cli.app import App
from conch_dna.cli.lazy import as_command
from conch_dna.errors import ConchError, Interrupted, PluginError
from conch_dna.pipeline.project import find_project
from conch_dna.util import interrupts
from conch_dna.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP_ASKED = "conch_dna.help_asked"
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h


class RootGroup(click.Group):
    """The root group; its commands are registered by plug-ins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the root's options, and note whether help was requested."""
        ctx.meta[_HELP_ASKED] = "--help" in args or not args
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(_app(ctx).host.catalog.names("commands"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command without importing it, or ``None``."""
        catalog = _app(ctx).host.catalog
        if cmd_name not in catalog.names("commands"):
            return None
        return as_command(cmd_name, catalog.get("commands", cmd_name), catalog.owner("commands", cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that ``args`` begin with; an unknown name is answered with the nearest ones."""
        name = args[0]
        if name != "trust" and (left_out := _app(ctx).own_plugins[1]):
            click.echo(f"warning: {left_out}", err=True)
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            hints = _app(ctx).host.catalog.hints("commands", name)
            ctx.fail(f"No such command {name!r}.{f' {hints}' if hints else ''}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, and the number of plug-ins that failed to load."""
        super().format_commands(ctx, formatter)
        broken = len(_app(ctx).host.catalog.broken)
        if broken:
            formatter.write_paragraph()
            plural = "plug-in" if broken == 1 else "plug-ins"
            formatter.write_text(f"{broken} {plural} failed to load: conch plugins list")

    def invoke(self, ctx: click.Context) -> None:
        """Configure logging, warn of broken plug-ins and run the command; its return value is dropped."""
        from conch_dna.util.log import configure  # not needed for help

        app = _app(ctx)
        configure(app.json_logs, "debug" if app.debug else "info")
        if not ctx.meta[_HELP_ASKED]:
            for error in app.host.catalog.broken:
                click.echo(f"warning: {_one_line(error)}", err=True)
        # main() takes an int as an exit code, so no command's result may be returned.
        super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; the error boundary is here so that it also applies in tests with click's runner."""
        args = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except Exception as error:  # noqa: BLE001 - the error boundary
            _fail(error, debug="--debug" in args)
        sys.exit(code if isinstance(code, int) else 0)


def _app(ctx: click.Context) -> App:
    """Return the call's state, built from the options parsed so far: ``--help`` runs before the others are parsed."""
    root = ctx.find_root()
    if root.obj is None:
        given = root.params
        root.obj = App(
            project=(given.get("project") or find_project(Path.cwd())).resolve(),
            plugins_dir=given.get("plugins_dir"),
            debug=bool(given.get("debug")),
            json_logs=bool(given.get("json_logs")),
            helping=root.resilient_parsing or root.meta.get(_HELP_ASKED, False),
        )
    app: App = root.obj
    return app


def _fail(error: Exception, *, debug: bool) -> NoReturn:
    """Report ``error`` in one line and exit with its code."""
    if isinstance(error, click.ClickException):
        error.show()
        sys.exit(error.exit_code)
    if isinstance(error, click.Abort):
        # click turns Ctrl-C into Abort; a declined confirmation is an Abort of its own.
        by_key = isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
        click.echo("interrupted" if by_key else "aborted", err=True)
        sys.exit(Interrupted.exit_code if by_key else 1)
    if debug:
        traceback.print_exception(error)
    if isinstance(error, ConchError):
        # Some errors list faults on separate lines; a plug-in's fault may contain any text, so it is joined.
        text = _one_line(error) if isinstance(error, PluginError) else str(error)
        click.echo(f"error: {text}", err=True)
        sys.exit(error.exit_code)
    if isinstance(error, OSError) and error.strerror:  # a fault of the machine: disk full, no permission, no such file
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror}", err=True)
        sys.exit(ConchError.exit_code)
    text = f"internal error: {type(error).__name__}: {_one_line(error)}"
    click.echo(text if debug else f"{text}; run with --debug for the traceback", err=True)
    sys.exit(INTERNAL_ERROR)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(cls=RootGroup, context_settings={"max_content_width": 120})
@click.option("--project", type=_FOLDER, is_eager=True, help="Project folder; default: the nearest with a conch.toml.")
@click.option("--plugins-dir", type=_FOLDER, is_eager=True, help="Also load the plug-ins in this folder.")
@click.option("--json-logs", is_flag=True, help="Log JSON lines to stderr.")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug logs.")
@click.version_option(__version__, prog_name="conch", message="%(prog)s %(version)s")
def cli(**_: Any) -> None:
    """Distil a big model's behaviour into small, verified LoRA neurons, and run them."""


def main() -> NoReturn:
    """Run ``conch``; the console entry point. SIGTERM acts like Ctrl-C, so finished work is kept."""
    interrupts.listen(signal.SIGTERM)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's job in the background ignores it
        interrupts.listen(signal.SIGINT)
    cli.main(prog_name="conch")
    sys.exit(0)
