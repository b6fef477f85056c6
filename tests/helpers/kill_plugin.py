"""A plug-in for projects under test: it kills its own process at a moment that is named from outside.

Python's audit events tell of every file that is opened, renamed or removed just before it happens, so that a kill can
be put between any two of them, and the code under test needs no hooks for it. The file is copied into a project's
plug-ins.

Environment: ``REAPER_AT`` is JSON of ``event`` (a regular expression), ``path`` (another), ``count`` (the how-manieth
match) and ``delay`` (seconds from there to the kill, during which work goes on). ``REAPER_LOG`` is a file that gets a
line for every event. Without them nothing is done.
"""

import json
import math
import os
import re
import signal
import sys
import threading
from pathlib import Path

from conch_dna import hookimpl
from conch_dna.records import Check, Completion

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
PLACES = re.compile(r"/(runs|adapters|cache/completions|cache/targets)(/|$)")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Reaper:
    """Counts what matches, and kills."""

    def __init__(self, at, log):
        self.at, self.log, self.left = at, log, at.get("count", 1)

    def __call__(self, event, args):
        # A rename is known by the name that it gives, and by its temporary one where the new name says nothing.
        path = str(args[1 if event == "os.rename" else 0]) if event in CHANGES else ""
        if not PLACES.search(path):
            return
        if self.log is not None:
            os.write(self.log, f"{event} {path}\n".encode())
        if self.at and re.fullmatch(self.at["event"], event) and re.search(self.at["path"], path):
            self.left -= 1
            if self.left == 0 and not self.at["delay"]:
                die()
            if self.left == 0:
                threading.Timer(self.at["delay"], die).start()


def watch():
    """Take up the watch that the environment asks for."""
    at = json.loads(os.environ.get("REAPER_AT", "{}"))
    file = os.environ.get("REAPER_LOG")
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if file else None
    if at or file:
        sys.addaudithook(Reaper(at, log))


def open_gate(given):
    """Let everything through: what is tested is not how good the neuron is."""
    value = given.quality["candidate"][0]
    return [Check(name="open", passed=True, value=value, bound=0.0, reason="everything may pass")]


def terse(prompt, response, context):
    """Rate short answers higher, so that candidates differ and those that came to an end are kept."""
    return 1 - min(1.0, len(response) / 24)


class Judge:
    """A teacher that answers in a word and prefers the shorter of two answers, of equally long ones neither."""

    fingerprint = "judge:1"
    capabilities = frozenset({"text", "prefer"})

    def __init__(self, request):
        pass

    def generate(self, prompts, sampling):
        for prompt in prompts:
            yield Completion(prompt=prompt.digest, text="so", teacher=self.fingerprint, sampling=sampling)

    def prefer(self, prompts, firsts, seconds):
        return [None if len(a) == len(b) else int(len(b) < len(a)) for a, b in zip(firsts, seconds, strict=True)]

    def close(self):
        pass


def unwell(student_NK, teacher_NK, *, beta):
    """Return the forward KL; NaN once the file that ``UNWELL_FILE`` names has ``UNWELL_LINES`` lines."""
    import mlx.core as mx

    file = os.environ.get("UNWELL_FILE")
    ill = file and Path(file).read_bytes().count(b"\n") == int(os.environ["UNWELL_LINES"])
    return (math.nan if ill else 1.0) * (mx.exp(teacher_NK) * (teacher_NK - student_NK)).sum(axis=-1)


watch()


@hookimpl
def register_gates():
    return {"open": open_gate}


@hookimpl
def register_scorers():
    return {"terse": terse}


@hookimpl
def register_teachers():
    return {"judge": Judge}


@hookimpl
def register_losses():
    return {"unwell": unwell}
