"""The commands of `training`, registered by the front door: `pangaea models build, check, card, evaluate`."""

from __future__ import annotations

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from training.evaluation.app import app as evaluation_app
from training.places import MODELS

app = typer.Typer(no_args_is_help=True)
models = typer.Typer(
    no_args_is_help=True, help="Build engines, check and show the model card, say how good the model is."
)
app.add_typer(models, name="models")
models.add_typer(evaluation_app)


class BuildTarget(StrEnum):
    """Where the engines will run."""

    cpu = "cpu"
    tensorrt = "tensorrt"


ModelsFolder = Annotated[
    Path, typer.Option("--models", help="The source models: a folder like triton_models/.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.")]


@models.command()
def build(  # noqa: PLR0917 - Typer calls it by name
    target: Annotated[BuildTarget, typer.Option(help="Where the engines will run.")] = BuildTarget.cpu,
    precision: Annotated[
        str, typer.Option(help="auto; on cpu fp32, bf16, int8; on tensorrt fp32, fp16, int8.")
    ] = "auto",
    instances: Annotated[
        int | None,
        typer.Option(help="Backbones side by side; default: one a processor, at most 8.", min=1, max=64),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to put the repository; default: the cache.")
    ] = None,
    source: ModelsFolder = MODELS,
    as_json: AsJson = False,
) -> None:
    """Build the model repository that Triton serves; nothing is done when it is there already.

    Example: `pangaea models build --target cpu --precision fp32`
    """
    from rich.console import Console  # noqa: PLC0415 - heavy imports stay inside the commands

    from training.engines import repository  # noqa: PLC0415 - likewise

    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    begun = time.monotonic()
    work = repository.plan(source, target=target.value, precision=precision, instances=instances)
    with console.status("engines: looking for a finished build") as status:
        folder = repository.build(work, output, progress=lambda what: status.update(f"engines: {what}"))
    document = {
        "repository": str(folder),
        "target": work.target,
        "precision": work.precision,
        "instances": work.instances,
        "source_sha256": work.source_sha256,
        "seconds": round(time.monotonic() - begun, 3),
    }
    if as_json:
        typer.echo(json.dumps(document))
    else:
        typer.echo(f"{folder} ({work.target}, {work.precision}, {document['seconds']} s)")


@models.command()
def check(source: ModelsFolder = MODELS, as_json: AsJson = False) -> None:
    """Verify the hashes and compute again what the card claims; exit code 1 with what differs.

    Example: `pangaea models check`
    """
    from rich.console import Console  # noqa: PLC0415 - heavy imports stay inside the commands

    from training import check as checking  # noqa: PLC0415 - likewise

    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    with console.status("refitting heads without each source in turn"):
        found = checking.check(source)
    if as_json:
        document = {
            "holds": not found,
            "differences": [
                {"where": one.where, "claimed": one.claimed, "found": one.found} for one in found
            ],
        }
        typer.echo(json.dumps(document))
    else:
        for one in found:
            typer.echo(str(one))
        if not found:
            typer.echo(
                "the card holds: hashes, refit, scores, temperature, quantile, threshold, golden photos"
            )
    if found:
        raise typer.Exit(1)


@models.command()
def card(source: ModelsFolder = MODELS, as_json: AsJson = False) -> None:
    """Show the model card: scores with their intervals, calibration, limits.

    Example: `pangaea models card --json | jq .scores.top1`
    """
    from training import check as checking  # noqa: PLC0415 - heavy imports stay inside the commands
    from training import show  # noqa: PLC0415 - likewise

    document = checking.read(source / "continent" / "card.json")
    if as_json:
        typer.echo(json.dumps(document))
    else:
        show.print_card(document)
