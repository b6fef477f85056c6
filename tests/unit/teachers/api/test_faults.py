"""HTTP status codes and Retry-After headers become faults with the right retry."""

import time
from email.utils import formatdate

import pytest

from conch_dna.teachers.api.faults import fault_of_status, seconds_of


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_haste_overload_and_breakdowns_may_be_tried_again(status):
    assert fault_of_status(status, "said").kind == "retry"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "fatal_call"), (409, "fatal_call"), (413, "fatal_call"), (422, "fatal_call"),
     (401, "fatal_run"), (402, "fatal_run"), (403, "fatal_run"), (404, "fatal_run")],
)  # fmt: skip
def test_any_other_refusal_is_never_tried_again(status, kind):
    assert fault_of_status(status, "said").kind == kind


@pytest.mark.parametrize(("status", "charged"), [(400, False), (429, False), (503, False), (529, False),
                                                 (500, True), (502, True), (504, True)])  # fmt: skip
def test_only_what_was_refused_is_certainly_not_charged(status, charged):
    assert fault_of_status(status, "said").charged is charged


@pytest.mark.parametrize(("status", "after", "throttled"), [(429, None, True), (529, None, True), (503, "3", True),
                                                            (503, None, False), (500, None, False)])  # fmt: skip
def test_throttling_is_distinguished_from_failures(status, after, throttled):
    assert fault_of_status(status, "said", after).throttled is throttled


def test_retry_after_is_read_as_seconds_and_as_a_date():
    assert seconds_of("1.5") == 1.5
    assert seconds_of("0") == seconds_of("-3") == 0
    assert 8 < seconds_of(formatdate(time.time() + 10, usegmt=True)) <= 10
    assert seconds_of(formatdate(time.time() - 10, usegmt=True)) == 0


@pytest.mark.parametrize("said", [None, "", "soon", "nan", "inf", "Mon, 99 Foo 2026"])
def test_a_retry_after_that_says_nothing_is_none(said):
    assert seconds_of(said) is None
