"""`python -m tests.end_to_end.late run`: a worker whose late answers always come.

The work on photos of a partition that has gone is not cancelled, as if each cancellation came a moment too
late; and each answer is noted in the file LATE_ANSWERS, a line a photo, after the main thread has it.
"""

from __future__ import annotations

import os
from pathlib import Path

from pangaea import main
from worker.ordering import Ordering, Ticket
from worker.record import Outcome, Partition
from worker.workshop import Workshop

ANSWERS = "LATE_ANSWERS"
file = Ordering.file


def keep(self: Workshop, partition: Partition) -> None:
    """Cancel nothing."""


def note(self: Ordering, ticket: Ticket, outcome: Outcome) -> bool:
    """File as ever, and write down which photo it was and whether its answer was wanted."""
    kept = file(self, ticket, outcome)
    source = ticket.source
    with Path(os.environ[ANSWERS]).open("a") as notes:
        notes.write(f"{source.topic} {source.partition} {source.offset} {int(kept)}\n")
    return kept


if __name__ == "__main__":
    Workshop.clear = keep  # type: ignore[method-assign]
    Ordering.file = note  # type: ignore[method-assign]
    main()
