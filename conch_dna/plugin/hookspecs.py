"""The contract between Conch DNA and its plug-ins: every hook, on one screen.

Registration hooks return a mapping of name to object, or ``None``. They are called once, when the tool starts, and
must not load weights, open sockets or import mlx: ``conch --help`` calls them too. A name that is taken is an error.
Life-cycle hooks are called during a run; what they raise is logged with the plug-in's name and never stops the run.
A hook is available since version 0.1 unless its docstring names another version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import click

    from conch_dna.config import DistillConfig
    from conch_dna.plugin.protocols import (
        CrossTokenizerLoss,
        Divergence,
        Exporter,
        ExtractorFactory,
        Gate,
        Generator,
        QuestionSet,
        RouterFactory,
        Scorer,
        SpanProcessor,
        TeacherFactory,
        TrackerFactory,
        Verifier,
    )
    from conch_dna.plugin.recipes import Recipe
    from conch_dna.records import StepReport, Summary

PROJECT = "conch_dna"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_teachers() -> Mapping[str, TeacherFactory] | None:
    """Return teacher factories by name: callables from :class:`TeacherRequest` to :class:`Teacher`."""


@hookspec
def register_scorers() -> Mapping[str, Scorer] | None:
    """Return scorers by name: pure functions from prompt, response and context to [0, 1]."""


@hookspec
def register_verifiers() -> Mapping[str, Verifier] | None:
    """Return verifiers by name: pure functions that decide whether a response is right. Since 0.2."""


@hookspec
def register_generators() -> Mapping[str, Generator] | None:
    """Return generators by name: callables that yield prompts with their right answers. Since 0.2."""


@hookspec
def register_processors() -> Mapping[str, SpanProcessor] | None:
    """Return processors by name: pure functions from an answer so far to the text that must follow. Since 0.2."""


@hookspec
def register_question_sets() -> Mapping[str, QuestionSet] | None:
    """Return public test sets by name: objects that read questions with known answers. Since 0.2.

    They measure (``conch eval --on NAME``) and are never trained on.
    """


@hookspec
def register_losses() -> Mapping[str, Divergence] | None:
    """Return losses by name: divergences between two bucketed distributions."""


@hookspec
def register_cross_tokenizer_losses() -> Mapping[str, CrossTokenizerLoss] | None:
    """Return losses by name that compare a teacher with a student of another tokenizer."""


@hookspec
def register_recipes() -> Mapping[str, Recipe | str] | None:
    """Return recipes by name: instances of :class:`~conch_dna.plugin.recipes.Recipe`, or ``"module:attribute"``.

    Such a string is imported when the recipe is first used. Since 0.2.
    """


@hookspec
def register_extractors() -> Mapping[str, ExtractorFactory] | None:
    """Return extractors by name: callables from the options of ``[extract]`` to a function from text to its answer."""


@hookspec
def register_domains() -> Sequence[Path] | None:
    """Return domain folders, each with a ``domain.toml`` and a ``prompts.jsonl``; its name is the folder's."""


@hookspec
def register_gates() -> Mapping[str, Gate] | None:
    """Return gates by name: functions from held-out figures to checks."""


@hookspec
def register_routers() -> Mapping[str, RouterFactory] | None:
    """Return router factories by name: callables from the domains to a function that chooses a chat's neuron."""


@hookspec
def register_exporters() -> Mapping[str, Exporter] | None:
    """Return exporters by the name of their format: objects that write a neuron for other programs. Since 0.2.

    ``conch neurons export --format NAME`` calls one; if it also has the methods of :class:`Importer`, so does
    ``conch neurons import --format NAME``.
    """


@hookspec
def register_trackers() -> Mapping[str, TrackerFactory] | None:
    """Return tracker factories by name: callables without arguments that return a :class:`Tracker`. Since 0.2.

    A run makes one tracker for each ``--tracker NAME``. A plug-in that listens to every run uses the life-cycle hooks.
    """


@hookspec
def register_commands() -> Mapping[str, click.Command | str | tuple[str, str]] | None:
    """Return ``conch`` commands by name: a click command, or ``"module:attribute"`` to import it when it is called.

    A pair of that string and a short help fills the command's line in ``conch --help``, which imports no command.
    """


@hookspec
def run_started(run_dir: Path, config: DistillConfig, domains: Sequence[str]) -> None:
    """Receive the start of a run, before any teacher call.

    :param run_dir: the run's folder; a plug-in may add files of its own to it.
    :param config: the resolved settings.
    :param domains: the names, in the order in which they are trained.
    """


@hookspec
def step_finished(run_dir: Path, domain: str, report: StepReport) -> None:
    """Receive the report of one optimizer step; must return quickly, since training waits for it.

    :param run_dir: the run's folder. Since 0.2.
    """


@hookspec
def neuron_published(domain: str, version: int, path: Path) -> None:
    """Receive a neuron that passed its gate and is in the registry; must not change the folder at ``path``."""


@hookspec
def run_finished(run_dir: Path, summary: Summary) -> None:
    """Receive the summary after the last domain; not called for a run that was interrupted."""
