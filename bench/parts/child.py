"""A part is measured in a process of its own, so that no other part is in its account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.child import Child, Document, Parent, run
from bench.parts.sample import Sample

Samples = Mapping[str, Sequence[Sample]]
"""The repetitions of each measurement of a part, by its name."""

Spec = Mapping[str, Any]

PATIENCE_SECONDS = 300.0
"""Many times what a part takes, also beside other work: it is the machine that is ill then."""


def measured(module: str, spec: Spec, *, log: Path) -> Samples:
    """Run a part's module in a process of its own and return its samples.

    Raises:
        Refuse: it ended or gave up, in one sentence.
    """
    with Child(module, spec, log=log) as child:
        said = child.hear("samples", PATIENCE_SECONDS)
    return {name: [Sample(**each) for each in samples] for name, samples in said["samples"].items()}


def answer(measure: Callable[[Spec], Samples]) -> None:
    """Be that process: measure what the spec says, and say the samples."""

    def work(spec: Document, parent: Parent) -> None:
        found = measure(spec)
        parent.say("samples", samples={name: [asdict(each) for each in found[name]] for name in found})

    run(work)
