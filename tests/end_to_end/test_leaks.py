"""What a photo tells beside its continent never leaves the worker: not in a record, a log, a metric."""

from __future__ import annotations

import re

import pytest

from local.stack import Stack
from tests import hostile
from tests.end_to_end.harness import Headers, Reader, Worker, event, send_all


def test_no_canary_leaves(stack: Stack, worker: Worker, reader: Reader) -> None:
    """Position, serial number, author, file name and caption go through at debug level; none comes out.

    Searched: every output record with headers and key, the worker's log, metrics and health, and Triton's
    log and metrics; in text and in rounded forms.
    """
    canary = hostile.canary_photo()
    headers = event(
        "bird-run",
        ce_captiontext=canary.caption,
        ce_subject=canary.file_name,
        ce_languagetag="mi-NZ",
        ce_timezone="Pacific/Auckland",
    )
    broken = canary.data[: len(canary.data) // 2]
    plain: Headers = [("file-name", canary.file_name)]
    sent = send_all(stack.kafka, [(canary.data, headers), (broken, headers), (canary.data, plain)])
    seen = reader.until(len(sent))
    places = {
        "records": "\n".join(
            f"{each.topic} {each.key!r} {each.headers} {each.raw.decode()}" for each in seen
        ),
        "log": worker.said(),
        "metrics": worker.ask("/metrics")[1],
        "ready": worker.ask("/ready")[1],
        "live": worker.ask("/live")[1],
        **{path.name: path.read_text(errors="replace") for path in stack.logs.glob("**/*.log")},
    }
    assert len(places["log"]) > 0
    assert any("triton" in name for name in places)
    found = [
        (needle, name)
        for needle in canary.needles
        for name, text in places.items()
        # A rounded coordinate counts as a number of its own, not as the middle of a longer one.
        if re.search(rf"(?<![\d.]){re.escape(needle)}(?!\d)", text)
    ]
    assert found == []


def test_the_search_would_find_them() -> None:
    """The canaries are in the photo: a search that finds nothing in it would prove nothing."""
    canary = hostile.canary_photo()
    text = canary.data.decode("latin-1")
    present = [needle for needle in canary.needles if needle in text]
    assert canary.caption in text
    assert len(present) > len(canary.needles) / 4


@pytest.mark.parametrize("header", ["ce_subject", "ce_captiontext", "x-anything"])
def test_headers_are_not_passed_through(
    stack: Stack, worker: Worker, reader: Reader, examples: dict[str, bytes], header: str
) -> None:
    """Only the id and the trace of a sender's headers come out; nothing else that it says."""
    send_all(stack.kafka, [(next(iter(examples.values())), event("quiet", **{header: "canary-header"}))])
    (seen,) = reader.until(1)
    assert "canary-header" not in seen.raw.decode() + str(seen.headers) + worker.said()
