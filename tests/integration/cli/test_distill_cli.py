"""``conch distill``: the files of a run, refusals, settings, hooks and stops."""

import csv
import json
import random
import shutil
import signal
import time

import mlx.core as mx
import pytest
from click.shell_completion import ShellComplete
from filelock import FileLock
from projects import ended, here, started, write_domain, write_project, write_prompts

from conch_dna.cli.app import App
from conch_dna.cli.main import cli
from conch_dna.records import DomainResult, StepReport, Summary
from conch_dna.registry.store import Registry

pytestmark = pytest.mark.usefixtures("own_cache")

HOOKS = """
import json
from conch_dna import hookimpl

HEARD = []

@hookimpl
def run_started(run_dir, config, domains):
    (run_dir / "started.json").write_text(json.dumps([config.steps, list(domains)]))

@hookimpl
def step_finished(domain, report):
    HEARD.append([domain, report.step])
    {fault}

@hookimpl
def neuron_published(domain, version, path):
    HEARD.append([domain, version, path.name])

@hookimpl
def run_finished(run_dir, summary):
    (run_dir / "heard.json").write_text(json.dumps([HEARD, [r.domain for r in summary.results]]))
"""
TEACHERS = """
from conch_dna import hookimpl
from conch_dna.errors import TeacherError
from conch_dna.records import Completion

class Picky:
    fingerprint, capabilities = "picky:1", frozenset({"text"})
    def __init__(self, request):
        self.name = request.domain.name
    def generate(self, prompts, sampling):
        for prompt in prompts:
            if self.name == "alpha":
                raise FAULT("not today [really]")
            yield Completion(prompt=prompt.digest, text="noon", teacher=self.fingerprint, sampling=sampling)
    def close(self):
        pass

@hookimpl
def register_teachers():
    return {"picky": Picky}
"""


@pytest.fixture
def project(tmp_path, student):
    return write_project(tmp_path / "project", student, "alpha")


def only_run(project):
    (run,) = (project / "runs").iterdir()
    return run


def result_of(run, domain="alpha"):
    return DomainResult.model_validate_json((run / domain / "result.json").read_text())


def events(stderr):
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]


class TestEndToEnd:
    """A whole run."""

    @pytest.mark.parametrize("teacher", ["echo", pytest.param("mlx", marks=pytest.mark.promise)])
    def test_a_run_leaves_its_figures_and_a_neuron_that_stock_mlx_lm_loads(self, project, student, teacher):
        from mlx_lm.utils import load

        soft = ("--alpha", "1", "--temperature", "1", "--learning-rate", "0.002") if teacher == "mlx" else ()
        result = here(project, "--json-logs", "distill", "alpha", "--teacher", teacher, *soft, "--json")
        assert result.exit_code == 0, result.stderr
        run = only_run(project)
        summary = Summary.model_validate_json(result.stdout)
        assert Summary.model_validate_json((run / "summary.json").read_text()) == summary
        (ended_as,) = summary.results
        assert result_of(run) == ended_as
        assert (ended_as.state, ended_as.version, ended_as.steps) == ("published", 1, 12)
        assert ended_as.verdict.passed
        assert json.loads((run / "config.json").read_text())["domains"] == ["alpha"]
        steps = [
            StepReport.model_validate_json(line) for line in (run / "alpha/metrics.jsonl").read_text().splitlines()
        ]
        assert [s.step for s in steps] == list(range(1, 13))
        assert steps[-1].loss < steps[0].loss
        assert all((s.kd is not None) == (teacher == "mlx") for s in steps)
        assert (ended_as.verdict.candidate.divergence is not None) == (teacher == "mlx")
        samples = [json.loads(line) for line in (run / "alpha/samples.jsonl").read_text().splitlines()]
        assert [set(row) for row in samples] == [{"kind", "prompt", "base", "candidate"}] * 2
        assert (run / "alpha/verdict.json").is_file()

        entry = Registry(project / "adapters").resolve("alpha")
        assert entry.card.verdict == ended_as.verdict
        assert (entry.card.digest, entry.card.teacher) == (ended_as.digest, teacher)
        model, _ = load(str(student), adapter_path=str(entry.path))
        plain, _ = load(str(student))
        ids = mx.array([[5, 9, 2, 77]])
        assert not mx.allclose(model(ids), plain(ids), atol=0.01)

    def test_a_second_call_skips_what_is_done(self, project):
        assert here(project, "distill", "alpha").exit_code == 0
        run = only_run(project)
        before = {path: path.stat().st_mtime_ns for path in (run / "alpha").rglob("*")}
        begun = time.perf_counter()
        result = here(project, "distill", "alpha", "--json")
        assert time.perf_counter() - begun < 1
        assert Summary.model_validate_json(result.stdout).results == (result_of(run),)
        assert {path: path.stat().st_mtime_ns for path in (run / "alpha").rglob("*")} == before
        assert Registry(project / "adapters").versions("alpha") == [1]

    def test_a_removed_version_is_published_again(self, project):
        assert here(project, "distill", "alpha").exit_code == 0
        shutil.rmtree(project / "adapters")
        assert here(project, "distill", "alpha").exit_code == 0
        assert Registry(project / "adapters").versions("alpha") == [1]

    def test_a_candidate_has_to_beat_the_version_in_use(self, project):
        assert here(project, "distill", "alpha", "--steps", 4).exit_code == 0
        assert here(project, "distill", "alpha", "--steps", 12).exit_code == 0
        assert Registry(project / "adapters").aliases("alpha") == {"current": 2}
        worse = here(project, "distill", "alpha", "--steps", 6, "--json")
        assert worse.exit_code == 3
        (result,) = Summary.model_validate_json(worse.stdout).results
        assert [check.name for check in result.verdict.checks if not check.passed] == ["incumbent"]
        assert result.verdict.incumbent.bits_per_byte < result.verdict.candidate.bits_per_byte
        assert Registry(project / "adapters").aliases("alpha") == {"current": 2}

    def test_a_damaged_version_in_use_is_replaced(self, project):
        assert here(project, "distill", "alpha").exit_code == 0
        (project / "adapters/alpha/1/adapters.safetensors").write_bytes(b"")
        result = here(project, "distill", "alpha", "--steps", 6)
        assert result.exit_code == 0, result.stderr
        assert "incumbent_refused" in result.stderr
        assert Registry(project / "adapters").aliases("alpha") == {"current": 2}

    def test_after_a_kill_between_publication_and_result_a_neuron_is_not_compared_with_itself(self, project):
        assert here(project, "distill", "alpha").exit_code == 0
        (only_run(project) / "alpha/result.json").unlink()
        again = here(project, "distill", "alpha")
        assert again.exit_code == 0, again.stdout
        assert Registry(project / "adapters").versions("alpha") == [1]

    def test_a_file_of_prompts_makes_a_domain(self, project, tmp_path):
        file = write_prompts(tmp_path / "mine.jsonl", 40)
        result = here(project, "distill", "--prompts", file, "--name", "mine", "--steps", 2, "--json")
        assert result.exit_code in {0, 3}, result.stderr
        (ended_as,) = Summary.model_validate_json(result.stdout).results
        assert (ended_as.domain, ended_as.steps) == ("mine", 2)
        assert "task_completion" in ended_as.verdict.base.scores


class TestGateAndFailures:
    """Failed gates, failed domains and refused commands."""

    def test_a_failed_gate_publishes_nothing_and_reports_figures_and_reason(self, project):
        result = here(project, "distill", "alpha", "--min-fit-gain", 0.99)
        assert result.exit_code == 3
        run = only_run(project)
        verdict = result_of(run).verdict
        assert verdict.reason in result.stdout
        assert "least 99.0%" in verdict.reason
        assert f"did not pass the gate: alpha. See conch runs show {run.name}" in result.stderr
        assert json.loads((run / "alpha/verdict.json").read_text())["passed"] is False
        assert (run / "alpha/adapter/adapters.safetensors").is_file()
        assert not (project / "adapters").exists()
        assert here(project, "distill", "alpha", "--min-fit-gain", 0.99).exit_code == 3

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [("TeacherError", "not today [really]"), ("RuntimeError", "plug-in 'local' failed")],
        ids=["known", "unknown"],
    )
    def test_a_failed_domain_does_not_stop_the_others(self, tmp_path, student, fault, reason):
        project = write_project(
            tmp_path / "p", student, "alpha", "beta", teacher="picky", plugins=TEACHERS.replace("FAULT", fault)
        )
        result = here(project, "distill", "alpha", "beta", "--steps", 2, "--min-fit-gain", 0)
        assert result.exit_code == 1
        run = only_run(project)
        assert (result_of(run).state, result_of(run, "beta").state) == ("failed", "published")
        assert reason in result_of(run).error
        assert "[really]" not in result.stdout, "the table has no room for it"
        assert f"error: some domains failed: alpha: {result_of(run).error}" in result.stderr
        assert "Traceback" not in result.stderr

    def test_a_failed_domain_is_distilled_again_once_it_is_fixed(self, tmp_path, student):
        plugin = TEACHERS.replace("FAULT", "TeacherError")
        project = write_project(tmp_path / "p", student, "alpha", teacher="picky", plugins=plugin)
        assert here(project, "distill", "alpha", "--steps", 2, "--min-fit-gain", 0).exit_code == 1
        (project / "plugins/local.py").write_text(plugin.replace('"alpha"', '"none"'))
        assert here(project, "distill", "alpha", "--steps", 2, "--min-fit-gain", 0).exit_code == 0
        assert len(list((project / "runs").iterdir())) == 1

    @pytest.mark.parametrize(
        ("args", "code", "message"),
        [
            (["alfa"], 1, "no such domain; got alfa; allowed: action, alpha, debug"),
            (
                ["alpha", "--teacher", "eccho"],
                1,
                "no teacher is named 'eccho'; allowed: anthropic, echo, llamacpp, mlx, none, openai, recorded",
            ),
            (["alpha", "--mode", "kd"], 2, "recipe kd needs a teacher that gives soft targets; got teacher echo: text"),
            (
                ["alpha", "--mode", "sft,kdd"],
                1,
                "no recipe is named 'kdd'; allowed: best_of_n, kd, on_policy, preference, sft",
            ),
            (["alpha", "--teacher", "mlx", "--kept", "4"], 2, "kept = 4: must be less than candidates = 4"),
            (["alpha", "--loss", "huber"], 1, "no loss is named 'huber'"),
            (["alpha", "--gate", "open"], 1, "no gate is named 'open'; allowed: held_out"),
            ([], 2, "name the domains, or say --all"),
            (["alpha", "--all"], 2, "name the domains, or say --all"),
            (["alpha", "--rank", "0"], 2, "command line: rank = 0: should be greater than or equal to 1"),
            (["alpha", "--steps", "9", "--minutes", "2"], 2, "command line: steps = 9 contradicts minutes = 2"),
            (["alpha", "--steps", "two"], 2, "'--steps': 'two' is not a valid integer"),
            (["alpha", "--held-out", "1.5"], 2, "held_out = 1.5: should be less than 1"),
            (["alpha", "--preset", "slow"], 2, "'slow' is not one of 'quick', 'standard', 'thorough'"),
            (["alpha", "--run", "../x"], 2, "not a name for a run; got ../x"),
            (["--prompts", "conch.toml"], 2, "--prompts goes with --name NAME"),
            (["--prompts", "conch.toml", "--name", "alpha"], 2, "a domain has that name already; got alpha"),
            (["--prompts", "conch.toml", "--name", "base"], 2, "'base' is reserved for the unadapted model"),
            (["--prompts", "conch.toml", "--name", "Bad/Name"], 1, "not a domain name; got Bad/Name"),
            (["--prompts", "conch.toml", "--name", "mine"], 1, "conch.toml"),
        ],
        ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
    )
    def test_a_wrong_command_is_refused_before_any_work(self, project, monkeypatch, args, code, message):
        monkeypatch.chdir(project)
        result = here(project, "distill", *args)
        assert (result.exit_code, message in result.stderr) == (code, True), result.stderr
        assert "Traceback" not in result.stderr
        assert not (project / "runs").exists()

    def test_an_unknown_scorer_is_refused_before_any_work(self, project):
        write_domain(project / "domains/beta", scorers={"charm": 1.0})
        result = here(project, "distill", "beta")
        assert result.exit_code == 1
        assert "[scorers] of domain beta: no such scorer; got charm; allowed: coherence" in result.stderr
        assert not (project / "runs").exists()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("rank = 0", "rank = 0: should be greater than or equal to 1"),
            ("rang = 4", "unknown setting 'rang'; did you mean rank?; allowed: preset, student"),
            ("[distill.on_polisy]", "unknown setting 'on_polisy'; did you mean on_policy?; allowed: preset, student"),
            ("[distill.grpo]", "best_of_n, kd, on_policy, preference, sft"),
            ("[distill.on_policy]\nspeed = 1", "[distill.on_policy] unknown setting 'speed'; allowed: fraction, loss"),
            ("on_policy = 8", "[distill.on_policy] must be a table; got int"),
            ('preset = "slow"', "unknown preset; got slow; allowed: quick, standard, thorough"),
            ("seed = [", "not valid TOML"),
        ],
        ids=["range", "name", "recipe", "recipes", "setting of a recipe", "no table", "preset", "syntax"],
    )
    def test_a_faulty_line_of_conch_toml_is_reported_with_the_file(self, project, line, message):
        (project / "conch.toml").write_text(f"[distill]\n{line}\n")
        result = here(project, "distill", "alpha")
        assert result.exit_code == 2
        assert f"{project / 'conch.toml'}: " in result.stderr
        assert message in result.stderr


class TestSettings:
    """Settings from the command line, ``conch.toml`` and presets."""

    def plan(self, project, *args):
        result = here(project, "distill", "alpha", "--dry-run", "--json", *args)
        assert result.exit_code == 0, result.stderr
        assert not (project / "runs").exists()
        return json.loads(result.stdout)

    def test_a_dry_run_prints_the_plan_and_writes_nothing(self, project):
        plan = self.plan(project)
        (row,) = plan["domains"]
        assert row["train"] + row["held_out"] == 30
        assert (row["domain"], row["steps"], row["examples"]) == ("alpha", 12, 48)
        assert "alpha: " in here(project, "distill", "alpha", "--dry-run").stdout

    def test_a_dry_run_reports_recipes_and_reason(self, project):
        assert self.plan(project)["domains"][0]["recipes"] == ["sft"]
        row = self.plan(project, "--mode", "best_of_n")["domains"][0]
        assert (row["recipes"], row["reason"]) == (["best_of_n"], "as requested")

    def test_routes_of_conch_toml_are_followed_and_checked(self, project):
        file = project / "conch.toml"
        settings = file.read_text()
        file.write_text(settings + '[teachers]\nalpha = "none"\n')
        row = self.plan(project)["domains"][0]
        assert (row["recipes"], row["reason"]) == (["best_of_n"], "there is no teacher")
        file.write_text(settings + '[teachers]\nalfa = "none"\n')
        result = here(project, "distill", "alpha", "--dry-run")
        assert result.exit_code == 2
        assert "[teachers] of conch.toml: no such domain; got alfa; allowed: source:KEY, or one of " in result.stderr

    def test_a_source_that_no_prompt_has_is_refused(self, project):
        file = project / "conch.toml"
        settings = file.read_text()
        file.write_text(settings + '[teachers]\n"source:tset" = "none"\n')
        result = here(project, "distill", "alpha", "--dry-run")
        assert result.exit_code == 2
        assert "[teachers] of conch.toml: no prompt has this source; got source:tset; allowed: " in result.stderr
        assert "source:test" in result.stderr
        file.write_text(settings + '[teachers]\n"source:gsm8k-train" = "none"\n')  # of a domain that is not trained now
        assert self.plan(project)["domains"][0]["recipes"] == ["sft"]

    def test_the_command_line_overrides_conch_toml_and_conch_toml_the_preset(self, project):
        assert self.plan(project)["config"]["steps"] == 12
        assert self.plan(project, "--steps", 3)["config"]["steps"] == 3
        config = self.plan(project, "--preset", "thorough", "--keys", "mlp.up_proj", "--no-t-squared")["config"]
        assert (config["gate_generated"], config["steps"], config["keys"]) == (200, 12, ["mlp.up_proj"])
        assert (config["t_squared"], config["teacher"]) == (False, "echo")
        assert self.plan(project, "--minutes", 5)["config"].get("steps") is None, "those of conch.toml are replaced"

    def test_a_flat_name_of_version_0_1_gives_the_same_plan_and_one_warning(self, project):
        mode = ("distill", "alpha", "--teacher", "mlx", "--mode", "on_policy", "--dry-run", "--json")
        dotted = here(project, *mode, "--on-policy.rollout-tokens", 8)
        flat = here(project, *mode, "--rollout-tokens", 8)
        assert (dotted.exit_code, dotted.stderr) == (0, "")
        assert flat.stdout == dotted.stdout
        assert json.loads(flat.stdout)["config"]["rollout_tokens"] == 8
        (line,) = flat.stderr.splitlines()
        assert "setting_moved" in line
        assert "now='[distill.on_policy] rollout_tokens'" in line
        text = here(project, "distill", "--help").stdout
        assert "--on-policy.rollout-tokens" in text
        assert " --rollout-tokens" not in text

    def test_a_recipes_table_in_conch_toml_is_read_and_overridden_by_the_command_line(self, project):
        file = project / "conch.toml"
        settings = file.read_text()
        file.write_text(settings + "[distill.on_policy]\nrollout_tokens = 8\nfraction = 0.5\n")
        config = self.plan(project)["config"]
        assert (config["rollout_tokens"], config["on_policy_fraction"]) == (8, 0.5)
        config = self.plan(project, "--on-policy.rollout-tokens", 9)["config"]
        assert (config["rollout_tokens"], config["on_policy_fraction"]) == (9, 0.5)
        file.write_text(settings + "rollout_tokens = 8\n")
        flat = here(project, "distill", "alpha", "--dry-run", "--json")
        assert json.loads(flat.stdout)["config"]["rollout_tokens"] == 8
        assert flat.stderr.count("setting_moved") == 1

    @pytest.mark.parametrize(
        ("option", "word", "names"),
        [
            ("--mode", "", ["auto", "best_of_n", "kd", "on_policy", "preference", "sft"]),
            ("--mode", "kd,", ["kd,best_of_n", "kd,on_policy", "kd,preference", "kd,sft"]),
            ("--mode", "kd,o", ["kd,on_policy"]),
            ("--tracker", "", ["csv"]),
            ("--on-policy.loss", "", ["divergence", "advantage"]),
        ],
    )
    def test_the_shell_completes_values(self, project, option, word, names):
        complete = ShellComplete(cli, {"obj": App(project=project)}, "conch", "_CONCH_COMPLETE")
        assert [item.value for item in complete.get_completions(["distill", "alpha", option], word)] == names

    def test_a_named_run_refuses_other_settings(self, project):
        assert here(project, "distill", "alpha", "--run", "mine", "--steps", 2).exit_code in {0, 3}
        result = here(project, "distill", "alpha", "--run", "mine", "--steps", 3, "--seed", 1)
        assert result.exit_code == 1
        assert "the run was begun with seed = 0, now 1; steps = 2, now 3" in result.stderr
        assert "another name with --run" in result.stderr
        assert len((project / "runs/mine/alpha/metrics.jsonl").read_text().splitlines()) == 2

    def test_a_named_run_refuses_other_prompts(self, project):
        assert here(project, "distill", "alpha", "--run", "mine", "--steps", 2).exit_code in {0, 3}
        write_domain(project / "domains/alpha", 36)
        result = here(project, "distill", "alpha", "--run", "mine", "--steps", 2)
        assert result.exit_code == 1
        assert "was made with data = " in result.stderr


class TestHooks:
    """Life-cycle hooks and trackers."""

    def test_every_life_cycle_hook_is_called_in_order(self, tmp_path, student):
        plugin = HOOKS.replace("{fault}", "")
        project = write_project(tmp_path / "p", student, "alpha", plugins=plugin, steps=3, min_fit_gain=0.0)
        assert here(project, "distill", "alpha").exit_code == 0
        run = only_run(project)
        assert json.loads((run / "started.json").read_text()) == [3, ["alpha"]]
        heard = [["alpha", 1], ["alpha", 2], ["alpha", 3], ["alpha", 1, "1"]]
        assert json.loads((run / "heard.json").read_text()) == [heard, ["alpha"]]

    def test_a_hook_that_raises_is_reported_and_stops_nothing(self, tmp_path, student):
        plugin = HOOKS.replace("{fault}", 'raise ValueError("oh no")')
        project = write_project(tmp_path / "p", student, "alpha", plugins=plugin, steps=3, min_fit_gain=0.0)
        result = here(project, "--json-logs", "distill", "alpha")
        assert result.exit_code == 0
        failures = [e for e in events(result.stderr) if e["event"] == "plugin_failed"]
        assert len(failures) == 3
        assert (failures[0]["plugin"], failures[0]["hook"]) == ("local", "step_finished")
        assert failures[0]["source"] == str(project / "plugins/local.py")
        assert "oh no" in failures[0]["fault"]
        assert (only_run(project) / "heard.json").is_file()

    def test_the_csv_tracker_writes_a_table_of_the_run(self, project):
        assert here(project, "distill", "alpha", "--steps", 3, "--tracker", "csv").exit_code in {0, 3}
        with (only_run(project) / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["domain"], row["step"]) for row in rows] == [("alpha", "1"), ("alpha", "2"), ("alpha", "3")]
        lines = (only_run(project) / "alpha/metrics.jsonl").read_text().splitlines()
        assert [float(row["loss"]) for row in rows] == [json.loads(line)["loss"] for line in lines]

    def test_a_run_is_the_same_with_and_without_a_tracker(self, project):
        assert here(project, "distill", "alpha", "--steps", 3, "--tracker", "csv").exit_code in {0, 3}
        assert here(project, "distill", "alpha", "--steps", 3).exit_code in {0, 3}
        assert only_run(project)

    def test_an_unknown_tracker_is_refused_before_any_work(self, project):
        result = here(project, "distill", "alpha", "--tracker", "wandb")
        assert (result.exit_code, "error: no tracker is named 'wandb'; allowed: csv" in result.stderr) == (1, True)
        assert not (project / "runs").exists()


class TestStops:
    """Two processes, kills and Ctrl-C."""

    def test_a_second_process_on_the_same_run_is_refused(self, project):
        run = project / "runs/mine"
        run.mkdir(parents=True)
        with FileLock(run / ".lock"):
            result = here(project, "distill", "alpha", "--run", "mine")
        assert result.exit_code == 1
        assert f"{run}: another process is working on this run. Wait for it" in result.stderr
        assert [path.name for path in run.iterdir()] == [".lock"]

    def waited(self, process, path, lines):
        """Wait until the file has that many lines."""
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            if path.exists() and path.read_text().count("\n") >= lines:
                return
            time.sleep(0.005)

    def test_kills_at_any_moment_do_not_change_the_neuron(self, tmp_path, student, own_cache):
        settings = {"steps": 30, "min_fit_gain": 0.0, "dropout": 0.1}
        calm = write_project(tmp_path / "calm", student, "alpha", **settings)
        assert here(calm, "distill", "alpha", "--run", "mine").exit_code == 0
        expected = Registry(calm / "adapters").resolve("alpha").card.digest
        shutil.rmtree(own_cache / "completions")

        project = write_project(tmp_path / "torn", student, "alpha", **settings)
        metrics = project / "runs/mine/alpha/metrics.jsonl"
        chance = random.Random(7)
        for lines in (0, 3, 17, 29):
            process = started(project, "distill", "alpha", "--run", "mine", CONCH_CACHE=str(own_cache))
            self.waited(process, metrics if lines else project / "runs/mine/config.json", max(1, lines))
            time.sleep(chance.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            ended(process)
            shown = json.loads(here(project, "runs", "list", "--json").stdout)
            assert [about["state"] for about in shown] in (["interrupted"], ["finished"])
        assert here(project, "distill", "alpha", "--run", "mine").exit_code == 0
        assert Registry(project / "adapters").resolve("alpha").card.digest == expected
        assert Registry(project / "adapters").versions("alpha") == [1]
        steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
        assert steps == list(range(1, 31))

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ctrl_c_or_sigterm_exits_with_130_and_says_how_to_resume(self, tmp_path, student, own_cache, number):
        project = write_project(tmp_path / "p", student, "alpha", steps=9000, checkpoint_every=9000)
        process = started(project, "distill", "alpha", "--run", "mine", CONCH_CACHE=str(own_cache))
        self.waited(process, project / "runs/mine/alpha/metrics.jsonl", 3)
        about = json.loads(here(project, "runs", "show", "mine", "--json").stdout)
        assert (about["state"], about["results"]) == ("running", [])
        assert about["last_steps"]["alpha"]["step"] >= 3
        process.send_signal(number)
        code, _, err = ended(process)
        assert (code, "Traceback" in err) == (130, False), err
        assert f"error: {project / 'runs/mine'}: stopped; nothing is lost. Run the same command again to go on" in err
        done = (project / "runs/mine/alpha/metrics.jsonl").read_text().count("\n")
        (checkpoint,) = (project / "runs/mine/alpha/checkpoints").iterdir()
        assert int(checkpoint.name) == done
        assert (
            f"mine                     interrupted  alpha at step {done} of 9000"
            in here(project, "runs", "list").stdout
        )
        assert f"alpha: sft, step {done} of 9000, loss " in here(project, "runs", "show", "mine").stdout
