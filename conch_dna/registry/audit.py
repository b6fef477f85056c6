"""Verification of published versions, and comparison of two versions."""

from __future__ import annotations

import contextlib
import json
import math
from typing import TYPE_CHECKING, Any, Literal

from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.records import Record
from conch_dna.registry.entry import check_content, check_readme
from conch_dna.registry.signatures import check_signature

if TYPE_CHECKING:
    import mlx.core as mx

    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry


class Problem(Record):
    """One fault found by :func:`verify`."""

    ref: str
    path: str
    reason: str


class DiffRow(Record):
    """One difference between two versions; a side without the key is ``None``."""

    section: Literal["provenance", "config", "metrics", "weights"]
    key: str
    a: str | float | None
    b: str | float | None


def verify(registry: Registry, ref: str | None = None, key: str | None = None) -> list[Problem]:
    """Return the faults of one version, or of every version and alias if ``ref`` is ``None``, in order.

    :param key: a public key that must have signed each version.
    :raises UnknownName: no version is called ``ref``.
    """
    if ref is not None:
        return _faults_of(registry, *registry.locate(ref), key)
    problems = []
    for name in registry.names():
        with contextlib.suppress(UnknownName):  # the last version was removed meanwhile
            for version in registry.versions(name):
                faults = _faults_of(registry, name, version, key)
                # A version that was removed while it was read is not a fault.
                problems += faults if version in registry.versions(name) else []
            problems += _alias_faults(registry, name)
    return problems


def _alias_faults(registry: Registry, name: str) -> list[Problem]:
    path = str(registry.root / name)
    try:
        aliases = registry.aliases(name)
    except RegistryError as fault:
        return [Problem(ref=name, path=path, reason=str(fault))]
    faults = []
    for alias in sorted(aliases):
        try:
            registry.locate(f"{name}@{alias}")
        except UnknownName as fault:
            faults.append(Problem(ref=f"{name}@{alias}", path=path, reason=str(fault)))
    return faults


def _faults_of(registry: Registry, name: str, version: int, key: str | None) -> list[Problem]:
    from conch_dna.registry.adapter import check_invocation_tokens, read_adapter  # imports mlx

    ref = f"{name}@{version}"
    try:
        entry = registry.resolve(ref)
        check_content(entry)
        check_readme(entry)
        if key is not None:
            check_signature(entry, key)
        # Content that matches its card may still be unusable: the card in a copied folder matches any content there.
        check_invocation_tokens(read_adapter(entry.path), entry.card.invocation_tokens, entry.path)
    except (NeuronRefused, UnknownName) as fault:
        return [Problem(ref=ref, path=str(registry.root / name / str(version)), reason=str(fault))]
    return []


def diff(registry: Registry, ref_a: str, ref_b: str) -> list[DiffRow]:
    """Return the differences of two versions in provenance, settings, metrics and update norms, keys sorted.

    :raises UnknownName: no version has one of these references.
    :raises NeuronRefused: a version is damaged.
    """
    a, b = registry.resolve(ref_a), registry.resolve(ref_b)
    sections: dict[Literal["provenance", "config", "metrics", "weights"], tuple[dict[str, Any], dict[str, Any]]] = {
        "provenance": (_provenance(a), _provenance(b)),
        "config": (_flat(a.card.config), _flat(b.card.config)),
        "metrics": (a.card.metrics, b.card.metrics),
        "weights": (_norms(a), _norms(b)),
    }
    return [
        DiffRow(section=section, key=key, a=left.get(key), b=right.get(key))
        for section, (left, right) in sections.items()
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key)
    ]


def _provenance(entry: Entry) -> dict[str, str | None]:
    card = entry.card
    provenance = ("digest", "base", "base_digest", "teacher", "teacher_fingerprint", "data_digest")
    fields = (*provenance, "parent", "start_digest", "licence")
    return {field: getattr(card, field) for field in fields}


def _flat(value: object, prefix: str = "") -> dict[str, str]:
    """Return nested settings by dotted key, values as JSON."""
    if isinstance(value, dict) and (value or not prefix):
        flat: dict[str, str] = {}
        for key, inner in value.items():
            flat |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
        return flat
    return {prefix: json.dumps(value, ensure_ascii=False)}


def _norms(entry: Entry) -> dict[str, float]:
    from conch_dna.registry.adapter import read_adapter  # imports mlx

    adapter = read_adapter(entry.path)
    return {module: abs(adapter.scale) * norm for module, norm in product_norms(adapter.weights).items()}


def product_norms(weights: dict[str, tuple[mx.array, mx.array]]) -> dict[str, float]:
    """Return the Frobenius norm of each A·B without forming it: |AB|² = sum of (AᵀA)∘(BBᵀ), both rank by rank."""
    import mlx.core as mx  # here, since `conch neurons list` imports this module and needs no mlx

    norms = {}
    for module, (a, b) in weights.items():
        a32, b32 = a.astype(mx.float32), b.astype(mx.float32)
        if a.ndim == 3:  # of expert layers, (experts, rank, in) and (experts, out, rank)
            a32, b32 = a32.swapaxes(-1, -2), b32.swapaxes(-1, -2)
        square = ((a32.swapaxes(-1, -2) @ a32) * (b32 @ b32.swapaxes(-1, -2))).sum()
        norms[module] = math.sqrt(max(float(square.tolist()), 0.0))  # type: ignore[arg-type]  # a scalar's is a number
    return norms
