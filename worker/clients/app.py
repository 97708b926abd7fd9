"""The commands at both ends of the worker: publish, tail, replay, topics."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from worker.errors import Refuse

if TYPE_CHECKING:
    from worker.clients.manifest import Manifest
    from worker.clients.publish import Campaign, Receipt, Tally
    from worker.clients.topics import Difference
    from worker.settings import KafkaSettings

app = typer.Typer(no_args_is_help=True)
topics_app = typer.Typer(
    name="topics", help="Create the topics, and tell how a cluster's differ.", no_args_is_help=True
)
app.add_typer(topics_app)

Broker = Annotated[
    str | None, typer.Option("--kafka", metavar="HOST:PORT", help="Default: PANGAEA_KAFKA__BOOTSTRAP.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
Partitions = Annotated[
    int | None, typer.Option(min=1, max=10_000, help="Of every topic. Default: as `photos` has, else 6.")
]


@app.command()
def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", exists=True, help="Files and folders.")],
    *,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Photos a second. Default: at once.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Send everything so often, under new ids.")] = 1,
    manifest: Annotated[
        Path | None,
        typer.Option(help="CSV: file, and captiontext, languagetag, timezone or key.", dir_okay=False),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Photos of one key stay in order. Default: none.")] = None,
    kafka: Broker = None,
    json: AsJson = False,
) -> None:
    """Send photos into the topic `photos`. File names stay here: no record carries them.

    Fails (exit code 1) when any photo was not delivered. `--json` prints {"id", "file", "partition",
    "offset"} for each that was.

    Example: `pangaea publish examples/photos --rate 5`
    """
    from worker.clients.manifest import Manifest, load  # noqa: PLC0415 - no other command pays for it
    from worker.clients.publish import Campaign, Metadata, photos_in  # noqa: PLC0415 - likewise

    settings = _kafka(kafka)
    given = load(manifest, key=key) if manifest else Manifest({}, Metadata(key=key))
    files = photos_in(paths)
    if not files:
        raise Refuse(f"there is no photo in {', '.join(map(str, paths))}: name files, or a folder with some.")
    if unmatched := given.unmatched(files):
        _say(f"{unmatched} rows of {manifest} name no file that is sent.")

    def deliver(file: Path, receipt: Receipt) -> None:
        if json:
            place = {"partition": receipt.partition, "offset": receipt.offset}
            print(orjson.dumps({"id": receipt.photo_id, "file": str(file)} | place).decode())  # noqa: T201 - the result

    start = time.monotonic()
    campaign = Campaign(settings, deliver, _say)
    tally = _with_progress(campaign, files * repeat, given, rate)
    lost = campaign.refused + tally.failed
    summary = f"{tally.delivered} photos published to {settings.photos_topic} at {settings.bootstrap}"
    _say(f"{summary} in {time.monotonic() - start:.1f} s.")
    if lost:
        raise Refuse(
            f"{lost} of {lost + tally.delivered} photos were not delivered: see above, and send them again."
        )


def _with_progress(campaign: Campaign, files: Sequence[Path], given: Manifest, rate: float | None) -> Tally:
    from rich.console import Console  # noqa: PLC0415 - no other command pays for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - likewise

    console = Console(stderr=True)
    columns = (TextColumn("publishing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(files))
        return campaign.run(files, metadata=given.of, rate=rate, advance=lambda: progress.advance(task))


@app.command()
def tail(
    slugs: Annotated[
        list[str] | None, typer.Argument(metavar="[SLUG…]", help="Feeds. Default: all eight.")
    ] = None,
    *,
    rejected: Annotated[bool, typer.Option("--rejected", help="Rejected photos.")] = False,
    drift: Annotated[bool, typer.Option("--drift", help="Drift alarms.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="All that is kept.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many records.")] = None,
    idle_exit: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="End after so long without a record.")
    ] = None,
    kafka: Broker = None,
    json: AsJson = False,
) -> None:
    """Follow the feeds: a line a photo, or with `--json` the records as they are.

    Reads committed records only, joins no group, and ends with Ctrl-C. `--rejected` and `--drift` alone show
    nothing else; name feeds, or `all`, to see them as well.

    Examples:  `pangaea tail`  ·  `pangaea tail europe asia`  ·  `pangaea tail all --rejected`  ·
    `pangaea tail --json | jq -r '[.photo_id, .decision] | @tsv'`
    """
    from worker.clients import tail as tailing  # noqa: PLC0415 - no other command pays for it

    topics = tailing.topics_of(slugs or [], rejected=rejected, drifts=drift)
    batches = tailing.follow(
        _kafka(kafka), topics, from_beginning=from_beginning, count=count, idle_exit=idle_exit
    )
    tailing.tail(batches, tailing.Json() if json else tailing.Table())


@app.command()
def replay(
    *,
    reason: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Only these reasons; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Rejected since: 30m, 2h, 1d, or 2026-11-21T09:00:00Z.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many photos.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was replayed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    kafka: Broker = None,
    json: AsJson = False,
) -> None:
    """Put rejected photos back into `photos`, each once, and count them by reason.

    gone: no longer kept. skipped: a copy already, rejected again. A second run goes on where the first ended.

    Example: `pangaea replay --reason engine_error --reason payload_unavailable --since 2h`
    """
    from worker.clients import replay as replaying  # noqa: PLC0415 - no other command pays for it

    settings = _kafka(kafka)
    wish = replaying.Wish(
        reasons=tuple(reason) if reason else replaying.REASONS,
        since=None if since is None else replaying.moment(since, now=time.time()),
        limit=limit,
        again=again,
        dry_run=dry_run,
    )
    tally = replaying.replay(settings, wish)
    if json:
        print(orjson.dumps(tally.document() | {"dry_run": dry_run}).decode())  # noqa: T201 - the result
        return
    if dry_run:
        print("Nothing was changed; this is what would be done:")  # noqa: T201 - the result
    for fate, counter in tally.counts.items():
        print(f"{fate:<9} {counter.total():>6}" + _by_reason(counter))  # noqa: T201 - the result


def _by_reason(counter: dict[str, int]) -> str:
    return "  (" + ", ".join(f"{name} {n}" for name, n in sorted(counter.items())) + ")" if counter else ""


@topics_app.command("create")
def create_topics(
    *,
    partitions: Partitions = None,
    replication: Annotated[int, typer.Option(min=1, max=100, help="Of new topics.")] = 1,
    update: Annotated[
        bool, typer.Option("--update", help="Also mend settings and widen topics that are there.")
    ] = False,
    kafka: Broker = None,
    json: AsJson = False,
) -> None:
    """Create what is missing; with `--update` also mend what differs and can be mended in place.

    Example: `pangaea topics create --partitions 12 --replication 3`
    """
    from worker.clients import topics  # noqa: PLC0415 - no other command pays for it

    settings = _kafka(kafka)
    mended: list[Difference] = []
    if update:
        mended = topics.update(settings.bootstrap, partitions=partitions, kafka=settings)
    created = topics.create(
        settings.bootstrap, partitions=partitions, replication=replication, kafka=settings
    )
    if json:
        print(orjson.dumps({"created": created, "mended": [_document(one) for one in mended]}).decode())  # noqa: T201 - the result
        return
    for one in mended:
        print(f"mended {one.topic}: {one.aspect} is {one.wanted}, was {one.found}")  # noqa: T201 - the result
    for name in created:
        print(f"created {name}")  # noqa: T201 - the result
    if not created and not mended:
        print("Every topic is there.")  # noqa: T201 - the result


@topics_app.command("check")
def check_topics(
    *,
    partitions: Partitions = None,
    replication: Annotated[int | None, typer.Option(min=1, help="Wanted; default: not looked at.")] = None,
    kafka: Broker = None,
    json: AsJson = False,
) -> None:
    """Tell what differs from what the worker needs; fail (exit code 1) when anything does.

    Example: `pangaea topics check --replication 3`
    """
    from worker.clients import topics  # noqa: PLC0415 - no other command pays for it

    settings = _kafka(kafka)
    differences = topics.check(
        settings.bootstrap, partitions=partitions, replication=replication, kafka=settings
    )
    if json:
        print(orjson.dumps({"differences": [_document(one) for one in differences]}).decode())  # noqa: T201 - the result
    else:
        for one in differences:
            print(f"{one}; mend: {one.mend}")  # noqa: T201 - the result
    if differences:
        raise Refuse(f"{len(differences)} differences: mend them as named, then check again.")
    if not json:
        print("Every topic is as it should be.")  # noqa: T201 - the result


def _document(one: Difference) -> dict[str, str | None]:
    return {
        "topic": one.topic,
        "aspect": one.aspect,
        "wanted": one.wanted,
        "found": one.found,
        "mend": one.mend,
    }


def _kafka(bootstrap: str | None) -> KafkaSettings:
    from worker.settings import load  # noqa: PLC0415 - only when a command runs

    settings = load().kafka
    return settings if bootstrap is None else settings.model_copy(update={"bootstrap": bootstrap})


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201 - told beside the result
