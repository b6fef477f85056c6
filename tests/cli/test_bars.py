"""What long work came to is one line a stage, however narrow the terminal."""

from conch_dna.cli.bars import Bars

NOTE = "$0.12 of $5.00 · 34 calls · 2 retries · p95 1.8 s · waits for 20 requests/min"


def test_a_line_is_not_folded_in_a_narrow_window(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with Bars(1) as bars:
        bars.stage("thinking", "teacher openai:gpt-4.1-mini", 3)
        bars.note(NOTE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("thinking · teacher openai:gpt-4.1-mini")
    assert line.endswith(NOTE)
