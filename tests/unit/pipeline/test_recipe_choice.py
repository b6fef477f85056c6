"""The recipe choice follows the settings, else the teacher's capabilities and the machine's memory."""

import pytest
from settings import config_of

from conch_dna.errors import ConfigError, UnknownName
from conch_dna.pipeline.recipe_choice import choose_recipes, machine_memory, requested
from conch_dna.plugin.manager import load_plugins

TEXT, SOFT = frozenset({"text"}), frozenset({"text", "top_k"})
CATALOG = load_plugins(strict=True, block=[]).catalog
SMALL, BIG = 16_000_000_000, 96_000_000_000


@pytest.mark.parametrize(
    ("teacher", "capabilities", "memory", "settings", "recipes", "reason"),
    [
        ("recorded", TEXT | {"replay"}, BIG, {}, ("sft",), "teacher recorded gives text alone"),
        ("recorded", TEXT | {"replay", "soft"}, BIG, {}, ("sft",), "recorded gives choices as bytes, and text alone"),
        ("llamacpp:x", TEXT | {"soft"}, BIG, {"cross_tokenizer": "p_kl"}, ("sft",), "gives choices as bytes, and text"),
        ("api:x", TEXT | {"forced", "prefer"}, BIG, {}, ("sft",), "gives choices as bytes, and text"),
        ("mlx:big", TEXT | {"own_top_k"}, BIG, {}, ("kd",), "soft targets (bytes)"),
        ("mlx:big", TEXT | {"own_top_k"}, BIG, {"cross_tokenizer": "off"}, ("sft",), "and cross_tokenizer is off"),
        ("mlx:big", TEXT | {"own_top_k"}, BIG, {"cross_tokenizer": "gold"}, ("kd",), "soft targets (gold)"),
        ("mlx", SOFT, BIG, {}, ("kd",), "teacher mlx gives soft targets"),
        ("mlx:big", SOFT, SMALL, {}, ("kd",), "teacher mlx:big gives soft targets"),
        ("mlx:big", SOFT, BIG, {}, ("kd", "on_policy"), "it is another model, and 96 GB hold both"),
        ("mlx:own", SOFT, BIG, {"student": "own"}, ("kd",), "gives soft targets"),
        ("mlx:own/", SOFT, BIG, {"student": "own"}, ("kd",), "gives soft targets"),
        ("mlx:./own", SOFT, BIG, {"student": "own"}, ("kd",), "gives soft targets"),
        ("mlx:big", SOFT, BIG, {"alpha": 0.0}, ("sft",), "alpha is 0"),
        ("mlx:big", SOFT, SMALL, {"alpha": 0.0, "alpha_end": 0.5}, ("kd",), "gives soft targets"),
        ("none", frozenset(), BIG, {}, ("best_of_n",), "there is no teacher"),
        ("mute", frozenset(), BIG, {}, ("best_of_n",), "teacher mute neither answers nor ranks"),
        ("judge", frozenset({"prefer"}), BIG, {}, ("preference",), "judge ranks answers and "),
        ("api:x", TEXT | {"prefer"}, BIG, {}, ("sft",), "gives text alone"),
        ("api:x", TEXT | {"prefer", "soft"}, BIG, {}, ("sft",), "gives choices as bytes"),
        ("mlx:own", SOFT | {"prefer"}, BIG, {"student": "own"}, ("kd",), "gives soft targets"),
    ],
)
def test_the_choice_follows_teacher_and_memory(teacher, capabilities, memory, settings, recipes, reason):
    found = choose_recipes(CATALOG, config_of(settings), {"": teacher}, capabilities, memory)
    assert found.names == recipes
    assert reason in found.reason


@pytest.mark.parametrize(
    ("named", "recipes"),
    [
        ({"": "mlx", "gsm8k": "mlx:own"}, ("kd",)),
        ({"": "mlx:own", "gsm8k": "mlx:big"}, ("kd", "on_policy")),
        ({"": "mlx:big", "gsm8k": "mlx"}, ("kd", "on_policy")),
    ],
)
def test_each_of_several_teachers_is_compared_with_the_student(named, recipes):
    assert choose_recipes(CATALOG, config_of({"student": "own"}), named, SOFT, BIG).names == recipes


def test_a_request_for_kd_uses_choices_as_bytes():
    found = choose_recipes(CATALOG, config_of({"mode": "kd"}), {"": "recorded"}, TEXT | {"replay", "soft"}, BIG)
    assert found.names == ("kd",)


@pytest.mark.parametrize("mode", ["kd", "on_policy", "kd,on_policy"])
def test_a_teacher_that_reads_any_text_serves_every_recipe_of_distributions(mode):
    forced = TEXT | {"forced"}
    assert choose_recipes(CATALOG, config_of({"mode": mode}), {"": "api:x"}, forced, BIG).names == tuple(
        mode.split(",")
    )
    with pytest.raises(ConfigError, match="needs a"):
        choose_recipes(CATALOG, config_of({"mode": mode, "cross_tokenizer": "off"}), {"": "api:x"}, forced, BIG)


def test_requested_recipes_are_used():
    found = choose_recipes(CATALOG, config_of({"mode": "sft, best_of_n"}), {"": "mlx:big"}, SOFT, BIG)
    assert (found.names, found.reason) == (("sft", "best_of_n"), "as requested")


@pytest.mark.parametrize(
    ("mode", "capabilities", "fault"),
    [
        ("kd", TEXT, "recipe kd needs a teacher that gives soft targets; got teacher t: text."),
        ("sft,kd", TEXT, "recipe kd needs"),
        ("sft", frozenset(), "recipe sft needs a teacher that answers; got teacher t: nothing."),
        ("on_policy", TEXT, "recipe on_policy needs a live teacher that scores the student's own answers"),
        ("on_policy", TEXT | {"replay", "soft"}, "got teacher t: replay, soft, text"),
        ("on_policy", TEXT | {"own_top_k"}, "got teacher t: own_top_k, text"),
        (
            "preference",
            SOFT,
            "recipe preference needs a teacher that prefers one of two answers; got teacher t",
        ),
        ("sft,preference", frozenset({"prefer"}), "recipe sft needs a teacher that answers; got teacher t: prefer."),
    ],
)
def test_a_recipe_refuses_a_teacher_that_cannot_serve_it(mode, capabilities, fault):
    with pytest.raises(ConfigError) as caught:
        choose_recipes(CATALOG, config_of({"mode": mode}), {"": "t"}, capabilities, BIG)
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_refusal_of_kd_names_the_soft_targets_that_the_settings_decline():
    with pytest.raises(ConfigError, match="soft targets that cross_tokenizer = gold takes; got teacher t: soft, text"):
        choose_recipes(CATALOG, config_of({"mode": "kd", "cross_tokenizer": "gold"}), {"": "t"}, TEXT | {"soft"}, BIG)


def test_machine_memory_is_positive():
    assert machine_memory() > 1_000_000_000


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"mode": "preference", "alpha_end": 0.1}, "alpha_end = 0.1: mode preference has no divergence"),
        ({"mode": "sft", "alpha_end": 0.1}, "alpha_end = 0.1: mode sft has no divergence"),
        ({"mode": "kd", "alpha": 0}, "alpha = 0: kd would be the same as sft"),
        ({"mode": "best_of_n", "patience": 2}, "patience = 2: best_of_n does not use it"),
        ({"mode": "best_of_n", "keep_best": 1}, "keep_best = 1: best_of_n does not use it"),
    ],
    ids=str,
)
def test_settings_that_contradict_a_requested_recipe_are_refused(settings, fault):
    with pytest.raises(ConfigError) as caught:
        requested(CATALOG, config_of(settings))
    assert fault in str(caught.value)


def test_a_recipe_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UnknownName, match=r"recipe.*kdd.*best_of_n.*kd.*on_policy.*preference.*sft"):
        requested(CATALOG, config_of({"mode": "kdd"}))


@pytest.mark.parametrize(
    ("capabilities", "comparisons"), [({"prefer"}, 3), ({"prefer", "text"}, 4)], ids=["ranks", "answers too"]
)
def test_a_judge_without_answers_compares_one_candidate_with_the_others(capabilities, comparisons):
    plan = CATALOG.get("recipes", "preference").plan(config_of(candidates=4), frozenset(capabilities), 5, 9)
    assert plan.verdicts == comparisons
