"""The commands of `bench`, registered by the front door."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)
bench_app = typer.Typer(
    name="bench", help="How fast, measured honestly, beside what this machine could do.", no_args_is_help=True
)
app.add_typer(bench_app)

MOST_WORKERS = 64


def _number(value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise typer.BadParameter("it must be a number")
    return value


Mix = Annotated[str, typer.Option(help="The photos: 512px, 2mp or 12mp.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The figures as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="A row for each run.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="A page with plots.")]
KafkaAt = Annotated[
    str | None, typer.Option("--kafka", metavar="HOST:PORT", help="One that runs already; with --triton.")
]
TritonAt = Annotated[
    str | None, typer.Option("--triton", metavar="HOST:PORT", help="One that runs already; with --kafka.")
]


@bench_app.command()
def limit(
    *,
    mix: Mix = "512px",
    cores: Annotated[
        int | None, typer.Option(min=1, help="Keep to so many of the processors; default: all.")
    ] = None,
    json: Json = None,
    csv: Csv = None,
    html: Html = None,
) -> None:
    """Measure each part of the path alone, and say what this machine could do at most.

    Decoding, the engine in process and through Triton, Kafka: wall time and CPU a photo by process, medians
    of three repetitions. It takes two minutes: in the first the stack starts and the broker is warmed up for
    45 s. From the CPU come the ceiling, and the bare ceiling: without the cost of a server and a broker.

    Example: `pangaea bench limit --mix 2mp --cores 2 --json limit.json`
    """
    from bench import run  # noqa: PLC0415 - no other command pays for it
    from bench.files import Files  # noqa: PLC0415 - likewise

    raise typer.Exit(run.limit(mix, cores, Files(json=json, csv=csv, html=html)))


@bench_app.command()
def latency(
    *,
    rate: Annotated[
        float, typer.Option(min=0.1, max=100_000, callback=_number, help="Photos a second.")
    ] = 40.0,
    seconds: Annotated[
        float,
        typer.Option(min=1, max=86_400, callback=_number, help="How long is measured, after the warm-up."),
    ] = 30.0,
    workers: Annotated[
        int | None, typer.Option(min=1, max=MOST_WORKERS, help="Workers that are started; default: 1.")
    ] = None,
    mix: Mix = "512px",
    warm_up: Annotated[
        float,
        typer.Option(min=0, max=3_600, callback=_number, help="Seconds that are cut off at the beginning."),
    ] = 5.0,
    seed: Annotated[int, typer.Option(min=0, help="Draws when each photo is due.")] = 0,
    at_random: Annotated[
        bool, typer.Option("--at-random", help="Partitions drawn as well, as keys would; else in turn.")
    ] = False,
    kafka: KafkaAt = None,
    triton: TritonAt = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Measure the worker that runs there already.")
    ] = False,
    json: Json = None,
    csv: Csv = None,
    html: Html = None,
) -> None:
    """Measure latency at a fixed rate: from when a photo is due until its committed record is read.

    Open loop: photos are due at moments drawn beforehand (Poisson) and sent then, whatever became of those
    before. A run whose generator fell behind, or whose photos did not all come out, is invalid, says so, and
    ends with exit code 1.

    Example: `pangaea bench latency --rate 60 --seconds 30 --json latency.json`
    """
    from bench import run  # noqa: PLC0415 - no other command pays for it
    from bench.files import Files  # noqa: PLC0415 - likewise
    from bench.latency import Load  # noqa: PLC0415 - likewise

    load = Load(rate=rate, seconds=seconds, warm_up=warm_up, mix=mix, seed=seed, at_random=at_random)
    where = run.Where(kafka=kafka, triton=triton, own_worker=not no_worker)
    raise typer.Exit(run.latency(where, load, workers, Files(json=json, csv=csv, html=html)))


@bench_app.command()
def sweep(
    *,
    workers: Annotated[
        str, typer.Option(metavar="COUNTS", help="How many workers; more than one number with commas.")
    ] = "1,2",
    mix: Mix = "512px",
    minutes: Annotated[
        float,
        typer.Option(
            min=1,
            max=1_440,
            callback=_number,
            help="The most that a search may take, for each number of workers.",
        ),
    ] = 8.0,
    seed: Annotated[int, typer.Option(min=0, help="Draws when each photo is due.")] = 0,
    json: Json = None,
    csv: Csv = None,
    html: Html = None,
) -> None:
    """Search for the highest rate that keeps p99 within 200 ms and loses nothing, beside the machine's limit.

    A probe lasts 20 s and 2,000 photos at least; a rate that fails is tried once more. At 80% of what is
    found one more run is made. The core-hours of a million photos are told: what an hour costs is yours to
    multiply.

    Example: `pangaea bench sweep --workers 1,2 --json sweep.json --html sweep.html`
    """
    from bench import run  # noqa: PLC0415 - no other command pays for it
    from bench.files import Files  # noqa: PLC0415 - likewise
    from bench.sweep import Effort  # noqa: PLC0415 - likewise

    words = [word.strip() for word in workers.split(",")]
    # The length first: Python refuses to make a number of more digits than a few thousand.
    if not all(len(word) <= len(str(MOST_WORKERS)) and word.isdecimal() for word in words):
        raise typer.BadParameter("it must be numbers with commas, e.g. 1,2", param_hint="--workers")
    counts = [int(word) for word in words]
    if not all(1 <= count <= MOST_WORKERS for count in counts):
        raise typer.BadParameter(f"choose from 1 to {MOST_WORKERS}", param_hint="--workers")
    effort = Effort(budget_seconds=minutes * 60)
    raise typer.Exit(run.sweep(counts, mix, effort, seed, Files(json=json, csv=csv, html=html)))


@bench_app.command()
def peers(
    *,
    only: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Some contenders, with commas; default: all.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each thing is measured.")] = 3,
    mix: Mix = "512px",
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=100_000,
            callback=_number,
            help="Photos a second for the latency; default: 60% of the slowest's rate.",
        ),
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Only make the environments: later runs need no network.")
    ] = False,
    json: Json = None,
    csv: Csv = None,
    html: Html = None,
) -> None:
    """Measure the same job on other frameworks beside the worker: rate, p99 and what a record costs.

    Quix Streams, FastStream, sentry-arroyo and a plain loop read the same photos, decode them by the same
    function, ask the same Triton and write the same record; all take turns in one run. Their environments are
    made on first use (600 MB). Ends with exit code 1 when a contender could not be measured.

    Example: `pangaea bench peers --only pangaea,quix --rounds 1 --json peers.json`
    """
    from bench import run  # noqa: PLC0415 - no other command pays for it
    from bench.contenders import chosen  # noqa: PLC0415 - likewise
    from bench.contest import Plan  # noqa: PLC0415 - likewise
    from bench.files import Files  # noqa: PLC0415 - likewise

    if fetch:
        run.fetch(chosen(only))
        return
    plan = Plan(names=chosen(only), rounds=rounds, mix=mix, rate=rate)
    raise typer.Exit(run.peers(plan, Files(json=json, csv=csv, html=html)))


@bench_app.command()
def report(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="What --json wrote.")],
    *,
    html: Html = None,
    csv: Csv = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown", metavar="PAGE", help="Fill in the tables between the page's two comments."
        ),
    ] = None,
) -> None:
    """Make one report of figures that were measured before, whichever there are.

    Example: `pangaea bench report sweep.json peers.json --html report.html --markdown docs/performance.md`
    """
    from bench import run  # noqa: PLC0415 - no other command pays for it

    run.report(files, csv=csv, html=html, markdown=markdown)
