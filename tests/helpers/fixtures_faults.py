"""Projects for fault tests, and the outcome of an undisturbed project in each mode."""

from functools import cache
from typing import NamedTuple

import pytest
from fault_projects import FaultProject, Outcome, new_project


@pytest.fixture
def make_project(tmp_path, student, accel):
    """Return a function that writes a project for a mode."""

    def make(mode, **settings):
        return new_project(tmp_path / "faulty", student, mode, accel, **settings)

    return make


class Undisturbed(NamedTuple):
    """An undisturbed run: its project, its outcome, and every change that it made to a file."""

    project: FaultProject
    outcome: Outcome
    events: list[str]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, student, accel):
    """Return a function from mode to the undisturbed run, which happens once for each mode."""

    @cache
    def run(mode, **settings):
        folder = tmp_path_factory.mktemp("undisturbed")
        project = new_project(folder, student, mode, accel, **settings)
        events = project.events(folder / "events")
        return Undisturbed(project, project.outcome(), events)

    return run
