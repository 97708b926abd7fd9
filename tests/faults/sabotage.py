"""`python -m tests.faults.sabotage run`: the worker with one of its promises broken on purpose.

An account that cannot see red proves nothing. FAULTS_SABOTAGE says what is broken:

`position`: it commits what it has read, not what it has published;
`completion`: it publishes photos when they are finished, not in their order;
`epoch`: it goes on with the photos of a partition that has been taken away from it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator

from worker.ordering import Ordering, Prefix
from worker.pipeline import Pipeline

SABOTAGE = "FAULTS_SABOTAGE"
take = Ordering._take


def position(self: Ordering) -> Iterator[Prefix]:
    """Name the offset up to which the lane has been read."""
    for prefix in take(self):
        yield prefix._replace(next_offset=self._lanes[prefix.partition].admitted)


def completion(self: Ordering) -> Iterator[Prefix]:
    """Let whoever is finished overtake whoever is not."""
    for lane in self._lanes.values():
        if not lane.publishing:
            lane.waiting = deque(sorted(lane.waiting, key=lambda entry: entry.outcome is None))
    yield from take(self)


def ready(self: Ordering) -> bool:
    """Whether any photo is finished, wherever it stands."""
    return any(
        not lane.publishing
        and (lane.mark is not None or any(entry.outcome is not None for entry in lane.waiting))
        for lane in self._lanes.values()
    )


def keep(self: Pipeline, *_: object) -> None:
    """Close no lane: what is under way in it goes on."""


def main() -> None:
    """Break it and enter by the front door."""
    broken = os.environ[SABOTAGE]
    if broken == "position":
        Ordering._take = position  # type: ignore[method-assign]
    elif broken == "completion":
        Ordering._take, Ordering.ready = completion, ready  # type: ignore[method-assign]
    elif broken == "epoch":
        Pipeline._drop = keep  # type: ignore[assignment,method-assign]
    else:
        raise SystemExit(f"{SABOTAGE}={broken} is not known")
    import pangaea  # noqa: PLC0415 - it enters at once

    pangaea.main()


if __name__ == "__main__":
    main()
