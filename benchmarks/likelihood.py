"""Likelihood of right answers under adapters: a finer figure than the share of right answers, and sooner there.

The answers are those of the domain's generator to its held-out prompts. The figure compares settings after short
trainings, where few answers are right yet; that a neuron is useful, only `conch eval` shows. Refusals are left out:
they are right in any words.

    python benchmarks/likelihood.py action base runs/RUN/action/checkpoints/000100 [--n 150]
"""

from __future__ import annotations

import math
import statistics
import time
from pathlib import Path

import click

from conch_dna.models import accel


@click.command(help=__doc__)
@click.argument("domain")
@click.argument("adapters", nargs=-1, required=True)
@click.option("--n", default=150, show_default=True, help="Number of generated prompts.")
@click.option("--student", default="embedded:smollm2-135m", show_default=True, help="The base of the adapters.")
def main(domain: str, adapters: tuple[str, ...], n: int, student: str) -> None:
    """Print a line for each adapter folder, or for ``base``."""
    accel.switch_on()
    from conch_dna.data.tokens import encode_answer
    from conch_dna.domains.generation import generate, generator_of
    from conch_dna.evaluation.fit import fits
    from conch_dna.kernels.patch import fast_ops
    from conch_dna.models.head import split
    from conch_dna.models.load import load
    from conch_dna.pipeline.held_out import SEED
    from conch_dna.pipeline.project import open_project
    from conch_dna.pipeline.selection import domain_named
    from conch_dna.registry.store import Registry
    from conch_dna.runtime.neurons import NeuronRuntime

    project = open_project(Path())
    chosen, base = domain_named(project, domain), load(student)
    generator = generator_of(project.host.catalog, chosen)
    if generator is None:
        raise click.UsageError(f"domain {domain} has no generator")
    processors = [project.host.catalog.get("processors", name) for name in chosen.settings.processors]
    drafts = generate(chosen, generator, n, seed=SEED, held_out=True).drafts
    answered = [draft for draft in drafts if draft.prompt.reference.calls != ()]
    examples = [encode_answer(base.tokenizer, draft.prompt, draft.answer, processors) for draft in answered]
    runtime = NeuronRuntime(base, Registry(project.registry), span_processors=project.host.catalog.all("processors"))
    body, head = split(base.model)
    click.echo(f"bits an answer, mean and standard error of {len(examples)} answers of {domain}")
    for adapter in adapters:
        started = time.perf_counter()
        if adapter != "base":
            runtime.add(adapter, Path(adapter), chosen.settings.processors)
        with fast_ops(base.model), runtime.neuron(adapter):
            found = fits(body, head, examples, None, runtime.over)
        bits = [fit.bits for fit in found]
        error = statistics.stdev(bits) / math.sqrt(len(bits))
        click.echo(f"{adapter}  {statistics.mean(bits):.2f} ± {error:.2f}  ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
