"""Preparation leaves out prompts that do not fit and counts them, or refuses before training."""

import pytest
from distillations import prepare
from projects import write_domain
from served_logprobs import work_over
from structlog.testing import capture_logs

from conch_dna.data.splits import split
from conch_dna.data.tokens import prompt_ids
from conch_dna.domains.domain import load_domain
from conch_dna.errors import ConchError, ConfigError
from conch_dna.plugin.catalog import Owner
from conch_dna.train.rollout_source import OnPolicySource


@pytest.fixture
def on_policy(tmp_path, student, monkeypatch):
    """Prepare a domain with prompts of different lengths for a recipe that draws rollouts."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    domain = load_domain(write_domain(tmp_path / "alpha", 40))
    train = split(domain.prompts, 0.25).train

    def make(recipes=("on_policy",), **settings):
        settings = {"rollout_tokens": 8, "on_policy_fraction": 1.0, **settings}
        one = work_over(tmp_path, student, domain, teacher="mlx", mode=",".join(recipes), **settings)
        teacher = one.teacher(domain)
        lengths = [len(prompt_ids(one.base.tokenizer, [m.as_dict() for m in p.messages])) for p in train]
        with capture_logs() as logs:
            training_set, _ = prepare(one, domain, teacher, split(domain.prompts, 0.25), recipes)
        table = one.config.tables["on_policy"]
        journal = tmp_path / "rollouts.jsonl"
        source = OnPolicySource(one.base, teacher, training_set.prompts, one.config, table, None, journal)
        left_out = [(r["reason"], r["count"]) for r in logs if r["event"] == "examples_left_out"]
        return lengths, training_set, source, left_out

    return make


def test_prompts_without_room_for_a_rollout_are_left_out_and_counted(on_policy):
    lengths, training_set, _, left_out = on_policy()
    assert (len(training_set.prompts), left_out) == (len(lengths), [])
    limit = sorted(lengths)[len(lengths) // 2] + 8
    fitting = sum(length + 8 <= limit for length in lengths)
    assert 0 < fitting < len(lengths)
    _, training_set, source, left_out = on_policy(max_length=limit)
    assert len(training_set.prompts) == fitting
    assert left_out[0] == (f"with rollout_tokens longer than max_length {limit}", len(lengths) - fitting)
    for step in range(3):
        assert all((batch.ids_BT != 0).sum(axis=1).max() <= limit for batch in source.batches(step))


def test_no_prompt_with_room_is_refused(on_policy):
    with pytest.raises(ConfigError, match=r"max_length: leaves no prompt room .* got 24; allowed: \d+ and more"):
        on_policy(max_length=24, rollout_tokens=20)


def test_a_rollout_over_the_token_budget_is_refused(on_policy):
    with pytest.raises(ConfigError, match=r"the prompt \w+ with its rollout does not fit into a forward pass"):
        on_policy(token_budget=48)


def test_the_students_own_candidates_are_not_bound_by_rollout_tokens(on_policy):
    lengths, training_set, _, left_out = on_policy(("best_of_n",), max_length=64, rollout_tokens=512)
    assert (len(training_set.prompts), left_out) == (len(lengths) - len(training_set.validation.prompts), [])


def test_a_tokenizer_with_more_ids_than_its_head_is_refused_with_every_teacher(tmp_path, student):
    domain = load_domain(write_domain(tmp_path / "alpha", 40))
    one = work_over(tmp_path, student, domain, teacher="echo", mode="sft")
    one.base.config["vocab_size"] = 10
    with pytest.raises(ConchError, match=r"student: the tokenizer has more ids than the model; .* allowed: 10"):
        prepare(one, domain, one.teacher(domain), split(domain.prompts, 0.25), ("sft",))


def test_answers_that_the_verifier_finds_wrong_are_not_trained_on(tmp_path, student, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    file = write_domain(tmp_path / "alpha", 40) / "domain.toml"
    file.write_text('verifier = "odd"\n' + file.read_text())
    domain = load_domain(tmp_path / "alpha")

    def odd(prompt, answer, domain):
        return {"right": int(prompt.digest, 16) % 2}

    one = work_over(tmp_path, student, domain, teacher="echo", mode="sft")
    one.host.catalog.add("verifiers", "odd", odd, Owner("t", "t.py"))
    parts = split(domain.prompts, 0.25)
    right = sum(int(prompt.digest, 16) % 2 for prompt in parts.train)
    assert 0 < right < len(parts.train)
    with capture_logs() as logs:
        training_set, _ = prepare(one, domain, one.teacher(domain), parts, ("sft",))
    assert len(training_set.examples) == right
    counted = [(r["count"], r["of"]) for r in logs if r["event"] == "wrong_answers_left_out"]
    assert counted == [(len(parts.train) - right, len(parts.train))]
