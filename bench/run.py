"""What the commands do: start what is needed, measure, show and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import arrivals, mixes, stand, tables
from bench.contest import Plan, environments, hold
from bench.cores import held
from bench.figures import Latency, Limit, Peers, Sweep
from bench.files import Files, attempt
from bench.latency import Load, measure
from bench.limit import measure as measure_alone
from bench.report import saved
from bench.stand import Stand
from bench.subject import Team, pangaea, started
from bench.sweep import Effort
from bench.sweep import sweep as searched
from bench.warm import warm
from local.install import Meter
from local.progress import shown
from local.signals import Signalled, raised
from worker.errors import Refuse

MOST_PHOTOS: Final = 5_000_000
"""Of one run: what is known of each of them is kept in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a bench runs: host:port of what runs already, None: a stack is started for it."""

    kafka: str | None = None
    triton: str | None = None
    own_worker: bool = True


def limit(mix: str, cores: int | None, files: Files) -> int:
    """Measure every part alone on so many processors (None: all), show and write; return the exit code."""
    files.ensure()
    try:
        with held(cores), raised(), shown() as meter:
            # Before anything is started: it may be that there is no such mix.
            mixes.folder(mix, meter)
            with stand.opened(meter=meter) as place:
                warm(place, meter)
                found = measure_alone(place, mix=mix, meter=meter)
    except Signalled as asked:
        return asked.exit_code
    finish(found, files)
    return 0


def latency(where: Where, load: Load, workers: int | None, files: Files) -> int:
    """Measure one rate with so many workers (None: one), show and write the figures; return the exit code.

    It is 1 for a run that is not valid.
    """
    if workers is not None and not where.own_worker:
        raise Refuse("--no-worker starts none: leave out --workers, or --no-worker.", exit_code=2)
    ensure_drawable(load)
    files.ensure()
    try:
        # Before anything is started: it may be that there is no such mix.
        with raised(), shown() as meter:
            mixes.folder(load.mix, meter)
            with _stand(where, meter) as place, _team(where, place, workers or 1) as team:
                found = measure(place, team, load, meter=meter)
    except Signalled as asked:
        return asked.exit_code
    finish(found, files)
    return 0 if found.valid else 1


def sweep(workers: Sequence[int], mix: str, effort: Effort, seed: int, files: Files) -> int:
    """Search for the highest rate of each number of workers, show and write it.

    Returns the exit code: 1 when one of them kept no rate.
    """
    files.ensure()
    try:
        with raised(), shown() as meter:
            mixes.folder(mix, meter)
            with stand.opened(meter=meter) as place:
                warm(place, meter)
                found = searched(place, workers=workers, mix=mix, effort=effort, seed=seed, meter=meter)
    except Signalled as asked:
        return asked.exit_code
    finish(found, files)
    return 1 if found.nothing_kept else 0


def fetch(names: Sequence[str]) -> None:
    """Make the environments of these contenders.

    Raises:
        Refuse: the download failed, or the disk is full.
    """
    with shown() as meter:
        environments(names, meter)


def peers(plan: Plan, files: Files) -> int:
    """Hold the contest, show and write its figures; return the exit code: 1 when somebody fell out."""
    files.ensure()
    try:
        with raised(), shown() as meter:
            found = hold(plan, meter=meter)
    except Signalled as asked:
        return asked.exit_code
    finish(found, files)
    return 0 if len(found.peers) == len(plan.names) else 1


def finish(found: Latency | Limit | Sweep | Peers, files: Files) -> None:
    """Write the files that are wanted, and show the figures on standard output, whatever becomes of them.

    Raises:
        Refuse: a file could not be written.
    """
    try:
        files.finish(found)
    finally:
        Console(highlight=False).print(tables.of(found))


def report(paths: Sequence[Path], *, csv: Path | None, html: Path | None, markdown: Path | None) -> None:
    """Read the figures that `--json` wrote, and write what is wanted of them.

    Raises:
        Refuse: a file is not ours or cannot be written, or nothing is wanted.
    """
    if csv is None and html is None and markdown is None:
        raise Refuse("nothing is to be written: name --html, --csv or --markdown.", exit_code=2)
    files = Files(csv=csv, html=html)
    files.ensure()
    figures = [saved.read(path) for path in paths]
    failed = files.write(figures)
    if markdown is not None:
        from bench.report import paper  # noqa: PLC0415 - it brings matplotlib, which measuring needs not

        failed += filter(None, [attempt(markdown, lambda path: paper.write(figures, path))])
    if failed:
        raise Refuse(f"{' and '.join(failed)} could not be written: name another file, or make room.")


def ensure_drawable(load: Load) -> None:
    """See that a run's photos can be drawn, and that there are any to measure.

    Raises:
        Refuse: there are too many, or none.
    """
    count = load.rate * (load.warm_up + load.seconds)
    if count > MOST_PHOTOS:
        raise Refuse(
            f"{load.rate:g} a second for so long are {count:,.0f} photos, and one run has at most"
            f" {MOST_PHOTOS:,}: lower --rate or --seconds.",
            exit_code=2,
        )
    due = arrivals.intended(load.rate, load.warm_up + load.seconds, load.seed)
    if not (due >= load.warm_up).any():
        raise Refuse(
            f"no photo is due in {load.seconds:g} s at {load.rate:g} a second, as --seed {load.seed} draws"
            " them: raise --rate or --seconds.",
            exit_code=2,
        )


@contextmanager
def _stand(where: Where, meter: Meter) -> Iterator[Stand]:
    if where.kafka is None and where.triton is None:
        if not where.own_worker:
            raise Refuse(
                "--no-worker needs the running ones: name them with --kafka and --triton.", exit_code=2
            )
        with stand.opened(meter=meter) as place:
            warm(place, meter)
            yield place
    elif where.kafka is None or where.triton is None:
        raise Refuse("--kafka and --triton go together: name both, or neither.", exit_code=2)
    else:
        with stand.pointed_at(where.kafka, where.triton) as place:
            yield place


@contextmanager
def _team(where: Where, place: Stand, workers: int) -> Iterator[Team]:
    if where.own_worker:
        with started(pangaea(), place, workers) as team:
            yield team
    else:
        stand.ensure_attended(place)
        yield Team(subject=pangaea())
