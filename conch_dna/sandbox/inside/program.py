"""Confines this process, then becomes a Python that runs one file; see :mod:`conch_dna.sandbox.programs`."""

from __future__ import annotations

import json
import os
import sys

from . import jail


def main() -> None:
    """Do so, as the JSON of the last argument says."""
    order = json.loads(sys.argv[-1])
    jail.end_with_parent(order["parent"])
    # Without the filter, NPROC prevents new processes; with it, NPROC is not set, because it also prevents threads.
    jail.limit(order["seconds"], {} if order["confined"] else {"NPROC": 1})
    if order["confined"]:
        with jail.or_exit():
            jail.restrict(order["folder"], order["readable"])
            jail.seccomp()
    os.execv(sys.executable, [sys.executable, "-I", "-B", order["file"]])  # noqa: S606 - the purpose
