"""Split a matrix of parameters between the tiers."""

import pytest


def thin(cases, *kept, one=False):
    """Return the cases for ``parametrize`` with all but the kept ones marked ``full``.

    The kept cases stay in the tier of the folder. Keep one for each distinct mechanism.

    :param cases: values, tuples of values or ``pytest.param``.
    :param kept: values of the cases to keep, as they are written in ``cases``; by default the first case.
    :param one: a case that is a tuple is the value of one argument or fixture, not of several arguments.
    :raises ValueError: if a kept case is not among the cases.
    """
    cases = list(cases)
    kept = kept or (cases[0],)
    if missing := [case for case in kept if case not in cases]:
        raise ValueError(f"cases to keep that do not exist: {missing}")
    return [case if case in kept else _full(case, one) for case in cases]


def _full(case, one):
    if hasattr(case, "marks"):
        return pytest.param(*case.values, marks=(*case.marks, pytest.mark.full), id=case.id)
    values = case if isinstance(case, tuple) and not one else (case,)
    return pytest.param(*values, marks=pytest.mark.full)
