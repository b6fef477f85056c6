"""The table of ``conch distill`` leads with right answers."""

from pathlib import Path

from conch_dna.cli.distill import _report
from conch_dna.pipeline.run_folder import Run
from conch_dna.records import Check, DomainResult, HeldOut, Share, Summary, Verdict


def result(domain, *, passed, right=True, taught=True):
    base, neuron = (
        HeldOut(
            bits_per_byte=bits if taught else None,
            quality=bits / 2,
            right={"natural": Share.of(share, 24), "generated": Share.of(share, 200)} if right else {},
        )
        for bits, share in ((1.25, 0), (0.25, 12))
    )
    checks = tuple(Check(name=name, passed=passed, value=0, bound=0, reason=name) for name in ("right", "min_right"))
    verdict = Verdict(domain=domain, passed=passed, checks=checks, base=base, candidate=neuron, prompts=24)
    state = "published" if passed else "gate_failed"
    return DomainResult(domain=domain, state=state, version=1 if passed else None, verdict=verdict, seconds=4321)


def test_the_table_shows_right_answers_and_fits_into_110_columns(capsys):
    failed = DomainResult(domain="task", state="failed", error="no answers", seconds=1)
    results = (
        result("reflection", passed=True), result("debug", passed=False),
        result("mine", passed=True, right=False, taught=False), failed,
    )  # fmt: skip
    summary = Summary(run="r", student="s", teacher="t", preset="quick", results=results, seconds=1)
    _report(summary, Run(Path("runs/r")), as_json=False)
    table = [line for line in capsys.readouterr().out.splitlines() if "│" in line or "┃" in line]
    head, *rows = [[cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]] for line in table]
    assert max(map(len, table)) <= 110
    assert head == ["domain", "right base → neuron", "quality", "bits/byte", "verdict", "version", "seconds"]
    good = ["0.00 → 0.11 of 224", "0.62 → 0.12", "1.250 → 0.250"]
    assert rows == [
        ["reflection", *good, "passed", "1", "4321"],
        ["debug", *good, "failed: right,", "-", "4321"],
        ["", "", "", "", "min_right", "", ""],
        ["mine", "unverified", "0.62 → 0.12", "-", "passed", "1", "4321"],
        ["task", "", "", "", "failed", "", "1"],
    ]
