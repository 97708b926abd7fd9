"""Long work shown on standard error: a bar for each part on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local.install import Meter, silent


@contextmanager
def shown() -> Iterator[Meter]:
    """Yield a meter whose bars appear with the first report and vanish at the end; any thread may report."""
    from rich.console import Console  # noqa: PLC0415 - only the commands that fetch need it
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    if not console.is_terminal:
        yield silent
        return
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            part = what.partition(":")[0]
            if part not in bars:
                bars[part] = progress.add_task(what, total=total)
            progress.update(bars[part], description=what, completed=done, total=total)

        yield report
