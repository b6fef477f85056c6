"""A step is timed on throw-away weights, with the objective and the sizes of the training that follows."""

from dataclasses import replace
from types import SimpleNamespace

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten
from projects import prompts_of

from conch_dna.config import RecipeSettings
from conch_dna.models.load import load
from conch_dna.records import Prompt
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.timing import TIMED, seconds_per_step
from conch_dna.train.training_set import TrainingSet
from conch_dna.util.progress import Progress


class Counting(Progress):
    """Counts the stages and their units."""

    def __init__(self):
        self.seen = []

    def stage(self, domain, name, total):
        self.seen.append([name, total, 0])

    def advance(self, units=1, note=""):
        self.seen[-1][2] += units


@pytest.fixture
def context(tiny_folder, host, config, training_set, tmp_path):
    return RecipeContext(
        load(str(tiny_folder)), config, RecipeSettings(), host, SimpleNamespace(name="debug"), training_set, None, {},
        tmp_path / "run", Counting(), lambda _: None,
    )  # fmt: skip


def test_timing_leaves_the_base_as_it_was_and_writes_nothing(context):
    before = dict(tree_flatten(context.base.model.parameters()))
    assert 0 < seconds_per_step(context, 8) < 60
    after = dict(tree_flatten(context.base.model.parameters()))
    assert before.keys() == after.keys()
    assert all(mx.array_equal(before[name], after[name]) for name in before)
    assert context.progress.seen == [["timing", 1 + TIMED, 1 + TIMED]]
    assert not context.folder.exists()


def test_prompts_without_answers_are_timed_with_the_longest_answers(context):
    prompts = [Prompt.model_validate(row) for row in prompts_of(4)]
    bare = replace(context, training_set=TrainingSet("debug", prompts=prompts))
    assert seconds_per_step(bare, 200) > seconds_per_step(bare, 2)
    assert seconds_per_step(bare, 10**6) > 0, "max_length bounds the answers"
