"""The commands of the evidence tables: `build` makes them anew, `measure` says how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The tables behind the evidence from metadata.")


@app.command()
def build(
    folder: Annotated[Path | None, typer.Option(help="Where to write; default: into the package.")] = None,
) -> None:
    """Make the tables anew from GeoNames, the tz database, its map and CLDR; half a minute.

    Example: `pangaea evidence build`
    """
    from rich.console import Console  # noqa: PLC0415 - heavy imports stay inside the commands

    from training.evidence.build import build as make  # noqa: PLC0415 - likewise
    from worker.prepare.evidence.tables import FOLDER  # noqa: PLC0415 - likewise

    console = Console(stderr=True)
    with console.status("Reading the sources") as status:
        make(folder or FOLDER, say=status.update)
    console.print(f"The tables are in {folder or FOLDER}.", highlight=False)


@app.command()
def measure(
    positions: Annotated[
        Path, typer.Argument(help="A CSV with the columns latitude (LAT) and longitude (LON).")
    ],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Compare the map with its source, and say what clocks and zones tell, at real photos' positions.

    Example: `pangaea evidence measure coordinates.csv --json evidence.json`
    """
    import json  # noqa: PLC0415 - likewise
    from dataclasses import asdict  # noqa: PLC0415 - likewise

    from training.evidence.measure import measure as figures  # noqa: PLC0415 - likewise
    from training.evidence.measure import read_positions  # noqa: PLC0415 - likewise

    found = asdict(figures(read_positions(positions)))
    for name, value in found.items():
        typer.echo(f"{name:24} {value}")
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
