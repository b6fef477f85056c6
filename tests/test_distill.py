"""Distillation as a library: plug-in faults are named, signals are used only where they mean something."""

import json

import pytest
from projects import write_domain, write_student

from conch_dna.catalog import Owner
from conch_dna.config import resolve
from conch_dna.distill import Session, distill_all, run_name
from conch_dna.domains import load_domain
from conch_dna.errors import RegistryError
from conch_dna.plugins import load_plugins
from conch_dna.records import StepReport
from conch_dna.registry.store import Registry
from conch_dna.runs import Run

SETTINGS = {
    "teacher": "echo", "steps": 3, "learning_rate": 0.01, "held_out": 0.25, "gate_prompts": 2, "min_fit_gain": 0.0,
    "max_quality_drop": 1.0, "max_harm": 10.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture
def session(tmp_path, student, monkeypatch):
    """Make a session over the domains alpha and beta."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    folders = [write_domain(tmp_path / "domains" / name) for name in ("alpha", "beta")]

    def make(run="mine", **settings):
        domains = {folder.name: load_domain(folder) for folder in folders}
        config = resolve({**SETTINGS, "student": str(student), **settings})
        registry = Registry(tmp_path / "adapters")
        return Session(config, load_plugins(), registry, Run(tmp_path / "runs" / run), domains, tmp_path / "cache")

    return make


def steps_of(session, domain="alpha"):
    lines = (session.run.path / domain / "metrics.jsonl").read_text().splitlines()
    return [StepReport.model_validate_json(line) for line in lines]


def test_domains_share_one_base_and_each_gets_its_neuron(session):
    one = session()
    summary = distill_all(one, ["alpha", "beta"])
    assert [(r.domain, r.state, r.version) for r in summary.results] == [
        ("alpha", "published", 1),
        ("beta", "published", 1),
    ]
    assert one.registry.names() == ["alpha", "beta"]
    digests = {one.registry.resolve(name).card.digest for name in ("alpha", "beta")}
    assert len(digests) == 2
    assert {one.registry.resolve(name).card.base_digest for name in ("alpha", "beta")} == {one.base.digest}


def test_the_same_settings_and_data_give_the_same_neuron_in_another_run(session):
    first = distill_all(session("one"), ["alpha"]).results[0]
    again = distill_all(session("two"), ["alpha"]).results[0]
    assert (again.digest, again.version) == (first.digest, 1)
    other = distill_all(session("three", seed=1), ["alpha"]).results[0]
    assert other.digest != first.digest


def test_a_gate_that_raises_is_named_and_the_other_domains_go_on(session):
    one = session(gate="moody")

    def moody(given):
        if given.domain.name == "alpha":
            raise KeyError("mood")
        return [*one.host.catalog.get("gates", "held_out")(given)]

    one.host.catalog.add("gates", "moody", moody, Owner("feelings", "feelings.py"))
    alpha, beta = distill_all(one, ["alpha", "beta"]).results
    assert (alpha.state, beta.state) == ("failed", "published")
    assert "feelings.py: plug-in 'feelings' failed" in alpha.error
    assert "KeyError: 'mood'" in alpha.error


def test_a_loss_that_raises_fails_its_domain_and_leaves_the_base_clean(session):
    one = session(teacher="mlx", loss="sore")
    one.host.catalog.add("losses", "sore", lambda *_: 1 / 0, Owner("feelings", "feelings.py"))
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.state == "failed"
    assert "feelings.py: plug-in 'feelings' failed in hook register_losses, sore: ZeroDivisionError" in alpha.error
    assert not any(type(m).__name__.startswith("LoRA") for _, m in one.base.model.named_modules())


def test_soft_targets_are_used_where_the_teacher_has_the_students_tokenizer(session, tmp_path):
    one = session(teacher="mlx")
    distill_all(one, ["alpha"])
    assert all(report.kd is not None for report in steps_of(one))


def test_a_teacher_with_another_tokenizer_teaches_by_text_alone(session, tmp_path):
    folder = write_student(tmp_path / "other")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    one = session(teacher=f"mlx:{folder}")
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.error is None
    assert all(report.kd is None for report in steps_of(one))
    assert alpha.verdict.candidate.divergence is None


def test_another_teacher_changes_the_neuron(session):
    own = distill_all(session("own", teacher="mlx"), ["alpha"]).results[0]
    echo = distill_all(session("echo"), ["alpha"]).results[0]
    assert own.digest != echo.digest


def test_the_do_no_harm_measure_takes_held_out_prompts_of_the_other_domains(session):
    one = session()
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.verdict.base.others_bits_per_byte > 0
    assert [check.name for check in alpha.verdict.checks] == ["fit", "quality", "harm"]
    alone = session("alone")
    del alone.domains["beta"]
    (again,) = distill_all(alone, ["alpha"]).results
    assert again.verdict.base.others_bits_per_byte is None


def test_a_run_that_another_holds_is_refused(session):
    one = session()
    with one.run.lock(), pytest.raises(RegistryError, match="another process is working on this run"):
        distill_all(one, ["alpha"])


def test_a_runs_name_is_made_of_settings_and_data(session, tmp_path):
    one = session()
    domains = list(one.domains.values())
    name = run_name(one.config, domains)
    assert name.startswith("quick-")
    assert run_name(one.config, domains[::-1]) == name
    assert run_name(session(seed=1).config, domains) != name
    write_domain(tmp_path / "domains/beta", 31)
    assert run_name(one.config, list(session().domains.values())) != name


def test_new_scorer_weights_are_judged_anew_without_training_again(session, tmp_path):
    first = session()
    before = distill_all(first, ["alpha"]).results[0]
    steps = steps_of(first)
    file = tmp_path / "domains/alpha/domain.toml"
    text = file.read_text(encoding="utf-8")
    assert "[scorers]" in text
    file.write_text(text.replace("[scorers]", "[length]\nmax = 7\n[scorers]"), encoding="utf-8")
    again = session()
    again.domains["alpha"] = load_domain(file.parent)
    after = distill_all(again, ["alpha"]).results[0]
    assert after.domain_digest != before.domain_digest
    assert after.digest == before.digest
    assert steps_of(again) == steps


def test_an_unchanged_domain_is_done(session):
    before = distill_all(session(), ["alpha"]).results[0]
    again = session()
    assert distill_all(again, ["alpha"]).results[0] == before
    assert again._base is None
