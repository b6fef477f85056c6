"""A plug-in in a separate distribution is found by its entry point."""

import json
import os
import subprocess
import sys

import pytest
from checkout import ROOT
from projects import write_domain, write_project, write_student

EXAMPLE = ROOT / "examples/conch-politeness"
START = "import sys; from conch_dna.cli.main import main; sys.argv[0] = 'conch'; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the example into a temporary folder, offline, and return the folder."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip += ["--no-build-isolation", "--no-index", "--target", str(target), str(EXAMPLE)]
    subprocess.run(pip, check=True, timeout=120)
    return target


def conch_with(installed, *args, cwd, **more):
    """Run ``conch`` with the distribution in ``installed`` on its path; return its stdout."""
    env = os.environ | {"PYTHONPATH": str(installed)} | more
    env.pop("CONCH_BLOCK", None)
    command = [sys.executable, "-c", START, *args]
    result = subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.promise
def test_an_installed_scorer_is_listed_with_its_distribution(installed, tmp_path):
    found = {
        info["name"]: info for info in json.loads(conch_with(installed, "plugins", "list", "--json", cwd=tmp_path))
    }
    assert found["politeness"] == {
        "name": "politeness",
        "source": "conch-politeness (conch_politeness)",
        "version": "1.0.0",
        "provides": {"scorers": ["politeness"]},
        "error": None,
    }


@pytest.mark.parametrize(
    ("response", "rating"),
    [
        ("", 0.0),
        ("Noon.", 0.5),
        ("Could you come at noon, please?", 1.0),
        ("As I said: noon, obviously.", 0.0),
        ("NOON!!", 0.0),
    ],
)
def test_it_rates_courtesy(monkeypatch, response, rating):
    monkeypatch.syspath_prepend(EXAMPLE)
    from conch_politeness import politeness

    assert politeness(None, response, None) == rating


def test_an_installed_scorer_rates_the_answers_of_a_run(installed, tmp_path):
    student = write_student(tmp_path / "student")
    project = write_project(tmp_path / "project", student, steps=2, min_fit_gain=0.0)
    write_domain(project / "domains/manners", scorers={"politeness": 0.7, "length": 0.3})
    out = conch_with(installed, "distill", "manners", "--json", cwd=project, CONCH_CACHE=str(tmp_path / "cache"))
    (result,) = json.loads(out)["results"]
    assert result["state"] == "published"
    for role in ("base", "candidate"):
        scores = result["verdict"][role]["scores"]
        assert scores.keys() == {"politeness", "length"}
        assert 0.25 <= scores["politeness"] <= 0.5  # the tiny model is never courteous
        assert result["verdict"][role]["quality"] == pytest.approx(0.7 * scores["politeness"] + 0.3 * scores["length"])
