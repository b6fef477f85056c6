"""Grades of the quality benchmark, and its tables for rows written by hand."""

import json
import subprocess
import sys

import numpy as np
import pytest
from checkout import ROOT
from settings import config_of
from structlog.testing import capture_logs

from benchmarks.quality import measures, report, rows
from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.records import Message, Prompt, Reference


class TestGrades:
    """Grades of answers to held-out prompts."""

    @staticmethod
    def graded(verifier, answer, /, text="What?", **reference):
        prompt = Prompt(messages=(Message(role="user", content=text),), reference=Reference(**reference))
        settings = DomainSettings(name="d", description="d", verifier=verifier)
        return measures.grade(prompt, answer, Domain(settings, ROOT / "none.jsonl"))

    def test_the_task_is_whether_the_answer_is_right(self):
        assert self.graded("answer", "Answer: 12", answer="12") == {"task": 1, "right": 1, "has answer line": 1}
        assert self.graded("answer", "12.5", answer="12")["task"] == 0

    def test_facts_count_by_share_if_none_is_invented(self):
        half = self.graded("facts", "- Visits Rome in May", "I visit Rome in May", contains=("Rome", "Nina"))
        assert (half["task"], half["right"]) == (0.5, 0)
        assert self.graded("facts", "- Visits Rome with Otto", "I visit Rome", contains=("Rome",))["task"] == 0

    def test_demands_count_by_share(self):
        assert self.graded("demands", "1. Call the dentist\n2. Go", contains=("dentist", "Monday"))["task"] == 0.5

    def test_without_verifier_or_reference_there_is_no_grade(self):
        assert self.graded("", "12", answer="12") is None
        assert self.graded("answer", "12") is None


def row(method, seed=0, seconds=None, name="action", **measured):
    training = {"cpu_seconds": seconds, "peak_memory": 2e9} if seconds else {}
    figures = {key.replace("__", ": ").replace("_", "-", 1): value for key, value in measured.items()}
    return {"domain": name, "method": method, "seed": seed, "training": training, "measured": figures}


class TestTables:
    """Rows as Markdown."""

    ROWS = (
        row("base", held_out__task=[0, 0, 1, 1], questions__task=[1, 1, 0, 1]),
        row("teacher", held_out__task=[1, 1, 1, 1], questions__task=[0, 1, 0, 1]),
        row("sft", 0, 10.0, held_out__task=[1, 0, 1, 1], questions__task=[1, 1, 0, 1]),
        row("sft", 1, 30.0, held_out__task=[1, 1, 1, 1], questions__task=[1, 1, 0, 1]),
    )

    def cells(self, method, of=ROWS):
        lines = [[c.strip() for c in line.strip("|").split("|")] for line in report.tables(list(of)).splitlines()]
        (found,) = [dict(zip(lines[2], line, strict=True)) for line in lines if line[0] == method]
        return found

    def test_a_cell_has_mean_spread_and_paired_interval(self):
        cells = self.cells("sft")
        low, high = report.paired_interval(np.array([1, 0.5, 1, 1]), np.array([0, 0, 1, 1]))
        assert cells["held-out: task"] == f"0.875 ± 0.177 [{low:+.3f}, {high:+.3f}]"
        assert cells["questions: task"] == "0.750 ± 0.000 [+0.000, +0.000]"
        assert (cells["seeds"], cells["CPU s"], cells["peak GB"]) == ("2", "20", "2.0")

    def test_the_gap_is_measured_from_base_to_teacher_if_the_teacher_is_better(self):
        assert self.cells("sft")["gap closed"] == "75%, -", "of the questions, the teacher knows less than the base"
        assert self.cells("base")["gap closed"] == self.cells("teacher")["gap closed"] == "-"

    def test_references_have_no_interval_and_one_seed_no_spread(self):
        assert self.cells("base")["held-out: task"] == "0.500"
        assert self.cells("sft", self.ROWS[:3])["held-out: task"].startswith("0.750 [")
        assert self.cells("sft", self.ROWS[2:])["held-out: task"] == "0.875 ± 0.177", "no base to compare with"

    def test_each_domain_has_a_table_and_a_missing_figure_a_dash(self):
        both = report.tables([*self.ROWS, row("base", name="debug", held_out__task=[1])])
        assert [line for line in both.splitlines() if line.startswith("#")] == ["### action", "### debug"]
        assert self.cells("kd", [*self.ROWS, row("kd", divergence=[1, 2])])["held-out: task"] == "-"

    def test_the_interval_is_of_paired_differences(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=200) * 10
        low, high = report.paired_interval(base + 1 + rng.normal(size=200) * 0.1, base)
        assert 0.97 < low < 1 < high < 1.03, "what differs from prompt to prompt does not blur what differs in pairs"

    def test_the_report_command_prints_the_tables(self, tmp_path):
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(r) + "\n" for r in self.ROWS))
        command = [sys.executable, "-m", "benchmarks.quality", "report", "--rows", str(file)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert done.stdout == report.tables(list(self.ROWS)) + "\n"


class TestRows:
    """Training and measuring of a row."""

    @pytest.fixture
    def bench(self, tmp_path, monkeypatch):
        """Return a bench whose ``conch distill`` records its arguments and exits normally."""
        calls = []

        def ran(command, **_):
            calls.append(command)
            number = len(calls)
            result = {"adapter": f"adapter {number}", "steps": 3, "tokens": 50, "state": "gate_failed",
                      "peak_memory": 9 - number}  # fmt: skip
            return subprocess.CompletedProcess(command, 3, json.dumps({"results": [result]}).encode())

        monkeypatch.setattr(rows.subprocess, "run", ran)
        monkeypatch.setattr(rows, "_children_seconds", lambda: 10.0 * len(calls) ** 2)
        return rows.Bench(ROOT, tmp_path), calls

    def test_the_method_to_start_from_is_trained_first_and_counted(self, bench):
        bench, calls = bench
        trained = bench._train("action", "sft, then on_policy", 1, ("--steps", "7"))
        assert [c[c.index("--mode") + 1] for c in calls] == ["sft", "on_policy"]
        assert calls[1][calls[1].index("--start") + 1] == "adapter 1"
        assert all(c[c.index("--seed") + 1] == "1" and "--steps" in c for c in calls)
        assert (trained["adapter"], trained["cpu_seconds"], trained["peak_memory"]) == ("adapter 2", 40.0, 8)

    @pytest.mark.parametrize("method", list(rows.METHODS))
    def test_the_settings_of_a_method_are_known_by_their_present_names(self, method):
        with capture_logs() as logs:
            config_of(rows.METHODS[method])
        assert logs == []

    def test_extra_options_cannot_change_the_held_out_share(self, bench):
        bench, calls = bench
        bench._train("action", "kd", 0, ("--held-out", "0.5"))
        last = len(calls[0]) - 1 - calls[0][::-1].index("--held-out")
        assert float(calls[0][last + 1]) == rows.SHARE

    def test_held_out_prompts_are_graded_in_their_order(self, bench, tmp_path):
        bench, _ = bench
        lines = [
            {"messages": [{"role": "user", "content": f"Say {i}"}], "reference": {"answer": str(i)} if i % 2 else {}}
            for i in range(40)
        ]
        file = tmp_path / "prompts.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        one = Domain(DomainSettings(name="task", description="d", verifier="answer"), file)
        asked = []

        def told(prompts):
            asked.extend(prompts)
            return [p.reference.answer if i else "nothing" for i, p in enumerate(prompts)]

        found = bench._graded(one, told)
        assert found["held-out: task"] == [0.0, *[1.0] * (len(asked) - 1)]
        assert len(asked) > 1
        assert all(p.reference.answer for p in asked), "what cannot be graded is not asked"
