"""The commands about engines: `pangaea engines compare`, `quantise`, `graph`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from training.places import EXAMPLES, MODELS

app = typer.Typer(
    no_args_is_help=True, help="Compare engines, quantise the backbone, check what TensorRT would be given."
)

ModelsFolder = Annotated[
    Path, typer.Option("--models", help="The source models: a folder like triton_models/.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


@app.command()
def compare(
    photos: Annotated[
        Path | None,
        typer.Option(help="Labelled photos with manifest.csv; default: the committed embeddings."),
    ] = None,
    models: ModelsFolder = MODELS,
    json_file: JsonFile = None,
) -> None:
    """Show every engine: what a photo costs, how near it is to float32, whether it may ship.

    Example: `pangaea engines compare --json engines.json`
    """
    from rich.console import Console  # noqa: PLC0415 - heavy imports stay inside the commands

    from training import embeddings  # noqa: PLC0415 - likewise
    from training.engines import summary, table  # noqa: PLC0415 - likewise
    from training.places import EMBEDDINGS  # noqa: PLC0415 - likewise

    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    stored = EMBEDDINGS if models == MODELS else models / "embeddings.npz"
    with console.status("engines") as status:
        rows = summary.summary(models, embeddings.load(stored), photos=photos, progress=status.update)
    _write(json_file, {"engines": [row.document() for row in rows]})
    Console().print(table.engines(rows))


@app.command()
def quantise(
    photos: Annotated[
        Path, typer.Option(help="A folder of photos, from which the ranges of values are taken.")
    ] = EXAMPLES,
    models: ModelsFolder = MODELS,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; default: beside the backbone.")
    ] = None,
) -> None:
    """Write the backbone in 8-bit integers, which `pangaea models build --precision int8` then serves.

    It ships only if `pangaea engines compare` says so.

    Example: `pangaea engines quantise --photos examples/photos`
    """
    from local.progress import shown  # noqa: PLC0415 - heavy imports stay inside the commands
    from training.engines import quantised  # noqa: PLC0415 - likewise
    from training.engines.summary import source  # noqa: PLC0415 - likewise
    from training.engines.tensors import tensors  # noqa: PLC0415 - likewise

    onnx = source(models)
    size = tensors(onnx, name="efficientnet").input_dims[0]
    seen = quantised.photos(photos, size)
    with shown() as meter:
        made = quantised.quantise(onnx, seen, meter)
    target = output or models / "efficientnet" / "1" / quantised.FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(made)
    typer.echo(f"{target} ({len(made)} bytes, from {len(seen)} photos)")


@app.command()
def graph(models: ModelsFolder = MODELS, json_file: JsonFile = None) -> None:
    """Check what TensorRT would be given: opset, operators, shapes, quantisers; exit code 1 with problems.

    Example: `pangaea engines graph`
    """
    from dataclasses import asdict  # noqa: PLC0415 - heavy imports stay inside the commands

    from rich.console import Console  # noqa: PLC0415 - likewise

    from training.engines import table, tensorrt_engine  # noqa: PLC0415 - likewise

    reports = tensorrt_engine.reports(models)
    _write(json_file, {"models": {name: asdict(one) for name, one in reports.items()}})
    Console().print(table.graphs(reports))
    if any(one.problems for one in reports.values()):
        raise typer.Exit(1)


def _write(path: Path | None, document: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
