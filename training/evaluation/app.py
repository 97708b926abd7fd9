"""The command `pangaea models evaluate`, registered among the models' by the front door."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.places import MODELS

app = typer.Typer(no_args_is_help=True)


@app.command()
def evaluate(
    *,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="CSV",
            help="Labelled photos: columns path (or file) and continent, at will source, group, captiontext,"
            " languagetag, timezone.",
        ),
    ] = None,
    models: Annotated[
        Path, typer.Option("--models", help="The source models: a folder like triton_models/.")
    ] = MODELS,
    triton: Annotated[
        str | None, typer.Option("--triton", metavar="HOST:PORT", help="One that serves them already.")
    ] = None,
    corruptions: Annotated[
        bool, typer.Option("--corruptions/--no-corruptions", help="Judge the photos corrupted as well.")
    ] = True,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The figures as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="A page with plots.")] = None,
) -> None:
    """Say how good the model is, with n, intervals and baselines, on photos that it was not fitted on.

    Without a manifest every source of the training photos is left out in turn (from the committed
    embeddings), and the example photos go through the engine, clean and corrupted. With one, its photos go
    through the worker's own intake, decoding, engine and finishing; those that the model was fitted on are
    told apart. GPS is not looked at: what it adds is scored beside, where PANGAEA_EVIDENCE__GPS allows it.

    Example: `pangaea models evaluate --manifest photos/manifest.csv --json scores.json --html scores.html`
    """
    from training.evaluation import run  # noqa: PLC0415 - heavy imports stay inside the commands

    plan = run.Plan(
        manifest=manifest, models=models, triton=triton, corruptions=corruptions, json=json, html=html
    )
    raise typer.Exit(run.evaluate(plan))
