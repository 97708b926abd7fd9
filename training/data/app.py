"""The commands of `training.data`, registered by the front door."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)
data_app = typer.Typer(
    name="data", help="Data sets of labelled photos: judge, label and split them.", no_args_is_help=True
)
app.add_typer(data_app)

Manifest = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="A CSV of photos, or a folder with a manifest.csv.")
]
Photos = Annotated[
    Path | None, typer.Option("--photos", metavar="DIR", help="The photos' folder; default: the manifest's.")
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The figures as JSON.")]
Output = Annotated[Path, typer.Option("--output", metavar="CSV", help="The manifest that is written.")]


@data_app.command()
def validate(manifest: Manifest, photos: Photos = None, json: Json = None) -> None:
    """Judge a data set: schema, files, near-duplicates, licences, splits, leanings; exit code 1 for errors.

    Photos are named by the number of their row; no file name, coordinate or camera value is shown.

    Example: `pangaea data validate examples/photos --json report.json`
    """
    from training.data import run  # noqa: PLC0415 - no other command pays for it

    raise typer.Exit(run.validate(run.Where(manifest=manifest, photos=photos), json))


@data_app.command()
def split(
    *,
    manifest: Manifest,
    output: Output,
    by_source: Annotated[
        Path | None,
        typer.Option("--by-source", metavar="CSV", help="Also a split for each source left out whole."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order in which equals are dealt.")] = 0,
    photos: Photos = None,
    json: Json = None,
) -> None:
    """Split a data set 70/15/15 by continent, no group and no near-duplicate across splits.

    Photos without a label, unreadable or sensitive ones are in no split; synthetic ones are in train. Where a
    continent has too few groups for all splits, train is served first, then test, and that is said.

    Example: `pangaea data split examples/photos --output split.csv --by-source sources.csv`
    """
    from training.data import run  # noqa: PLC0415 - no other command pays for it

    raise typer.Exit(run.split(run.Where(manifest=manifest, photos=photos), output, by_source, seed, json))


@data_app.command()
def label(
    *,
    manifest: Manifest,
    output: Output,
    review: Annotated[
        Path, typer.Option("--review", metavar="CSV", help="The list of photos that a person should look at.")
    ],
    no_gps: Annotated[bool, typer.Option("--no-gps", help="Make no label from coordinates.")] = False,
    photos: Photos = None,
    json: Json = None,
) -> None:
    """Label photos from metadata that is sure, and list those that a person should look at.

    Labels that are there are kept; one that metadata contradicts is listed. Where both are there, it is said
    how often they agree.

    Example: `pangaea data label examples/photos --output labelled.csv --review review.csv`
    """
    from training.data import run  # noqa: PLC0415 - no other command pays for it

    where = run.Where(manifest=manifest, photos=photos)
    raise typer.Exit(run.label(where, output, review, gps=not no_gps, figures=json))
