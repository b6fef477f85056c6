"""A recipe from one file in a project's plug-in folder trains and publishes a neuron."""

import json

import pytest
from projects import ended, here, started, write_project

from conch_dna.plugin.manager import load_plugins
from conch_dna.records import StepReport, Summary
from conch_dna.registry.store import Registry

pytestmark = pytest.mark.usefixtures("own_cache")

RECIPE = """
from dataclasses import replace

from pydantic import Field

from conch_dna import hookimpl
from conch_dna.config import RecipeSettings
from conch_dna.models import accel
from conch_dna.plugin.recipes import Recipe


class FirstSettings(RecipeSettings):
    examples: int = Field(8, ge=1, description="examples that are trained on")
    twice: bool = Field(False, description="each example counts twice")


class First(Recipe):
    name = "first"
    settings = FirstSettings

    def run(self, context):
        from conch_dna.losses.fused import Objective
        from conch_dna.train.distillation import distillation_stage
        from conch_dna.train.recipes.base import train_in

        kept = context.training_set.examples[: context.settings.examples]
        (context.folder / "seen.txt").write_text(f"{len(kept)} {context.settings.twice}")
        (context.folder / "blas.txt").write_text(accel.switch_on().reason)
        training_set = replace(context.training_set, examples=[*kept, *kept] if context.settings.twice else kept)
        objective = Objective()
        return train_in(context, distillation_stage(context, self.name, training_set, lambda _: objective, soft=False))


@hookimpl
def register_recipes():
    return {"first": First()}
"""


@pytest.fixture
def project(tmp_path, student):
    """A project with one domain and the recipe in ``plugins/local.py``; its table sets ``examples`` to 5."""
    folder = write_project(tmp_path / "project", student, "alpha", plugins=RECIPE, mode="first", steps=4)
    with (folder / "conch.toml").open("a") as file:
        file.write("[distill.first]\nexamples = 5\n")
    return folder


def conch(project, *args):
    """Run a command in a process of its own; return its output."""
    code, out, err = ended(started(project, *args))
    assert code == 0, err
    return out


@pytest.mark.promise
def test_a_recipe_from_one_file_trains_and_publishes_a_neuron(project):
    summary = Summary.model_validate_json(conch(project, "distill", "alpha", "--run", "one", "--json"))
    (result,) = summary.results
    assert (result.state, result.recipes, result.steps) == ("published", ("first",), 4)
    run = project / "runs/one/alpha"
    reports = [StepReport.model_validate_json(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(r.step, r.recipe, r.kd) for r in reports] == [(n, "first", None) for n in (1, 2, 3, 4)]
    assert (run / "seen.txt").read_text() == "5 False"
    # With mlx imported before the fast BLAS is on, training is many times slower and gives other last bits.
    assert "mlx was imported first" not in (run / "blas.txt").read_text()
    card = Registry(project / "adapters").resolve("alpha").card
    assert card.digest == result.digest
    settings = json.loads((project / "runs/one/config.json").read_text())["config"]
    assert settings["first.examples"] == 5


def test_an_option_wins_over_the_table_of_the_recipe(project):
    conch(project, "distill", "alpha", "--run", "one", "--first.examples", "3", "--first.twice")
    assert (project / "runs/one/alpha/seen.txt").read_text() == "3 True"


def test_the_hook_provides_the_recipe_under_its_name(project):
    host = load_plugins(project / "plugins", strict=True)
    assert host.catalog.get("recipes", "first").settings.__name__ == "FirstSettings"
    assert host.catalog.owner("recipes", "first").source == str(project / "plugins/local.py")
    (listed,) = [p for p in json.loads(here(project, "plugins", "list", "--json").stdout) if p["name"] == "local"]
    assert listed["provides"] == {"recipes": ["first"]}


def test_the_help_lists_the_settings_of_the_recipe(project):
    # Help runs no plug-in of a project unless the command line names its folder.
    assert "--first.examples" not in here(project, "distill", "--help").stdout
    shown = " ".join(here(project, "--plugins-dir", project / "plugins", "distill", "--help").stdout.split())
    assert "--first.examples INTEGER examples that are trained on [default: 8]" in shown
    assert "--first.twice / --no-first.twice" in shown


@pytest.mark.parametrize(
    ("option", "say"),
    [(("--first.examples", "0"), "examples = 0"), (("--first.exemples", "2"), "No such option")],
    ids=["out of range", "misspelt"],
)
def test_a_wrong_setting_of_the_recipe_is_refused_before_the_run(project, option, say):
    result = here(project, "distill", "alpha", *option)
    assert result.exit_code == 2
    assert say in result.stderr
    assert not (project / "runs").exists()


def test_the_recipe_runs_in_a_row_with_a_bundled_one(project):
    conch(project, "distill", "alpha", "--run", "row", "--mode", "sft,first")
    steps = (project / "runs/row/alpha/2-first/metrics.jsonl").read_text().splitlines()
    assert json.loads(steps[0])["recipe"] == "first"
