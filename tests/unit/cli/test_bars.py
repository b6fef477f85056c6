"""Progress is one line per stage on a terminal of any width, and log events elsewhere."""

import json

import pytest

from conch_dna.cli import bars as module
from conch_dna.cli.bars import Bars
from conch_dna.util.log import configure

NOTE = "$0.12 of $5.00 · 34 calls · 2 retries · p95 1.8 s · waits for 20 requests/min"


def test_a_line_is_not_folded_in_a_narrow_window(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "0")  # no bar is drawn, which would be in the way
    with Bars(1) as bars:
        bars.stage("thinking", "teacher openai:gpt-4.1-mini", 3)
        bars.note(NOTE)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if NOTE in line]
    assert "thinking · teacher openai:gpt-4.1-mini  " in line
    assert line.endswith(NOTE)


@pytest.mark.parametrize(("every", "told"), [(0.0, [1, 3]), (3600.0, [])], ids=["long", "short"])
def test_without_a_terminal_the_log_tells_where_a_stage_stands(monkeypatch, capsys, every, told):
    """A log file of a run over night is as good as a bar, and with --json-logs every line of it is JSON."""
    monkeypatch.setattr(module, "EVERY", every)
    configure(json_logs=True)
    with Bars(1) as bars:
        bars.stage("thinking", "training kd", 4)
        bars.advance(1, "loss 2.500")
        bars.advance(2)
    first, *between, last = map(json.loads, capsys.readouterr().err.splitlines())
    stage = {"domain": "thinking", "stage": "training kd"}
    assert [row["event"] for row in (first, last)] == ["stage_begun", "stage_ended"]
    assert all(stage.items() <= row.items() for row in (first, *between, last))
    assert (first["of"], last["done"], last["note"]) == (4, 3, "loss 2.500")
    assert [(row["event"], row["done"], row["of"]) for row in between] == [("stage_progressed", n, 4) for n in told]
    assert all(row["seconds"] >= 0 for row in (*between, last))


def test_stages_of_several_domains_are_told_apart(capsys):
    configure(json_logs=True)
    with Bars(2) as bars:
        one, other = bars.beside(), bars.beside()
        one.stage("thinking", "training sft", 4)
        other.stage("debug", "training sft", 2)
        one.advance(3, "loss 1.0")
        other.advance(2, "loss 2.0")
        bars.ended("debug")
        one.advance()
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    ended = [(row["domain"], row["done"], row["note"]) for row in rows if row["event"] == "stage_ended"]
    assert ended == [("debug", 2, "loss 2.0"), ("thinking", 4, "loss 1.0")]


def test_domains_are_counted_as_they_end(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    with Bars(2) as bars:
        bars.beside().stage("debug", "gate", 2)
        bars.ended("debug")
    shown = capsys.readouterr().err
    assert "1/2" in shown
    assert "debug is done" in shown
