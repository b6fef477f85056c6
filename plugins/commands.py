"""The commands of ``conch``; each is imported when it is called."""

from __future__ import annotations

from conch_dna import hookimpl


@hookimpl
def register_commands() -> dict[str, tuple[str, str]]:
    """Return every bundled command with its line in ``conch --help``."""
    return {
        "agent": ("conch_dna.cli.agent:agent", "Work on a task with a neuron for each step."),
        "ask": ("conch_dna.cli.talk:ask", "Answer one prompt with a neuron."),
        "budget": ("conch_dna.cli.budget:budget", "Show the cost of API teachers and the remaining budget."),
        "cache": ("conch_dna.cli.cache:cache", "Inspect, verify and clear cached answers and soft targets."),
        "chat": ("conch_dna.cli.talk:chat", "Chat with a neuron, switching between neurons."),
        "compare": (
            "conch_dna.cli.talk:compare",
            "Answer one prompt with the base model and with neurons, side by side.",
        ),
        "completion": ("conch_dna.cli.complete:completion", "Print the completion script for a shell."),
        "distill": ("conch_dna.cli.distill:distill", "Train, gate and publish neurons for domains."),
        "doctor": ("conch_dna.cli.doctor:doctor", "Check this machine and installation."),
        "domains": ("conch_dna.cli.domains:domains", "List and check domains."),
        "estimate": ("conch_dna.cli.estimate:estimate", "Estimate the cost of API teachers."),
        "eval": ("conch_dna.cli.eval:eval_", "Count the right answers of neurons, the base or a teacher."),
        "init": ("conch_dna.cli.init:init", "Create a project in a folder."),
        "models": ("conch_dna.cli.models:models", "List and resolve model references."),
        "neurons": ("conch_dna.cli.neurons:neurons", "List, compare, exchange and roll back published neurons."),
        "plugins": ("conch_dna.cli.plugins:plugins", "List plug-ins, and create new ones."),
        "record": ("conch_dna.cli.record:record", "Record a teacher's answers for later training."),
        "runs": ("conch_dna.cli.runs:runs", "List runs and their results."),
        "serve": ("conch_dna.cli.serve:serve", "Serve neurons to OpenAI clients."),
        "trust": ("conch_dna.cli.trust:trust_", "Let the plug-ins of this project run."),
    }
