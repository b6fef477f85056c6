"""A small generator for tests, and the plug-in that provides it."""

from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, Reference

OWNER = Owner("local", "local.py")


def counting(seed, *, held_out=False):
    """Ask for a hundred numbers: even ones are held out, and every fifth answer is wrong."""
    for number in range(seed, seed + 100):
        asked = 2 * number if held_out else 2 * number + 1
        prompt = Prompt(
            messages=(Message(role="user", content=f"Say {asked}."),), reference=Reference(answer=str(asked))
        )
        yield Draft(prompt, "wrong" if number % 5 == 0 else str(asked), "numbers")
