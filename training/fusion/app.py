"""The commands of fusion: `pangaea fusion study`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Judge how metadata are fused with the image's answer.")


@app.callback()
def fusion() -> None:
    """Judge how metadata are fused with the image's answer."""


@app.command()
def study(
    draws: Annotated[int, typer.Option(help="Draws of simulated evidence a photo.", min=1, max=100)] = 12,
    repeats: Annotated[
        int, typer.Option(help="Repeats of the experiment with known truth.", min=2, max=100)
    ] = 5,
    output: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """Fit and judge the fusion models on sources that they were not fitted on; some minutes.

    Example: `pangaea fusion study --draws 4 --json fusion.json`
    """
    from local.progress import shown  # noqa: PLC0415 - heavy imports stay inside the commands
    from training import embeddings, evaluate, heads  # noqa: PLC0415 - likewise
    from training.fusion.study import Size  # noqa: PLC0415 - likewise
    from training.fusion.study import study as run  # noqa: PLC0415 - likewise
    from training.places import EMBEDDINGS  # noqa: PLC0415 - likewise

    photos = embeddings.load(EMBEDDINGS)
    with shown() as tell:
        tell("heads", 0, 1)
        folds = evaluate.leave_sources_out(photos, heads.Recipe())
        document = run(photos, folds, size=Size(draws=draws, repeats=repeats), tell=tell)
    if output is not None:
        output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for line in summary(document):
        typer.echo(line)


def summary(document: dict[str, Any]) -> list[str]:
    """The study in a few lines."""
    head = (
        f"{document['n']} photos of {document['sources']} sources, {document['draws']} draws of simulated"
        " evidence each; every source judged by models that were not fitted on its photos"
    )
    lines = [head]
    for which, models in document["models"].items():
        lines += [
            f"{which}: {name}: loss {_interval(one['nll'])}, right {_interval(one['accuracy'])},"
            f" ECE {one['ece']['value']:.3f} ({one['ece']['if_calibrated']:.3f} if calibrated)"
            for name, one in models.items()
        ]
        lines += [
            f"{which}: gated less {name}: {_interval(one)} nats"
            for name, one in document["gated_minus_others_nll"][which].items()
        ]
    lines.append(f"ships: {document['chosen']}")
    lines += [
        f"{name.replace('_', ' ')}: {one['hits']['value']:.2f} found at {one['false_alarms']['value']:.3f}"
        f" false alarms, area {_interval(one['area'])}"
        f"{'' if one['threshold'] is not None else '; tells nothing, flags nothing'}"
        for name, one in document["conflict"].items()
    ]
    return lines


def _interval(one: dict[str, float]) -> str:
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
