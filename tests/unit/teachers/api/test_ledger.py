"""The ledger never lets the cap be passed, whoever writes, dies or lies, and loses nothing that was written."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conch_dna.errors import BudgetReached, LedgerError
from conch_dna.teachers.api import ledger as module
from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.prices import Usage
from conch_dna.teachers.api.witness import Witness

NOTE = "openai:gpt-4o-mini"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "ledger.jsonl"


def counted(ledger):
    return ledger.spent + ledger.reserved


PRELUDE = """
import os, resource, signal, sys
from pathlib import Path
from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.prices import Usage
from conch_dna.errors import BudgetReached
from conch_dna.util.log import configure
configure()
path = Path(sys.argv[1])
"""


def in_a_process(script, path, check=True):
    """Run some lines of Python over the ledger at ``path`` as another process."""
    command = [sys.executable, "-c", PRELUDE + script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=60)


def test_a_call_is_on_the_disk_before_it_may_be_sent_and_is_settled_at_its_price(path):
    ledger = Ledger(path, 100)
    held = ledger.reserve("prompt", 60, NOTE)
    assert json.loads(path.read_text())["entry"]["amount"] == 60
    assert (ledger.spent, ledger.reserved, ledger.remaining) == (0, 60, 40)
    ledger.settle(held, 45, Usage(input=7, output=3))
    assert (ledger.spent, ledger.reserved, ledger.remaining) == (45, 0, 55)
    again = Ledger(path)
    assert (again.spent, again.reserved, again.remaining) == (45, 0, None)


def test_what_does_not_fit_is_refused_and_leaves_no_line(path):
    ledger = Ledger(path, 100)
    ledger.reserve("a", 60)
    with pytest.raises(
        BudgetReached, match=r"the budget of \$0.00000010 is reached; got .*up to \$0.000000041 for"
    ) as returned:
        ledger.reserve("b", 41)
    assert returned.value.exit_code == 4
    assert "larger --budget" in str(returned.value)
    assert ledger.reserve("c", 40).amount == 40
    assert len(path.read_text().splitlines()) == 2


def test_a_larger_cap_goes_on_where_the_smaller_one_stopped(path):
    Ledger(path, 10).reserve("a", 10)
    with pytest.raises(BudgetReached):
        Ledger(path, 10).reserve("b", 1)
    Ledger(path, 11).reserve("b", 1)
    assert Ledger(path).reserved == 11


def test_what_was_certainly_not_charged_is_given_back(path):
    ledger = Ledger(path, 10)
    ledger.release(ledger.reserve("a", 10, NOTE))
    assert ledger.remaining == 10
    assert ledger.summary()[0].released == 1


@pytest.mark.faults
def test_a_reservation_of_a_process_that_was_killed_counts_for_ever(path):
    script = "Ledger(path, 100).reserve('a', 70, 'm:n'); os.kill(os.getpid(), signal.SIGKILL)"
    assert in_a_process(script, path, check=False).returncode == -signal.SIGKILL
    ledger = Ledger(path, 100)
    assert (ledger.reserved, ledger.summary()[0].open) == (70, 1)
    with pytest.raises(BudgetReached):
        ledger.reserve("b", 31)


def test_the_summary_counts_by_model(path):
    ledger = Ledger(path)
    for note, tokens in (("a:x", 1), ("b:y", 2), ("a:x", 3)):
        ledger.settle(ledger.reserve("p", 10, note), tokens, Usage(input=tokens, cached_input=5, output=tokens))
    ledger.reserve("p", 10, "b:y")
    one, other = ledger.summary()
    assert (one.note, one.calls, one.spent, one.usage) == ("a:x", 2, 4, Usage(input=4, cached_input=10, output=4))
    assert (other.note, other.calls, other.open, other.reserved) == ("b:y", 1, 1, 10)
    assert other.model_dump(mode="json")["reserved"] == "0.000000010"


def test_a_charge_above_the_worst_case_is_recorded_logged_and_ends_reservations(path):
    ledger = Ledger(path, 100)
    with structlog.testing.capture_logs() as logs:
        ledger.settle(ledger.reserve("a", 10, NOTE), 25, Usage())
    assert ledger.spent == 25
    assert [(line["event"], line["model"]) for line in logs] == [("budget_overdrawn", NOTE)]
    with pytest.raises(BudgetReached, match="State the model's real prices"):
        ledger.reserve("b", 1)
    assert Ledger(path, 100).reserve("c", 75).amount == 75  # who opens it now has been returned


def test_another_process_hears_of_it_too(path):
    mine, other = Ledger(path, 100), Ledger(path, 100)
    other.settle(other.reserve("a", 1), 2, Usage())
    with pytest.raises(BudgetReached, match="worst case"):
        mine.reserve("b", 1)


def test_four_fifths_of_the_budget_are_logged_once(path):
    ledger = Ledger(path, 100)
    with structlog.testing.capture_logs() as logs:
        ledger.reserve("a", 79)
        assert not logs
        ledger.reserve("b", 1)
        ledger.reserve("c", 1)
    assert [line["event"] for line in logs] == ["budget_nearly_reached"]


@pytest.mark.parametrize("cap", [0, 1])
def test_what_costs_nothing_fits_into_any_cap(path, cap):
    ledger = Ledger(path, cap)
    ledger.settle(ledger.reserve("a", 0), 0, Usage(output=5))
    with pytest.raises(BudgetReached):
        ledger.reserve("b", cap + 1)


def test_nothing_is_closed_twice_and_nothing_is_negative(path):
    ledger = Ledger(path, 10)
    held = ledger.reserve("a", 5)
    ledger.settle(held, 5, Usage())
    for close in (lambda: ledger.release(held), lambda: ledger.settle(held, 1, Usage())):
        with pytest.raises(LedgerError, match="not open"):
            close()
    with pytest.raises(LedgerError, match=r"cannot (reserve|have) a negative"):
        ledger.reserve("a", -1)
    with pytest.raises(LedgerError, match=r"cannot (reserve|have) a negative"):
        ledger.settle(ledger.reserve("b", 1), -1, Usage())
    assert counted(ledger) == 6


def test_threads_together_get_what_the_cap_holds_and_no_more(path):
    ledger, at_once = Ledger(path, 50), threading.Barrier(8)

    def take(_):
        at_once.wait()
        taken = 0
        while taken < 20:
            try:
                ledger.reserve("p", 1)
            except BudgetReached:
                break
            taken += 1
        return taken

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 50
    assert Ledger(path).reserved == 50


@pytest.mark.integration
def test_two_processes_together_get_what_the_cap_holds_and_no_more(path):
    script = (
        "ledger, taken = Ledger(path, 150), 0\n"
        "path.parent.mkdir(exist_ok=True); path.with_name(f'ready {os.getpid()}').touch()\n"
        "while len(list(path.parent.glob('ready *'))) < 2: pass\n"
        "try:\n"
        "    while True: held = ledger.reserve('p', 3, 'm:n'); ledger.settle(held, 1, Usage()); taken += 1\n"
        "except BudgetReached: print(taken)"
    )
    with ThreadPoolExecutor(2) as pool:
        taken = [int(done.stdout) for done in pool.map(lambda _: in_a_process(script, path), range(2))]
    assert sum(taken) == 148  # who meets the other's reservation stops; the other goes on while 3 more fit
    assert Ledger(path).spent == 148


@pytest.mark.integration
def test_a_full_disk_sends_nothing_and_with_more_room_it_goes_on(path):
    script = (
        "ledger = Ledger(path, 100); held = ledger.reserve('a', 10); size = path.stat().st_size\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, resource.RLIM_INFINITY))\n"
        "for act in (lambda: ledger.reserve('b', 20), lambda: ledger.settle(held, 1, Usage())):\n"
        "    try: act()\n"
        "    except OSError as error: print(Path(error.filename).name, path.stat().st_size - size, ledger.reserved)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "ledger.settle(held, 4, Usage()); ledger.reserve('c', 96); print(ledger.spent, ledger.reserved)"
    )
    assert in_a_process(script, path).stdout.splitlines() == ["ledger.jsonl 0 10"] * 2 + ["4 96"]
    assert counted(Ledger(path)) == 100


def test_a_clock_that_goes_back_changes_nothing(path, monkeypatch):
    hours = iter(range(9, 0, -1))
    monkeypatch.setattr(module, "now", lambda: f"2026-01-01T0{next(hours)}:00:00+00:00")
    ledger = Ledger(path, 10)
    ledger.settle(ledger.reserve("a", 5), 4, Usage())
    ledger.release(ledger.reserve("b", 6))
    stamps = [json.loads(line)["entry"]["at"] for line in path.read_text().splitlines()]
    assert stamps == sorted(stamps, reverse=True)
    assert Ledger(path, 10).remaining == 6


def test_a_last_line_that_a_kill_cut_short_is_taken_away(path):
    ledger = Ledger(path, 100)
    ledger.reserve("a", 10)
    whole = path.read_bytes()
    ledger.reserve("b", 20)
    path.write_bytes(path.read_bytes()[:-1])
    Witness(path).note(len(whole), 10)  # as before the kill
    after = Ledger(path, 100)
    assert after.reserved == 10
    assert path.read_bytes() == whole
    after.reserve("c", 30)
    assert Ledger(path).reserved == 40


@pytest.mark.parametrize(
    ("damage", "line", "fault"),
    [
        (lambda rows: [rows[0].replace(b'"amount": 10', b'"amount": 11'), *rows[1:]], 1, "checksum"),
        (lambda rows: [rows[0], *rows[2:]], 2, "checksum"),
        (lambda rows: [rows[1], rows[0], rows[2]], 1, "checksum"),
        (lambda rows: [rows[0], b"nonsense\n", *rows[1:]], 2, "not a line of a ledger"),
        (lambda rows: [rows[0], b"\n", *rows[1:]], 2, "not a line of a ledger"),
        (lambda rows: [*rows, rows[2]], 4, "checksum"),
        (lambda rows: [*rows, b"\xff\x00\n"], 4, "not a line of a ledger"),
    ],
    ids=["changed", "taken out", "swapped", "put in", "blank", "twice", "garbage"],
)
def test_any_other_damage_is_refused_with_the_line(path, damage, line, fault):
    ledger = Ledger(path, 100)
    for amount in (10, 20, 30):
        ledger.reserve("p", amount)
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(LedgerError, match=rf"line {line}: the ledger is damaged: .*{fault}"):
        Ledger(path, 100)


@pytest.mark.parametrize("gone", ["removed", "cut"])
def test_a_ledger_that_vanishes_while_it_is_used_is_refused(path, gone):
    ledger = Ledger(path, 100)
    ledger.reserve("a", 10)
    if gone == "removed":
        path.unlink()
    else:
        path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(LedgerError, match="truncated or removed"):
            ledger.reserve("b", 10)


def test_looking_at_a_project_that_has_spent_nothing_leaves_no_file(path):
    assert (Ledger(path, 5).spent, Ledger(path, 5).remaining, Ledger(path).summary()) == (0, 5, [])
    assert not path.parent.exists()


ACTS = st.lists(st.tuples(st.sampled_from(["reserve", "settle", "release", "reopen"]), st.integers(0, 40)), max_size=30)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(cap=st.integers(0, 100), acts=ACTS)
def test_whatever_is_done_the_ledger_counts_it_and_stays_within_its_cap(tmp_path_factory, cap, acts):
    path = tmp_path_factory.mktemp("any") / "ledger.jsonl"
    ledger, held, spent = Ledger(path, cap), [], 0
    for act, amount in acts:
        if act == "reopen":
            ledger = Ledger(path, cap)
        elif act == "reserve":
            if spent + sum(one.amount for one in held) + amount <= cap:
                held.append(ledger.reserve("p", amount))
            else:
                with pytest.raises(BudgetReached):
                    ledger.reserve("p", amount)
        elif held:
            one = held.pop(amount % len(held))
            if act == "settle":
                ledger.settle(one, min(amount, one.amount), Usage())
                spent += min(amount, one.amount)
            else:
                ledger.release(one)
        assert (ledger.spent, ledger.reserved) == (spent, sum(one.amount for one in held))
        assert counted(ledger) <= cap


@quick
@given(cut=st.integers(0, 10_000))
def test_a_file_cut_at_any_byte_has_the_lines_that_are_whole(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "ledger.jsonl"
    ledger, sums, ends = Ledger(path), [0], [0]
    for amount in (1, 10, 100):
        ledger.reserve("p", amount)
        sums.append(ledger.reserved)
        ends.append(path.stat().st_size)
    cut %= ends[-1] + 1
    path.write_bytes(path.read_bytes()[:cut])
    Witness(path).forget()
    assert Ledger(path).reserved == next(s for s, end in reversed(list(zip(sums, ends, strict=True))) if end <= cut)


@quick
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_no_sum(tmp_path_factory, place, bit):
    path = tmp_path_factory.mktemp("flip") / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.settle(ledger.reserve("a", 10, NOTE), 7, Usage(input=3))
    ledger.reserve("b", 20)
    raw = bytearray(path.read_bytes())
    raw[place % (len(raw) - 1)] ^= 1 << bit
    path.write_bytes(raw)
    found = None
    with contextlib.suppress(LedgerError):
        found = (Ledger(path).spent, Ledger(path).reserved)
    assert found in {None, (7, 20)}


@pytest.mark.parametrize("loss", ["deleted", "folder deleted", "older copy", "emptied"])
def test_a_ledger_that_lacks_what_was_written_is_refused(path, loss):
    """A deleted ledger would lift the budget."""
    ledger = Ledger(path, 100)
    ledger.reserve("a", 10)
    older = path.read_bytes()
    ledger.reserve("b", 20)
    if loss == "folder deleted":
        shutil.rmtree(path.parent)
    elif loss == "deleted":
        path.unlink()
    else:
        path.write_bytes(older if loss == "older copy" else b"")
    match = r"older than what was written to it; got \$0\.000000030 .*conch budget reset"
    with pytest.raises(LedgerError, match=match):
        Ledger(path, 100)
    assert Witness(path).forget()
    assert Ledger(path, 100).reserved == (10 if loss == "older copy" else 0)


def test_a_ledger_that_moved_goes_on(path, tmp_path):
    Ledger(path).reserve("a", 10)
    path.parent.rename(tmp_path / "moved")
    assert Ledger(tmp_path / "moved" / path.name).reserved == 10


def test_without_a_place_for_the_witness_the_ledger_works(path, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONCH_CONFIG", str(tmp_path / "file"))
    ledger = Ledger(path, 100)
    ledger.settle(ledger.reserve("a", 10), 4, Usage())
    assert Ledger(path, 100).spent == 4
