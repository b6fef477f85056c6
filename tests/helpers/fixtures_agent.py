"""A registry with all six neurons over one tiny base, a project around it, and ``conch serve`` over the same."""

import contextlib

import pytest
from engines import publish
from projects import environment, started, write_project, write_student

from conch_dna.agent.roles import ROLES
from conch_dna.models.load import load
from conch_dna.registry.store import Registry


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def base(cache):
    """A tiny base whose answers end, but never have the right format."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(cache))
        return load(str(write_student(cache / "model")))


@pytest.fixture(scope="session")
def project(base, tmp_path_factory):
    """A project with a random neuron for each role, and notes to search."""
    project = write_project(tmp_path_factory.mktemp("agent") / "project", base.folder)
    publish(Registry(project / "adapters"), base, project.parent / "made", *ROLES)
    (project / "notes").mkdir()
    (project / "notes/home.txt").write_text("boiler service on Monday\n")
    return project


@pytest.fixture
def served(project, cache):
    """Start a server over the project's registry: ``served("--router", "ngrams")``; it stops with the test."""
    with contextlib.ExitStack() as stack:

        def call(*options):
            process = started(project, "serve", "--port", 0, *options, CONCH_CACHE=str(cache))
            stack.callback(process.communicate, timeout=60)
            stack.callback(process.terminate)
            line = process.stdout.readline()
            assert line.startswith("listening on "), process.stderr.read()
            process.url = line.split()[-1]
            return process

        yield call


@pytest.fixture
def env(cache):
    return environment(CONCH_CACHE=str(cache))
