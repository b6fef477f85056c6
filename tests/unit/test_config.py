"""Settings are validated together; a message has field, value and allowed values of every fault."""

import pytest
from pydantic import ValidationError
from settings import config_of, recipe_types
from structlog.testing import capture_logs

from conch_dna.config import PRESETS, DistillConfig, read_project, read_routes, resolve, steps_within, upgraded
from conch_dna.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"rank": 0}, ["rank = 0", "greater than or equal to 1"]),
        ({"rank": 513}, ["rank = 513", "less than or equal to 512"]),
        ({"temperature": 0.1}, ["temperature = 0.1", "greater than or equal to 0.5"]),
        ({"alpha": 1.5}, ["alpha = 1.5", "less than or equal to 1"]),
        ({"dropout": 1.0}, ["dropout = 1.0", "less than 1"]),
        ({"layers": 0}, ["layers = 0", "-1"]),
        ({"layers": -2}, ["layers = -2", "greater than or equal to -1"]),
        ({"learning_rate": 0}, ["learning_rate = 0", "greater than 0"]),
        ({"steps": "many"}, ["steps = 'many'", "valid integer"]),
        ({"seed": 2**64}, [f"seed = {2**64}", "less than"]),
        ({"steps": 2.5}, ["steps = 2.5", "valid integer"]),
        ({"minutes": 0}, ["minutes = 0", "greater than 0"]),
        ({"minutes": 1441}, ["minutes = 1441", "less than or equal to 1440"]),
        ({"steps": 9, "minutes": 2, "rank": 0}, ["steps = 9 contradicts minutes = 2: give one of them; rank = 0"]),
        ({"keys": "q_proj"}, ["keys = 'q_proj'", "valid tuple"]),
        ({"t_squared": "perhaps"}, ["t_squared = 'perhaps'", "valid boolean"]),
        ({"dpo_beta": 0}, ["dpo_beta = 0", "greater than 0"]),
        ({"ramp_steps": 5}, ["ramp_steps = 5: has no effect without alpha_end"]),
        ({"mode": "kd,kd"}, ["mode = 'kd,kd'", "each once"]),
        ({"mode": "auto,kd"}, ["mode = 'auto,kd'"]),
        ({"mode": ""}, ["mode = ''"]),
        ({"beta": 0}, ["beta = 0", "greater than 0"]),
        ({"beta_end": 0.9}, ["beta_end", "this setting was removed"]),
        ({"kept": 4}, ["kept = 4: must be less than candidates = 4"]),
        ({"kept": 9, "rank": 0}, ["kept = 9", "; rank = 0"]),
        ({"on_policy": {"rollout_tokens": 0}}, ["[distill.on_policy] rollout_tokens = 0"]),
        ({"on_policy.fraction": 2}, ["[distill.on_policy] fraction = 2"]),
        ({"on_policy": {"speed": 1}}, ["[distill.on_policy] unknown setting 'speed'; allowed: fraction, "]),
        ({"on_polisy": {}}, ["unknown setting 'on_polisy'; did you mean on_policy?; allowed: preset, ", "best_of_n"]),
        ({"tables": {}}, ["unknown setting 'tables'"]),
        ({"on_policy": 3}, ["[distill.on_policy] must be a table"]),
        ({"learning_rate": float("nan")}, ["learning_rate = nan", "finite"]),
        ({"max_harm": float("inf")}, ["max_harm = inf", "finite"]),
    ],
    ids=str,
)
def test_a_message_has_field_value_and_allowed_values(given, parts):
    with pytest.raises(ConfigError) as caught:
        config_of(given, where="conch.toml")
    message = str(caught.value)
    assert message.startswith("conch.toml")
    assert all(part in message for part in parts), message
    assert "\n" not in message


def test_an_unknown_setting_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        resolve({"learing_rate": 1})
    assert "unknown setting 'learing_rate'" in str(caught.value)
    assert "learning_rate" in str(caught.value)


def test_all_faults_are_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        resolve({"rank": 0, "alpha": 2, "colour": "red"})
    assert all(part in str(caught.value) for part in ("rank = 0", "alpha = 2", "'colour'"))


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        resolve({"preset": "quik"})
    assert "quik" in str(caught.value)
    assert all(name in str(caught.value) for name in PRESETS)


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_is_valid(name):
    config = resolve({"preset": name})
    assert config.preset == name
    for field, value in PRESETS.get(name, {}).items():
        assert getattr(config, field) == value


def test_later_layers_override_earlier_ones_and_all_override_the_preset():
    config = resolve({"preset": "standard", "steps": 7, "rank": 2}, {"steps": 9, "rank": None}, {"alpha": 0.0})
    assert (config.steps, config.rank, config.alpha) == (9, 2, 0.0)
    assert config.gate_prompts == PRESETS["standard"]["gate_prompts"]


def test_a_later_layer_may_choose_the_preset():
    assert resolve({"preset": "quick"}, {"preset": "thorough"}).minutes == PRESETS["thorough"]["minutes"]


def test_steps_and_minutes_replace_each_other_and_the_later_layer_wins():
    standard = {"preset": "standard"}
    assert resolve(standard).minutes == PRESETS["standard"]["minutes"]
    assert (resolve(standard, {"steps": 9}).minutes, resolve(standard, {"steps": 9}).steps) == (None, 9)
    assert resolve({"minutes": 3, **standard}, {"steps": 9}).minutes is None
    assert resolve({"steps": 9, **standard}, {"minutes": 3}).minutes == 3
    assert resolve({"steps": 9}, {"minutes": 3}, {"steps": 8}).steps == 8


def test_what_follows_the_steps_is_chosen_with_them_unless_it_is_given():
    config = resolve({"minutes": 3, "warmup": 9, "checkpoint_every": 12})
    short, long = config.with_steps(40, seconds=5.0), config.with_steps(5000, seconds=0.1)
    assert [(c.steps, c.learning_rate, c.warmup, c.checkpoint_every) for c in (short, long)] == [
        (40, 5e-4, 9, 12),
        (5000, 4e-4, 9, 12),
    ]
    free = resolve({"minutes": 3}).with_steps(500, seconds=0.9)
    assert (free.warmup, free.checkpoint_every) == (10, 133), "a checkpoint every two minutes"
    assert (resolve({"minutes": 3}).with_steps(4, seconds=500).checkpoint_every, short.minutes) == (1, 3)


def test_steps_fit_into_minutes_within_bounds():
    assert [steps_within(2, seconds) for seconds in (7.0, 600, 1e-9)] == [17, 4, 100_000]


def test_the_flat_form_has_what_minutes_chooses_once_it_is_chosen():
    config = resolve({"minutes": 3, "learning_rate": 3e-4})
    flat = config.flat()
    assert not {"steps", "warmup", "checkpoint_every"} & flat.keys()
    assert (flat["minutes"], flat["learning_rate"], resolve(flat)) == (3, 3e-4, config)
    assert config.with_steps(9, seconds=1.0).flat()["steps"] == 9
    assert "minutes" not in resolve({"steps": 9}).flat()
    assert resolve(resolve({"preset": "standard", "steps": 9}).flat()).minutes is None


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        DistillConfig().rank = 3


def test_every_setting_is_described():
    assert all(field.description for name, field in DistillConfig.model_fields.items() if name != "tables")
    assert all(field.description for kind in recipe_types().values() for field in kind.model_fields.values())


def test_settings_survive_a_round_trip_through_json():
    config = resolve({"preset": "thorough", "keys": ["self_attn.q_proj"]})
    assert DistillConfig.model_validate_json(config.model_dump_json()) == config


def test_the_distill_table_of_a_project_is_read(tmp_path):
    (tmp_path / "conch.toml").write_text('[distill]\nrank = 3\n[plugins]\ndir = "x"\n')
    assert read_project(tmp_path / "conch.toml") == {"rank": 3}
    assert read_project(tmp_path / "none.toml") == {}
    # With the byte-order mark of some editors.
    (tmp_path / "conch.toml").write_text("[distill]\nrank = 3\n", encoding="utf-8-sig")
    assert read_project(tmp_path / "conch.toml") == {"rank": 3}


@pytest.mark.parametrize(
    ("text", "fault"), [(b"rank =", "not TOML"), (b"\xff\xfe", "not TOML"), (b"distill = 3", "must be a table")]
)
def test_a_project_file_that_cannot_be_read_is_named(tmp_path, text, fault):
    path = tmp_path / "conch.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=fault) as caught:
        read_project(path)
    assert str(path) in str(caught.value)


def test_paths_in_a_projects_file_are_relative_to_the_file(tmp_path):
    for name in ("tiny", "recorded"):
        (tmp_path / name).mkdir()
    file = tmp_path / "conch.toml"
    file.write_text('[distill]\nstudent = "tiny"\nteacher = "mlx:tiny"\n')
    assert read_project(file) == {"student": str(tmp_path / "tiny"), "teacher": f"mlx:{tmp_path / 'tiny'}"}
    file.write_text('[distill]\nstudent = "embedded:smollm2-135m"\nteacher = "recorded"\n')
    assert read_project(file) == {"student": "embedded:smollm2-135m", "teacher": "recorded"}


def test_recipes_are_read_in_their_order():
    assert resolve({}).recipes == ()
    assert resolve({"mode": "kd, on_policy"}).recipes == ("kd", "on_policy")
    assert resolve({"mode": " kd,on_policy"}).mode == "kd,on_policy"
    assert resolve({"mode": "kd", "alpha": 0.0, "alpha_end": 0.5}).alpha == 0
    assert resolve({"mode": "sft,best_of_n", "patience": 2}).patience == 2
    assert resolve({"mode": "preference", "patience": 2}).patience == 2


def test_only_patience_and_keep_best_need_validation():
    assert not resolve({}).validates
    assert resolve({"patience": 1}).validates
    assert resolve({"keep_best": 1}).validates


def test_teachers_of_single_domains_and_sources_are_read(tmp_path):
    (tmp_path / "big").mkdir()
    file = tmp_path / "conch.toml"
    file.write_text('[distill]\nrank = 3\n[teachers]\nthinking = "mlx:big"\n"source:gsm8k" = "llamacpp:embedded:x"\n')
    expected = {"thinking": f"mlx:{tmp_path / 'big'}", "source:gsm8k": "llamacpp:embedded:x"}
    assert read_routes(file) == expected
    assert read_project(file) == {"rank": 3}
    assert read_routes(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("teachers = 3", r"\[teachers\] must be a table"),
        ("[teachers]\nthinking = 4\n", r"\[teachers\] thinking: not a"),
    ],
)
def test_a_malformed_table_of_teachers_is_refused(tmp_path, text, fault):
    (tmp_path / "conch.toml").write_text(text)
    with pytest.raises(ConfigError, match=fault):
        read_routes(tmp_path / "conch.toml")


def test_an_unknown_table_is_refused_with_the_known_ones(tmp_path):
    file = tmp_path / "conch.toml"
    file.write_text("[distil]\nsteps = 3\n")
    with pytest.raises(ConfigError, match="unknown table or key; got distil; allowed: "):
        read_project(file)


def test_a_recipes_settings_are_read_from_its_table_or_under_a_dotted_name():
    table, dotted = config_of({"on_policy": {"rollout_tokens": 9}}), config_of({"on_policy.rollout_tokens": 9})
    assert table == dotted
    assert table.tables["on_policy"].rollout_tokens == 9


def test_a_flat_name_of_version_0_1_sets_every_recipe_that_had_it_and_is_logged_once():
    with capture_logs() as logs:
        config = config_of({"candidates": 8})
    assert {config.tables[name].candidates for name in ("best_of_n", "preference")} == {8}
    (line,) = [log for log in logs if log["event"] == "setting_moved"]
    assert line["setting"] == "candidates"
    assert line["now"] == "[distill.best_of_n] candidates and [distill.preference] candidates"


def test_the_flat_form_is_that_of_version_0_1_and_has_everything_that_is_not_default():
    config = config_of({"preference": {"candidates": 6}, "on_policy": {"fraction": 0.5}})
    flat = config.flat()
    assert (flat["candidates"], flat["preference.candidates"], flat["on_policy_fraction"]) == (4, 6, 0.5)
    assert flat["beta_end"] is None
    assert config_of(flat) == config


def test_a_newer_shared_setting_is_in_the_flat_form_only_if_it_or_its_preset_sets_it():
    assert "gate_generated" not in config_of().flat()
    assert config_of(gate_generated=5).flat()["gate_generated"] == 5
    for value in (24, 200):
        config = config_of(preset="standard", gate_generated=value)
        assert config.flat()["gate_generated"] == value
        assert config_of(config.flat()) == config


def test_settings_newer_than_a_file_take_their_defaults():
    new = config_of().flat()
    old = {key: value for key, value in new.items() if key != "ema"}
    assert upgraded(old, new) == new


def test_every_recipe_has_a_table_of_settings():
    assert config_of().tables.keys() == recipe_types().keys()
