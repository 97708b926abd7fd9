"""`python -m tests.faults`: the long run. Every fault many times, one report (`make faults`)."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from itertools import groupby
from pathlib import Path

from rich.console import Console

from tests.faults import report, steady
from tests.faults.faults import FAULTS, Fault, attempt
from tests.faults.field import Field, Result
from tests.faults.fields import opened

REPORTS = Path(__file__).resolve().parent.parent.parent / "reports" / "faults"


def main() -> int:
    """Run the faults that were asked for and write the report; 1 when a promise was broken."""
    asked = _arguments()
    # matplotlib speaks of its font cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    console = Console(stderr=True)
    chosen = [fault for fault in FAULTS if not asked.only or fault.name in asked.only]
    results: list[Result] = []
    held: steady.Steady | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="pangaea-faults-") as scratch:
            by_field = groupby(sorted(chosen, key=lambda fault: fault.field), lambda fault: fault.field)
            for name, faults in by_field:
                folder = Path(scratch) / name
                folder.mkdir()
                with opened(name, folder) as field:
                    for fault in faults:
                        results += [_run(fault, field, asked.scale, console)]
            held = None if asked.only else steady.measure(Path(scratch), console)
    finally:
        # A trial that fails must not take the others' results with it.
        console.print(f"report: {report.write(results, held, asked.out)}")
    return 0 if all(_kept(result) for result in results) else 1


def _kept(result: Result) -> bool:
    """Whether every promise held; how long a recovery took is for the reader of the report to judge."""
    return result.audit.exact and not result.notes["rejected without need"]


def _run(fault: Fault, field: Field, scale: float, console: Console) -> Result:
    repetitions = max(1, round(fault.soak * scale))
    console.print(f"{fault.name}: {fault.what}, {repetitions} times …")
    result = attempt(fault, field, repetitions)
    console.print(f"  {report.line(result)}")
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Break real processes for a long time, and count.",
        epilog="Example: python -m tests.faults --only killed broker-killed --scale 0.5",
    )
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS], metavar="FAULT")
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual repetitions (default 1)")
    parser.add_argument("--out", type=Path, default=REPORTS, help="the folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
