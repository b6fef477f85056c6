"""The sandbox: model-written code runs where it reaches nothing outside, and another process takes its verdict.

- :mod:`.programs` runs the agent's programs, and returns what they print.
- :mod:`.asserts` tests generated code.
- :mod:`.process` starts both, watches their limits and ends them.
- :mod:`.inside` is what runs in those processes.
"""


class ProgramFailed(Exception):
    """A program failed, exceeded a limit, or cannot be confined; the message has the end of its output."""
