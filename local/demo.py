"""`pangaea demo`: the whole system on the example photos, shown as it happens and judged without mercy."""

from __future__ import annotations

import csv
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from local.leash import launch
from local.progress import shown
from local.signals import Signalled, raised
from local.stack import Options, Stack
from worker.clients import table
from worker.clients.publish import Publisher
from worker.clients.reading import Log, places, reader
from worker.errors import Refuse
from worker.record import DISPLAY_NAMES, UNDETERMINED
from worker.settings import KafkaSettings
from worker.topics import FEED_SLUGS, REJECTED, feed

READY_SECONDS = 60.0
RESULT_SECONDS = 60.0
DRAIN_SECONDS = 20.0
RATE = 10.0
"""Photos a second: slow enough to be watched."""

WIDE = 100
"""From this many columns on the true continent is written out."""
PIPED_COLUMNS = 120
"""The width where there is no terminal."""

WHY = {
    "low_probability": "no continent was probable enough",
    "ambiguous_set": "two or three continents fit it about as well",
    "wide_interval": "the five heads disagree too much",
    "model_unqualified": "this model has not earned the right to call any continent",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A photo and where it was really taken (a slug)."""

    path: Path
    truth: str


@dataclass(slots=True)
class Result:
    """What came out, in the order of arrival, and when the first did (seconds after the start)."""

    started: float
    first: float | None = None
    documents: list[dict[str, Any]] = field(default_factory=list)


def play(folder: Path, *, as_json: bool) -> int:
    """Start everything, show every example photo's answer, stop everything; return the exit code.

    Raises:
        Refuse: something did not start, or a photo's answer did not come.
    """
    result = Result(time.monotonic())
    console = Console(stderr=as_json, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=as_json, highlight=False, width=PIPED_COLUMNS)
    examples = load(folder)
    try:
        with raised():
            console.print(
                "Starting a real Kafka and a real Triton; the first time fetches both.", style="dim"
            )
            with shown() as meter:
                stack = Stack.start(Options(), meter=meter)
            with stack, _worker(stack):
                console.print(
                    f"Ready after {time.monotonic() - result.started:.1f} s. Logs: {stack.logs}", style="dim"
                )
                _stream(KafkaSettings(bootstrap=stack.kafka), examples, result, console)
    except Signalled as asked:
        return asked.exit_code
    report = judge(examples, result)
    if as_json:
        sys.stdout.write(f"{json.dumps(report)}\n")
    else:
        console.print(summary(report))
    return 0 if report["photos"] == report["records"] else 1


def load(folder: Path) -> dict[str, Example]:
    """Read the examples and their true continents by photo id, from the folder's manifest.csv.

    Raises:
        Refuse: the manifest is missing or names a file that is not there.
    """
    try:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as exc:
        raise Refuse(
            f"the examples cannot be read ({exc.strerror}): name their folder with --photos."
        ) from exc
    examples = {Path(row["file"]).stem: Example(folder / row["file"], row["continent"]) for row in rows}
    missing = [example.path.name for example in examples.values() if not example.path.is_file()]
    if missing:
        raise Refuse(f"{missing[0]} is named in manifest.csv and missing beside it: restore it.")
    return examples


@contextmanager
def _worker(stack: Stack) -> Iterator[None]:
    """Hold a worker on the stack, as a child on the leash, from when it has its partitions.

    It is set by the stack alone: what the surroundings set is meant for another one.
    """
    log = stack.logs / "worker.log"
    foreign = {name for name in os.environ if name.startswith("PANGAEA_") and name != "PANGAEA_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in foreign} | {
        "PANGAEA_KAFKA__BOOTSTRAP": stack.kafka,
        "PANGAEA_TRITON__URL": stack.triton,
    }
    child = launch("worker", [sys.executable, "-m", "pangaea", "run"], log=log, env=environment)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while b'"change":"assigned"' not in log.read_bytes():
            if not child.alive or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip().splitlines() or ["nothing"]
                raise Refuse(f"the worker did not start; it said last: {said[-1]}")
            time.sleep(0.05)
        yield
    finally:
        child.stop(grace=DRAIN_SECONDS)


def _stream(kafka: KafkaSettings, examples: Mapping[str, Example], result: Result, console: Console) -> None:
    """Publish the examples and show each record as it comes, until each photo has one."""
    wide = console.width >= WIDE
    columns = table.Columns.fit(console.width - (18 if wide else 6))
    console.print(table.header(columns).append("  TRUTH" if wide else "", style="dim bold"))
    log = Log(kafka, [*(feed(slug) for slug in FEED_SLUGS), REJECTED])
    with reader(kafka) as consumer, Publisher(kafka) as publisher:
        consumer.assign(places(log.ends()))
        # Connects before the first photo is timed.
        publisher.ensure_topic()
        waiting = iter(examples.items())
        due = time.monotonic()
        deadline = due + RESULT_SECONDS
        while len(result.documents) < len(examples):
            if time.monotonic() >= due:
                due += 1 / RATE
                for name, example in _next(waiting):
                    publisher.send_file(example.path, photo_id=name)
            message = consumer.poll(max(0.0, min(due - time.monotonic(), 0.1)))
            if message is None or message.error() is not None:
                if time.monotonic() > deadline:
                    raise Refuse(
                        f"{len(examples) - len(result.documents)} photos have no answer after"
                        f" {RESULT_SECONDS:.0f} s: see the logs named above."
                    )
                continue
            result.first = result.first or time.monotonic() - result.started
            document = orjson.loads(message.value() or b"")
            result.documents.append(document)
            moment = message.timestamp()[1] / 1000
            console.print(_line(document, moment, examples[document["photo_id"]].truth, columns, wide=wide))


def _next(waiting: Iterator[tuple[str, Example]]) -> list[tuple[str, Example]]:
    """The next example as a list, empty when all are sent."""
    following = next(waiting, None)
    return [] if following is None else [following]


def _line(document: dict[str, Any], moment: float, truth: str, columns: table.Columns, *, wide: bool) -> Text:
    """One record as `tail` shows it, with the truth beside it."""
    # The examples are named for their continents, which the last column says.
    short = document | {"photo_id": document["photo_id"].removeprefix(f"{truth}-")}
    line = table.row(short, moment, None, columns)
    line.append(" " * max(1, columns.width + 1 - line.cell_len))
    marks = {"right": ("✓", "green"), "wrong": ("✗", "bold red")}
    mark, style = marks.get(outcome(document, truth), ("·", "dim"))
    return line.append(f"{mark} {DISPLAY_NAMES[truth] if wide else table.CODES[truth]}", style=style)


def outcome(document: Mapping[str, Any], truth: str) -> str:
    """Say right, wrong, undetermined or rejected of one record.

    >>> outcome({"decision": "asia"}, "europe")
    'wrong'
    """
    if "decision" not in document:
        return "rejected"
    if document["decision"] == UNDETERMINED:
        return "undetermined"
    return "right" if document["decision"] == truth else "wrong"


def judge(examples: Mapping[str, Example], result: Result) -> dict[str, Any]:
    """Count what came out against the truth; times in seconds and milliseconds."""
    documents = [each for each in result.documents if "decision" in each]
    outcomes = Counter(outcome(each, examples[each["photo_id"]].truth) for each in result.documents)
    likeliest = sum(
        max(each["continents"], key=lambda slug: each["continents"][slug]["p"])
        == examples[each["photo_id"]].truth
        for each in documents
        if each["decision"] == UNDETERMINED
    )
    latencies = sorted(each["timing"]["total_ms"] for each in documents)
    return {
        "photos": len(examples),
        "records": len({each["photo_id"] for each in result.documents}),
        **{name: outcomes[name] for name in ("right", "wrong", "undetermined", "rejected")},
        "undetermined_with_truth_likeliest": likeliest,
        "reasons": dict(Counter(each["reason"] for each in documents if each["reason"]).most_common()),
        "card": documents[0]["model"]["card"] if documents else None,
        "first_record_s": round(result.first, 1) if result.first is not None else None,
        "seconds": round(time.monotonic() - result.started, 1),
        "total_ms_p50": round(statistics.median(latencies), 1) if latencies else None,
        "total_ms_max": round(latencies[-1], 1) if latencies else None,
    }


def summary(report: Mapping[str, Any]) -> Text:
    """Return the judgement in words: no better and no worse than it is."""
    text = Text("\n")
    text.append(f"{report['photos']} photos in, {report['records']} records out. ", style="bold")
    text.append(f"{report['right']} right", style="bold green")
    text.append(", ")
    text.append(f"{report['wrong']} wrong", style="bold red" if report["wrong"] else "")
    text.append(", ")
    text.append(f"{report['undetermined']} undetermined", style="bold yellow")
    if report["rejected"]:
        text.append(f", {report['rejected']} rejected")
    text.append(".\n")
    for reason, count in report["reasons"].items():
        text.append(f"  {count} × {reason}: {WHY.get(reason, 'see docs/consuming.md')}.\n", style="yellow")
    if report["undetermined"]:
        text.append(
            f"An undetermined photo is one that the model would rather not guess: for"
            f" {report['undetermined_with_truth_likeliest']} of {report['undetermined']} its likeliest"
            " continent was the true one, too rarely to be called. `pangaea models card` has the measured"
            " scores.\n"
        )
    text.append(
        f"First record after {report['first_record_s']} s, everything after {report['seconds']} s; from"
        f" sent to published: median {report['total_ms_p50']} ms, longest {report['total_ms_max']} ms.",
        style="dim",
    )
    return text
