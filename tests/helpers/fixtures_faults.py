"""Projects to be disturbed, and what an undisturbed one comes to in each mode."""

from functools import cache
from typing import NamedTuple

import pytest
from trial import Outcome, Trial, new_trial


@pytest.fixture
def trial(tmp_path, student, accel):
    """Make a project for a mode."""

    def make(mode, **settings):
        return new_trial(tmp_path / "torn", student, mode, accel, **settings)

    return make


class Calm(NamedTuple):
    """An undisturbed run: its project, what it came to, and every change that it made to a file."""

    trial: Trial
    outcome: Outcome
    events: list[str]


@pytest.fixture(scope="session")
def calm(tmp_path_factory, student, accel):
    """Return what a mode comes to in a project that nothing happens to."""

    @cache
    def undisturbed(mode, **settings):
        folder = tmp_path_factory.mktemp("calm")
        one = new_trial(folder, student, mode, accel, **settings)
        events = one.events(folder / "events")
        return Calm(one, one.outcome(), events)

    return undisturbed
